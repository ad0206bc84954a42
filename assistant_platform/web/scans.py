"""Scans: what was handed in, how far it has come, and handing one in."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

import findings.selectors
import findings.services
import orgs.selectors
import providers.selectors
import triage.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.forms import UploadForm
from findings import uploads
from findings.ingest.unpacking import ReportUnreadable
from findings.models import ScanState
from findings.services import ScanDescription
from findings.uploads import UploadRefused
from lib.pages import page_from
from lib.text import is_id
from orgs.permissions import Permission
from scm.context_upload import ContextRefused

PAGE_SIZE = 50
PROBLEMS_SHOWN = 50
PROJECTS_OFFERED = 200
MOVING = frozenset({ScanState.RUNNING, ScanState.RECEIVED, ScanState.INGESTED})


@require_safe
@org_page(Permission.SCANS_VIEW)
def scans_page(request: OrgRequest) -> HttpResponse:
    """List the scans, newest first."""
    after = request.GET.get("after", "")
    scans = findings.selectors.scans_visible_to(request.member)
    if is_id(after):
        scans = scans.filter(pk__lt=int(after))
    page = page_from(scans, size=PAGE_SIZE, is_first=not after)
    context = {
        "scans": page.rows,
        "next_after": page.rows[-1].pk if page.has_next else "",
        "is_first": not after,
    }
    return render(request, "scans/list.html", context)


@require_safe
@org_page(Permission.SCANS_VIEW)
def scan_page(request: OrgRequest, scan_id: int) -> HttpResponse:
    """Show a scan: how far it has come, what it found, and which results could not be used."""
    scan = get_object_or_404(findings.selectors.scans_visible_to(request.member), pk=scan_id)
    ended = findings.selectors.analyses_of(scan)
    late_waiting = findings.selectors.without_verdict(scan) if scan.late_count else 0
    days = orgs.selectors.code_retention_days()
    context = {
        "scan": scan,
        "code_retention_days": days,
        "upload_kept_until": scan.received_at + timedelta(days=days) if uploads.is_kept(scan) else None,
        "ended": ended,
        "to_analyse": sum(ended.values()),
        "analysed": sum(ended.values()) - ended.get("waiting", 0),
        "late_waiting": late_waiting,
        "stopped": triage.selectors.stopped_by_budget().filter(first_scan=scan).count(),
        "problems": scan.problems[:PROBLEMS_SHOWN],
        "problems_left_out": max(len(scan.problems) - PROBLEMS_SHOWN, 0),
        "is_moving": scan.state in MOVING or late_waiting > 0,
        "job_link": _link(scan.ci.get("ci_job_url", "")),
        "provider": providers.selectors.chosen(),
    }
    return render(request, "scans/scan.html", context)


def _link(address: str) -> str:
    """Return an address that a browser only opens, else nothing: CI says what it likes."""
    return address if address.startswith(("https://", "http://")) else ""


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.SCANS_UPLOAD)
def upload_page(request: OrgRequest) -> HttpResponse:
    """Take a report from a person."""
    form = UploadForm(request.POST or None, request.FILES or None, initial={"project": request.GET.get("project", "")})
    if request.method == "POST" and form.is_valid():
        scan_id = _receive(request, form)
        if scan_id is not None:
            return redirect("scan", slug=request.member.organization.slug, scan_id=scan_id)
    context = {
        "form": form,
        "projects": orgs.selectors.projects_visible_to(request.member)[:PROJECTS_OFFERED],
        "max_megabytes": settings.MAX_REPORT_BYTES // 1024 // 1024,
        "public_url": settings.PUBLIC_URL,
    }
    return render(request, "scans/upload.html", context, status=422 if form.errors else 200)


def _receive(request: OrgRequest, form: UploadForm) -> int | None:
    said = form.cleaned_data
    if not orgs.selectors.sees_project_named(request.member, said["project"]):
        form.add_error("project", "You see the projects of your teams only: choose one of them.")
        return None
    description = ScanDescription(
        project=said["project"],
        branch=said["branch"],
        commit=said["commit"],
        pull_request_id=said["pull_request_id"],
        is_full=not (said["is_diff_aware"] or said["pull_request_id"]),
        product=said["product"],
    )
    try:
        scan = findings.services.receive_scan(
            description=description,
            report=said["report"],
            context=said["context"],
            rule_file=said["rule_file"],
            actor=request.actor,
        )
    except (ReportUnreadable, UploadRefused) as problem:
        is_about_context = isinstance(problem.__cause__, ContextRefused)
        form.add_error("context" if is_about_context else "report", str(problem))
        return None
    if scan.state == ScanState.RECEIVED:
        messages.success(request, "The scan is here. This page shows what comes of it.")
    else:
        messages.info(request, "This very report was handed in before; here is what came of it.")
    return scan.pk
