"""The Celery edge of scm: nothing in, a service called."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

import orgs.selectors
from events.models import Queue
from events.tasks import org_task
from scm import services


@org_task(queue=Queue.BACKLOG, priority=8)
def forget_code() -> None:
    """Remove uploaded code that is past the organization's time."""
    with transaction.atomic():
        days = orgs.selectors.code_retention_days()
    services.forget_code(older_than=timezone.now() - timedelta(days=days))
