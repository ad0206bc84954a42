"""What people decide about findings, and write on them."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from events.kinds import Actor, Kind
from events.services import record
from findings.models import Finding, IgnoreReason, NotAnalysed, Note, Triage, TriageSource
from findings.services.analysing import withdraw


def ignore(*, finding: Finding, reason: IgnoreReason, comment: str, actor: Actor) -> None:
    """Ignore a finding for a reason, as a person's decision."""
    _decide(finding, triage=Triage.IGNORED, reason=reason, comment=comment, actor=actor, kind=Kind.FINDING_IGNORED)


def set_triage(*, finding: Finding, triage: Triage, comment: str, actor: Actor) -> None:
    """Say where a finding stands, other than ignored, as a person's decision."""
    _decide(finding, triage=triage, reason=None, comment=comment, actor=actor, kind=Kind.FINDING_TRIAGED)


def _decide(
    finding: Finding, *, triage: Triage, reason: IgnoreReason | None, comment: str, actor: Actor, kind: Kind
) -> None:
    with transaction.atomic():
        Finding.objects.filter(pk=finding.pk).update(
            triage=triage,
            triage_source=TriageSource.PERSON,
            triage_change=F("triage_change") + 1,
            ignore_reason=reason or "",
            triage_comment=comment,
            triaged_by=actor.name[:200],
            triaged_at=timezone.now(),
        )
        if triage == Triage.IGNORED:
            withdraw(Finding.objects.filter(pk=finding.pk), why=NotAnalysed.IGNORED)
        else:
            Finding.objects.filter(pk=finding.pk, not_analysed=NotAnalysed.IGNORED).update(
                not_analysed=NotAnalysed.NOT_NEW
            )
        record(kind, actor=actor, finding_id=finding.pk, triage=triage.value, reason=reason.value if reason else "")
    finding.refresh_from_db()


def add_note(*, finding: Finding, text: str, actor: Actor) -> Note:
    """Write a note on a finding's activity."""
    with transaction.atomic():
        note = Note.objects.create(finding=finding, author=actor.name[:200], text=text)
        record(Kind.NOTE_ADDED, actor=actor, finding_id=finding.pk, note_id=note.pk)
    return note
