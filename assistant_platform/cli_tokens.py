"""A token on its way to `semgrep login`: left sealed under the client's own key, fetched once, gone after minutes."""

from __future__ import annotations

import hashlib
import uuid

from django.conf import settings
from django.core.cache import cache

from lib.crypto import CannotDecrypt, Sealer

WAIT_SECONDS = 300  # the client asks for three minutes


def is_key(key: str) -> bool:
    """Tell whether this is a key that a client makes: a random UUID."""
    try:
        return uuid.UUID(key).version == 4  # noqa: PLR2004  (the random ones)
    except ValueError:
        return False


def leave(key: str, token: str) -> None:
    """Leave a token for the client that knows the key. Raises RedisError."""
    cache.set(_name(key), Sealer(settings.FIELD_ENCRYPTION_KEYS).seal(token), timeout=WAIT_SECONDS)


def fetch(key: str) -> str | None:
    """Return the token left under a key, once; None where there is none. Raises RedisError."""
    sealed = cache.get(_name(key))
    # Whoever deletes it has it: two clients with one key do not both get the token.
    if sealed is None or not cache.delete(_name(key)):
        return None
    try:
        return Sealer(settings.FIELD_ENCRYPTION_KEYS).open(sealed)
    except CannotDecrypt:
        return None


def _name(key: str) -> str:
    return "cli-token:" + hashlib.sha256(key.lower().encode()).hexdigest()
