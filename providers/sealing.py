"""The secrets of a connection, as they lie in the database: sealed, and bound to their organization."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache

from django.conf import settings

from lib.crypto import CannotDecrypt, Sealer
from tenancy.scope import current_organization_id


@dataclass(frozen=True)
class Secrets:
    """What nobody is shown again: a key (AWS: its id), AWS's secret key, and headers with their values."""

    key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return bool(self.key or self.secret_key or self.headers)


def sealer() -> Sealer:
    """Return what seals with the newest of the operator's keys and opens with any."""
    return _sealer_with(tuple(settings.FIELD_ENCRYPTION_KEYS))


@lru_cache(maxsize=4)
def _sealer_with(keys: tuple[str, ...]) -> Sealer:
    return Sealer(keys)


def seal(secrets: Secrets) -> str:
    """Return secrets sealed for the organization in scope; an empty text where there are none."""
    if not secrets:
        return ""
    content = {
        # A row copied from one organization to another by somebody with the database, but no key, opens nothing.
        "organization": current_organization_id(),
        "key": secrets.key,
        "secret_key": secrets.secret_key,
        "headers": secrets.headers,
    }
    return sealer().seal(json.dumps(content))


def open_sealed(sealed: str) -> Secrets:
    """Return the secrets of the organization in scope, or raise CannotDecrypt."""
    if not sealed:
        return Secrets()
    content = json.loads(sealer().open(sealed))
    if content["organization"] != current_organization_id():
        raise CannotDecrypt("sealed for another organization")
    return Secrets(
        key=content["key"],
        secret_key=content["secret_key"],
        headers=tuple((name, value) for name, value in content["headers"]),
    )
