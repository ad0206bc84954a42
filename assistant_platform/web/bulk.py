"""Deciding about many findings at once: what would happen, the decision, and taking it back."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

import findings.selectors
import findings.services
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.forms import BulkTriageForm
from findings import listing
from findings.listing import FindingFilter
from findings.models import Finding, IgnoreReason, NotAnalysed, Triage, TriageSource
from findings.services import MOST_AT_ONCE, BulkRefused, NothingToUndo
from findings.services.deciding_in_bulk import UNDO_WITHIN
from orgs.permissions import Permission

EXAMPLES_SHOWN = 5
UNDOABLE_SHOWN = 5
LONGEST_ID = 18


@require_safe
@org_page(Permission.FINDINGS_TRIAGE)
def bulk_page(request: OrgRequest) -> HttpResponse:
    """Say which findings are meant, frozen as they are now, and what deciding about them would do."""
    ids = findings.services.chosen_ids(_meant(request, request.GET))
    if not ids or len(ids) > MOST_AT_ONCE:
        words = (
            f"Narrow the filter: {MOST_AT_ONCE} findings can be changed at once." if ids else "Choose findings first."
        )
        messages.error(request, words)
        return redirect(_list_address(request, request.GET))
    return _shown(request, ids, BulkTriageForm(), back=_list_address(request, request.GET))


@require_POST
@org_page(Permission.FINDINGS_TRIAGE)
def decide_in_bulk(request: OrgRequest) -> HttpResponse:
    """Decide about the findings that were shown, all or none."""
    ids = _ids(request.POST.get("ids", "").split(","))
    form, back = BulkTriageForm(request.POST), _list_address(request, QueryDict(request.POST.get("query", "")))
    if not ids:
        messages.error(request, "Choose findings first.")
        return redirect(back)
    if not form.is_valid():
        return _shown(request, ids, form, back=back)
    chosen, reason = Triage(form.cleaned_data["triage"]), form.cleaned_data["reason"]
    try:
        bulk = findings.services.triage_in_bulk(
            chosen=findings.selectors.visible_to(request.member).select_related(None).filter(pk__in=ids),
            triage=chosen,
            reason=IgnoreReason(reason) if chosen == Triage.IGNORED else None,
            comment=form.cleaned_data["comment"],
            actor=request.actor,
            expected_count=len(ids),
        )
    except BulkRefused as problem:
        messages.error(request, str(problem))
        return redirect(back)
    undo = reverse("findings-bulk-undo", kwargs={"slug": request.member.organization.slug, "bulk_id": bulk.pk})
    word = "finding is" if bulk.count == 1 else "findings are"
    messages.success(request, f"{bulk.count} {word} now: {chosen.label.lower()}.", extra_tags=undo)
    return redirect(back)


@require_POST
@org_page(Permission.FINDINGS_TRIAGE)
def undo_bulk(request: OrgRequest, bulk_id: int) -> HttpResponse:
    """Take a decision about many findings back."""
    bulk = get_object_or_404(findings.selectors.bulk_triages_visible_to(request.member), pk=bulk_id)
    try:
        bulk = findings.services.undo_bulk_triage(bulk=bulk, actor=request.actor)
    except NothingToUndo as problem:
        messages.error(request, str(problem))
    else:
        kept = bulk.count - (bulk.undone_count or 0)
        since = f" {kept} stayed as they are: somebody decided about them since." if kept else ""
        messages.success(request, f"Taken back for {bulk.undone_count} of {bulk.count} findings.{since}")
    return redirect(_list_address(request, QueryDict()))


def _meant(request: OrgRequest, sent: QueryDict) -> QuerySet[Finding]:
    """Return the findings that a form of the list means: those ticked, those of the page, or all that match."""
    if sent.get("meant") == "all":
        return listing.matching(FindingFilter.parse(sent), viewer=request.member)
    texts = sent.get("page_ids", "").split(",") if sent.get("meant") == "page" else sent.getlist("ids")
    return findings.selectors.visible_to(request.member).select_related(None).filter(pk__in=_ids(texts))


def _ids(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= LONGEST_ID][
        : MOST_AT_ONCE + 1
    ]


def _list_address(request: OrgRequest, sent: QueryDict) -> str:
    query = QueryDict(mutable=True)
    for name, value in FindingFilter.parse(sent).as_pairs():
        query.appendlist(name, value)
    address = reverse("findings", kwargs={"slug": request.member.organization.slug})
    return f"{address}?{query.urlencode()}" if query else address


def _shown(request: OrgRequest, ids: list[int], form: BulkTriageForm, *, back: str) -> HttpResponse:
    chosen = findings.selectors.visible_to(request.member).filter(pk__in=ids)
    numbers = chosen.aggregate(
        count=Count("pk"),
        projects=Count("project", distinct=True),
        rules=Count("rule", distinct=True),
        decided=Count("pk", filter=Q(triage_source=TriageSource.PERSON)),
        waiting=Count("pk", filter=Q(not_analysed=NotAnalysed.WAITING)),
        advised_to_fix=Count("pk", filter=Q(recommendation="fix")),
    )
    undoable = findings.selectors.bulk_triages_visible_to(request.member).filter(
        undone_at=None, made_at__gt=timezone.now() - UNDO_WITHIN + timedelta(seconds=5)
    )
    context = {
        "numbers": numbers,
        "examples": chosen.order_by("-severity", "-pk")[:EXAMPLES_SHOWN],
        "more": max(numbers["count"] - EXAMPLES_SHOWN, 0),
        "ids": ",".join(str(pk) for pk in ids),
        "form": form,
        "back": back,
        "query": back.partition("?")[2],
        "undoable": undoable[:UNDOABLE_SHOWN],
        "minutes": int(UNDO_WITHIN.total_seconds() // 60),
    }
    return render(request, "findings/bulk.html", context, status=400 if form.errors else 200)
