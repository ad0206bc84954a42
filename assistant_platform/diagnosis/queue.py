"""What carries and runs Jobs: the broker, a worker for every queue, and the clock that wakes them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from assistant_platform.celery import app
from assistant_platform.diagnosis.check import Unwell
from events.models import Queue
from events.tasks import dispatch_task

ANSWER_WITHIN_SECONDS = 2.0
TIMES_ASKED = 3
# Beat sends a dispatch every two seconds; it has been seen when the workers have run one more.
BEAT_SEEN_WITHIN_SECONDS = 6.0
LOOK_AGAIN_SECONDS = 0.5
START_WORKER = f"start one: celery --app assistant_platform worker --pool threads --queues {','.join(Queue.values)}"


def broker() -> str:
    """Say which broker answers."""
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=ANSWER_WITHIN_SECONDS) as client:
            about: dict[str, Any] = client.info("server")
    except RedisError as error:
        raise Unwell(
            f"cannot be reached: {error}", remedy="check REDIS_URL, and that Redis or Valkey runs there"
        ) from error
    name = "Valkey" if "valkey_version" in about else "Redis"
    where = urlsplit(settings.REDIS_URL)
    return f"{name} {about.get('valkey_version') or about['redis_version']} at {where.hostname}:{where.port or 6379}"


def workers() -> str:
    """Say that every queue has a worker."""
    for _ in range(TIMES_ASKED):  # one that has just been started takes a while
        with _broker_answers():
            served = app.control.inspect(timeout=ANSWER_WITHIN_SECONDS).active_queues() or {}
        if served:
            break
    else:
        raise Unwell("none answers", remedy=START_WORKER)
    queues = {queue["name"] for answered in served.values() for queue in answered}
    alone = [queue for queue in Queue.values if queue not in queues]
    if alone:
        raise Unwell(f"nobody takes from {', '.join(alone)}", remedy=START_WORKER)
    return f"{len(served)} of them; every queue is served"


def beat() -> str:
    """Say that periodic work is sent: the workers' count of dispatches must rise."""
    before = _dispatches()
    give_up_at = time.monotonic() + BEAT_SEEN_WITHIN_SECONDS
    while time.monotonic() < give_up_at:
        time.sleep(LOOK_AGAIN_SECONDS)
        if sum(_dispatches(of=before).values()) > sum(before.values()):
            return "a dispatch arrived just now"
    raise Unwell(
        f"no dispatch within {BEAT_SEEN_WITHIN_SECONDS:.0f} s",
        remedy="start one: celery --app assistant_platform beat (one in all, not one a machine)",
    )


def _dispatches(of: Iterable[str] | None = None) -> dict[str, int]:
    """Count each worker's dispatches; workers that are named are not waited for once all of them have answered."""
    asked = None if of is None else list(of)
    with _broker_answers():
        counted = app.control.inspect(asked, timeout=ANSWER_WITHIN_SECONDS).stats()
    if not counted:
        raise Unwell("cannot be told, since no worker answers", remedy="start a worker first")
    return {worker: int(said["total"].get(dispatch_task.name, 0)) for worker, said in counted.items()}


@contextmanager
def _broker_answers() -> Iterator[None]:
    try:
        # Asked first, since Celery would try for a while.
        with Redis.from_url(settings.REDIS_URL, socket_timeout=ANSWER_WITHIN_SECONDS) as client:
            client.ping()
        yield
    except (RedisError, OperationalError) as error:
        raise Unwell("cannot be told, since the broker does not answer", remedy="see above") from error
