"""What every page's frame needs."""

from __future__ import annotations

from typing import Any

from django.conf import settings as platform
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

import providers.selectors
from assistant_platform.web.accounts import may_sign_up
from assistant_platform.web.settings.navigation import pages_for
from orgs.models import Membership
from orgs.permissions import Permission
from providers import usage
from tenancy.scope import organization_id_or_none

SECTION_OF_PAGE = {
    "dashboard": "dashboard",
    "findings": "findings",
    "finding": "findings",
    "projects": "projects",
    "project": "projects",
    "project-settings": "projects",
    "project-settings-save": "projects",
    "rules": "rules",
    "rule": "rules",
    "metrics": "metrics",
    "scans": "scans",
    "scan": "scans",
    "upload": "upload",
    "ci": "upload",
}
SECTION_OF_ACCOUNT_PAGE = {
    "account_profile": "profile",
    "account_email": "email",
    "account_change_password": "password",
    "account_set_password": "password",
    "usersessions_list": "sessions",
    "account_organizations": "organizations",
    **dict.fromkeys(
        (
            "mfa_index",
            "mfa_activate_totp",
            "mfa_deactivate_totp",
            "mfa_view_recovery_codes",
            "mfa_generate_recovery_codes",
            "mfa_list_webauthn",
            "mfa_add_webauthn",
            "mfa_edit_webauthn",
            "mfa_remove_webauthn",
        ),
        "second_factor",
    ),
}

SECTIONS = ("settings", "rules", "metrics")  # whose pages' names begin with theirs


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Give templates the organization, what the member may do, and which section is open."""
    member = getattr(request, "member", None)
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    always = {
        "account_section": SECTION_OF_ACCOUNT_PAGE.get(name, ""),
        "may_create_organization": platform.ORGANIZATIONS_CREATED_BY == "anyone",
        "sign_up": platform.SIGN_UP,
        "may_sign_up": hasattr(request, "user") and not request.user.is_authenticated and may_sign_up(request),
    }
    if member is None:
        return {"member": None, "organization": None, **always}
    settings_pages = pages_for(member)
    settings_page = next((page.url_name for page in settings_pages if name.startswith(page.url_name)), "")
    return {
        **always,
        "member": member,
        "organization": member.organization,
        "memberships": getattr(request, "memberships", [member]),
        "may": {permission.name.lower(): member.may(permission) for permission in Permission},
        "section": SECTION_OF_PAGE.get(name) or next((each for each in SECTIONS if name.startswith(f"{each}-")), ""),
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
