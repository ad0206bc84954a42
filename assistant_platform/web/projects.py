"""Projects: what is scanned, and what is open in each."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

import findings.selectors
import orgs.selectors
import rules.selectors
import scm.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.rules.forms import IgnoredPathsForm
from findings import listing
from orgs.permissions import Permission

PAGE_SIZE = 100
SCANS_SHOWN = 10
OVERRIDES_SHOWN = 200


@require_safe
@org_page(Permission.FINDINGS_VIEW)
def projects_page(request: OrgRequest) -> HttpResponse:
    """List the projects by name with their open findings."""
    after = request.GET.get("after", "").replace("\0", "")  # PostgreSQL takes no NUL
    found = orgs.selectors.projects_visible_to(request.member)
    projects = list((found.filter(name__gt=after) if after else found)[: PAGE_SIZE + 1])
    has_more, projects = len(projects) > PAGE_SIZE, projects[:PAGE_SIZE]
    counted = listing.open_by_project(request.member)
    rows = [
        {"project": project, "total": sum(numbers.values()), "numbers": numbers}
        for project in projects
        for numbers in [counted.get(project.pk, {})]
    ]
    context = {"rows": rows, "next_after": projects[-1].name if has_more else "", "is_first": not after}
    return render(request, "projects/list.html", context)


@require_safe
@org_page(Permission.FINDINGS_VIEW)
def project_page(request: OrgRequest, project_id: int) -> HttpResponse:
    """Show a project: its open findings by severity, its latest scans, where its code is read."""
    project = get_object_or_404(orgs.selectors.projects_visible_to(request.member), pk=project_id)
    numbers = listing.open_by_project(request.member).get(project.pk, {})
    context = {
        "project": project,
        "numbers": [(word, label, numbers.get(word, 0)) for word, label in listing.SEVERITIES.items()],
        "total": sum(numbers.values()),
        "scans": findings.selectors.scans_visible_to(request.member).filter(project=project)[:SCANS_SHOWN],
        "has_folder": scm.selectors.has_folder(project),
        "overrides": rules.selectors.overrides_in(project.pk)[:OVERRIDES_SHOWN],
        "paths_form": IgnoredPathsForm(initial={"ignored_paths": project.ignored_paths}),
    }
    return render(request, "projects/project.html", context)
