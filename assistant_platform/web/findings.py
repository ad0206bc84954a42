"""The findings list: filters, counts, pages, and feedback given from a row."""

from __future__ import annotations

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
from assistant_platform.web.facets import backlogs, chips, facets
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
    page = listing.page(
        chosen,
        viewer=request.member,
        after=Cursor.parse(request.GET.get("after", "")),
        before=Cursor.parse(request.GET.get("before", "")),
    )
    verdicts = triage.selectors.latest_verdicts([finding.pk for finding in page.findings])
    projects = orgs.selectors.project_names(request.member, at_most=PROJECTS_OFFERED)
    counts = _counts(chosen, request)
    rules = {finding.rule_id: finding.rule.identifier for finding in page.findings}
    context = {
        "rows": [row_of(finding, verdicts.get(finding.pk), findings_address=request.path) for finding in page.findings],
        "page": page,
        "chosen": chosen,
        "pairs": chosen.as_pairs(),
        "backlogs": backlogs(chosen),
        "facets": facets(chosen, counts, projects=projects, rules=rules),
        "chips": chips(chosen, projects=projects, rules=rules),
        "counts": counts,
        "refs": findings.selectors.scanned_refs(request.member),
        "here": request.get_full_path(),
        "provider": providers.selectors.chosen(),
        "has_findings": bool(page.findings) or findings.selectors.visible_to(request.member).exists(),
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
    triage.services.give_feedback(verdict=verdict, user=request.user, agrees=agrees, reason=form.cleaned_data["reason"])
    if request.htmx and request.POST.get("from") == "row":  # type: ignore[attr-defined]  # django-htmx's middleware
        finding.refresh_from_db()
        address = reverse("findings", kwargs={"slug": request.member.organization.slug})
        row = row_of(finding, verdict, findings_address=address)
        context = {"row": row, "answered": True, "agrees": agrees}
        return render(request, "findings/_row.html", context)
    ignores = verdict.is_false_positive and agrees
    messages.success(request, "Thank you. The finding is now ignored." if ignores else "Thank you, noted.")
    return back_to(request, finding)


def back_to(request: OrgRequest, finding: Finding) -> HttpResponse:
    """Go back to where a form was sent from, which must be a page of ours; else to the finding."""
    target = request.POST.get("next", "")
    if target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return HttpResponseRedirect(target)
    return redirect(reverse("finding", kwargs={"slug": request.member.organization.slug, "finding_id": finding.pk}))
