"""Who may send webhooks to an address, remembered for a moment: a code host sends hundreds a second when it is busy."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from lib.crypto import CannotDecrypt
from scm.directory import host_by_hook_key
from tenancy.scope import acting_for
from tenancy.sealing import open_secrets

REMEMBERED_SECONDS = 2.0  # so soon a new secret works, and an old one no longer does
MOST_REMEMBERED = 1024

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sender:
    """A code host as far as its webhooks need it; an empty secret verifies nothing."""

    host_id: int
    organization_id: int
    secret: str = field(repr=False)


# By (kind, key), with the time when it was read. Addresses that lead nowhere are remembered as well, so that asking
# for one takes as long as for any other.
_remembered: OrderedDict[tuple[str, str], tuple[float, Sender | None]] = OrderedDict()
_remembering = threading.Lock()


def sender_at(kind: str, key: str) -> Sender | None:
    """Return who sends webhooks to an address, None where nobody does."""
    now = time.monotonic()
    with _remembering:
        known = _remembered.get((kind, key))
    if known is not None and now - known[0] < REMEMBERED_SECONDS:
        return known[1]
    sender = _read(kind, key)
    with _remembering:
        _remembered[kind, key] = now, sender
        _remembered.move_to_end((kind, key))
        if len(_remembered) > MOST_REMEMBERED:
            _remembered.popitem(last=False)
    return sender


def forget_senders() -> None:
    """Read every address anew when it is next asked for."""
    with _remembering:
        _remembered.clear()


def _read(kind: str, key: str) -> Sender | None:
    host = host_by_hook_key(key)
    if host is None or host.kind != kind:
        return None
    with acting_for(host.organization_id):
        try:
            secret = str(open_secrets(host.sealed_secrets).get("webhook_secret", ""))
        except CannotDecrypt:
            logger.exception("the webhook secret of code host %d cannot be opened", host.pk)
            secret = ""
    return Sender(host_id=host.pk, organization_id=host.organization_id, secret=secret)
