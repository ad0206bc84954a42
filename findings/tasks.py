"""The Celery edge of findings: ids in, a service called."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

import orgs.selectors
from events.kinds import ASSISTANT
from events.models import Queue
from events.tasks import org_task
from findings import history, selectors, services, uploads
from findings.models import Scan, ScanState
from lib.failures import TemporaryFailure


def _could_not_be_read(*, scan_id: int) -> None:
    services.fail_scan(
        scan_id=scan_id,
        why="It was tried several times and failed each time; the operator's log says why. The upload is kept for now.",
    )


@org_task(queue=Queue.INTERACTIVE, priority=2, on_exhausted=_could_not_be_read)
def ingest_scan(*, scan_id: int) -> None:
    """Ingest a received scan, once."""
    with transaction.atomic():
        scan = Scan.objects.select_related("project").filter(pk=scan_id, state=ScanState.RECEIVED).first()
    if scan is not None:
        services.ingest_scan(scan=scan)


def _settle_after_all(*, scan_id: int) -> None:
    services.settle_without_verdicts(scan_id=scan_id, actor=ASSISTANT)


@org_task(queue=Queue.PULL_REQUEST, priority=2, on_exhausted=_settle_after_all)
def settle_at_deadline(*, scan_id: int) -> None:
    """Settle a scan of a pull request when its wait for verdicts is over, and have this looked at again until then."""
    with transaction.atomic():
        in_time = Scan.objects.filter(pk=scan_id, state=ScanState.INGESTED).exclude(pull_request_id="")
        scan = in_time.first()
        wait = selectors.verdict_wait()
    if scan is None or scan.ingested_at is None:
        return
    left = (scan.ingested_at + wait - timezone.now()).total_seconds()
    if left > 0:
        raise TemporaryFailure("It waits for verdicts.", retry_after_seconds=left, spends_attempt=False)
    services.settle_without_verdicts(scan_id=scan_id, actor=ASSISTANT)


@org_task(queue=Queue.BACKLOG)
def reopen_expired() -> None:
    """Open findings whose risk was accepted until now."""
    services.reopen_expired()


@org_task(queue=Queue.BACKLOG, priority=8)
def forget_uploads() -> None:
    """Remove reports that could not be read once they are past the organization's time."""
    with transaction.atomic():
        days = orgs.selectors.code_retention_days()
    uploads.forget_old(older_than=timezone.now() - timedelta(days=days))


@org_task(queue=Queue.BACKLOG, delay=timedelta(minutes=settings.CI_SCAN_MINUTES))
def give_up_on_client(*, scan_id: int) -> None:
    """Say of a scan of `semgrep ci` that never ended what it did not do."""
    services.give_up_on_client(scan_id=scan_id)


@org_task(queue=Queue.BACKLOG, priority=7)
def count_days() -> None:
    """Keep how the production backlog stood when yesterday ended."""
    history.count_days(now=timezone.now())
