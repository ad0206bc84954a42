"""What happened to a finding, in words for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from events.kinds import ActorKind, Kind
from events.models import Event
from findings.models import IgnoreReason, Triage
from triage.answers import Verdict


@dataclass(frozen=True)
class Activity:
    """A line of the timeline: who, what in words, when; `note` is what a person wrote."""

    actor: str
    words: str
    at: datetime
    icon: str
    note: str = ""


_VERDICTS = {
    Verdict.TRUE_POSITIVE: "thinks this is a true positive",
    Verdict.FALSE_POSITIVE: "thinks this may be safe to ignore",
    Verdict.UNSURE: "is unsure about this",
}

_WORDS = {
    Kind.FINDING_FOUND: ("found this", "search"),
    Kind.FINDING_FIXED: ("no longer reports this", "check-circle"),
    Kind.FINDING_REMOVED: ("no longer reports this: its file or its rule is gone", "trash-2"),
    Kind.FINDING_RETURNED: ("found this again", "rotate-ccw"),
    Kind.ANALYSIS_REQUESTED: ("asked for an analysis", "cpu"),
    Kind.NOT_ANALYSED: ("could not analyse this", "alert-circle"),
    Kind.COMPONENT_TAGGED: ("said what the file is for", "tag"),
    Kind.VERDICT_REACHED: ("reached a verdict", "cpu"),
    Kind.GUIDANCE_WRITTEN: ("wrote guidance", "book-open"),
    Kind.GUIDANCE_NOT_POSSIBLE: ("has no guidance", "book-open"),
    Kind.AUTOFIX_WRITTEN: ("wrote a fix", "tool"),
    Kind.AUTOFIX_NOT_POSSIBLE: ("has no fix to show", "tool"),
    Kind.FEEDBACK_GIVEN: ("gave feedback", "message-square"),
    Kind.ADVICE_RATED: ("said whether the Assistant's advice helps", "message-square"),
    Kind.VERDICT_AUDITED: ("checked a verdict that was drawn at random", "crosshair"),
    Kind.FINDING_TRIAGED: ("changed the status", "flag"),
    Kind.FINDING_IGNORED: ("ignored this", "eye-off"),
    Kind.FINDINGS_TRIAGED: ("changed the status of several findings, this one among them", "layers"),
    Kind.TRIAGE_EXPIRED: ("opened this again: the risk was accepted until now", "clock"),
    Kind.NOTE_ADDED: ("wrote a note", "edit-3"),
    Kind.MEMORY_SUGGESTED: ("suggested a memory from this", "bookmark"),
    Kind.MEMORY_ADDED: ("taught a memory from this", "bookmark"),
    Kind.NOTHING_TO_REMEMBER: ("found nothing to remember for other findings", "bookmark"),
    Kind.FIX_REGENERATION_REQUESTED: ("asked for another fix", "refresh-cw"),
    Kind.LATE_ANSWER: ("answered after the pull request was told; what stands there follows", "clock"),
    Kind.FIX_PULL_REQUEST_REQUESTED: ("asked for a fix pull request", "git-pull-request"),
    Kind.FIX_PULL_REQUEST_OPENED: ("opened a fix pull request", "git-pull-request"),
    Kind.FIX_PULL_REQUEST_REFUSED: ("did not open the fix pull request", "alert-circle"),
    Kind.FIX_PULL_REQUEST_MERGED: ("saw that the fix pull request was merged", "git-merge"),
    Kind.FIX_PULL_REQUEST_CLOSED: ("saw that the fix pull request was closed without merging", "x-circle"),
}


def activities(
    events: Iterable[Event], *, notes: Mapping[int, str], reasons: Mapping[tuple[str, int], str] | None = None
) -> list[Activity]:
    """Return the events about a finding, newest first, as lines of its timeline.

    `notes` are its notes' texts by id; `reasons` what people gave for their feedback, by its name in the subject and
    id. A reason stands with the newest line of its feedback only: what was said before is replaced.
    """
    left = dict(reasons or {})
    return [_activity(event, notes, left) for event in events]


def _activity(event: Event, notes: Mapping[int, str], reasons: dict[tuple[str, int], str]) -> Activity:
    words, icon = _WORDS.get(Kind(event.kind), (event.get_kind_display().lower(), "circle"))
    subject = event.subject
    match event.kind:
        case Kind.VERDICT_REACHED if subject.get("verdict") in list(Verdict):
            words = _VERDICTS[Verdict(subject["verdict"])]
        case Kind.FEEDBACK_GIVEN | Kind.ADVICE_RATED | Kind.VERDICT_AUDITED:
            words, icon = _opinion(Kind(event.kind), subject)
        case Kind.FINDING_TRIAGED if subject.get("triage") in Triage.values:
            words = f"set the status to {Triage(subject['triage']).label}"
        case Kind.FINDING_IGNORED if subject.get("reason") in IgnoreReason.values:
            words = f"ignored this: {IgnoreReason(subject['reason']).label.lower()}"
            if expires := subject.get("expires"):
                words = f"{words}, until {expires}"
        case Kind.FINDINGS_TRIAGED if subject.get("is_undo"):
            words = f"took a decision about {subject.get('count')} findings back, this one among them"
        case Kind.FINDINGS_TRIAGED if subject.get("triage") in Triage.values:
            chosen = Triage(subject["triage"]).label
            words = f"set the status of {subject.get('count')} findings to {chosen}, this one among them"
        case (
            Kind.NOT_ANALYSED
            | Kind.AUTOFIX_NOT_POSSIBLE
            | Kind.GUIDANCE_NOT_POSSIBLE
            | Kind.FIX_PULL_REQUEST_REFUSED
            | Kind.NOTHING_TO_REMEMBER
        ) if subject.get("reason"):
            words = f"{words}: {subject['reason']}"
    return Activity(
        actor=event.actor_name or ActorKind(event.actor_kind).label,
        words=words,
        at=event.created_at,
        icon=icon,
        note=notes.get(subject.get("note_id", 0), "") if event.kind == Kind.NOTE_ADDED else _reason(subject, reasons),
    )


def _opinion(kind: Kind, subject: Mapping[str, Any]) -> tuple[str, str]:
    """Return the words and the icon of what somebody said of the Assistant's work."""
    advice = "fix" if subject.get("about") == "fix" else "guidance"
    if subject.get("is_undo"):
        what = {Kind.FEEDBACK_GIVEN: "the verdict", Kind.ADVICE_RATED: f"the {advice}"}
        return f"took back what they said of {what.get(kind, 'a verdict drawn at random')}", "rotate-ccw"
    match kind:
        case Kind.FEEDBACK_GIVEN:
            is_good = bool(subject.get("agrees"))
            words = "agreed with the Assistant" if is_good else "disagreed with the Assistant"
        case Kind.ADVICE_RATED:
            is_good = bool(subject.get("is_helpful"))
            words = f"called the {advice} {'helpful' if is_good else 'not helpful'}"
        case _:
            is_good = bool(subject.get("is_right"))
            words = f"checked the verdict, drawn at random, and found it {'right' if is_good else 'wrong'}"
    return words, "thumbs-up" if is_good else "thumbs-down"


def _reason(subject: Mapping[str, Any], reasons: dict[tuple[str, int], str]) -> str:
    for name in ("feedback_id", "advice_feedback_id"):
        if name in subject:
            return reasons.pop((name, subject[name]), "")
    return ""
