"""What every page's frame needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from assistant_platform.web.settings.navigation import pages_for
from orgs.permissions import Permission

SECTION_OF_PAGE = {
    "findings": "findings",
    "finding": "findings",
    "projects": "projects",
    "project": "projects",
    "rules": "rules",
    "rule": "rules",
    "scans": "scans",
    "scan": "scans",
    "upload": "upload",
    "ci": "upload",
}

SECTIONS = ("settings", "rules")  # whose pages' names begin with theirs


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Give templates the organization, what the member may do, and which section is open."""
    member = getattr(request, "member", None)
    if member is None:
        return {"member": None, "organization": None}
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    settings_pages = pages_for(member)
    settings_page = next((page.url_name for page in settings_pages if name.startswith(page.url_name)), "")
    return {
        "member": member,
        "organization": member.organization,
        "memberships": getattr(request, "memberships", [member]),
        "may": {permission.name.lower(): member.may(permission) for permission in Permission},
        "section": SECTION_OF_PAGE.get(name) or next((each for each in SECTIONS if name.startswith(f"{each}-")), ""),
        "settings_pages": settings_pages,
        "settings_page": settings_page,
    }
