"""Bringing along decisions made elsewhere: hand the file in, look at what it comes to, apply it, take it back."""

from __future__ import annotations

from typing import BinaryIO, cast

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import findings.selectors
import findings.services
import orgs.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.forms import TriageImportForm
from findings.ingest.unpacking import ReportUnreadable
from findings.models import TriageImport, TriageImportState
from findings.services import ImportUnusable
from orgs.permissions import Permission

IMPORTS_SHOWN = 20
ENTRIES_SHOWN = 100
PROJECTS_OFFERED = 200


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.FINDINGS_TRIAGE)
def triage_imports_page(request: OrgRequest) -> HttpResponse:
    """Take a file of decisions, and list those that were handed in."""
    form = TriageImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        made = _preview(request, form)
        if made is not None:
            return redirect("triage-import", slug=request.member.organization.slug, triage_import_id=made.pk)
    context = {
        "form": form,
        "projects": orgs.selectors.projects_visible_to(request.member)[:PROJECTS_OFFERED],
        "imports": _visible(request)[:IMPORTS_SHOWN],
    }
    return render(request, "findings/imports.html", context, status=422 if form.errors else 200)


def _visible(request: OrgRequest) -> QuerySet[TriageImport]:
    """Return the imports that somebody may look at."""
    imports = findings.selectors.triage_imports()
    ids = orgs.selectors.visible_project_ids(request.member)
    return imports if ids is None else imports.filter(project__in=ids)


def _preview(request: OrgRequest, form: TriageImportForm) -> TriageImport | None:
    file, name = form.cleaned_data["file"], form.cleaned_data["project"].replace("\0", "")
    project = orgs.selectors.projects_visible_to(request.member).filter(name=name).first() if name else None
    if name and project is None:
        form.add_error("project", "There is no such project. Upload a scan of it first.")
        return None
    if not name and orgs.selectors.visible_project_ids(request.member) is not None:
        form.add_error("project", "You see the projects of your teams only: choose one of them.")
        return None
    try:
        return findings.services.preview_triage_import(
            file=cast(BinaryIO, file), file_name=file.name, project=project, actor=request.actor
        )
    except ReportUnreadable as problem:
        form.add_error("file", str(problem))
        return None


@require_safe
@org_page(Permission.FINDINGS_TRIAGE)
def triage_import_page(request: OrgRequest, triage_import_id: int) -> HttpResponse:
    """Show what an import would do, or did."""
    made = get_object_or_404(_visible(request), pk=triage_import_id)
    is_preview = made.state == TriageImportState.PREVIEWED
    among = findings.selectors.visible_to(request.member)
    comparison = findings.services.compare_triage_import(made, among=among) if is_preview else None
    context = {
        "made": made,
        "comparison": comparison,
        "changed_count": len(made.changed),
        "to_set": comparison.to_set[:ENTRIES_SHOWN] if comparison else (),
        "kept": comparison.kept[:ENTRIES_SHOWN] if comparison else (),
        "unknown": comparison.unknown[:ENTRIES_SHOWN] if comparison else (),
        "shown": ENTRIES_SHOWN,
    }
    return render(request, "findings/import.html", context)


@require_POST
@org_page(Permission.FINDINGS_TRIAGE)
def apply_triage_import(request: OrgRequest, triage_import_id: int) -> HttpResponse:
    """Set the decisions of an import."""
    made = get_object_or_404(_visible(request), pk=triage_import_id)
    try:
        done = findings.services.apply_triage_import(
            triage_import=made, among=findings.selectors.visible_to(request.member), actor=request.actor
        )
    except ImportUnusable as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, f"Set {len(done.to_set)}; kept {len(done.kept)} that people here decided.")
    return redirect("triage-import", slug=request.member.organization.slug, triage_import_id=made.pk)


@require_POST
@org_page(Permission.FINDINGS_TRIAGE)
def undo_triage_import(request: OrgRequest, triage_import_id: int) -> HttpResponse:
    """Take an import back."""
    made = get_object_or_404(_visible(request), pk=triage_import_id)
    try:
        count = findings.services.undo_triage_import(triage_import=made, actor=request.actor)
    except ImportUnusable as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, f"Taken back: {count}. Decisions made since then were kept.")
    return redirect("triage-import", slug=request.member.organization.slug, triage_import_id=made.pk)
