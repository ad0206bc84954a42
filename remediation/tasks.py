"""The Celery edge of remediation: ids in, a service called."""

from __future__ import annotations

from django.db import transaction

import findings.selectors
import orgs.selectors
from events.kinds import Kind
from events.models import Queue
from events.tasks import org_task
from findings.models import Finding, Recommendation
from providers.gate import NoUsableAnswer
from remediation import services


def _finding(finding_id: int) -> Finding | None:
    return findings.selectors.every_finding().filter(pk=finding_id).first()


def _is_advice_wanted(finding: Finding) -> bool:
    return finding.is_open and orgs.selectors.settings_for(finding.project_id).writes_advice


@org_task(queue=Queue.BACKLOG, priority=6)
def write_guidance(*, finding_id: int) -> None:
    """Write guidance for a judged finding, likely false positives included: who disagrees wants to know."""
    with transaction.atomic():
        finding = _finding(finding_id)
        is_wanted = finding is not None and _is_advice_wanted(finding)
    if finding is None or not is_wanted:
        return
    try:
        services.write_guidance(finding=finding)
    except NoUsableAnswer as problem:
        services.give_up_on(finding=finding, kind=Kind.GUIDANCE_NOT_POSSIBLE, why=str(problem))


@org_task(queue=Queue.BACKLOG, priority=6)
def write_fix(*, finding_id: int) -> None:
    """Write a fix for a true positive whose rule brings none of its own; take back the fix of what is none any more."""
    with transaction.atomic():
        finding = _finding(finding_id)
        is_fix = finding is not None and finding.recommendation == Recommendation.FIX
        is_wanted = finding is not None and is_fix and not finding.rule_fix and _is_advice_wanted(finding)
    if finding is None:
        return
    if not is_fix:
        services.withdraw_fix(finding=finding)
        return
    if not is_wanted:
        return
    try:
        services.write_fix(finding=finding)
    except NoUsableAnswer as problem:
        services.give_up_on(finding=finding, kind=Kind.AUTOFIX_NOT_POSSIBLE, why=str(problem))
