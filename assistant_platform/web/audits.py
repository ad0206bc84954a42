"""The random audit: false-positive calls that were drawn, looked at one at a time."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

import scm.selectors
import triage.auditing
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.finding import evidence_of
from assistant_platform.web.forms import LONGEST_COMMENT
from assistant_platform.web.rendering.code import listing
from lib.text import is_id
from orgs.permissions import Permission
from triage.models import AuditSample


class CheckForm(forms.Form):
    """What a person found of a drawn verdict."""

    is_right = forms.TypedChoiceField(choices=[("yes", "Right"), ("no", "Wrong")], coerce=lambda value: value == "yes")
    reason = forms.CharField(required=False, max_length=LONGEST_COMMENT)


@require_safe
@org_page(Permission.VERDICTS_AUDIT)
def audit_page(request: OrgRequest) -> HttpResponse:
    """Show the next drawn verdict that nobody has checked, with the code and what the Assistant said."""
    waiting = triage.auditing.waiting_for_check(request.member)
    after = request.GET.get("after", "")
    sample = (waiting.filter(pk__gt=int(after)).first() if is_id(after) else None) or waiting.first()
    context: dict[str, object] = {"sample": sample, "waiting": waiting.count(), "drawn_a_week": triage.auditing.DRAWN_A_WEEK}
    if sample is not None:
        context |= _shown(sample)
    return render(request, "metrics/audit.html", context)


def _shown(sample: AuditSample) -> dict[str, object]:
    finding, verdict = sample.finding, sample.verdict
    excerpt = verdict.code_lines or []
    # Read from what is known here: a page that waits for a host would make checking slow.
    source = None if excerpt else scm.selectors.reader(project=finding.project, revision=finding.revision)(finding.path)
    code = listing(finding, excerpt=excerpt, source=source, evidence=verdict.evidence)
    return {
        "finding": finding,
        "verdict": verdict,
        "code": code,
        "evidence": [evidence_of(quote, code) for quote in verdict.evidence],
    }


@require_POST
@org_page(Permission.VERDICTS_AUDIT)
def check_verdict(request: OrgRequest, sample_id: int) -> HttpResponse:
    """Keep whether a drawn verdict was right."""
    sample = get_object_or_404(triage.auditing.samples_visible_to(request.member), pk=sample_id)
    form = CheckForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Not kept: say right or wrong, and keep the reason below 3000 characters.")
        return redirect("metrics-audit", slug=request.member.organization.slug)
    is_right = form.cleaned_data["is_right"]
    try:
        triage.auditing.check(sample=sample, is_right=is_right, reason=form.cleaned_data["reason"], user=request.user)
    except triage.auditing.AlreadyChecked:
        messages.error(request, "Not kept: somebody else has checked that verdict already.")
    else:
        undo = reverse("metrics-audit-undo", kwargs={"slug": request.member.organization.slug, "sample_id": sample.pk})
        words = "Right, as you found." if is_right else "Wrong, as you found: the finding counts as open."
        messages.success(request, f"Thank you. {words}", extra_tags=undo)
    return redirect("metrics-audit", slug=request.member.organization.slug)


@require_POST
@org_page(Permission.VERDICTS_AUDIT)
def take_back_check(request: OrgRequest, sample_id: int) -> HttpResponse:
    """Take back what one found of a drawn verdict."""
    sample = get_object_or_404(triage.auditing.samples_visible_to(request.member), pk=sample_id)
    if triage.auditing.take_back_check(sample=sample, user=request.user):
        messages.success(request, "Taken back.")
    else:
        messages.error(request, "There is nothing of yours to take back.")
    return redirect("metrics-audit", slug=request.member.organization.slug)
