"""The Celery edge of orgs: nothing in, a service called."""

from __future__ import annotations

from events.models import Queue
from events.tasks import org_task
from orgs import answered_requests, retention


@org_task(queue=Queue.BACKLOG, priority=8)
def follow_retention_limit() -> None:
    """Bring the organization's limit of retention in line with the operator's."""
    retention.follow_operator()


@org_task(queue=Queue.BACKLOG, priority=8)
def forget_answered_requests() -> None:
    """Forget what tokens were answered a day ago."""
    answered_requests.forget_old()


@org_task(queue=Queue.DELIVER)
def tell_of_longer_retention() -> None:
    """Write to Admins that texts may be kept for longer."""
    retention.mail_admins_about_longer_retention()
