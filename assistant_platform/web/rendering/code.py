"""Code as numbered, coloured lines, with the match and the quoted evidence marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import PhpLexer, TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound

from findings.models import Finding
from lib.text import printable
from triage.excerpt.shape import shortened

LINES_AROUND_MATCH = 12
LONGEST_COLOURED_CHARACTERS = 60_000
LONGEST_COLOURED_LINES = 2_000

_FORMATTER: HtmlFormatter[str] = HtmlFormatter(nowrap=True)


@dataclass(frozen=True)
class CodeLine:
    """A line to show: `anchor` is its id on the page, `roles` what the evidence says of it."""

    number: int
    anchor: str
    html: SafeString
    is_match: bool
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class CodeSegment:
    """Neighbouring lines; `title` says why they are shown where it is not plain."""

    path: str
    title: str
    lines: tuple[CodeLine, ...]


@dataclass(frozen=True)
class Listing:
    """The code that a finding's page shows, and where each shown line is on the page."""

    segments: tuple[CodeSegment, ...] = ()
    anchors: Mapping[tuple[str, int], str] = field(default_factory=dict)

    def anchor_of(self, path: str, line: int) -> str:
        """Return the id of a line on the page, empty where it is not shown."""
        return self.anchors.get((path, line), "")


def coloured(text: str, path: str) -> list[SafeString]:
    """Return the lines of a text as HTML with Pygments' classes; every character from outside is escaped."""
    # Some lexers read a run of blanks again from each of its lines: blank lines are emptied, and counted.
    lines = [shortened(printable(line)) if line.strip() else "" for line in text.split("\n")]
    if len(lines) <= LONGEST_COLOURED_LINES and sum(map(len, lines)) <= LONGEST_COLOURED_CHARACTERS:
        # The formatter ends each line, the last one too.
        marked = highlight("\n".join(lines), _lexer(path), _FORMATTER).split("\n")[: len(lines)]
        if len(marked) == len(lines):
            return [mark_safe(line) for line in marked]  # noqa: S308  (Pygments escapes what it marks)
    return [mark_safe(escape(line)) for line in lines]  # noqa: S308


@lru_cache(maxsize=128)
def _lexer(path: str) -> Lexer:
    # Pygments strips blank lines at both ends unless told not to, and the numbers would be wrong.
    lexer: Lexer
    try:
        lexer = get_lexer_for_filename(path.rsplit("/", 1)[-1], stripnl=False, ensurenl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False, ensurenl=False)
    if isinstance(lexer, PhpLexer):  # an excerpt of PHP rarely includes its opening tag
        lexer = PhpLexer(startinline=True, stripnl=False, ensurenl=False)
    return lexer


def listing(
    finding: Finding, *, excerpt: Sequence[Mapping[str, Any]], source: str | None, evidence: Iterable[Mapping[str, Any]]
) -> Listing:
    """Return the code of a finding: the excerpt that was judged, else the lines around the match, else the match."""
    parts = [_Part.of(segment) for segment in excerpt] or _parts_without_verdict(finding, source)
    roles = _roles_by_line(evidence)
    anchors: dict[tuple[str, int], str] = {}
    segments = []
    for number, part in enumerate(parts):
        lines = []
        for line_number, html in enumerate(coloured("\n".join(part.lines), part.path), part.start_line):
            own = part.path == finding.path
            anchor = f"L{line_number}" if own else f"F{number}L{line_number}"
            if (part.path, line_number) in anchors:
                anchor = f"{anchor}-{number}"  # shown twice: the first is the one that links lead to
            anchors.setdefault((part.path, line_number), anchor)
            lines.append(
                CodeLine(
                    number=line_number,
                    anchor=anchor,
                    html=html,
                    is_match=own and finding.start_line <= line_number <= finding.end_line,
                    roles=roles.get((part.path, line_number), ()),
                )
            )
        segments.append(CodeSegment(path=part.path, title=part.why, lines=tuple(lines)))
    return Listing(segments=tuple(segments), anchors=anchors)


@dataclass(frozen=True)
class _Part:
    path: str
    start_line: int
    lines: Sequence[str]
    why: str = ""

    @classmethod
    def of(cls, segment: Mapping[str, Any]) -> _Part:
        return cls(segment["path"], segment["start_line"], segment["lines"], segment.get("why", ""))


def _parts_without_verdict(finding: Finding, source: str | None) -> list[_Part]:
    if source is not None:
        lines = source.splitlines()
        first = max(finding.start_line - LINES_AROUND_MATCH, 1)
        shown = lines[first - 1 : finding.end_line + LINES_AROUND_MATCH]
        if shown:
            return [_Part(finding.path, first, shown)]
    if finding.matched_lines:
        return [_Part(finding.path, finding.start_line, finding.matched_lines.split("\n"))]
    return []


def _roles_by_line(evidence: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], tuple[str, ...]]:
    roles: dict[tuple[str, int], tuple[str, ...]] = {}
    for quote in evidence:
        if not quote.get("holds"):
            continue
        for number in range(quote["start_line"], quote["end_line"] + 1):
            known = roles.get((quote["path"], number), ())
            if quote["role"] not in known:
                roles[quote["path"], number] = (*known, quote["role"])
    return roles
