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
    name: str
    web_url: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)


def manifest(*, name: str, public_url: str, hook_url: str, redirect_url: str) -> dict[str, Any]:
    """Return what the App is to be."""
    return {
        "name": name,
        "url": public_url,
        "hook_attributes": {"url": hook_url},
        "redirect_url": redirect_url,
        "default_permissions": {"metadata": "read", "contents": "write"},
        "default_events": ["pull_request"],
    }


def form_address(base_url: str, *, organization: str = "") -> str:
    """Return where the manifest is posted to."""
    owner = f"organizations/{organization}/" if organization else ""
    return f"{base_url.rstrip('/')}/{owner}settings/apps/new"


def exchange_code(access: HostAccess, code: str) -> CreatedApp:
    """Return the App that was made."""
    raise NotImplementedError
