"""Making a GitHub App of a manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scm.adapters.values import HostAccess


@dataclass(frozen=True)
class CreatedApp:
    """An App that GitHub has just made."""

    app_id: str
    slug: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)


def manifest(*, name: str, public_url: str, hook_url: str, redirect_url: str) -> dict[str, Any]:
    """Return what the App is to be."""
    raise NotImplementedError


def exchange_code(access: HostAccess, code: str) -> CreatedApp:
    """Return the App that was made."""
    raise NotImplementedError
