"""The Celery edge of providers: asking again, forgetting, mail about money, and giving back what dead workers held."""

from __future__ import annotations

import datetime

from celery import shared_task
from django.db import transaction
from django.utils import timezone

import orgs.selectors
import providers.budget
from events.models import Queue
from events.tasks import org_task
from providers import alerts, retention
from providers import replay as replays
from providers.models import ModelCall, Outcome


def _no_answer_after_all(*, replay_id: int) -> None:
    waiting = ModelCall.objects.filter(pk=replay_id).first()
    if waiting is not None:
        replays.fail(waiting, f"No answer after several tries. {waiting.error}".strip())


@org_task(queue=Queue.INTERACTIVE, priority=3, max_attempts=3, on_exhausted=_no_answer_after_all)
def replay(*, replay_id: int) -> None:
    """Ask a stored question of another model."""
    with transaction.atomic():
        waiting = ModelCall.objects.filter(pk=replay_id, outcome=Outcome.ASKING).first()
    if waiting is not None:
        replays.answer_replay(waiting)


@org_task(queue=Queue.BACKLOG, priority=8)
def forget_texts() -> None:
    """Remove prompts and answers that are past the organization's time."""
    with transaction.atomic():
        days = orgs.selectors.retention_days()
    retention.forget_texts(older_than=timezone.now() - datetime.timedelta(days=days))


@org_task(queue=Queue.DELIVER)
def mail_budget_alert(*, month: str, threshold: int) -> None:
    """Tell Admins how much of the month's money is used."""
    alerts.mail_budget_alert(month=datetime.date.fromisoformat(month), threshold=threshold)


@shared_task(name="providers.sweep_reservations")
def sweep_reservations_task() -> None:
    """Give back what requests held that never ended, called by beat."""
    providers.budget.sweep_reservations()
