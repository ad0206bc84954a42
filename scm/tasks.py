"""The Celery edge of scm: nothing in, a service called."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

import orgs.selectors
from events.models import Queue
from events.tasks import org_task
from scm import services
from scm.models import WebhookDelivery

KEEP_BODIES = timedelta(days=3)
KEEP_DELIVERIES = timedelta(days=30)


@org_task(queue=Queue.BACKLOG, priority=8)
def forget_code() -> None:
    """Remove uploaded code that is past the organization's time."""
    with transaction.atomic():
        days = orgs.selectors.code_retention_days()
    services.forget_code(older_than=timezone.now() - timedelta(days=days))


def _not_taken_in_after_all(*, delivery_id: int) -> None:
    delivery = WebhookDelivery.objects.filter(pk=delivery_id).first()
    if delivery is not None:
        services.give_up_delivery(delivery=delivery)


# Before the analysis of pull requests, which takes longer and may be about what is told here.
@org_task(queue=Queue.PULL_REQUEST, priority=2, on_exhausted=_not_taken_in_after_all)
def take_in(*, delivery_id: int) -> None:
    """Do what a webhook says."""
    with transaction.atomic():
        delivery = WebhookDelivery.objects.select_related("host").filter(pk=delivery_id, done_at__isnull=True).first()
    if delivery is not None:
        services.take_in(delivery=delivery)


@org_task(queue=Queue.BACKLOG, priority=8)
def forget_deliveries() -> None:
    """Remove the bodies of webhooks some days after they were worked on, and what else is known of them later."""
    now = timezone.now()
    services.forget_deliveries(bodies_before=now - KEEP_BODIES, rows_before=now - KEEP_DELIVERIES)
