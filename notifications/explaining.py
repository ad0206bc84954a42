"""Why a finding was commented on in its pull requests or not, in words: never an empty answer.

What was decided stands in CommentDecision; where nothing was, the reason for that is told instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from findings.models import Finding, Presence, PresenceState, ScanState
from lib import markdown
from notifications.deciding import Reason
from notifications.models import CommentDecision, Outcome
from scm.models import Repository

PULL_REQUESTS_TOLD = 30
OF_PULL_REQUEST = "pull/"


class Place(StrEnum):
    """Where something can be changed so that it would be decided otherwise."""

    NOWHERE = ""
    RULE = "rule"
    SETTINGS = "settings"
    CODE_HOSTS = "code_hosts"


@dataclass(frozen=True)
class Words:
    """Why it is so, what to change if one wants it otherwise, and where."""

    because: str
    otherwise: str = ""
    place: Place = Place.NOWHERE


WORDS: dict[Reason, Words] = {
    Reason.NOT_CONNECTED: Words(
        "The project is not connected to a repository on GitHub or GitLab.",
        "Connect it under Settings, Code hosts.",
        Place.CODE_HOSTS,
    ),
    Reason.COMMENTS_OFF: Words(
        "PR/MR comments are switched off for the project.", "Switch them on under Settings, Deployment.", Place.SETTINGS
    ),
    Reason.RULE_MONITORS: Words(
        "The rule is in Monitor mode, so its findings are listed and not commented on.",
        "Set it to Comment or Block under Rules.",
        Place.RULE,
    ),
    Reason.RULE_DISABLED: Words("The rule is disabled.", "Set it to Comment or Block under Rules.", Place.RULE),
    Reason.NOT_NEW: Words(
        "It is on the branch that the pull request goes to as well, so the pull request did not bring it.",
        "Only what a pull request brings is commented on there.",
    ),
    Reason.IGNORED: Words("It is ignored.", "Reopen it, and its comment is posted with the next look."),
    Reason.TOO_MANY: Words(
        "The pull request has a hundred comments already, of worse findings. The check of its commit lists this one.",
        "Split the pull request, or decide about other findings first.",
    ),
    Reason.LIKELY_FALSE_POSITIVE: Words(
        "The Assistant thinks that it may be safe to ignore, and the noise filter left the comment out.",
        "Disagree with the verdict, and the comment is posted after all.",
    ),
    Reason.BLOCKS: Words(
        "The rule is in Block mode: its findings are always commented on, whatever the Assistant thinks.",
        "Set the rule to Comment or Monitor under Rules.",
        Place.RULE,
    ),
    Reason.DISAGREED: Words("Somebody disagreed that it is a false positive, and people decide."),
    Reason.FILTER_OFF: Words(
        "The noise filter is off, so likely false positives are commented on as well.",
        "Switch it on under Settings, Deployment.",
        Place.SETTINGS,
    ),
    Reason.OTHER_PRODUCT: Words("The noise filter is for findings in code; this is another product."),
    Reason.NOT_ANALYSED: Words(
        "There was no verdict when the comments went out. Silence never hides a finding.",
        "Analyze it; the comment follows the verdict.",
    ),
    Reason.TRUE_POSITIVE: Words("The Assistant thinks that it is real."),
    Reason.UNSURE: Words("The Assistant is unsure whether it is real, and doubt never hides a finding."),
    Reason.LOW_CONFIDENCE: Words(
        "The Assistant thinks that it may be safe to ignore, with too little confidence to leave the comment out."
    ),
    Reason.NO_SECOND_VOTE: Words(
        "It is critical, or of a kind that is often called harmless by mistake; its comment is left out only if a"
        " second look agrees, and none did.",
        "Which kinds these are is chosen under Settings, Deployment.",
        Place.SETTINGS,
    ),
    Reason.TOLD_OF_DOUBT: Words(
        "The Assistant thinks that it may be safe to ignore, and the noise filter has the comment say so.",
        "The other mode of the noise filter leaves such comments out.",
        Place.SETTINGS,
    ),
    Reason.ALREADY_COMMENTED: Words(
        "The verdict that it may be safe to ignore came after the comment, which is edited and never taken away."
    ),
}


class Undecided(StrEnum):
    """Why nothing was decided about a finding in a pull request, or there is none."""

    NOT_CONNECTED = "not_connected"
    NO_PULL_REQUEST = "no_pull_request"
    SCAN_UNDER_WAY = "scan_under_way"
    GONE = "gone"
    NOT_YET = "not_yet"


WORDS_OF_UNDECIDED: dict[Undecided, Words] = {
    Undecided.NOT_CONNECTED: WORDS[Reason.NOT_CONNECTED],
    Undecided.NO_PULL_REQUEST: Words(
        "Comments go to pull requests, and no scan of one has reported this finding: it is on branches only."
    ),
    Undecided.SCAN_UNDER_WAY: Words("Its scan is still being analysed; comments go out when that is done."),
    Undecided.GONE: Words("It was gone from the pull request before anything was decided about it."),
    Undecided.NOT_YET: Words("Nothing has been decided yet. The next scan of the pull request decides at the latest."),
}


@dataclass(frozen=True)
class Answer:
    """What became of a finding in one pull request; without a `number` it is about the finding as a whole."""

    number: str
    title: str
    web_url: str
    outcome: str  # empty: nothing was decided
    reason: str
    words: Words
    comment_url: str = ""
    problem: str = ""  # why the host did not take the comment
    decided_at: datetime | None = None

    @property
    def outcome_word(self) -> str:
        """The outcome as pages name it."""
        return Outcome(self.outcome).label if self.outcome else "Not decided"


def answers_about(finding: Finding) -> list[Answer]:
    """Return what became of a finding in each of its pull requests, latest first; one at least. Needs a transaction."""
    decisions = list(
        CommentDecision.objects.filter(finding=finding)
        .select_related("pull_request", "comment")
        .order_by("-decided_at", "-pk")[:PULL_REQUESTS_TOLD]
    )
    told = {f"{OF_PULL_REQUEST}{decision.pull_request.number}" for decision in decisions}
    there = Presence.objects.filter(finding=finding, is_pull_request=True).select_related("last_scan")
    others = [entry for entry in there.order_by("-changed_at", "-pk")[:PULL_REQUESTS_TOLD] if entry.ref not in told]
    found = [_answer(decision) for decision in decisions]
    if found and not others:
        return found
    is_connected = Repository.objects.filter(project=finding.project_id, host__isnull=False).exists()
    found += [_undecided(_why_undecided(entry, is_connected=is_connected), number=_number(entry)) for entry in others]
    return found or [_undecided(why) for why in _without_pull_request(is_connected=is_connected)]


def _answer(decision: CommentDecision) -> Answer:
    known = decision.reason in set(Reason)
    words = WORDS[Reason(decision.reason)] if known else Words(f"The reason was noted as {decision.reason!r}.")
    return Answer(
        number=decision.pull_request.number,
        title=decision.pull_request.title,
        web_url=markdown.address(decision.pull_request.web_url),
        outcome=decision.outcome,
        reason=decision.reason,
        words=words,
        comment_url=markdown.address(decision.comment.web_url) if decision.comment else "",
        problem=decision.comment.problem if decision.comment else "",
        decided_at=decision.decided_at,
    )


def _why_undecided(presence: Presence, *, is_connected: bool) -> Undecided:
    if not is_connected:
        return Undecided.NOT_CONNECTED
    if presence.state != PresenceState.PRESENT:
        return Undecided.GONE
    return Undecided.NOT_YET if presence.last_scan.state == ScanState.SETTLED else Undecided.SCAN_UNDER_WAY


def _without_pull_request(*, is_connected: bool) -> Sequence[Undecided]:
    return (Undecided.NO_PULL_REQUEST,) if is_connected else (Undecided.NO_PULL_REQUEST, Undecided.NOT_CONNECTED)


def _number(presence: Presence) -> str:
    return presence.ref.removeprefix(OF_PULL_REQUEST)


def _undecided(why: Undecided, *, number: str = "") -> Answer:
    return Answer(number=number, title="", web_url="", outcome="", reason=why, words=WORDS_OF_UNDECIDED[why])
