"""What came out of checking a fix: one result a gate, and what follows from all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from triage.answers import Confidence


class Gate(StrEnum):
    """The gates in their order: each supposes those before it."""

    APPLIES = "applies"
    PARSES = "parses"
    RULE_SILENT = "rule_silent"
    NO_NEW_FINDING = "no_new_finding"
    NO_CHEATING = "no_cheating"
    IMPORTS_KNOWN = "imports_known"


class Outcome(StrEnum):
    """How a gate ended; one that was not run proves nothing either way."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"


@dataclass(frozen=True)
class GateResult:
    """One line of the checklist; the explanation is for people."""

    gate: Gate
    outcome: Outcome
    explanation: str


# A gate as people read it, on pages and in pull requests.
TITLES: dict[str, str] = {
    Gate.APPLIES: "The change applies",
    Gate.PARSES: "The file still parses",
    Gate.RULE_SILENT: "The rule no longer reports it",
    Gate.NO_NEW_FINDING: "No other rule reports anything new",
    Gate.NO_CHEATING: "The cause is removed, not hidden",
    Gate.IMPORTS_KNOWN: "Everything imported is known here",
}
NEEDED_TO_BE_SHOWN = (Gate.APPLIES, Gate.PARSES, Gate.NO_CHEATING)
LOW_AT_MOST = (Gate.RULE_SILENT, Gate.NO_NEW_FINDING, Gate.IMPORTS_KNOWN)


@dataclass(frozen=True)
class FixCheck:
    """A fix after its gates: their results, the files as it leaves them (path -> text), its diff for `git apply`."""

    results: tuple[GateResult, ...]
    patched: Mapping[str, str] = field(default_factory=dict)
    diff: str = ""

    def outcome_of(self, gate: Gate) -> Outcome:
        """Return how a gate ended."""
        return next((result.outcome for result in self.results if result.gate is gate), Outcome.NOT_RUN)

    @property
    def is_shown(self) -> bool:
        """Whether people may see the fix at all."""
        return all(self.outcome_of(gate) is Outcome.PASSED for gate in NEEDED_TO_BE_SHOWN)

    @property
    def is_verified(self) -> bool:
        """Whether every gate was run and passed: only then may the fix be called verified."""
        return all(self.outcome_of(gate) is Outcome.PASSED for gate in Gate)

    @property
    def highest_confidence(self) -> Confidence | None:
        """The most confidence the gates allow; None where the fix is not shown."""
        if not self.is_shown:
            return None
        if any(self.outcome_of(gate) is Outcome.FAILED for gate in LOW_AT_MOST):
            return Confidence.LOW
        return Confidence.HIGH if self.is_verified else Confidence.MEDIUM
