"""Does a fix cheat? Each check knows one way to silence a rule without making the code safe.

What they cannot see: a new function that only looks like a sanitizer, a feature weakened by words that are all new.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from findings.context import FindingContext
from remediation.gates.cheating import deletion, disguise, suppression
from remediation.gates.cheating.comparison import Comparison
from remediation.gates.patching import FileChange
from remediation.gates.results import Gate, GateResult, Outcome
from remediation.gates.tokens import LONGEST_SOURCE

# Each answers what it found as the end of a sentence, or an empty text.
CHECKS: tuple[Callable[[Comparison], str], ...] = (
    suppression.adds_suppression,
    suppression.configures_scanner,
    deletion.comments_out,
    deletion.is_never_reached,
    deletion.removes_function,
    deletion.empties_function,
    deletion.deletes_much,
    disguise.looks_up_by_name,
    disguise.refers_to_sink,
    disguise.splits_text,
    disguise.keeps_secret,
    disguise.inverts_condition,
    disguise.only_rearranged,
    deletion.drops_calls,
    deletion.drops_statement,
    deletion.drops_value,
)


def check(*, context: FindingContext, changes: Sequence[FileChange]) -> GateResult:
    """Return whether a fix only hides what was found."""
    for change in changes:
        if max(len(change.before), len(change.after)) > LONGEST_SOURCE:
            return GateResult(Gate.NO_CHEATING, Outcome.NOT_RUN, f"{change.path} is too long to be compared.")
        comparison = Comparison(context, change)
        for look in CHECKS:
            complaint = look(comparison)
            if complaint:
                return GateResult(Gate.NO_CHEATING, Outcome.FAILED, f"The change hides the problem: {complaint}.")
    return GateResult(Gate.NO_CHEATING, Outcome.PASSED, "Nothing is suppressed, deleted or disguised.")
