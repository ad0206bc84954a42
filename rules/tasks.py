"""The Celery edge of rules: ids in, a service called."""

from __future__ import annotations

from events.models import Queue
from events.tasks import org_task
from lib.failures import TemporaryFailure
from rules import services
from rules.engine.errors import EngineError


@org_task(queue=Queue.INTERACTIVE)
def check_texts() -> None:
    """Have the engine read the texts that came."""
    try:
        services.check_texts()
    except EngineError as problem:
        raise TemporaryFailure(str(problem)) from problem
