"""Project > Settings: where a project differs from its organization, and the way back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

import orgs.selectors
import orgs.services
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.settings.rows import Outcome, answered, row_of, sections
from orgs.models import Project
from orgs.permissions import Permission
from orgs.settings.catalogue import PER_PROJECT, Setting, WrongValue

AS_ORGANIZATION = ""  # what a form sends to have no value of its own
_BY_NAME = {setting.name: setting for setting in PER_PROJECT}


@require_safe
@org_page(Permission.SETTINGS_MANAGE)
def project_settings_page(request: OrgRequest, project_id: int) -> HttpResponse:
    """Show what holds for a project and where it comes from."""
    return _page(request, get_object_or_404(orgs.selectors.projects_visible_to(request.member), pk=project_id))


@require_POST
@org_page(Permission.SETTINGS_MANAGE)
def save_project_setting(request: OrgRequest, project_id: int) -> HttpResponse:
    """Save one setting of a project; htmx gets its row back, a browser without it the page."""
    project = get_object_or_404(orgs.selectors.projects_visible_to(request.member), pk=project_id)
    setting = _BY_NAME.get(request.POST.get("setting", ""))
    if setting is None:
        messages.error(request, "Nothing was changed: the form named no setting of a project.")
        return _page(request, project, status=422)
    text = AS_ORGANIZATION if "reset" in request.POST else request.POST.get("value", AS_ORGANIZATION)
    try:
        value = None if text == AS_ORGANIZATION else setting.parsed(text)
    except WrongValue as problem:
        return _answer(request, project, setting, Outcome(setting.name, problem=str(problem)))
    orgs.services.change_project_settings(project=project, actor=request.actor, changes={setting.name: value})
    return _answer(request, project, setting, Outcome(setting.name, is_by_button="reset" in request.POST))


def _answer(request: OrgRequest, project: Project, setting: Setting, outcome: Outcome) -> HttpResponse:
    status = 200 if outcome.is_saved else 422
    if not request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware
        if not outcome.is_saved:
            return _page(request, project, outcome=outcome, status=status)
        messages.success(request, f"Saved: {setting.label}. It holds for this project's findings from now on.")
        return redirect("project-settings", slug=request.member.organization.slug, project_id=project.pk)
    row = row_of(
        setting,
        orgs.selectors.settings_for(project.pk),
        organization=orgs.selectors.settings_of_organization(),
        outcome=outcome,
    )
    context = {"row": row, "project": project}
    return answered(render(request, "projects/_setting.html", context, status=status), row)


def _page(request: OrgRequest, project: Project, *, outcome: Outcome | None = None, status: int = 200) -> HttpResponse:
    settings = orgs.selectors.settings_for(project.pk)
    organization = orgs.selectors.settings_of_organization()
    context = {
        "project": project,
        "sections": sections(settings, organization=organization, outcome=outcome),
        "own_count": len(settings.own),
    }
    return render(request, "projects/settings.html", context, status=status)
