"""What an organization is called, and what it asks of its people."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

import orgs.selectors
import orgs.services
from assistant_platform.web.account_forms import OrganizationSettingsForm, time_zones
from assistant_platform.web.base import OrgRequest, org_page
from orgs.permissions import Permission


@require_safe
@org_page(Permission.SETTINGS_MANAGE)
def organization_page(request: OrgRequest) -> HttpResponse:
    """Show the organization's own settings."""
    organization = request.member.organization
    initial = {name: getattr(organization, name) for name in OrganizationSettingsForm.base_fields}
    return _render(request, OrganizationSettingsForm(initial=initial, has_own=_has_own_factor(request)))


@require_POST
@org_page(Permission.SETTINGS_MANAGE)
def save_organization(request: OrgRequest) -> HttpResponse:
    """Save them."""
    form = OrganizationSettingsForm(request.POST, has_own=_has_own_factor(request))
    if not form.is_valid():
        return _render(request, form, status=422)
    orgs.services.change_organization(
        organization=request.member.organization, actor=request.actor, **form.cleaned_data
    )
    messages.success(request, "Saved.")
    return redirect("settings-organization", slug=request.member.organization.slug)


def _has_own_factor(request: OrgRequest) -> bool:
    return orgs.selectors.has_second_factor(request.user)


def _render(request: OrgRequest, form: OrganizationSettingsForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "time_zones": time_zones()}
    return render(request, "settings/organization.html", context, status=status)
