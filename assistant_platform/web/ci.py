"""How to have scans come from CI: what to copy into a job, with the organization's own addresses in it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from assistant_platform.web.base import OrgRequest, org_page
from orgs.permissions import Permission, roles_with


@require_safe
@org_page(Permission.SCANS_UPLOAD)
def ci_page(request: OrgRequest) -> HttpResponse:
    """Show the jobs to copy."""
    context = {"url": settings.PUBLIC_URL.rstrip("/"), "token_makers": roles_with(Permission.TOKENS_MANAGE)}
    return render(request, "scans/ci.html", context)
