"""The findings list: filters, counts, pages, and feedback given from a row."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

import findings.selectors
import orgs.selectors
import providers.selectors
import rules.selectors
import triage.selectors
import triage.services
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.facets import PRE_PRODUCTION, backlogs, chips, facets
from assistant_platform.web.forms import FeedbackForm
from assistant_platform.web.rows import row_of
from findings import listing
from findings.listing import Cursor, FindingFilter
from findings.models import Finding
from orgs.permissions import Permission

PROJECTS_OFFERED = 200


@require_safe
@org_page(Permission.FINDINGS_VIEW)
def findings_page(request: OrgRequest) -> HttpResponse:
    """List findings, worst first."""
    if "repo" in request.GET:
        return _from_semgreps_link(request)
    chosen = FindingFilter.parse(request.GET)
    after, before = Cursor.parse(request.GET.get("after", "")), Cursor.parse(request.GET.get("before", ""))
    held_back, rest = [], chosen
    if chosen.backlog == PRE_PRODUCTION and not chosen.held:
        # What was held back stands before the first page, and on none of the pages.
        rest = replace(chosen, held=(listing.NOT_HELD_BACK,))
        if after is None and before is None:
            held_back = listing.page(replace(chosen, held=(listing.HELD_BACK,)), viewer=request.member).findings
    page = listing.page(rest, viewer=request.member, after=after, before=before)
    shown = [*held_back, *page.findings]
    verdicts = triage.selectors.latest_verdicts([finding.pk for finding in shown])
    marked = findings.selectors.held_back_among([finding.pk for finding in shown if finding.recommendation == "ignore"])
    held_back_count = listing.held_back_count(replace(chosen, backlog=PRE_PRODUCTION), viewer=request.member)
    projects = orgs.selectors.project_names(request.member, at_most=PROJECTS_OFFERED)
    counts = _counts(chosen, request)
    rules = {finding.rule_id: finding.rule.identifier for finding in shown}
    context = {
        "rows": [
            row_of(finding, verdicts.get(finding.pk), findings_address=request.path, is_held_back=finding.pk in marked)
            for finding in shown
        ],
        "more_held_back": max(held_back_count - len(held_back), 0) if held_back else 0,
        "held_pairs": replace(chosen, held=(listing.HELD_BACK,)).as_pairs(),
        "page": page,
        "chosen": chosen,
        "pairs": chosen.as_pairs(),
        "backlogs": backlogs(chosen, held_back=held_back_count),
        "facets": facets(chosen, counts, projects=projects, rules=rules),
        "chips": chips(chosen, projects=projects, rules=rules),
        "counts": counts,
        "refs": findings.selectors.scanned_refs(request.member),
        "here": request.get_full_path(),
        "provider": providers.selectors.chosen(),
        "has_findings": bool(shown) or findings.selectors.visible_to(request.member).exists(),
    }
    return render(request, "findings/list.html", context)


def _from_semgreps_link(request: OrgRequest) -> HttpResponse:
    """Lead on from the address that `semgrep ci` prints at its end: `?repo=<project>&ref=<branch>`."""
    project = (
        orgs.selectors.projects_visible_to(request.member).filter(name=request.GET["repo"].replace("\0", "")).first()
    )
    ref = findings.selectors.ref_of_client(request.GET.get("ref", ""))
    query = {"project": project.pk if project else 0, **({"ref": ref} if ref else {})}
    return redirect(f"{request.path}?{urlencode(query)}")


@require_safe
@org_page(Permission.FINDINGS_VIEW)
def findings_facets(request: OrgRequest) -> HttpResponse:
    """Answer the filters with their counts, for the list to take in."""
    chosen = FindingFilter.parse(request.GET)
    counts = listing.counts(chosen, viewer=request.member)
    projects = orgs.selectors.project_names(request.member, at_most=PROJECTS_OFFERED)
    context = {
        "chosen": chosen,
        "pairs": chosen.as_pairs(),
        "facets": facets(chosen, counts, projects=projects, rules=_names_of_rules(counts)),
        "counts": counts,
        "refs": findings.selectors.scanned_refs(request.member),
    }
    return render(request, "findings/_filters.html", context)


def _counts(chosen: FindingFilter, request: OrgRequest) -> listing.Counts | None:
    # Without JavaScript a link asks for the counts; with it they come by themselves, after the page.
    count = listing.counts if "counts" in request.GET else listing.known_counts
    return count(chosen, viewer=request.member)


def _names_of_rules(counts: listing.Counts) -> dict[int, str]:
    return rules.selectors.identifiers([int(pk) for pk in counts.by_facet["rule"]])


@require_POST
@org_page(Permission.FINDINGS_TRIAGE)
def give_feedback(request: OrgRequest, finding_id: int) -> HttpResponse:
    """Agree or disagree with the verdict that counts; from a row of the list, the row is answered."""
    finding = get_object_or_404(findings.selectors.visible_to(request.member), pk=finding_id)
    verdict = triage.selectors.latest_verdict(finding)
    form = FeedbackForm(request.POST)
    if verdict is None or not form.is_valid():
        messages.error(request, "There is no verdict to agree or disagree with yet.")
        return back_to(request, finding)
    verdict.finding = finding
    agrees = form.cleaned_data["agrees"]
    was_held_back = bool(findings.selectors.held_back_among([finding.pk]))
    triage.services.give_feedback(verdict=verdict, user=request.user, agrees=agrees, reason=form.cleaned_data["reason"])
    if request.htmx and request.POST.get("from") == "row":  # type: ignore[attr-defined]  # django-htmx's middleware
        finding.refresh_from_db()
        address = reverse("findings", kwargs={"slug": request.member.organization.slug})
        row = row_of(finding, verdict, findings_address=address)
        back = request.POST.get("next", "")
        context = {"row": row, "answered": True, "agrees": agrees, "was_held_back": was_held_back, "back": back}
        return render(request, "findings/_row.html", context)
    if verdict.is_false_positive and agrees:
        undo = reverse("finding-feedback-undo", kwargs=_address_of(request, finding))
        messages.success(request, "Thank you. The finding is now ignored.", extra_tags=undo)
    elif verdict.is_false_positive and was_held_back:
        messages.success(request, "Thank you. It stays open, and its comment is posted after all.")
    else:
        messages.success(request, "Thank you, noted.")
    return back_to(request, finding)


@require_POST
@org_page(Permission.FINDINGS_TRIAGE)
def take_back_feedback(request: OrgRequest, finding_id: int) -> HttpResponse:
    """Take back what one said of the verdict that counts, and with it that the finding is ignored."""
    finding = get_object_or_404(findings.selectors.visible_to(request.member), pk=finding_id)
    verdict = triage.selectors.latest_verdict(finding)
    if verdict is not None and triage.services.take_back_feedback(verdict=verdict, user=request.user):
        messages.success(request, "Taken back.")
    else:
        messages.error(request, "There is nothing to take back: you have said nothing of the verdict that counts.")
    return back_to(request, finding)


def _address_of(request: OrgRequest, finding: Finding) -> dict[str, str | int]:
    return {"slug": request.member.organization.slug, "finding_id": finding.pk}


def back_to(request: OrgRequest, finding: Finding) -> HttpResponse:
    """Go back to where a form was sent from, which must be a page of ours; else to the finding."""
    target = request.POST.get("next", "")
    if target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return HttpResponseRedirect(target)
    return redirect(reverse("finding", kwargs={"slug": request.member.organization.slug, "finding_id": finding.pk}))
