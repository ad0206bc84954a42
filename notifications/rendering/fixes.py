"""The fix in a comment: a suggestion to be applied with one click where that is exactly the fix, else lines to read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from lib.languages import language_of
from lib.text import printable
from notifications.messages import CommentPlace, FindingComment, Fix, FixOrigin, LineEdit
from notifications.rendering import escaping

# GitLab takes at most 100 lines above and below the line of the comment.
MOST_LINES_AWAY = 100
MOST_LINES_WIDE = 30
MOST_SHOWN_CHARACTERS = 10_000
_QUICK_ACTION = re.compile(r"/[A-Za-z_]")
# Names by which both hosts colour code; others mean something else to one of them (mermaid, math, suggestion).
_COLOURED = frozenset(
    {"python", "javascript", "typescript", "java", "go", "ruby", "php", "csharp", "kotlin", "c", "cpp", "rust"}
    | {"scala", "swift", "bash", "yaml", "json", "html", "xml"}
)


class Dialect(StrEnum):
    """Whose Markdown it is."""

    GITHUB = "github"
    GITLAB = "gitlab"


class NoSuggestion(Exception):
    """The fix cannot be applied with one click; the text says why, empty where there is nothing to say."""


@dataclass(frozen=True)
class Suggestion:
    """Lines of the file, from the first to the last, that give way to others."""

    first_line: int
    last_line: int
    lines: tuple[str, ...]


def fix_of(message: FindingComment, *, dialect: Dialect) -> str:
    """Return the section on the fix, empty where there is none to show."""
    fix = message.fix
    if fix is None:
        return ""
    try:
        suggestion = suggestion_for(message, dialect=dialect)
    except NoSuggestion as reason:
        return _to_read(fix, message.path, str(reason))
    return "\n\n".join(
        part for part in (_introduced(fix), _explained(fix), _fenced(suggestion, message, dialect)) if part
    )


def suggestion_for(message: FindingComment, *, dialect: Dialect) -> Suggestion:
    """Return the fix as a suggestion at the comment's lines. Raise NoSuggestion."""
    fix, place = message.fix, message.place
    if fix is None or not fix.is_trusted:
        raise NoSuggestion("")
    if not fix.edits:
        raise NoSuggestion("the lines around it are not known here")
    if len({edit.path for edit in fix.edits}) > 1:
        raise NoSuggestion("it changes several files")
    if place is None or fix.edits[0].path != place.path:
        raise NoSuggestion("this comment does not stand on the lines that it changes")
    if message.shares_line:
        raise NoSuggestion("several findings share these lines, and one suggestion would undo another")
    if fix.has_crlf:
        raise NoSuggestion("the lines of this file end in CR LF, which applying a suggestion would change")
    if not all(edit.is_exact for edit in fix.edits):
        raise NoSuggestion("it changes how the file ends")
    return _checked(_covering(fix, place, dialect), dialect)


def _covering(fix: Fix, place: CommentPlace, dialect: Dialect) -> Suggestion:
    """Return the lines that the suggestion replaces, those between its edits and around them included.

    GitHub replaces exactly the lines of the comment; GitLab is told how far above and below.
    """
    edits = sorted(fix.edits, key=lambda edit: edit.start_line)
    first = min(edits[0].start_line, place.first_line)
    last = max(*(edit.end_line for edit in edits), place.line)
    if dialect is Dialect.GITHUB:
        if edits[0].start_line < place.first_line or last > place.line:
            raise NoSuggestion("it changes lines other than those that this comment stands on")
        first, last = place.first_line, place.line
    elif place.line - first > MOST_LINES_AWAY or last - place.line > MOST_LINES_AWAY:
        raise NoSuggestion("it changes lines too far from this comment")
    known = dict(fix.known_lines)
    lines: list[str] = []
    number = first
    for edit in edits:
        lines.extend(_known(known, number, edit.start_line))
        lines.extend(edit.new_lines)
        number = edit.end_line + 1
    lines.extend(_known(known, number, last + 1))
    return Suggestion(first, last, tuple(lines))


def _known(known: dict[int, str], start: int, end: int) -> list[str]:
    try:
        return [known[number] for number in range(start, end)]
    except KeyError:
        raise NoSuggestion("the lines around it are not known here") from None


def _checked(suggestion: Suggestion, dialect: Dialect) -> Suggestion:
    if any(printable(one) != one for one in suggestion.lines):
        raise NoSuggestion("its lines hold characters that do not show")
    if dialect is Dialect.GITLAB and any(_QUICK_ACTION.match(one) for one in suggestion.lines):
        raise NoSuggestion("GitLab would take one of its lines for a command")
    return suggestion


def _fenced(suggestion: Suggestion, message: FindingComment, dialect: Dialect) -> str:
    fence = escaping.fence_for(list(suggestion.lines))
    name = "suggestion"
    if dialect is Dialect.GITLAB and message.place is not None:
        line = message.place.line
        name = f"suggestion:-{line - suggestion.first_line}+{suggestion.last_line - line}"
    return "\n".join([f"{fence}{name}", *suggestion.lines, fence])


def _to_read(fix: Fix, path: str, reason: str) -> str:
    diff = fix.diff if len(fix.diff) <= MOST_SHOWN_CHARACTERS else ""
    shown = _change(diff) if diff else _code(fix, path)
    if not shown:
        return ""
    if not fix.is_trusted:
        return _joined(_introduced(fix), _explained(fix), shown)
    why = f"It cannot be applied with one click: {reason}."
    return _joined(_introduced(fix), _explained(fix), why, shown)


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _change(diff: str) -> str:
    return escaping.block(diff, language="diff")


def _code(fix: Fix, path: str) -> str:
    if not fix.code.strip() or len(fix.code) > MOST_SHOWN_CHARACTERS:
        return ""
    return escaping.block(fix.code, language=coloured(path))


def coloured(path: str) -> str:
    """Return the name by which hosts colour a file's code, empty where they might make something else of it."""
    language = language_of(path)
    return language if language in _COLOURED else ""


def _introduced(fix: Fix) -> str:
    if fix.origin is FixOrigin.RULE:
        return "**Fix**, as the rule itself gives it. It has not been tried on your code."
    sure = f", {fix.confidence} confidence" if fix.confidence else ""
    if fix.is_verified:
        return f"**Fix by the Assistant**, verified{sure}. The rule was run on the changed code and is silent."
    return f"**Unverified change by the Assistant**{sure}. Not every check could be passed: read it with care."


def _explained(fix: Fix) -> str:
    return escaping.paragraphs(fix.explanation, most_characters=2000)


def wanted_place(message: FindingComment) -> tuple[int, int]:
    """Return the (first, last) line that a comment is best put on: the finding's, widened to what its fix changes.

    A host that takes a suggestion only for the comment's own lines then takes it.
    """
    first, last = message.start_line, message.end_line
    fix = message.fix
    if fix is None or not fix.is_trusted or {edit.path for edit in fix.edits} != {message.path}:
        return first, last
    wide_first = min(first, *(edit.start_line for edit in fix.edits))
    wide_last = max(last, *(_last_touched(edit) for edit in fix.edits))
    known = {number for number, _ in fix.known_lines}
    if wide_last - wide_first > MOST_LINES_WIDE or not known.issuperset(range(wide_first, wide_last + 1)):
        return first, last
    return wide_first, wide_last


def _last_touched(edit: LineEdit) -> int:
    return max(edit.end_line, edit.start_line - 1)
