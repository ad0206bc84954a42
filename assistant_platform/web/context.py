"""What every page's frame needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Give templates the organization and membership of an organization's page."""
    member = getattr(request, "member", None)
    return {"member": member, "organization": member.organization if member else None}
