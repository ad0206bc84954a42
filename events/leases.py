"""Leases of this process, kept alive while their work goes on: a thread of its own raises them every few seconds.

So a lease can be short, and the work of a worker that died is taken back soon, while a long import or model call is not
done twice. Work that hangs is let go of after `JOB_LONGEST_SECONDS`.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

from events.models import Job, JobState
from tenancy.directory import across_organizations

logger = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 3  # two may fail, on a busy database, before the lease is lost

_held: dict[uuid.UUID, float] = {}  # lease token -> when its work began, by the monotonic clock
_changed = threading.Condition()
_thread: list[threading.Thread] = []


@contextmanager
def kept_alive(token: uuid.UUID) -> Iterator[None]:
    """Keep a lease from running out while the work inside goes on."""
    with _changed:
        _held[token] = time.monotonic()
        # Also after a fork, which copies the list but not the thread.
        if not (_thread and _thread[0].is_alive()):
            _thread[:] = [threading.Thread(target=_renew_for_ever, name="leases", daemon=True)]
            _thread[0].start()
        _changed.notify()
    try:
        yield
    finally:
        with _changed:
            _held.pop(token, None)


def renew(tokens: list[uuid.UUID]) -> int:
    """Raise the leases that are still ours. Returns how many."""
    until = timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)
    with across_organizations():
        ours = Job.every_organization.filter(lease_token__in=tokens, state=JobState.RUNNING)
        # A row that is locked is being ended right now; waiting for it would hold up the others.
        free = ours.select_for_update(skip_locked=True).values_list("pk", flat=True)
        return Job.every_organization.filter(pk__in=list(free), lease_token__in=tokens).update(lease_until=until)


def _renew_for_ever() -> None:
    while True:
        with _changed:
            _changed.wait_for(lambda: bool(_held))
        time.sleep(settings.JOB_LEASE_SECONDS / RENEWALS_PER_LEASE)
        oldest = time.monotonic() - settings.JOB_LONGEST_SECONDS
        with _changed:
            tokens = [token for token, began in _held.items() if began > oldest]
        if not tokens:
            continue
        try:
            renew(tokens)
        except Error:
            logger.warning("leases could not be renewed; trying again", exc_info=True)
        finally:
            connection.close()
