"""Whether a finding is commented on in a pull request: one pure function, and the reasons it gives.

The order of the questions is the policy. Nothing here asks a model, a host or the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from findings.models import Confidence, Product, Recommendation
from notifications.models import Outcome
from orgs.models import NoiseFilterMode
from rules.models import Mode, Severity


class Reason(StrEnum):
    """Why it was commented or not; the page has words for each."""

    # Not commented
    NOT_CONNECTED = "not_connected"
    COMMENTS_OFF = "comments_off"
    RULE_MONITORS = "rule_monitors"
    RULE_DISABLED = "rule_disabled"
    NOT_NEW = "not_new"
    IGNORED = "ignored"
    # Held back
    LIKELY_FALSE_POSITIVE = "likely_false_positive"
    # Commented
    BLOCKS = "blocks"
    DISAGREED = "disagreed"
    FILTER_OFF = "filter_off"
    OTHER_PRODUCT = "other_product"
    NOT_ANALYSED = "not_analysed"
    TRUE_POSITIVE = "true_positive"
    UNSURE = "unsure"
    LOW_CONFIDENCE = "low_confidence"
    NO_SECOND_VOTE = "no_second_vote"
    TOLD_OF_DOUBT = "told_of_doubt"
    ALREADY_COMMENTED = "already_commented"


@dataclass(frozen=True)
class Situation:
    """All that the decision is made from.

    `recommendation` is empty where there is no verdict, whatever the cause: the provider is down, the budget spent, the
    cap reached, the deadline passed. `needs_second_vote` is true for critical findings and careful CWEs;
    `has_second_vote` says that a second look agreed. `is_commented` says that the pull request has a comment already.
    """

    mode: str
    severity: int
    product: str
    is_connected: bool
    comments_on: bool
    is_new: bool
    is_ignored: bool
    is_commented: bool
    has_disagreement: bool
    recommendation: str
    confidence: str
    needs_second_vote: bool
    has_second_vote: bool
    filter_on: bool
    filter_mode: str
    tells_verdicts: bool


@dataclass(frozen=True)
class Decision:
    """What becomes of the finding in the pull request, and why."""

    outcome: Outcome
    reason: Reason


def decide(situation: Situation) -> Decision:
    """Decide whether a finding is commented on. Silence never hides one: without a verdict it is commented."""
    if (reason := _why_not(situation)) is not None:
        return Decision(Outcome.NOT_COMMENTED, reason)
    if situation.recommendation != Recommendation.IGNORE:
        return Decision(Outcome.COMMENTED, _why_shown(situation))
    with_doubt = Outcome.WITH_NOTICE if situation.tells_verdicts else Outcome.COMMENTED
    if (reason := _why_not_held_back(situation)) is not None:
        return Decision(Outcome.COMMENTED if reason == Reason.DISAGREED else with_doubt, reason)
    if situation.is_commented:
        return Decision(with_doubt, Reason.ALREADY_COMMENTED)  # a late verdict edits what was posted
    return Decision(Outcome.HELD_BACK, Reason.LIKELY_FALSE_POSITIVE)


def needs_second_vote(*, severity: int, cwes: list[str], careful_cwes: str) -> bool:
    """Tell whether one verdict is not enough to hold a comment back (product 5.5)."""
    return severity >= Severity.CRITICAL or bool(set(cwes) & set(careful_cwes.split()))


def _why_not(situation: Situation) -> Reason | None:
    if not situation.is_connected:
        return Reason.NOT_CONNECTED
    if not situation.comments_on:
        return Reason.COMMENTS_OFF
    if situation.mode == Mode.DISABLED:
        return Reason.RULE_DISABLED
    if situation.mode == Mode.MONITOR:
        return Reason.RULE_MONITORS
    if not situation.is_new:
        return Reason.NOT_NEW
    return Reason.IGNORED if situation.is_ignored else None


def _why_shown(situation: Situation) -> Reason:
    if situation.mode == Mode.BLOCK:
        return Reason.BLOCKS
    match situation.recommendation:
        case Recommendation.FIX:
            return Reason.TRUE_POSITIVE
        case Recommendation.UNSURE:
            return Reason.UNSURE
        case _:
            return Reason.NOT_ANALYSED


def _why_not_held_back(situation: Situation) -> Reason | None:
    """Return why a likely false positive is commented on all the same, None where it may be held back."""
    if situation.has_disagreement:
        return Reason.DISAGREED
    if situation.mode == Mode.BLOCK:
        return Reason.BLOCKS
    if not situation.filter_on:
        return Reason.FILTER_OFF
    if situation.product != Product.CODE:
        return Reason.OTHER_PRODUCT
    if situation.confidence == Confidence.LOW:
        return Reason.LOW_CONFIDENCE
    if situation.needs_second_vote and not situation.has_second_vote:
        return Reason.NO_SECOND_VOTE
    if situation.filter_mode == NoiseFilterMode.NOTIFY:
        return Reason.TOLD_OF_DOUBT
    return None
