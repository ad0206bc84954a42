"""From rows to what Slack is told: suggestions with what became of them, and what a scan has found anew."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.urls import reverse

import triage.selectors
from findings.models import Finding, Presence, Recommendation, Scan, Triage, TriageSource
from findings.selectors import every_finding
from notifications.announcements import (
    Answered,
    NewFindings,
    Place,
    Ref,
    RuleFound,
    Suggestion,
    SuggestionList,
)
from notifications.selectors import link_to
from notifications.slack.signing import Answerable, sign
from rules.models import Mode, Severity
from rules.selectors import mode_of_rule_in
from scm.models import PullRequest
from triage.models import Feedback, Verdict

RULES_SHOWN = 8
PLACES_SHOWN = 3
SUGGESTIONS_SHOWN = 10


def suggested_in(scan: Scan) -> list[Finding]:
    """Return the findings of a scan that may be safe to ignore, and that nobody has decided about; the worst first."""
    found = every_finding().filter(
        Q(first_scan=scan) | Q(analyses__scan=scan), project=scan.project_id, recommendation=Recommendation.IGNORE
    )
    return list(found.filter(_is_open()).distinct().order_by("-severity", "path", "start_line", "pk"))


def _is_open() -> Q:
    return Q(triage_source=TriageSource.NOBODY) & ~Q(triage=Triage.IGNORED)


def suggestion(finding: Finding, verdict: Verdict, *, ref: Ref) -> Suggestion:
    """Return a suggestion as it stands now. Wants a transaction."""
    answered = _answered(finding, verdict)
    value = sign(Answerable(finding.organization_id, verdict.pk))
    return Suggestion(
        project=finding.project.name,
        ref=ref,
        rule=finding.rule.name,
        severity=Severity(finding.severity).label,
        place=Place(finding.path, finding.start_line, link_to(finding)),
        reason=verdict.explanation,
        confidence=verdict.confidence,
        agree="" if answered else value,
        disagree="" if answered else value,
        undo=value if answered else "",
        answered=answered,
    )


def _answered(finding: Finding, verdict: Verdict) -> Answered | None:
    """Return what became of a suggestion, None while it waits for an answer."""
    newest = triage.selectors.latest_verdict(finding)
    if newest is not None and newest.pk != verdict.pk and not newest.is_false_positive:
        return Answered("The Assistant has looked again, and no longer calls it safe to ignore")
    given = Feedback.objects.filter(verdict=verdict).select_related("user").order_by("pk").first()
    if given is not None:
        by = given.token_name or given.account or _name(given)
        words = "Agreed: ignored as a false positive" if given.agrees else "Disagreed: it stays open"
        is_ignored = finding.triage == Triage.IGNORED
        if given.agrees and not is_ignored:
            words = "Agreed, and opened again since"
        elif not given.agrees and is_ignored:
            words = "Disagreed, and ignored since"
        return Answered(words, by=by, when=int(given.created_at.timestamp()), can_undo=given.user_id is not None)
    if finding.triage_source == TriageSource.SUPPRESSION:
        return Answered("Ignored by a suppression in the code or the report")
    if finding.triage_source == TriageSource.PERSON and finding.triage != Triage.OPEN:
        when = int(finding.triaged_at.timestamp()) if finding.triaged_at else 0
        return Answered(f"Set to {finding.get_triage_display().lower()}", by=finding.triaged_by, when=when)
    return None


def _name(given: Feedback) -> str:
    return (given.user.get_full_name() or given.user.email) if given.user else "somebody who left"


def suggestion_list(scan: Scan, among: Sequence[Finding], *, ref: Ref) -> SuggestionList:
    """Return many suggestions of a scan as one. Wants a transaction."""
    verdicts = triage.selectors.latest_verdicts([finding.pk for finding in among[:SUGGESTIONS_SHOWN]])
    return SuggestionList(
        project=scan.project.name,
        ref=ref,
        count=len(among),
        shown=tuple(
            suggestion(finding, verdicts[finding.pk], ref=ref)
            for finding in among[:SUGGESTIONS_SHOWN]
            if finding.pk in verdicts
        ),
        link=_list_of(scan, recommendation=Recommendation.IGNORE.value),
    )


def new_findings(scan: Scan, *, ref: Ref) -> NewFindings | None:
    """Return what a scan has found for the first time, None where that is nothing. Wants a transaction."""
    found = _new_in(scan)
    per_rule = list(found.values("rule", "severity").annotate(count=Count("pk")).order_by("-severity", "-count"))
    total = sum(each["count"] for each in per_rule)
    if not total:
        return None
    shown = [
        _rule_found(found.filter(rule=each["rule"], severity=each["severity"]), each["severity"], each["count"])
        for each in per_rule[:RULES_SHOWN]
    ]
    return NewFindings(
        project=scan.project.name,
        ref=ref,
        count=total,
        rules=tuple(shown),
        findings_left=total - sum(each.count for each in shown),
        link=_list_of(scan),
        likely_false=found.filter(recommendation=Recommendation.IGNORE).count(),
    )


def _new_in(scan: Scan) -> QuerySet[Finding]:
    found = every_finding().filter(first_scan=scan, project=scan.project_id).exclude(triage=Triage.IGNORED)
    return found.annotate(mode_there=mode_of_rule_in(scan.project_id)).exclude(mode_there=Mode.DISABLED)


def _rule_found(found: QuerySet[Finding], severity: int, count: int) -> RuleFound:
    first = list(found.order_by("path", "start_line", "pk")[:PLACES_SHOWN])
    return RuleFound(
        rule=first[0].rule.name,
        severity=Severity(severity).label,
        count=count,
        places=tuple(Place(each.path, each.start_line, link_to(each)) for each in first),
    )


def ref_of(scan: Scan) -> Ref:
    """Return what was scanned, in words, with its address on the code host where that is known."""
    if not scan.pull_request_id:
        return Ref(scan.branch)
    known = PullRequest.objects.filter(project=scan.project_id, number=scan.pull_request_id).first()
    words = f"pull request {scan.pull_request_id}"
    if known is None:
        return Ref(words)
    return Ref(f"{words}: {known.title}" if known.title else words, known.web_url)


def ref_of_finding(finding: Finding) -> Ref:
    """Return where a finding was seen first."""
    seen = Presence.objects.filter(finding=finding).select_related("first_scan").order_by("pk").first()
    return ref_of(seen.first_scan) if seen is not None else Ref("")


def _list_of(scan: Scan, **asked: str) -> str:
    address = reverse("findings", kwargs={"slug": scan.organization.slug})
    about = {"project": str(scan.project_id), **({"ref": scan.ref} if scan.ref else {}), **asked}
    return f"{settings.PUBLIC_URL.rstrip('/')}{address}?{urlencode(about)}"
