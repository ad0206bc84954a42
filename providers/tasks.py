"""What is done about money in the background: mail to Admins, and giving back what dead workers held."""

from __future__ import annotations

import datetime

from celery import shared_task

import providers.budget
from events.models import Queue
from events.tasks import org_task
from providers import alerts


@org_task(queue=Queue.DELIVER)
def mail_budget_alert(*, month: str, threshold: int) -> None:
    """Tell Admins how much of the month's money is used."""
    alerts.mail_budget_alert(month=datetime.date.fromisoformat(month), threshold=threshold)


@shared_task(name="providers.sweep_reservations")
def sweep_reservations_task() -> None:
    """Give back what requests held that never ended, called by beat."""
    providers.budget.sweep_reservations()
