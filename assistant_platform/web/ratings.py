"""Thumbs up and down for the guidance and the fix on a finding's page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

import findings.selectors
import remediation.rating
import remediation.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.findings import back_to
from assistant_platform.web.forms import RatingForm
from orgs.permissions import Permission


@require_POST
@org_page(Permission.FINDINGS_TRIAGE)
def rate_advice(request: OrgRequest, finding_id: int) -> HttpResponse:
    """Say that guidance or a fix helped or not, or take that back."""
    finding = get_object_or_404(findings.selectors.visible_to(request.member), pk=finding_id)
    form = RatingForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Not kept: choose helpful or not helpful, and keep the reason below 3000 characters.")
        return back_to(request, finding)
    said = form.cleaned_data
    advice = remediation.selectors.advice_of(finding, about=said["about"], number=said["number"])
    if advice is None:
        messages.error(request, "Not kept: that text is not shown any more. Look at the one that is.")
    elif said["helpful"] == "undo":
        if remediation.rating.take_back_rating(advice=advice, actor=request.actor):
            messages.success(request, "Taken back.")
        else:
            messages.error(request, "There is nothing to take back.")
    else:
        is_helpful = said["helpful"] == "yes"
        remediation.rating.rate(advice=advice, is_helpful=is_helpful, reason=said["reason"], actor=request.actor)
        messages.success(request, "Thank you, noted.")
    return back_to(request, finding)
