"""Secrets as they lie in the database: sealed with the operator's key, and bound to their organization."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from lib.crypto import CannotDecrypt, Sealer
from tenancy.scope import current_organization_id


def sealer() -> Sealer:
    """Return what seals with the newest of the operator's keys and opens with any."""
    return _sealer_with(tuple(settings.FIELD_ENCRYPTION_KEYS))


@lru_cache(maxsize=4)
def _sealer_with(keys: tuple[str, ...]) -> Sealer:
    return Sealer(keys)


def seal_secrets(secrets: Mapping[str, Any]) -> str:
    """Return secrets (JSON values by name) sealed for the organization in scope; an empty text where none says a thing.

    A row copied from one organization to another by somebody with the database, but no key, opens nothing.
    """
    if not any(secrets.values()):
        return ""
    return sealer().seal(json.dumps({"organization": current_organization_id(), **secrets}))


def open_secrets(sealed: str) -> dict[str, Any]:
    """Return the secrets of the organization in scope, or raise CannotDecrypt."""
    if not sealed:
        return {}
    content: dict[str, Any] = json.loads(sealer().open(sealed))
    if content.pop("organization") != current_organization_id():
        raise CannotDecrypt("sealed for another organization")
    return content
