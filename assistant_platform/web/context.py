"""What every page's frame needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

import providers.selectors
from assistant_platform.web.settings.navigation import pages_for
from orgs.models import Membership
from orgs.permissions import Permission
from providers import usage
from tenancy.scope import organization_id_or_none

SECTION_OF_PAGE = {
    "findings": "findings",
    "finding": "findings",
    "projects": "projects",
    "project": "projects",
    "project-settings": "projects",
    "project-settings-save": "projects",
    "scans": "scans",
    "scan": "scans",
    "upload": "upload",
}


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
        "section": SECTION_OF_PAGE.get(name, "settings" if name.startswith("settings-") else ""),
        "budget_alert": SimpleLazyObject(lambda: _budget_alert(member)),
        "settings_pages": settings_pages,
        "settings_page": settings_page,
        "provider_problems": providers.selectors.connections_with_problems,  # asked for by the pages that show them
    }


def _budget_alert(member: Membership) -> usage.MonthNow | None:
    """Return how the month stands for those who can do something about it, once a threshold was passed."""
    # A refusal is rendered outside the organization's scope, and needs no banner.
    if not member.may(Permission.PROVIDER_MANAGE) or organization_id_or_none() is None:
        return None
    return usage.month_now() if usage.has_budget_alert() else None
