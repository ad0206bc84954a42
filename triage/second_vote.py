"""The second look: which findings need one before anything is held back, and what it makes of the first verdict.

One verdict is not enough for critical findings and for weaknesses that are often called harmless by mistake. The second
question argues from the other side; only where both answers agree does the false positive stand on two votes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rules.models import Severity
from triage import evidence, injection
from triage.answers import Confidence, SecondVoteAnswer, Verdict, VerdictAnswer
from triage.evidence import CheckedQuote
from triage.excerpt import Excerpt

LONGEST_REASON = 300


@dataclass(frozen=True)
class SecondVote:
    """What became of the second look; with an empty `value` there was none, and `missing_because` says why."""

    value: str = ""
    explanation: str = ""
    model_call_id: int | None = None
    missing_because: str = ""

    @property
    def disagrees(self) -> bool:
        """Whether it was given and does not call the finding a false positive."""
        return bool(self.value) and self.value != Verdict.FALSE_POSITIVE


NOT_NEEDED = SecondVote()


def needs_second_vote(*, severity: int, cwes: Iterable[str], careful_cwes: str) -> bool:
    """Tell whether one verdict is not enough to hold a comment back; `careful_cwes` as the setting keeps them."""
    return severity >= Severity.CRITICAL or not set(careful_cwes.split()).isdisjoint(cwes)


def missing(why: str) -> SecondVote:
    """Return that no second vote was given, and why."""
    return SecondVote(missing_because=why[:LONGEST_REASON])


def counted(answer: SecondVoteAnswer, checked: tuple[CheckedQuote, ...], shown: Excerpt) -> VerdictAnswer:
    """Return what a second answer counts for, after the checks that the first one went through as well.

    One that calls the finding prevented without being sure counts as unsure: such a vote carries nobody.
    """
    settled = injection.bar(evidence.settle(answer.as_verdict(), checked), injection.in_excerpt(shown))
    if settled.verdict is Verdict.FALSE_POSITIVE and settled.confidence is Confidence.LOW:
        return evidence.unsettled(settled, "It is not sure enough of that to count.")
    return settled


def after_second_look(first: VerdictAnswer, vote: SecondVote) -> VerdictAnswer:
    """Return the first answer, or unsure where the second look disagrees with it."""
    if not vote.disagrees:
        return first
    return evidence.unsettled(first, "A second look did not agree that it is a false positive.")
