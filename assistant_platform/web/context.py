"""What every page's frame needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from orgs.permissions import Permission

SECTION_OF_PAGE = {
    "findings": "findings",
    "finding": "findings",
    "projects": "projects",
    "project": "projects",
    "scans": "scans",
    "scan": "scans",
    "upload": "upload",
    "assistant-settings": "settings",
    "save-assistant-settings": "settings",
}


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Give templates the organization, what the member may do, and which section is open."""
    member = getattr(request, "member", None)
    if member is None:
        return {"member": None, "organization": None}
    match = request.resolver_match
    return {
        "member": member,
        "organization": member.organization,
        "memberships": getattr(request, "memberships", [member]),
        "may": {permission.name.lower(): member.may(permission) for permission in Permission},
        "section": SECTION_OF_PAGE.get(match.url_name or "", "") if match else "",
    }
