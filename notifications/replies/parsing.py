"""What somebody's reply asks for. Pure; knows nothing of who wrote it, or below what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

LONGEST_TEXT = 3000  # as long as a decision's comment may be


class Wish(StrEnum):
    """What a command asks for."""

    FALSE_POSITIVE = "fp"
    ACCEPTABLE_RISK = "ar"
    OTHER = "other"
    OPEN = "open"
    AGREE = "assistant agree"
    DISAGREE = "assistant disagree"
    REMEMBER = "assistant remember"
    UNCLEAR = "assistant"


# Ignoring needs a reason, and remembering something to remember.
NEEDS_TEXT = frozenset({Wish.FALSE_POSITIVE, Wish.ACCEPTABLE_RISK, Wish.OTHER, Wish.REMEMBER})
EXAMPLES = {
    Wish.FALSE_POSITIVE: "/fp the value is a constant",
    Wish.ACCEPTABLE_RISK: "/ar only reachable from the internal network",
    Wish.OTHER: "/other handled in another pull request",
    Wish.REMEMBER: "/assistant remember our function clean() makes such values safe",
}


@dataclass(frozen=True)
class Command:
    """One command: what it asks for, and the words after it, at most LONGEST_TEXT characters."""

    wish: Wish
    text: str = ""

    @property
    def lacks_text(self) -> bool:
        """Whether it cannot be carried out for want of words."""
        return self.wish in NEEDS_TEXT and not self.text


# The longer spellings first. `/semgrep …` is what people know from elsewhere.
_SPELLINGS = (
    ("/semgrep assistant agree", Wish.AGREE),
    ("/semgrep assistant disagree", Wish.DISAGREE),
    ("/semgrep assistant remember", Wish.REMEMBER),
    ("/semgrep remember", Wish.REMEMBER),
    ("/semgrep ignore", Wish.OTHER),
    ("/semgrep open", Wish.OPEN),
    ("/semgrep assistant", Wish.UNCLEAR),
    ("/assistant agree", Wish.AGREE),
    ("/assistant disagree", Wish.DISAGREE),
    ("/assistant remember", Wish.REMEMBER),
    ("/assistant", Wish.UNCLEAR),
    ("/remember", Wish.REMEMBER),
    ("/fp", Wish.FALSE_POSITIVE),
    ("/ar", Wish.ACCEPTABLE_RISK),
    ("/other", Wish.OTHER),
    ("/open", Wish.OPEN),
)
_FENCE = re.compile(r" {0,3}(?P<ticks>`{3,}|~{3,})(?P<name>[^`]*)$")


def command_in(body: str) -> Command | None:
    """Return the first command of a comment, None where there is none.

    A command begins its line, outside of code, quotes and hidden text. Its words go on to the end of the paragraph.
    """
    lines = list(_lines_said(body))
    for number, line in enumerate(lines):
        if found := _begun(" ".join(line.split())):
            wish, rest = found
            words = " ".join([rest, *_rest_of_paragraph(lines[number + 1 :])])
            return Command(wish, _cut(" ".join(words.replace("\x00", "").split())))
    return None


def _begun(line: str) -> tuple[Wish, str] | None:
    """Return what a line asks for, and its words; None where it is no command."""
    for spelling, wish in _SPELLINGS:
        if line[: len(spelling)].lower() == spelling and line[len(spelling) : len(spelling) + 1] in {"", " "}:
            return wish, line[len(spelling) :]
    return None


def _rest_of_paragraph(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if not line.strip() or line.lstrip().startswith("/"):
            return
        yield line


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _lines_said(body: str) -> Iterator[str]:
    """Yield the lines that their author says: not quoted, no code, not hidden. Others end a paragraph as blank ones."""
    fence = ""
    is_hidden = False
    for line in body.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        found = _FENCE.match(line)
        if fence:
            is_end = found and found["ticks"][0] == fence[0] and len(found["ticks"]) >= len(fence)
            fence = "" if is_end and not found["name"].strip() else fence  # type: ignore[index]  # `is_end` says found
            yield ""
        elif is_hidden:
            is_hidden = "-->" not in line
            yield ""
        elif found:
            fence = found["ticks"]
            yield ""
        elif line.lstrip().startswith("<!--"):
            is_hidden = "-->" not in line
            yield ""
        else:
            is_quoted = line.lstrip().startswith(">") or line.startswith(("    ", "\t"))
            yield "" if is_quoted else line
