"""What an analysis came to, in order, with its counts and its exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant_platform.analyze.request import FailOn
from findings.export.finding import ExportedFinding
from findings.models import NotAnalysed, Recommendation

FINE, REACHED, WRONG_INPUT, INCOMPLETE = 0, 1, 2, 3

# Reasons that another run, or another provider, would not have had; the others are how the Assistant works.
UNFINISHED = {NotAnalysed.WAITING, NotAnalysed.UNAVAILABLE, NotAnalysed.BUDGET}
SEVERITY_ORDER = {"critical": 0, "high": 1, "medium": 2, "low": 3}


@dataclass(frozen=True)
class Result:
    """Every finding of the report, worst first; `seconds` by phase, `notes` for whoever ran it."""

    repo: Path
    tool: str
    provider: str
    findings: tuple[ExportedFinding, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: Mapping[str, float]

    @property
    def unfinished(self) -> tuple[ExportedFinding, ...]:
        """The findings that should have a verdict and have none."""
        return tuple(finding for finding in self.findings if finding.not_analysed in UNFINISHED)

    @property
    def is_complete(self) -> bool:
        """Whether every finding that is to be analysed was."""
        return not self.unfinished

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind; an ignored one counts as ignored only."""
        by_kind = Counter(_kind(finding) for finding in self.findings)
        return {
            "total": len(self.findings),
            **{kind: by_kind[kind] for kind in ("fix", "ignore", "unsure", "not_analysed", "ignored")},
            "verified_fixes": sum(1 for finding in self.findings if finding.fix and finding.fix.is_verified),
        }

    def exit_code(self, fail_on: FailOn) -> int:
        """Return 1 where the level is reached, 3 where it is not known because the analysis is incomplete, else 0."""
        counted = {
            FailOn.NEVER: frozenset[str](),
            FailOn.FIX: frozenset({"fix"}),
            FailOn.UNSURE: frozenset({"fix", "unsure"}),
            FailOn.ANY: frozenset({"fix", "unsure", "ignore", "not_analysed"}),
        }[fail_on]
        if any(_kind(finding) in counted for finding in self.findings):
            return REACHED
        return FINE if self.is_complete else INCOMPLETE


def in_order(findings: list[ExportedFinding]) -> tuple[ExportedFinding, ...]:
    """Return findings worst first, then by place."""
    return tuple(
        sorted(
            findings,
            key=lambda finding: (
                SEVERITY_ORDER[finding.severity],
                finding.path,
                finding.span.start_line,
                finding.span.start_column,
                finding.rule.identifier,
            ),
        )
    )


def _kind(finding: ExportedFinding) -> str:
    if finding.triage.is_ignored:
        return "ignored"
    if finding.verdict is None:
        return "not_analysed"
    return {Recommendation.FIX: "fix", Recommendation.IGNORE: "ignore"}.get(
        Recommendation(finding.verdict.recommendation), "unsure"
    )
