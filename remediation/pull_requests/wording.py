"""What a fix pull request says: its title, its commit, its body. Whatever others wrote is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from lib import markdown
from lib.text import printable

LONGEST_TITLE = 120
# Both hosts read mentions, references and closing words out of titles and commit messages, where nothing is escaped.
_READ_BY_HOSTS = str.maketrans(dict.fromkeys("@#!&%~$^:\\`", " "))

_FIRST = "This draft removes the cause of a {severity} severity {finding} in {place}, and changes nothing else."
_DISAGREE = (
    "Close this {word}; it is not opened again by itself. If the finding is no problem, say so on {page}. Merging does"
    " not close the finding: the next scan does, when it is gone."
)
_LAST = "<sub>Written by {author}. Read it as you would read a colleague's change: it may be wrong.</sub>"


@dataclass(frozen=True)
class FixProposal:
    """What is told of a fix: texts of the rule and of the model as they came, and the checks as (title, outcome)."""

    rule: str
    path: str
    line: int
    severity: str
    message: str
    cwes: Sequence[str]
    explanation: str
    checks: Sequence[tuple[str, str]]
    finding_url: str
    pull_request_word: str  # "pull request" or "merge request"
    written_by: str  # the model, or Built-in


def title_of(proposal: FixProposal) -> str:
    """Return the title, on one line."""
    return markdown.cut(f"Fix {_plain(proposal.rule)} in {_plain(PurePosixPath(proposal.path).name)}", LONGEST_TITLE)


def commit_message_of(proposal: FixProposal) -> str:
    """Return the message of the one commit."""
    return f"{title_of(proposal)}\n\nThe change removes the cause of a finding:\n{proposal.finding_url}\n"


def body_of(proposal: FixProposal) -> str:
    """Return the body, in Markdown that both hosts read."""
    page = markdown.link("its page", proposal.finding_url)
    cwes = f" ({markdown.line(', '.join(proposal.cwes))})" if proposal.cwes else ""
    parts = [
        _FIRST.format(
            severity=proposal.severity.lower(),
            finding=markdown.link("finding", proposal.finding_url),
            place=markdown.code(f"{proposal.path}:{proposal.line}"),
        ),
        "### Why",
        f"{markdown.code(proposal.rule)}{cwes} says: {markdown.line(proposal.message, most_characters=2000)}",
        "### What changes" if proposal.explanation else "",
        markdown.paragraphs(proposal.explanation),
        "### What was checked",
        "\n".join(f"- {title}: {markdown.line(outcome)}" for title, outcome in proposal.checks),
        "### If you disagree",
        _DISAGREE.format(word=proposal.pull_request_word, page=page),
        _LAST.format(author=markdown.line(proposal.written_by)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _plain(text: str) -> str:
    return " ".join(printable(" ".join(text.split())).translate(_READ_BY_HOSTS).split())
