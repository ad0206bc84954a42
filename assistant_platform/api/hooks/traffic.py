"""What came to the addresses of code hosts: counted in memory, and written down a little later by a thread.

So a flood of forged webhooks costs the database one statement in a while, whose row nobody waits for. What a process
has not written down when it ends is lost; it is a few seconds' count.
"""

from __future__ import annotations

import logging
import threading
import time

from django.db import Error, connection
from django.utils import timezone

import scm.services
from scm.senders import Sender
from scm.services import Traffic
from tenancy.scope import acting_for

WRITTEN_EVERY_SECONDS = 2.0
SEEN_EVERY_SECONDS = 60.0

logger = logging.getLogger(__name__)


class _Counted:
    """What this process has to write down, by organization and host."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.traffic: dict[tuple[int, int], Traffic] = {}
        self.seen: dict[int, float] = {}
        self.is_awaited = False


_counted = _Counted()


def note_seen(sender: Sender) -> None:
    """Note that a code host sent something that is truly its own; at most once a minute."""
    now = time.monotonic()
    with _counted.lock:
        if now - _counted.seen.get(sender.host_id, -SEEN_EVERY_SECONDS) < SEEN_EVERY_SECONDS:
            return
        _counted.seen[sender.host_id] = now
        _of(sender).seen_at = timezone.now()
        _write_later()


def note_refused(sender: Sender, because: str) -> None:
    """Count a webhook that was refused at a code host's address."""
    with _counted.lock:
        traffic = _of(sender)
        traffic.refused_count += 1
        traffic.refused_at = timezone.now()
        traffic.refused_because = because
        _write_later()


def write_down() -> None:
    """Write down what was counted; what cannot be written now is kept for the next time."""
    with _counted.lock:
        waiting, _counted.traffic = _counted.traffic, {}
        _counted.is_awaited = False
    for (organization_id, host_id), traffic in waiting.items():
        try:
            with acting_for(organization_id):
                is_written = scm.services.note_traffic(host_id=host_id, traffic=traffic)
        except Error:
            logger.warning("what came to a code host's address could not be written down", exc_info=True)
            is_written = False
        if not is_written:
            _keep(organization_id, host_id, traffic)


def _of(sender: Sender) -> Traffic:
    return _counted.traffic.setdefault((sender.organization_id, sender.host_id), Traffic())


def _keep(organization_id: int, host_id: int, old: Traffic) -> None:
    with _counted.lock:
        new = _counted.traffic.setdefault((organization_id, host_id), Traffic())
        new.seen_at = new.seen_at or old.seen_at
        new.refused_count += old.refused_count
        new.refused_at = new.refused_at or old.refused_at
        new.refused_because = new.refused_because or old.refused_because
        _write_later()


def _write_later() -> None:
    """Have a thread write down what there is in a moment; one at a time."""
    if not _counted.is_awaited:
        _counted.is_awaited = True
        timer = threading.Timer(WRITTEN_EVERY_SECONDS, _write_in_thread)
        timer.daemon = True
        timer.start()


def _write_in_thread() -> None:
    try:
        write_down()
    finally:
        connection.close()
