"""What an excerpt is, and how it reads in a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from findings.context import Span, TraceStep
from lib.text import printable

LONGEST_LINE = 400


class Reason(StrEnum):
    """Why lines are shown."""

    IMPORTS = "imports"
    FUNCTION = "function"
    BLOCK = "block"
    WINDOW = "lines around the match"
    TRACE = "dataflow"
    CALLED = "called on the way"


@dataclass(frozen=True)
class Segment:
    """Neighbouring lines of one file; the first is `start_line`, counted from 1 in the whole file."""

    path: str
    start_line: int
    lines: tuple[str, ...]
    why: Reason

    @property
    def end_line(self) -> int:
        """The number of the last line."""
        return self.start_line + len(self.lines) - 1


@dataclass(frozen=True)
class Excerpt:
    """The code around a finding; without segments where the file could not be read.

    `enclosing_function` is the dotted name of what the match stands in, empty at the top of a file.
    """

    path: str
    match: Span
    segments: tuple[Segment, ...] = ()
    trace: tuple[TraceStep, ...] = ()
    enclosing_function: str = ""

    @property
    def line_count(self) -> int:
        """How many lines of code are shown."""
        return sum(len(segment.lines) for segment in self.segments)

    def as_text(self) -> str:
        """Return the excerpt for a prompt: numbered lines, the matched ones marked `>`, gaps and the dataflow said."""
        parts: list[str] = []
        before: Segment | None = None
        for segment in self.segments:
            if before and before.path == segment.path and before.why == segment.why:
                parts.append(f"      … {_count(segment.start_line - before.end_line - 1)} left out …")
            else:
                parts.append(f"{printable(segment.path)} ({self._title(segment)})")
            parts.extend(self._numbered(segment))
            before = segment
        if self.trace:
            parts.append("Dataflow, in order")
            parts.extend(_step(step) for step in self.trace)
        return "\n".join(parts)

    def _title(self, segment: Segment) -> str:
        named = segment.why is Reason.FUNCTION and self.enclosing_function
        return f"{segment.why} {printable(self.enclosing_function)}" if named else segment.why

    def _numbered(self, segment: Segment) -> list[str]:
        numbered = []
        for number, line in enumerate(segment.lines, segment.start_line):
            matched = segment.path == self.path and self.match.start_line <= number <= self.match.end_line
            numbered.append(f"{'>' if matched else ' '}{number:5} | {line}".rstrip())
        return numbered


def _count(lines: int) -> str:
    return f"{lines} line" if lines == 1 else f"{lines} lines"


def _step(step: TraceStep) -> str:
    place = f"{printable(step.path)}:{step.span.start_line}"
    return f"  {step.role}: {place} {printable(shortened(step.text))}".rstrip()


def shortened(line: str, *, around_column: int = 1) -> str:
    """Return a line cut to a readable length around a column, saying how many characters were left out on each side."""
    if len(line) <= LONGEST_LINE:
        return line
    start = min(max(around_column - 1 - LONGEST_LINE // 4, 0), len(line) - LONGEST_LINE)
    end = start + LONGEST_LINE
    before = f"… {start} characters … " if start else ""
    after = f" … {len(line) - end} characters …" if end < len(line) else ""
    return before + line[start:end] + after
