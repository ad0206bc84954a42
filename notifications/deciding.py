"""Whether a finding is commented on in a pull request: one pure function, and the reasons it gives.

The order of the questions is the policy. Nothing here asks a model, a host or the database. Whatever is not known for
certain leads to a comment: only what passed every question of the safety floor is held back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from findings.models import Confidence, Product, Recommendation
from notifications.models import Outcome
from orgs.models import NoiseFilterMode
from rules.models import Mode, Severity
from triage.second_vote import needs_second_vote

__all__ = ["Decision", "Reason", "Situation", "decide", "needs_second_vote"]


class Reason(StrEnum):
    """Why it was commented or not; the page has words for each."""

    # Not commented
    NOT_CONNECTED = "not_connected"
    COMMENTS_OFF = "comments_off"
    RULE_MONITORS = "rule_monitors"
    RULE_DISABLED = "rule_disabled"
    NOT_NEW = "not_new"
    IGNORED = "ignored"
    TOO_MANY = "too_many"
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

    `is_new` says that the pull request brings it: it is not on the branch that it goes to, whichever scan of the pull
    request saw it first. `is_commented` says that the pull request has a comment already. `has_disagreement` says that
    somebody disagreed with calling it a false positive, now or of an earlier verdict. `recommendation` is empty where
    there is no verdict, whatever the cause: the provider is down, the budget spent, the cap reached, the deadline
    passed. `needs_second_vote` is true for careful CWEs (critical findings need one in any case); `has_second_vote`
    says that a second look agreed. `tells_verdicts` says that comments may speak of the Assistant's verdicts,
    `is_crowded_out` that the pull request has as many comments of ours as anybody reads.
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
    is_crowded_out: bool = False


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
    if situation.has_disagreement:
        return Decision(Outcome.COMMENTED, Reason.DISAGREED)  # people decide: no word of doubt beside it
    with_doubt = Outcome.WITH_NOTICE if situation.tells_verdicts else Outcome.COMMENTED
    if (reason := _why_not_held_back(situation)) is not None:
        return Decision(with_doubt, reason)
    if situation.filter_mode != NoiseFilterMode.HIDE:
        return Decision(Outcome.WITH_NOTICE, Reason.TOLD_OF_DOUBT)  # this mode asks for the notice in so many words
    if situation.is_commented:
        return Decision(with_doubt, Reason.ALREADY_COMMENTED)  # a late verdict edits what was posted
    return Decision(Outcome.HELD_BACK, Reason.LIKELY_FALSE_POSITIVE)


def _why_not(situation: Situation) -> Reason | None:
    if not situation.is_connected:
        return Reason.NOT_CONNECTED
    if not situation.comments_on:
        return Reason.COMMENTS_OFF
    if situation.mode == Mode.DISABLED:
        return Reason.RULE_DISABLED
    if situation.mode == Mode.MONITOR:
        return Reason.RULE_MONITORS
    # What has a comment keeps it up to date, though the branch it goes to has the finding by now as well.
    if not (situation.is_new or situation.is_commented):
        return Reason.NOT_NEW
    if situation.is_ignored:
        return Reason.IGNORED
    has_no_room = situation.is_crowded_out and not situation.is_commented and situation.mode != Mode.BLOCK
    return Reason.TOO_MANY if has_no_room else None


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
    """Return why a likely false positive is commented on all the same, None where the safety floor lets it be held."""
    if situation.mode == Mode.BLOCK:
        return Reason.BLOCKS
    if not situation.filter_on:
        return Reason.FILTER_OFF
    if situation.product != Product.CODE:
        return Reason.OTHER_PRODUCT
    if situation.confidence not in {Confidence.MEDIUM, Confidence.HIGH}:
        return Reason.LOW_CONFIDENCE
    is_careful = situation.needs_second_vote or situation.severity >= Severity.CRITICAL
    if is_careful and not situation.has_second_vote:
        return Reason.NO_SECOND_VOTE
    return None
