"""The address without an organization: to the only one, or a choice, or how to get into one."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

import orgs.joining
import orgs.selectors
from assistant_platform.web.base import OrgRequest, org_page
from orgs.permissions import Permission


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Go to the person's organization, or let them choose."""
    assert isinstance(request.user, User)
    memberships = orgs.selectors.memberships_of(request.user.pk)
    if len(memberships) == 1:
        return redirect("dashboard", slug=memberships[0].organization.slug)
    invitations = orgs.selectors.invitations_of(request.user)
    context = {
        "memberships": memberships,
        "invitations": [(invitation, orgs.joining.token_of(invitation)) for invitation in invitations],
    }
    return render(request, "home.html", context)


@org_page(Permission.FINDINGS_VIEW)
def organization_root(request: OrgRequest) -> HttpResponse:
    """Go to what people come for."""
    return redirect("dashboard", slug=request.member.organization.slug)
