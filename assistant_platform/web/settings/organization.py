"""An organization's name and time zone."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

import orgs.services
from assistant_platform.web.account_forms import OrganizationForm, time_zones
from assistant_platform.web.base import OrgRequest, org_page
from orgs.permissions import Permission


@require_safe
@org_page(Permission.SETTINGS_MANAGE)
def organization_page(request: OrgRequest) -> HttpResponse:
    """Show the organization's own settings."""
    organization = request.member.organization
    return _render(request, OrganizationForm(initial={"name": organization.name, "time_zone": organization.time_zone}))


@require_POST
@org_page(Permission.SETTINGS_MANAGE)
def save_organization(request: OrgRequest) -> HttpResponse:
    """Save them."""
    form = OrganizationForm(request.POST)
    if not form.is_valid():
        return _render(request, form, status=422)
    orgs.services.change_organization(
        organization=request.member.organization, actor=request.actor, **form.cleaned_data
    )
    messages.success(request, "Saved.")
    return redirect("settings-organization", slug=request.member.organization.slug)


def _render(request: OrgRequest, form: OrganizationForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "time_zones": time_zones()}
    return render(request, "settings/organization.html", context, status=status)
