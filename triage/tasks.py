"""The Celery edge of triage: ids in, a service called."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

import findings.selectors
import orgs.selectors
from events.models import Queue
from events.tasks import org_task
from findings.models import Scan, ScanState
from memories.models import DryRun, DryRunState, Memory
from orgs.models import Project
from providers.gate import NoUsableAnswer, StoppedByBudget
from triage import auditing, dry_runs, planning, rejudging, services
from triage.asking import material_for_verdict, with_code


def _no_verdict_after_all(*, finding_id: int) -> None:
    finding = findings.selectors.waiting_for_verdict(finding_id)
    if finding:
        services.give_up_on_verdict(finding=finding, why="The AI provider gave no answer, after several tries.")


@org_task(queue=Queue.BACKLOG, on_exhausted=_no_verdict_after_all)
def judge_finding(*, finding_id: int) -> None:
    """Judge a finding that waits for it, unless the Assistant has been switched off since."""
    with transaction.atomic():
        finding = findings.selectors.waiting_for_verdict(finding_id)
        material = None if finding is None else material_for_verdict(finding)
    if finding is None or material is None:
        return
    if not material.settings.is_enabled:
        services.leave_unjudged(finding=finding)
        return
    try:
        services.judge_by(with_code(material, finding), finding=finding)
    except StoppedByBudget as stop:
        services.stop_for_budget(finding=finding, why=str(stop))
    except NoUsableAnswer as problem:
        services.give_up_on_verdict(finding=finding, why=str(problem))


@org_task(queue=Queue.BACKLOG, priority=4, max_attempts=3)
def tag_file(*, project_id: int, path: str, revision: str) -> None:
    """Say what a file is for."""
    with transaction.atomic():
        project = Project.objects.filter(pk=project_id).first()
        is_enabled = orgs.selectors.settings_for(project_id).is_enabled
    if project is None or not is_enabled:
        return
    try:
        services.tag_file(project=project, path=path, revision=revision)
    except NoUsableAnswer:
        return  # a file without a tag is shown without one; the call's record says why


def _not_planned_after_all(*, scan_id: int) -> None:
    planning.give_up_planning(scan=Scan.objects.get(pk=scan_id))


@org_task(queue=Queue.BACKLOG, priority=3, on_exhausted=_not_planned_after_all)
def plan_analysis(*, scan_id: int) -> None:
    """Queue what a scan brought."""
    with transaction.atomic():
        # One that was settled before its turn came: its verdicts are late, and come all the same.
        to_plan = Q(state=ScanState.INGESTED) | Q(state=ScanState.SETTLED, late_count__gt=0)
        scan = Scan.objects.filter(to_plan, pk=scan_id).first()
    if scan is not None:
        planning.plan_analysis(scan=scan, judge=judge_finding, tag=tag_file)


@org_task(queue=Queue.BACKLOG, priority=rejudging.LATER_PRIORITY, max_attempts=3)
def rejudge_finding(*, finding_id: int, memory_id: int) -> None:
    """Judge an open finding again, since a memory that concerns it has changed; without an answer nothing changes."""
    with transaction.atomic():
        finding = findings.selectors.every_finding().filter(pk=finding_id, is_present=True).first()
        memory = Memory.objects.filter(pk=memory_id).first()
        is_wanted = (
            finding is not None
            and finding.is_open
            and orgs.selectors.settings_for(finding.project_id).judges_new_findings
        )
    if finding is None or memory is None or not is_wanted:
        return
    try:
        rejudging.rejudge(finding=finding, memory=memory)
    except NoUsableAnswer:
        return  # the call's record says why; the verdict that is there still counts


@org_task(queue=Queue.BACKLOG, priority=6)
def rejudge_similar(*, memory_id: int) -> None:
    """Have the findings judged again that a memory concerns, now that it was taught, changed or removed."""
    with transaction.atomic():
        memory = Memory.objects.filter(pk=memory_id).first()
    if memory is not None:
        rejudging.rejudge_similar(memory=memory, judge=rejudge_finding)


@org_task(queue=Queue.BACKLOG, priority=8)
def forget_excerpts() -> None:
    """Remove the code that verdicts were judged by once it is past the organization's time."""
    with transaction.atomic():
        days = orgs.selectors.code_retention_days()
    services.forget_excerpts(older_than=timezone.now() - timedelta(days=days))


@org_task(queue=Queue.INTERACTIVE, priority=3)
def resume_stopped(*, count: int) -> None:
    """Queue again what the budget stopped."""
    planning.queue_stopped(judge=judge_finding, tag=tag_file)


def _no_dry_run_after_all(*, memory_id: int, dry_run_id: int) -> None:
    dry_runs.give_up(DryRun.objects.get(pk=dry_run_id))


@org_task(queue=Queue.INTERACTIVE, priority=4, on_exhausted=_no_dry_run_after_all)
def dry_run(*, memory_id: int, dry_run_id: int) -> None:
    """Try a memory on findings that it concerns, without changing any."""
    with transaction.atomic():
        run = (
            DryRun.objects.filter(pk=dry_run_id, state=DryRunState.RUNNING)
            .select_related("memory__project", "memory__rule")
            .first()
        )
    if run is not None:
        dry_runs.carry_out(run)


@org_task(queue=Queue.BACKLOG, priority=8)
def draw_audit_samples() -> None:
    """Draw the week's verdicts for people to check, as far as that is not done."""
    auditing.draw_samples()
