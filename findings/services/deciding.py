"""What people decide about findings, and write on them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from events.kinds import SYSTEM, Actor, Kind
from events.services import record, record_for_findings
from findings.models import Finding, IgnoreReason, NotAnalysed, Note, Triage, TriageSource
from findings.services.analysing import withdraw

EXPIRED_TOGETHER = 1000


class ExpiryUnusable(Exception):
    """A decision cannot end when it was said to; the text says why."""


def ignore(
    *, finding: Finding, reason: IgnoreReason, comment: str, actor: Actor, expires_at: datetime | None = None
) -> None:
    """Ignore a finding for a reason, as a person's decision; an accepted risk may be accepted until some time only.

    Raises ExpiryUnusable.
    """
    if expires_at is not None:
        if reason != IgnoreReason.ACCEPTABLE_RISK:
            raise ExpiryUnusable("Only an acceptable risk is accepted until a date.")
        if expires_at <= timezone.now():
            raise ExpiryUnusable("The date must lie ahead.")
    _decide(
        finding,
        triage=Triage.IGNORED,
        reason=reason,
        comment=comment,
        actor=actor,
        kind=Kind.FINDING_IGNORED,
        expires_at=expires_at,
    )


def set_triage(*, finding: Finding, triage: Triage, comment: str, actor: Actor) -> None:
    """Say where a finding stands, other than ignored, as a person's decision."""
    _decide(finding, triage=triage, reason=None, comment=comment, actor=actor, kind=Kind.FINDING_TRIAGED)


def _decide(
    finding: Finding,
    *,
    triage: Triage,
    reason: IgnoreReason | None,
    comment: str,
    actor: Actor,
    kind: Kind,
    expires_at: datetime | None = None,
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
            triage_expires_at=expires_at,
        )
        if triage == Triage.IGNORED:
            withdraw(Finding.objects.filter(pk=finding.pk), why=NotAnalysed.IGNORED)
        else:
            Finding.objects.filter(pk=finding.pk, not_analysed=NotAnalysed.IGNORED).update(
                not_analysed=NotAnalysed.NOT_NEW
            )
        record(
            kind,
            actor=actor,
            finding_id=finding.pk,
            triage=triage.value,
            reason=reason.value if reason else "",
            **({"expires": expires_at.date().isoformat()} if expires_at else {}),
        )
    finding.refresh_from_db()


def reopen_expired() -> int:
    """Open the organization's findings whose risk was accepted until now; returns how many. Safe to run twice.

    It is what the person decided; the database allows nothing else to anybody but people.
    """
    count = 0
    while some := _reopen_some_expired():
        count += some
    return count


def _reopen_some_expired() -> int:
    with transaction.atomic():
        # Where two run at once, each takes those that the other has not.
        due = Finding.objects.select_for_update(no_key=True, skip_locked=True).filter(triage_expires_at__lte=Now())
        ids = list(due.order_by("pk").values_list("pk", flat=True)[:EXPIRED_TOGETHER])
        chosen = Finding.objects.filter(pk__in=ids)
        chosen.update(
            triage=Triage.OPEN,
            triage_source=TriageSource.NOBODY,
            triage_change=F("triage_change") + 1,
            ignore_reason="",
            triage_comment="",
            triaged_by="",
            triaged_at=None,
            triage_expires_at=None,
        )
        chosen.filter(not_analysed=NotAnalysed.IGNORED).update(not_analysed=NotAnalysed.NOT_NEW)
        record_for_findings(Kind.TRIAGE_EXPIRED, actor=SYSTEM, finding_ids=ids)
    return len(ids)


def add_note(*, finding: Finding, text: str, actor: Actor) -> Note:
    """Write a note on a finding's activity."""
    with transaction.atomic():
        note = Note.objects.create(finding=finding, author=actor.name[:200], text=text)
        record(Kind.NOTE_ADDED, actor=actor, finding_id=finding.pk, note_id=note.pk)
    return note
