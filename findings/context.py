"""A finding with the code it stands in, free of the database.

What excerpts, facts, recipes, gates and prompts work on, so that each can be tried on a plain file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from lib.languages import language_of
from lib.syntax import lines_of


@dataclass(frozen=True)
class Span:
    """A range of a file as Semgrep writes it: lines and columns from 1, the end column one past the last character."""

    start_line: int
    start_column: int
    end_line: int
    end_column: int


class TraceRole(StrEnum):
    """What a step of a dataflow trace does."""

    SOURCE = "source"
    INTERMEDIATE = "intermediate"
    SINK = "sink"


@dataclass(frozen=True)
class TraceStep:
    """One step of a dataflow trace (SARIF `threadFlowLocation`, Semgrep `dataflow_trace`)."""

    role: TraceRole
    path: str
    span: Span
    text: str


@dataclass(frozen=True)
class RuleContext:
    """The rule behind a finding; `cwe` as `CWE-79`, `owasp` as `A03:2021`, `yaml` empty when its text is unknown."""

    identifier: str
    message: str
    severity: str
    cwe: tuple[str, ...] = ()
    owasp: tuple[str, ...] = ()
    category: str = ""
    technology: tuple[str, ...] = ()
    yaml: str = ""

    @property
    def name(self) -> str:
        """The last part of the identifier, which is what people call the rule."""
        return self.identifier.rsplit(".", 1)[-1]

    @property
    def cwe_numbers(self) -> frozenset[int]:
        """The CWE numbers, for looking things up."""
        return frozenset(int(entry.removeprefix("CWE-")) for entry in self.cwe)


def no_other_file(path: str) -> str | None:
    """Stand in for a reader where only the finding's own file is known."""
    return None


@dataclass(frozen=True)
class FindingContext:
    """One finding and the text of its file; `source` is None where the file could not be read.

    `read_file` answers the text of another file at the same commit, or None.
    """

    rule: RuleContext
    path: str
    span: Span
    source: str | None
    rule_fix: str = ""
    trace: tuple[TraceStep, ...] = ()
    read_file: Callable[[str], str | None] = field(default=no_other_file, compare=False)

    @property
    def language(self) -> str:
        """Semgrep's id of the file's language."""
        return language_of(self.path)

    @property
    def lines(self) -> list[str]:
        """The file's lines without their ends; empty where the file could not be read."""
        return lines_of(self.source) if self.source is not None else []

    @property
    def matched_text(self) -> str:
        """The whole lines that the rule matched, as Semgrep's `extra.lines` gives them."""
        return "\n".join(self.lines[self.span.start_line - 1 : self.span.end_line])

    def text_of(self, path: str) -> str | None:
        """Return the text of the finding's own file or of another one."""
        return self.source if path == self.path else self.read_file(path)
