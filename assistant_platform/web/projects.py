"""Projects: what is scanned, and what is open in each."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

import findings.selectors
import findings.services
import orgs.selectors
import rules.selectors
import scm.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.forms import ProjectForm
from assistant_platform.web.rules.forms import IgnoredPathsForm
from findings import listing
from lib.pages import page_from
from orgs.models import Project
from orgs.permissions import Permission
from orgs.services import ProjectChanges, ProjectUnusable

PAGE_SIZE = 100
SCANS_SHOWN = 10
OVERRIDES_SHOWN = 200


@require_safe
@org_page(Permission.FINDINGS_VIEW)
def projects_page(request: OrgRequest) -> HttpResponse:
    """List the projects by name with their open findings."""
    after = request.GET.get("after", "").replace("\0", "")  # PostgreSQL takes no NUL
    found = orgs.selectors.projects_visible_to(request.member)
    page = page_from(found.filter(name__gt=after) if after else found, size=PAGE_SIZE, is_first=not after)
    counted = listing.open_by_project(request.member)
    rows = [
        {"project": project, "total": sum(numbers.values()), "numbers": numbers}
        for project in page.rows
        for numbers in [counted.get(project.pk, {})]
    ]
    context = {"rows": rows, "next_after": page.rows[-1].name if page.has_next else "", "is_first": not after}
    return render(request, "projects/list.html", context)


@require_safe
@org_page(Permission.FINDINGS_VIEW)
def project_page(request: OrgRequest, project_id: int) -> HttpResponse:
    """Show a project: its open findings by severity, its latest scans, where its code is read."""
    project = get_object_or_404(orgs.selectors.projects_visible_to(request.member), pk=project_id)
    return _page(request, project, ProjectForm(initial=_as_fields(project)))


@require_POST
@org_page(Permission.PROJECTS_MANAGE)
def change_project(request: OrgRequest, project_id: int) -> HttpResponse:
    """Save what somebody says of a project."""
    project = get_object_or_404(orgs.selectors.projects_visible_to(request.member), pk=project_id)
    form = ProjectForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        # A form whose tags are only shown sends none.
        changes = ProjectChanges(
            primary_branch=said["primary_branch"] or None,
            url=said["url"],
            tags=None if project.has_tags_file else said["tags"],
        )
        try:
            changed = findings.services.change_project(project=project, changes=changes, actor=request.actor)
        except ProjectUnusable as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, _outcome(changed))
            return redirect("project", slug=request.member.organization.slug, project_id=project.pk)
    return _page(request, project, form, status=422)


def _outcome(changed: list[str]) -> str:
    if "primary_branch" in changed:
        return "Saved. What is in production was worked out anew."
    return "Saved." if changed else "Nothing was changed."


def _as_fields(project: Project) -> dict[str, str]:
    return {
        "primary_branch": project.primary_branch,
        "url": project.url,
        "tags": ", ".join(project.tags),
    }


def _page(request: OrgRequest, project: Project, form: ProjectForm, *, status: int = 200) -> HttpResponse:
    numbers = listing.open_by_project(request.member).get(project.pk, {})
    connected = scm.selectors.repository_of(project)
    context = {
        "project": project,
        "numbers": [(word, label, numbers.get(word, 0)) for word, label in listing.SEVERITIES.items()],
        "total": sum(numbers.values()),
        "scans": findings.selectors.scans_visible_to(request.member).filter(project=project)[:SCANS_SHOWN],
        "has_folder": scm.selectors.has_folder(project),
        "connected": connected,
        "connected_url": _as_link(connected.web_url) if connected else "",
        "overrides": rules.selectors.overrides_in(project.pk)[:OVERRIDES_SHOWN],
        "paths_form": IgnoredPathsForm(initial={"ignored_paths": project.ignored_paths}),
        "form": form,
        "branches": findings.selectors.branches_of(project),
        "repository": _as_link(project.url),
    }
    return render(request, "projects/project.html", context, status=status)


def _as_link(url: str) -> str:
    """Return an address that may be followed from a page, an empty text for any other."""
    return url if url.startswith(("https://", "http://")) else ""
