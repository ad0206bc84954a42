"""The log of prompts and answers: filtered, page by page, as a file, and how long its texts are kept."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

import findings.selectors
import orgs.selectors
import orgs.services
from assistant_platform.web.base import OrgRequest, org_page
from findings.models import Finding
from orgs.permissions import Permission
from providers import log, log_export
from providers.log import CallFilter
from providers.models import ModelCall

PROJECTS_OFFERED = 200
FILES = {
    "ndjson": ("application/x-ndjson; charset=utf-8", log_export.ndjson),
    "csv": ("text/csv; charset=utf-8", log_export.csv),
}


class RetentionForm(forms.Form):
    """How many days texts are kept."""

    retention_days = forms.IntegerField(label="Days", min_value=0)

    def __init__(self, *args: object, limit: int, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        self.limit = limit

    def clean_retention_days(self) -> int:
        """Refuse more than the limit in force."""
        days = int(self.cleaned_data["retention_days"])
        if days > self.limit:
            raise forms.ValidationError(f"Choose 0 to {self.limit} days: the limit of whoever runs this server.")
        return days


@require_safe
@org_page(Permission.MODEL_CALLS_VIEW)
def prompts_page(request: OrgRequest) -> HttpResponse:
    """List the requests to models, newest first."""
    return _render(request, None)


@require_POST
@org_page(Permission.SETTINGS_MANAGE)
def save_retention(request: OrgRequest) -> HttpResponse:
    """Choose how long prompts, answers, uploaded code and reports are kept."""
    form = RetentionForm(request.POST, limit=orgs.selectors.retention_limit())
    if not form.is_valid():
        return _render(request, form, status=422)
    days = form.cleaned_data["retention_days"]
    orgs.services.change_settings(actor=request.actor, changes={"retention_days": days})
    messages.success(request, f"Saved: {_promise(days)}")
    return redirect("settings-prompts", slug=request.member.organization.slug)


def _promise(days: int) -> str:
    if days == 0:
        return "prompts and answers are not kept at all from now on; what is there goes within a day."
    return f"texts are kept {days} day{'' if days == 1 else 's'}; older ones go within a day."


@require_POST
@org_page(Permission.MODEL_CALLS_VIEW)
def export_prompts(request: OrgRequest) -> HttpResponseBase:
    """Answer what the filter shows as a file, NDJSON unless CSV is asked for; the audit log keeps who took it."""
    chosen = CallFilter.parse(request.GET)
    file_format = "csv" if request.POST.get("format") == "csv" else "ndjson"
    log_export.note_export(chosen=chosen, file_format=file_format, actor=request.actor)
    content_type, lines = FILES[file_format]
    name = f"prompts-{request.member.organization.slug}-{timezone.now():%Y-%m-%d}.{file_format}"
    return StreamingHttpResponse(
        lines(chosen=chosen, organization_id=request.member.organization_id),
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _render(request: OrgRequest, form: RetentionForm | None, *, status: int = 200) -> HttpResponse:
    chosen = CallFilter.parse(request.GET)
    page = log.page(chosen, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    settings = orgs.selectors.assistant_settings()
    limit = orgs.selectors.retention_limit()
    about = {call.finding_id for call in page.calls if call.finding_id}
    found = {finding.pk: finding for finding in findings.selectors.visible_to(request.member).filter(pk__in=about)}
    context = {
        "rows": [_row(call, found.get(call.finding_id or 0)) for call in page.calls],
        "page": page,
        "chosen": chosen,
        "pairs": chosen.as_pairs(),
        "offered": log.offered(),
        "periods": log.PERIODS,
        "steps": log.STEPS,
        "outcomes": log.OUTCOMES,
        "projects": orgs.selectors.project_names(request.member, at_most=PROJECTS_OFFERED),
        "form": form or RetentionForm(initial={"retention_days": min(settings.retention_days, limit)}, limit=limit),
        "settings": settings,
        "days": orgs.selectors.retention_days(),
        "limit": limit,
        "announced": orgs.selectors.longer_retention_announced(),
    }
    return render(request, "settings/prompts/log.html", context, status=status)


def _row(call: ModelCall, finding: Finding | None) -> tuple[ModelCall, str, Finding | None, str]:
    """Return a request with its step in words, and what it is about with the name of the file."""
    step = log.STEPS.get(call.purpose, call.purpose)
    return call, step, finding, finding.path.rsplit("/", 1)[-1] if finding else ""
