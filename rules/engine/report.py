"""What the engine answers: its JSON report read into matches and messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from rules.engine.errors import RuleError

# Semgrep's names of errors about rules; those of the normal front end come after those of the fast one.
RULE_ERRORS = frozenset(
    {
        "Rule parse error",
        "Invalid YAML",
        "Incompatible rule",
        "Missing plugin",
        "Pattern parse error",
        "PatternParseError",
        "InvalidRuleSchemaError",
        "UnknownLanguageError",
    }
)
# The ordinary front end calls everything else by one name; only its words tell.
UNNAMED_ERROR = "SemgrepError"
ABOUT_A_RULES_FILE = ("Invalid YAML", "Empty configuration", "invalid configuration")
PARSE_ERRORS = frozenset({"PartialParsing", "Syntax error", "Lexical error", "Other syntax error", "AST builder error"})


@dataclass(frozen=True)
class Match:
    """One place that a rule matches; lines and columns from 1 in characters, the end column one past the last one.

    `rule_id` is the id as written in the rule, `text` exactly what was matched.
    """

    rule_id: str
    path: str
    start_line: int
    start_column: int
    end_line: int
    end_column: int
    text: str
    message: str = ""
    severity: str = ""


@dataclass(frozen=True)
class EngineResult:
    """What the rules found in some files.

    `refused` are rules that could not be run while others were. On a path in `partially_parsed` or `unfinished`
    (time or memory ran out there) that no rule matches proves nothing.
    """

    matches: tuple[Match, ...]
    errors: tuple[str, ...] = ()
    partially_parsed: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    refused: tuple[RuleError, ...] = ()


class Position(BaseModel):
    """A place in a file; `col` and `offset` count bytes."""

    line: int
    col: int
    offset: int = -1


class Extra(BaseModel):
    """What a result says beyond its place."""

    message: str = ""
    severity: str = ""


class Result(BaseModel):
    """A match as the engine writes it."""

    check_id: str
    path: str
    start: Position
    end: Position
    extra: Extra = Field(default_factory=Extra)


class Complaint(BaseModel):
    """An error as the engine writes it; `type` is a name, or a list of a name and its details."""

    type: str | list[Any] = ""  # the details differ by name and are not read
    message: str = ""
    long_msg: str = ""
    rule_id: str = ""
    path: str = ""
    spans: list[dict[str, Any]] = Field(default_factory=list)  # only `start.line` is read, where it is there

    @property
    def name(self) -> str:
        """The error's name alone."""
        return self.type if isinstance(self.type, str) else str(self.type[0]) if self.type else ""

    @property
    def is_about_rules(self) -> bool:
        """Whether the error lies in the rules, not in a file or in the engine."""
        return self.name in RULE_ERRORS or (
            self.name == UNNAMED_ERROR and (self.message or self.long_msg).startswith(ABOUT_A_RULES_FILE)
        )

    @property
    def is_failure(self) -> bool:
        """Whether the engine itself gave up."""
        return self.name in {UNNAMED_ERROR, "Fatal error"} and not self.path and not self.is_about_rules

    @property
    def text(self) -> str:
        """What went wrong, without the lines that repeat where."""
        text = self.message or self.long_msg
        head, _, rest = text.partition("\n")
        return rest.strip() if head.startswith("Rule parse error in rule") and rest.strip() else text.strip()


class Report(BaseModel):
    """The engine's JSON report, as far as it is read here."""

    results: list[Result]
    errors: list[Complaint] = Field(default_factory=list)

    @property
    def about_rules(self) -> list[Complaint]:
        """The errors that lie in the rules, not in the files."""
        return [error for error in self.errors if error.is_about_rules]


def read_report(output: bytes) -> Report | None:
    """Return the report in the engine's output; None where there is none, or one that says that the engine gave up."""
    try:
        report = Report.model_validate_json(output)
    except ValidationError:
        return None
    return None if any(error.is_failure for error in report.errors) else report


def result_of(report: Report, files: dict[str, str], *, under: str, refused: tuple[RuleError, ...]) -> EngineResult:
    """Return what a report says about the files that were laid out in the folder `under`."""
    prefix = f"{under}/"
    encoded = {path: text.encode() for path, text in files.items()}
    matches = [
        _match(result, encoded[result.path.removeprefix(prefix)], prefix)
        for result in report.results
        if result.path.startswith(prefix) and result.path.removeprefix(prefix) in encoded
    ]
    complaints = [error for error in report.errors if not error.is_about_rules and error.path.startswith(prefix)]
    unparsed = {error.path.removeprefix(prefix) for error in complaints if error.name in PARSE_ERRORS}
    unfinished = {error.path.removeprefix(prefix) for error in complaints if error.name not in PARSE_ERRORS}
    return EngineResult(
        matches=tuple(sorted(set(matches), key=lambda match: (match.path, match.start_line, match.start_column))),
        errors=tuple(error.text.replace(prefix, "") for error in complaints),
        partially_parsed=tuple(sorted(unparsed)),
        unfinished=tuple(sorted(unfinished)),
        refused=refused,
    )


def _match(result: Result, source: bytes, prefix: str) -> Match:
    lines = source.split(b"\n")
    return Match(
        rule_id=result.check_id,
        path=result.path.removeprefix(prefix),
        start_line=result.start.line,
        start_column=_in_characters(lines, result.start),
        end_line=result.end.line,
        end_column=_in_characters(lines, result.end),
        text=source[result.start.offset : result.end.offset].decode(errors="replace"),
        message=result.extra.message,
        severity=result.extra.severity,
    )


def _in_characters(lines: list[bytes], position: Position) -> int:
    line = lines[position.line - 1] if position.line <= len(lines) else b""
    return len(line[: position.col - 1].decode(errors="replace")) + 1
