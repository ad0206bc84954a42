"""Making messages of events: what is read anew from the database, so that each message says what holds then."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from pydantic import BaseModel

from events.kinds import Kind
from events.models import Event
from findings.models import BulkTriage, Finding, Presence, PresenceState, Scan
from findings.selectors import every_finding
from notifications.outgoing import payloads
from notifications.outgoing.catalogue import Told
from remediation.models import FixPullRequest
from rules.models import Severity
from scm.models import PullRequest
from tenancy.models import Organization
from tenancy.scope import current_organization_id
from triage.models import Verdict

# Of our own, so that a message made twice of one event has the same id.
_NAMESPACE = uuid.UUID("6ad4f0f4-3b7c-4c56-9a5e-0f6d4f1c7a10")
_CHANGE_OF_MEMORY = {
    Kind.MEMORY_SUGGESTED: "suggested",
    Kind.MEMORY_ADDED: "added",
    Kind.MEMORY_CHANGED: "changed",
    Kind.MEMORY_REMOVED: "removed",
}


def message_of(event: Event, told: Told) -> payloads.Message | None:
    """Return what is told of an event, None where there is nothing (left) to tell. Needs a transaction."""
    organization = Organization.objects.get(pk=current_organization_id())
    content = _BUILDERS[told](event, organization.slug)
    if content is None:
        return None
    return payloads.Message(
        id=str(uuid.uuid5(_NAMESPACE, f"{event.pk}:{told.value}")),
        type=told,
        timestamp=event.created_at,
        deployment=payloads.Deployment(slug=organization.slug, name=organization.name),
        data=content.model_dump(mode="json"),
    )


def test_message(*, sent_by: str, at: Any) -> payloads.Message:
    """Return a message that tells nothing but that it came. Needs a transaction."""
    organization = Organization.objects.get(pk=current_organization_id())
    return payloads.Message(
        id=str(uuid.uuid4()),
        type=Told.WEBHOOK_TEST,
        timestamp=at,
        deployment=payloads.Deployment(slug=organization.slug, name=organization.name),
        data=payloads.AboutTest(sent_by=sent_by).model_dump(mode="json"),
    )


def finding_told(finding: Finding, slug: str) -> payloads.FindingTold:
    """Return a finding as messages tell it; its project and rule must be at hand."""
    return payloads.FindingTold(
        id=finding.pk,
        project_id=finding.project_id,
        repository=payloads.Repository(name=finding.project.name, url=finding.project.url or None),
        rule_id=finding.rule_id,
        rule_name=finding.rule.identifier,
        product=finding.product,
        severity=Severity(finding.severity).label.lower(),
        confidence=finding.rule.confidence or None,
        location=payloads.Location(
            file_path=finding.path,
            line=finding.start_line,
            column=finding.start_column,
            end_line=finding.end_line,
            end_column=finding.end_column,
        ),
        created_at=finding.created_at,
        first_seen_scan_id=finding.first_scan_id,
        is_present=finding.is_present,
        is_production=finding.is_production,
        triage=finding.triage,
        triage_reason=finding.ignore_reason or None,
        triaged_by=finding.triaged_by or None,
        triaged_at=finding.triaged_at,
        recommendation=finding.recommendation,
        verdict_confidence=finding.verdict_confidence,
        has_verified_fix=finding.has_verified_fix,
        url=_address("finding", slug=slug, finding_id=finding.pk),
    )


def _address(name: str, **arguments: object) -> str:
    return settings.PUBLIC_URL.rstrip("/") + reverse(name, kwargs=arguments)


# --- Scans ------------------------------------------------------------------------------------------------------------


def _scan(event: Event) -> Scan | None:
    return Scan.objects.select_related("project").filter(pk=event.subject["scan_id"]).first()


def _scan_told(scan: Scan, slug: str) -> payloads.ScanTold:
    return payloads.ScanTold(
        id=str(scan.pk),
        project_id=scan.project_id,
        project=scan.project.name,
        branch=scan.branch,
        commit=scan.commit,
        pull_request_id=scan.pull_request_id,
        is_full=scan.is_full,
        product=scan.product,
        tool=scan.tool,
        state=scan.state,
        failure=scan.failure,
        found_count=scan.found_count,
        new_count=scan.new_count,
        fixed_count=scan.fixed_count,
        received_at=scan.received_at,
        ingested_at=scan.ingested_at,
        url=_address("scan", slug=slug, scan_id=scan.pk),
    )


def _about_scan(event: Event, slug: str) -> BaseModel | None:
    scan = _scan(event)
    return None if scan is None else payloads.AboutScan(scan=_scan_told(scan, slug))


def _opened(event: Event, slug: str) -> BaseModel | None:
    scan = _scan(event)
    if scan is None or scan.ingested_at is None:
        return None
    here = Presence.objects.filter(project=scan.project, ref=scan.ref, is_pull_request=bool(scan.pull_request_id))
    # Present again since this scan was read: its change of state lies between its arrival and its end.
    returned = here.filter(
        state=PresenceState.PRESENT,
        first_scan__lt=scan.pk,
        last_scan__gte=scan.pk,
        changed_at__gt=scan.received_at,
        changed_at__lte=scan.ingested_at,
    )
    # Asked for one by one, as no index serves both at once.
    new, again = every_finding().filter(first_scan=scan), every_finding().filter(pk__in=returned.values("finding"))
    return _about_findings_of(scan, [new, again], slug)


def _fixed(event: Event, slug: str) -> BaseModel | None:
    scan = _scan(event)
    if scan is None:
        return None
    gone = Presence.objects.filter(
        project=scan.project,
        ref=scan.ref,
        is_pull_request=bool(scan.pull_request_id),
        state=PresenceState.FIXED,
        last_scan=scan.pk,
    )
    return _about_findings_of(scan, [every_finding().filter(pk__in=gone.values("finding"))], slug)


def _about_findings_of(scan: Scan, found: list[QuerySet[Finding]], slug: str) -> BaseModel | None:
    count = sum(each.count() for each in found)
    if count == 0:
        return None
    told = _scan_told(scan, slug)
    return payloads.AboutFindingsOfScan(
        scan=told, count=count, findings=_worst(found, slug), more_url=_more(count, told.url)
    )


def _worst(found: list[QuerySet[Finding]], slug: str) -> list[payloads.FindingTold]:
    worst = [
        finding
        for each in found
        for finding in each.select_related("project", "rule").order_by("-severity", "-pk")[: payloads.MOST_FINDINGS]
    ]
    worst.sort(key=lambda finding: (-finding.severity, -finding.pk))
    return [finding_told(finding, slug) for finding in worst[: payloads.MOST_FINDINGS]]


def _more(count: int, address: str) -> str | None:
    return address if count > payloads.MOST_FINDINGS else None


# --- Findings ---------------------------------------------------------------------------------------------------------


def _finding(event: Event) -> Finding | None:
    if event.finding_id is None:
        return None
    return every_finding().select_related("project", "rule").filter(pk=event.finding_id).first()


def _triaged(event: Event, slug: str) -> BaseModel | None:
    if event.finding_id is not None:
        found = every_finding().filter(pk=event.finding_id)
    else:
        bulk = BulkTriage.objects.filter(pk=event.subject.get("bulk_id")).first()
        if bulk is None:
            return None
        found = every_finding().filter(pk__in=bulk.changes.values("finding"))
    told = _worst([found], slug)
    if not told:
        return None
    count = event.subject.get("count", len(told))
    return payloads.AboutTriage(
        by=event.actor_name,
        is_undo=bool(event.subject.get("is_undo", False)),
        count=count,
        findings=told,
        more_url=_more(count, _address("findings", slug=slug)),
    )


def _judged(event: Event, slug: str) -> BaseModel | None:
    finding = _finding(event)
    verdict = Verdict.objects.filter(pk=event.subject.get("verdict_id")).first()
    if finding is None or verdict is None:
        return None
    return payloads.AboutVerdict(
        finding=finding_told(finding, slug),
        verdict=payloads.VerdictTold(
            id=verdict.pk, value=verdict.value, confidence=verdict.confidence, second_vote=verdict.second_vote
        ),
    )


def _fix_pull_request(event: Event, slug: str) -> BaseModel | None:
    finding = _finding(event)
    fix = FixPullRequest.objects.filter(pk=event.subject.get("fix_pull_request_id")).first()
    if finding is None or fix is None:
        return None
    return payloads.AboutFixPullRequest(
        finding=finding_told(finding, slug),
        fix_pull_request=payloads.FixPullRequestTold(
            id=fix.pk,
            state=fix.state,
            number=str(fix.number),
            url=fix.web_url,
            branch=fix.branch,
            base_branch=fix.base_branch,
            requested_by=fix.requested_by,
        ),
    )


def _held_back(event: Event, slug: str) -> BaseModel | None:
    pull_request = PullRequest.objects.select_related("project").filter(pk=event.subject["pull_request_id"]).first()
    if pull_request is None:
        return None
    ids = [int(pk) for pk in str(event.subject["finding_ids"]).split(",") if pk]
    told = _worst([every_finding().filter(pk__in=ids)], slug)
    if not told:
        return None
    count = int(event.subject["count"])
    return payloads.AboutHeldBack(
        pull_request=payloads.PullRequestTold(number=str(pull_request.number), project=pull_request.project.name),
        count=count,
        findings=told,
        more_url=_more(count, _address("findings", slug=slug)),
    )


# --- The rest ---------------------------------------------------------------------------------------------------------


def _memory(event: Event, slug: str) -> BaseModel | None:
    subject = event.subject
    return payloads.AboutMemory(
        change=_CHANGE_OF_MEMORY[Kind(event.kind)],
        by=event.actor_name,
        memory=payloads.MemoryTold(
            id=subject["memory_id"], state=str(subject.get("state", "")), version=int(subject.get("version", 1))
        ),
    )


def _budget(event: Event, slug: str) -> BaseModel | None:
    return payloads.AboutBudget(
        month=str(event.subject["month"]),
        threshold=int(event.subject["threshold"]),
        url=_address("settings-usage", slug=slug),
    )


_BUILDERS: dict[Told, Callable[[Event, str], BaseModel | None]] = {
    Told.SCAN_COMPLETED: _about_scan,
    Told.SCAN_FAILED: _about_scan,
    Told.FINDING_OPENED: _opened,
    Told.FINDING_FIXED: _fixed,
    Told.FINDING_TRIAGED: _triaged,
    Told.VERDICT_REACHED: _judged,
    Told.FIX_PULL_REQUEST_OPENED: _fix_pull_request,
    Told.FIX_PULL_REQUEST_MERGED: _fix_pull_request,
    Told.FIX_PULL_REQUEST_CLOSED: _fix_pull_request,
    Told.COMMENT_HELD_BACK: _held_back,
    Told.MEMORY_CHANGED: _memory,
    Told.BUDGET_ALERT: _budget,
}
