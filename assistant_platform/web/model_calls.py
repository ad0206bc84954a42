"""What was asked of a model and what it answered, for Admins."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

import findings.selectors
import providers.selectors
from assistant_platform.web.base import OrgRequest, org_page
from orgs.permissions import Permission


@require_safe
@org_page(Permission.MODEL_CALLS_VIEW)
def model_call_page(request: OrgRequest, call_id: int) -> HttpResponse:
    """Show one request to a provider with its answer."""
    call = get_object_or_404(providers.selectors.calls(), pk=call_id)
    finding = (
        findings.selectors.visible_to(request.member).filter(pk=call.finding_id).first() if call.finding_id else None
    )
    return render(request, "model_calls/call.html", {"call": call, "finding": finding})
