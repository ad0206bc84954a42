"""The Celery edge of providers: ids in, a service called."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

import orgs.selectors
from events.models import Queue
from events.tasks import org_task
from providers import replay as replays
from providers import services
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
    services.forget_texts(older_than=timezone.now() - timedelta(days=days))
