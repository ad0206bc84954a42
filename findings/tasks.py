"""The Celery edge of findings: ids in, a service called."""

from __future__ import annotations

from django.db import transaction

from events.models import Queue
from events.tasks import org_task
from findings import services
from findings.models import Scan, ScanState


@org_task(queue=Queue.INTERACTIVE, priority=2)
def ingest_scan(*, scan_id: int) -> None:
    """Ingest a received scan, once."""
    with transaction.atomic():
        scan = Scan.objects.select_related("project").filter(pk=scan_id, state=ScanState.RECEIVED).first()
    if scan is not None:
        services.ingest_scan(scan=scan)
