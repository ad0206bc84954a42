"""What a button carries: which verdict of which organization it answers, signed, so that nobody can make up another."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from django.conf import settings
from django.utils.crypto import salted_hmac

from lib.text import is_id

_SALT = "notifications.slack.signing"
_PARTS = 3


@dataclass(frozen=True)
class Answerable:
    """What a button is about."""

    organization_id: int
    verdict_id: int


def sign(what: Answerable) -> str:
    """Return the value of a button."""
    return f"{what.organization_id}.{what.verdict_id}.{_signature(what, settings.SECRET_KEY)}"


def read(value: str) -> Answerable | None:
    """Return what a button is about, None where we did not make it."""
    parts = value.split(".")
    if len(parts) != _PARTS or not (is_id(parts[0]) and is_id(parts[1])):
        return None
    what = Answerable(int(parts[0]), int(parts[1]))
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    holds = [hmac.compare_digest(_signature(what, secret).encode(), parts[2].encode()) for secret in secrets]
    return what if any(holds) else None


def _signature(what: Answerable, secret: str | bytes) -> str:
    signed = f"{what.organization_id}:{what.verdict_id}"
    return salted_hmac(_SALT, signed, secret=secret, algorithm="sha256").hexdigest()[:40]
