"""What every scan format is read into: findings, rules, what went wrong. Parsers fill it; no database here."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from findings.context import Span, TraceStep
from findings.ingest.reading import Glance, JsonSource
from findings.ingest.unpacking import ReportUnreadable

__all__ = [
    "Complaints",
    "Problem",
    "Problems",
    "Product",
    "Report",
    "ReportUnreadable",
    "ReportedFinding",
    "ReportedRule",
    "ResultUnusable",
    "ScanError",
    "Severity",
    "SuppressionKind",
]

MAX_PROBLEMS_KEPT = 20
MAX_COMPLAINTS_KEPT = 100
MAX_UNPLACED_KEPT = 1_000
UNPLACED_CHARACTERS = 500


class Severity(StrEnum):
    """How bad a finding is, said by its rule."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Product(StrEnum):
    """Which kind of scanner reported a finding; the Assistant analyses code only."""

    CODE = "code"
    SUPPLY_CHAIN = "supply_chain"
    SECRETS = "secrets"


class SuppressionKind(StrEnum):
    """Where somebody said that a finding is to be ignored: in the source (`nosemgrep`) or in a list outside it."""

    IN_SOURCE = "in_source"
    EXTERNAL = "external"


@dataclass(frozen=True)
class ReportedRule:
    """The rule behind findings, as far as a report tells; Semgrep's JSON gives the message of its first match."""

    identifier: str
    name: str
    message: str
    severity: Severity
    cwe: tuple[str, ...] = ()
    owasp: tuple[str, ...] = ()
    category: str = ""
    technology: tuple[str, ...] = ()
    confidence: str = ""
    help_uri: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportedFinding:
    """One match as its report tells it, cleaned: every text fits a column, every path stays inside the repository.

    `lines` holds the whole matched lines, empty where the report has none; `code_hash` stands for the matched code
    where a scanner withholds it. `confidence` is the rule's: low, medium, high or empty. `rule_fix` replaces exactly
    `span`. `metadata` has the few further facts that are kept.
    """

    rule_identifier: str
    path: str
    span: Span
    message: str
    severity: Severity
    cwe: tuple[str, ...] = ()
    owasp: tuple[str, ...] = ()
    category: str = ""
    confidence: str = ""
    technology: tuple[str, ...] = ()
    lines: str = ""
    code_hash: str = ""
    rule_fix: str = ""
    trace: tuple[TraceStep, ...] = ()
    scanner_fingerprint: str = ""
    is_suppressed: bool = False
    suppression_kind: SuppressionKind | None = None
    suppression_justification: str = ""
    product: Product = Product.CODE
    metadata: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ScanError:
    """Something the scanner itself complained of; `path` is empty where it named no file."""

    message: str
    level: str
    path: str = ""


@dataclass
class Complaints:
    """What the scanner complained of: all is counted, the first few are kept, and every file it failed on.

    `unplaced` has the words of those that name their file, if at all, somewhere in a sentence.
    """

    count: int = 0
    kept: list[ScanError] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    unplaced: list[str] = field(default_factory=list)

    def add(self, error: ScanError) -> None:
        """Count one complaint, and keep what there is room for."""
        self.count += 1
        if len(self.kept) < MAX_COMPLAINTS_KEPT:
            self.kept.append(error)
        if error.path:
            self.paths.add(error.path)
        elif len(self.unplaced) < MAX_UNPLACED_KEPT:
            self.unplaced.append(error.message[:UNPLACED_CHARACTERS])


@dataclass(frozen=True)
class Problem:
    """Why one result of a report could not be used; `position` counts results from 1."""

    position: int
    reason: str


@dataclass
class Problems:
    """The results of a report that could not be used: all are counted, the first few are kept."""

    count: int = 0
    kept: list[Problem] = field(default_factory=list)

    def add(self, *, position: int, reason: str) -> None:
        """Count one unusable result, and keep its reason while there is room."""
        self.count += 1
        if len(self.kept) < MAX_PROBLEMS_KEPT:
            self.kept.append(Problem(position=position, reason=reason))


class ResultUnusable(Exception):
    """One result of a report lacks what a finding needs; the words say what."""


class Report(ABC):
    """One report. Opening it checks the whole file; iterating yields its findings one by one, from the file.

    Use it in a `with` block, which removes its temporary files. Iterating again reads the file again. `rules` grows
    while iterating: the rule of a finding is there when the finding is. `paths_scanned` and `rules_run` are None where
    the format does not tell; `paths_renamed` are former names of files.
    """

    tool_name: str
    tool_version: str
    complaints: Complaints
    paths_scanned: frozenset[str] | None
    rules_run: frozenset[str] | None = None
    paths_renamed: frozenset[str] = frozenset()

    def __init__(self, source: JsonSource) -> None:
        self._source = source
        self.rules: dict[str, ReportedRule] = {}
        self.problems = Problems()
        self.duplicates = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._source.close()

    @classmethod
    @abstractmethod
    def recognises(cls, glance: Glance) -> bool:
        """Answer whether what was seen of a file so far is enough to call it this format."""

    @abstractmethod
    def _raw_results(self) -> Iterator[object]:
        """Yield the results as they stand in the file."""

    @abstractmethod
    def _finding_in(self, raw: object, position: int) -> ReportedFinding | None:
        """Read one result; None where it is none, such as a check that passed. Raise `ResultUnusable`."""

    def __iter__(self) -> Iterator[ReportedFinding]:
        """Yield each finding once. Raise `ReportUnreadable` when not one of the results could be used."""
        self.problems = Problems()
        self.duplicates = 0
        seen: set[bytes] = set()
        for position, raw in enumerate(self._raw_results(), start=1):
            try:
                finding = self._finding_in(raw, position)
            except ResultUnusable as problem:
                self.problems.add(position=position, reason=str(problem))
                continue
            if finding is None:
                continue
            identity = _same_result(finding)
            if identity in seen:
                self.duplicates += 1
                continue
            seen.add(identity)
            yield finding
        if self.problems.count and not seen:
            raise ReportUnreadable(
                f"None of the {self.problems.count} results could be used. The first: {self.problems.kept[0].reason}."
            )


def _same_result(finding: ReportedFinding) -> bytes:
    # Tools that merge runs repeat results word for word; anything less than that is left to the fingerprint.
    text = f"{finding.rule_identifier}\0{finding.path}\0{finding.span}\0{finding.message}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
