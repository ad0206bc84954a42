"""What people decide about many findings at once, and taking it back."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from events.kinds import Actor, Kind
from events.services import record
from findings.models import (
    BulkTriage,
    BulkTriageChange,
    Finding,
    IgnoreReason,
    NotAnalysed,
    Triage,
    TriageSource,
)
from findings.services.analysing import withdraw

MOST_AT_ONCE = 3000
UNDO_WITHIN = timedelta(minutes=30)


class BulkRefused(Exception):
    """Nothing was changed; the text says why, for whoever asked. `count` and `digest` are those of now."""

    def __init__(self, words: str, *, count: int, digest: str) -> None:
        super().__init__(words)
        self.count, self.digest = count, digest


class NothingToUndo(Exception):
    """It cannot be taken back any more; the text says why."""


def digest_of(finding_ids: Collection[int]) -> str:
    """Return the digest by which a set of findings is known again, so that what was previewed is what is changed."""
    listed = ",".join(str(pk) for pk in sorted(finding_ids))
    return hashlib.sha256(listed.encode()).hexdigest()[:32]


def chosen_ids(chosen: QuerySet[Finding], *, at_most: int = MOST_AT_ONCE) -> list[int]:
    """Return the ids of findings to decide about together, worst first; one more than `at_most` if there are more."""
    return list(chosen.order_by("-severity", "-pk").values_list("pk", flat=True)[: at_most + 1])


def triage_in_bulk(
    *,
    chosen: QuerySet[Finding],
    triage: Triage,
    reason: IgnoreReason | None,
    comment: str,
    actor: Actor,
    expected_count: int | None = None,
    expected_digest: str = "",
) -> BulkTriage:
    """Decide about findings together, as a person's decision that can be taken back.

    `chosen` are findings that whoever asks may see. Raises BulkRefused where they are none, more than MOST_AT_ONCE, or
    not those that were expected.
    """
    now = timezone.now()
    with transaction.atomic():
        ids = chosen_ids(chosen)
        _check(ids, expected_count, expected_digest)
        # Locked in the order of ids, as an import does, so that the two do not wait for each other in a circle.
        before = list(
            Finding.objects.select_for_update(no_key=True)
            .filter(pk__in=ids)
            .order_by("pk")
            .only(
                "organization_id",
                "triage",
                "ignore_reason",
                "triage_comment",
                "triage_source",
                "triaged_by",
                "triaged_at",
                "triage_expires_at",
                "triage_change",
                "not_analysed",
            )
        )
        bulk = BulkTriage.objects.create(
            triage=triage,
            ignore_reason=reason or "",
            comment=comment,
            count=len(before),
            made_by=actor.name[:200],
            made_at=now,
        )
        BulkTriageChange.objects.bulk_create([_change(bulk, finding) for finding in before], batch_size=1000)
        _decide(ids, triage=triage, reason=reason, comment=comment, actor=actor)
        event = record(
            Kind.FINDINGS_TRIAGED,
            actor=actor,
            bulk_id=bulk.pk,
            count=bulk.count,
            triage=triage.value,
            reason=reason.value if reason else "",
        )
        bulk.event_number = event.pk
        bulk.save(update_fields=["event_number"])
    return bulk


def undo_bulk_triage(*, bulk: BulkTriage, actor: Actor) -> BulkTriage:
    """Take a decision about many findings back; what somebody decided about one of them since, stays.

    To take back is a person's decision as well, so what was nobody's before is that person's now. What waited for its
    analysis before waits again. Raises NothingToUndo.
    """
    now = timezone.now()
    with transaction.atomic():
        bulk = BulkTriage.objects.select_for_update().get(pk=bulk.pk)
        if bulk.undone_at is not None:
            raise NothingToUndo(f"{bulk.undone_by} has taken this back already.")
        if now - bulk.made_at > UNDO_WITHIN:
            minutes = int(UNDO_WITHIN.total_seconds() // 60)
            raise NothingToUndo(f"This can be taken back for {minutes} minutes only; change the findings themselves.")
        changes = {entry.finding_id: entry for entry in bulk.changes.all()}
        found = (
            Finding.objects.select_for_update(no_key=True)
            .filter(pk__in=list(changes))
            .order_by("pk")
            .only("organization_id", "project_id", "path", "revision", "triage_change", "not_analysed")
        )
        restored = [finding for finding in found if finding.triage_change == changes[finding.pk].change]
        for finding in restored:
            _restore(finding, changes[finding.pk], actor=actor)
        Finding.objects.bulk_update(
            restored,
            [
                "triage",
                "ignore_reason",
                "triage_comment",
                "triage_source",
                "triaged_by",
                "triaged_at",
                "triage_expires_at",
                "triage_change",
                "not_analysed",
            ],
            batch_size=500,
        )
        event = record(
            Kind.FINDINGS_TRIAGED, actor=actor, bulk_id=bulk.pk, count=len(restored), triage="undone", is_undo=True
        )
        bulk.undone_by, bulk.undone_at, bulk.undone_count = actor.name[:200], now, len(restored)
        bulk.undo_event_number = event.pk
        bulk.save(update_fields=["undone_by", "undone_at", "undone_count", "undo_event_number"])
        for finding in restored:
            if changes[finding.pk].was_waiting:
                _wait_again(finding, actor=actor)
    return bulk


def _check(ids: Sequence[int], expected_count: int | None, expected_digest: str) -> None:
    count, digest = len(ids), digest_of(ids)
    if not ids:
        raise BulkRefused("No finding is meant.", count=count, digest=digest)
    if count > MOST_AT_ONCE:
        words = f"More than {MOST_AT_ONCE} findings are meant; that many can be changed at once. Narrow the filter."
        raise BulkRefused(words, count=count, digest=digest)
    if expected_count is not None and expected_count != count:
        words = f"{expected_count} findings were expected, {count} are meant now. Nothing was changed."
        raise BulkRefused(words, count=count, digest=digest)
    if expected_digest and expected_digest != digest:
        words = "Other findings are meant now than when the digest was made. Nothing was changed."
        raise BulkRefused(words, count=count, digest=digest)


def _change(bulk: BulkTriage, finding: Finding) -> BulkTriageChange:
    return BulkTriageChange(
        bulk=bulk,
        finding=finding,
        change=finding.triage_change + 1,
        triage=finding.triage,
        ignore_reason=finding.ignore_reason,
        triage_comment=finding.triage_comment,
        triage_source=finding.triage_source,
        triaged_by=finding.triaged_by,
        triaged_at=finding.triaged_at,
        triage_expires_at=finding.triage_expires_at,
        was_waiting=finding.not_analysed == NotAnalysed.WAITING,
    )


def _decide(ids: Sequence[int], *, triage: Triage, reason: IgnoreReason | None, comment: str, actor: Actor) -> None:
    found = Finding.objects.filter(pk__in=ids)
    found.update(
        triage=triage,
        triage_source=TriageSource.PERSON,
        triage_change=F("triage_change") + 1,
        ignore_reason=reason or "",
        triage_comment=comment,
        triaged_by=actor.name[:200],
        triaged_at=timezone.now(),
        triage_expires_at=None,
    )
    if triage == Triage.IGNORED:
        withdraw(found, why=NotAnalysed.IGNORED)
    else:
        found.filter(not_analysed=NotAnalysed.IGNORED).update(not_analysed=NotAnalysed.NOT_NEW)


def _restore(finding: Finding, before: BulkTriageChange, *, actor: Actor) -> None:
    finding.triage, finding.ignore_reason = before.triage, before.ignore_reason
    finding.triage_comment = before.triage_comment
    finding.triage_source = TriageSource.PERSON
    finding.triage_change += 1
    finding.triage_expires_at = before.triage_expires_at
    was_decided = before.triage_source == TriageSource.PERSON
    finding.triaged_by = before.triaged_by if was_decided else actor.name[:200]
    finding.triaged_at = before.triaged_at if was_decided else timezone.now()
    if finding.not_analysed == NotAnalysed.IGNORED and before.triage != Triage.IGNORED:
        finding.not_analysed = NotAnalysed.NOT_NEW


def _wait_again(finding: Finding, *, actor: Actor) -> None:
    Finding.objects.filter(pk=finding.pk).update(not_analysed=NotAnalysed.WAITING, not_analysed_detail="")
    record(
        Kind.ANALYSIS_REQUESTED,
        actor=actor,
        finding_id=finding.pk,
        project_id=finding.project_id,
        path=finding.path,
        revision=finding.revision,
    )
