"""How rules are treated in general, and which paths scans leave out."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

import orgs.selectors
import orgs.services
import rules.services
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.rules.forms import IgnoredPathsForm, PolicyForm
from orgs.permissions import Permission
from rules.models import Mode


@require_POST
@org_page(Permission.POLICIES_MANAGE)
def save_policy(request: OrgRequest) -> HttpResponse:
    """Save the default mode and the paths left out."""
    form = PolicyForm(request.POST)
    if form.is_valid():
        rules.services.change_policy(
            default_mode=Mode(form.cleaned_data["default_mode"]),
            ignored_paths=form.cleaned_data["ignored_paths"],
            actor=request.actor,
        )
        messages.success(request, "Saved. It holds from the next scan on.")
    else:
        messages.error(request, _first(form))
    return redirect("rules", slug=request.member.organization.slug)


@require_POST
@org_page(Permission.POLICIES_MANAGE)
def save_ignored_paths(request: OrgRequest, project_id: int) -> HttpResponse:
    """Save the paths that scans of a project leave out."""
    project = get_object_or_404(orgs.selectors.projects_visible_to(request.member), pk=project_id)
    form = IgnoredPathsForm(request.POST)
    if form.is_valid():
        orgs.services.change_ignored_paths(
            project=project, ignored_paths=form.cleaned_data["ignored_paths"], actor=request.actor
        )
        messages.success(request, "Saved. It holds from the next scan on.")
    else:
        messages.error(request, _first(form))
    return redirect("project", slug=request.member.organization.slug, project_id=project.pk)


def _first(form: PolicyForm | IgnoredPathsForm) -> str:
    return next(str(problem) for problems in form.errors.values() for problem in problems)
