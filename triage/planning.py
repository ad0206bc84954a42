"""Which findings of a scan are analysed without being asked, and why the others are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, QuerySet

import findings.services
import orgs.selectors
from events.kinds import ASSISTANT, Kind
from events.models import Queue
from events.services import Task, owe_many, record, result_of_job
from findings.models import Finding, NotAnalysed, Product, Recommendation, Scan, Triage
from rules.models import Severity
from triage.selectors import stopped_by_budget

# Security rules say so, or say nothing; maintainability rules are not judged by a security prompt.
SECURITY_CATEGORIES = ("", "security")


@dataclass(frozen=True)
class Plan:
    """What a scan's analysis comes to."""

    picked: int
    left_out: int


def plan_analysis(*, scan: Scan, judge: Task, tag: Task) -> Plan:
    """Pick, cap and queue a scan's new findings, and say of each other one why it is left out. Safe to run twice.

    The tasks are handed in by the one that calls this, since they stand above it.
    """
    with result_of_job():
        settings = orgs.selectors.settings_for(scan.project_id)
        candidates = _candidates(scan)
        left_out = 0
        if not settings.judges_new_findings:
            left_out += _leave_out(candidates, NotAnalysed.SWITCHED_OFF)
        left_out += _leave_out(candidates.exclude(product=Product.CODE), NotAnalysed.PRODUCT)
        left_out += _leave_out(candidates.exclude(rule__category__in=SECURITY_CATEGORIES), NotAnalysed.NOT_SECURITY)
        left_out += _leave_out(candidates.filter(triage=Triage.IGNORED), NotAnalysed.IGNORED)
        if scan.is_full and not scan.pull_request_id:
            if not settings.analyses_all_severities:
                left_out += _leave_out(candidates.filter(severity__lt=Severity.HIGH), NotAnalysed.SEVERITY)
        else:
            first = candidates.order_by("-severity", "pk").values_list("pk", flat=True)[: settings.pull_request_cap]
            left_out += _leave_out(candidates.exclude(pk__in=list(first)), NotAnalysed.CAP)
        picked = list(candidates.order_by("-severity", "pk").values_list("pk", "path"))
        _queue(scan, picked, judge=judge, tag=tag)
        findings.services.end_left_out(scan=scan)
        if scan.pull_request_id:
            findings.services.wait_for_earlier(scan=scan)
        Scan.objects.filter(pk=scan.pk).update(skipped_count=F("skipped_count") + left_out)
        record(Kind.ANALYSIS_PLANNED, actor=ASSISTANT, scan_id=scan.pk, picked=len(picked), left_out=left_out)
        findings.services.settle_if_done(scan_id=scan.pk, actor=ASSISTANT)
    return Plan(picked=len(picked), left_out=left_out)


def give_up_planning(*, scan: Scan) -> None:
    """Show a scan's new findings without a verdict, and say why; silence never hides them."""
    with result_of_job():
        findings.services.not_analysed(
            finding_ids=list(_candidates(scan).values_list("pk", flat=True)),
            why=NotAnalysed.UNAVAILABLE,
            detail="The analysis of the scan could not be planned, after several tries; the operator's log says why.",
        )
        findings.services.settle_if_done(scan_id=scan.pk, actor=ASSISTANT)


def queue_stopped(*, judge: Task, tag: Task) -> int:
    """Queue again what the budget stopped, pull requests first. Returns how many findings. Safe to run twice."""
    with result_of_job():
        stopped = list(
            stopped_by_budget().values_list("pk", "project_id", "path", "revision", "first_scan__pull_request_id")
        )
        Finding.objects.filter(pk__in=[pk for pk, *_ in stopped]).update(
            not_analysed=NotAnalysed.WAITING, not_analysed_detail=""
        )
        for queue, is_of_pull_request in ((Queue.PULL_REQUEST, True), (Queue.BACKLOG, False)):
            chosen = [entry for entry in stopped if bool(entry[4]) is is_of_pull_request]
            files = dict.fromkeys((project_id, path, revision) for _, project_id, path, revision, _ in chosen)
            owe_many(
                tag,
                [{"project_id": project, "path": path, "revision": revision} for project, path, revision in files],
                owed_queue=queue,
                owed_priority=tag.priority,
            )
            owe_many(judge, [{"finding_id": pk} for pk, *_ in chosen], owed_queue=queue, owed_priority=judge.priority)
    return len(stopped)


def _candidates(scan: Scan) -> QuerySet[Finding]:
    return Finding.objects.filter(first_scan=scan, not_analysed=NotAnalysed.WAITING, recommendation=Recommendation.NONE)


def _leave_out(chosen: QuerySet[Finding], why: NotAnalysed) -> int:
    return chosen.update(not_analysed=why)


def _queue(scan: Scan, picked: Sequence[tuple[int, str]], *, judge: Task, tag: Task) -> None:
    queue = Queue.PULL_REQUEST if scan.pull_request_id else Queue.BACKLOG
    findings.services.begin_analysis(scan=scan, finding_ids=[pk for pk, _ in picked])
    paths = dict.fromkeys(path for _, path in picked)
    owe_many(
        tag,
        [{"project_id": scan.project_id, "path": path, "revision": scan.revision} for path in paths],
        owed_queue=queue,
    )
    owe_many(judge, [{"finding_id": pk} for pk, _ in picked], owed_queue=queue)
