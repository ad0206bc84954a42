"""The Celery edge of remediation: ids in, a service called."""

from __future__ import annotations

from django.db import transaction

import findings.selectors
import memories.selectors
import orgs.selectors
from events.kinds import Kind
from events.models import Queue
from events.services import part_of_job
from events.tasks import org_task
from findings.models import Finding, Recommendation
from memories.models import Memory
from providers.gate import NoUsableAnswer
from remediation import pull_requests, selectors, services
from scm.models import PullRequest

NOT_REGENERATED = "The AI provider gave no answer, after several tries; what was there before stays."


def _finding(finding_id: int) -> Finding | None:
    return findings.selectors.every_finding().filter(pk=finding_id).first()


def _is_advice_wanted(finding: Finding) -> bool:
    return finding.is_open and orgs.selectors.settings_for(finding.project_id).writes_advice


@org_task(queue=Queue.BACKLOG, priority=6)
def advise(*, finding_id: int) -> None:
    """Write guidance for a judged finding, and then, with it, the fix of a true positive.

    One Job, so that the fix is asked for with this round's guidance. Safe to run twice: guidance that is newer than the
    verdict is not asked for again.
    """
    with transaction.atomic():
        finding = _finding(finding_id)
        is_wanted = finding is not None and _is_advice_wanted(finding)
        needs_guidance = finding is not None and is_wanted and not selectors.has_guidance_for_verdict(finding)
    if finding is None:
        return
    if needs_guidance:
        with part_of_job():
            _guide(finding)
        with transaction.atomic():  # a model takes its time, and people decide meanwhile
            finding = _finding(finding_id)
            is_wanted = finding is not None and _is_advice_wanted(finding)
    if finding is not None:
        _fix_or_withdraw(finding, is_advice_wanted=is_wanted)


def _not_regenerated_after_all(*, finding_id: int, memory_id: int) -> None:
    finding = _finding(finding_id)
    if finding is not None:
        services.give_up_on(finding=finding, kind=Kind.GUIDANCE_NOT_POSSIBLE, why=NOT_REGENERATED)


@org_task(queue=Queue.INTERACTIVE, priority=3, max_attempts=3, on_exhausted=_not_regenerated_after_all)
def regenerate(*, finding_id: int, memory_id: int) -> None:
    """Write a finding's guidance and fix anew by what somebody has just said of it. Safe to run twice."""
    with transaction.atomic():
        finding = _finding(finding_id)
        memory = memories.selectors.known().filter(pk=memory_id).first()
        is_wanted = finding is not None and _is_advice_wanted(finding)
    if finding is None or memory is None or not is_wanted:
        return
    with part_of_job():
        _guide(finding, beside=memory)
    with transaction.atomic():
        finding = _finding(finding_id)
        is_wanted = finding is not None and _is_advice_wanted(finding)
    if finding is not None:
        _fix_or_withdraw(finding, is_advice_wanted=is_wanted, beside=memory)


def _guide(finding: Finding, *, beside: Memory | None = None) -> None:
    try:
        services.write_guidance(finding=finding, beside=beside)
    except NoUsableAnswer as problem:
        services.give_up_on(finding=finding, kind=Kind.GUIDANCE_NOT_POSSIBLE, why=str(problem))


def _fix_or_withdraw(finding: Finding, *, is_advice_wanted: bool, beside: Memory | None = None) -> None:
    if finding.recommendation != Recommendation.FIX:
        if finding.fix_confidence:  # a fix is shown
            services.withdraw_fix(finding=finding)
        return
    if finding.rule_fix or not is_advice_wanted:
        return
    try:
        services.write_fix(finding=finding, beside=beside)
    except NoUsableAnswer as problem:
        services.give_up_on(finding=finding, kind=Kind.AUTOFIX_NOT_POSSIBLE, why=str(problem))


@org_task(queue=Queue.BACKLOG, priority=6)
def write_guidance(*, finding_id: int) -> None:
    """Write guidance for a judged finding, likely false positives included: who disagrees wants to know."""
    with transaction.atomic():
        finding = _finding(finding_id)
        is_wanted = finding is not None and _is_advice_wanted(finding)
    if finding is not None and is_wanted:
        _guide(finding)


@org_task(queue=Queue.BACKLOG, priority=6)
def write_fix(*, finding_id: int) -> None:
    """Write a fix for a true positive whose rule brings none of its own; take back the fix of what is none any more."""
    with transaction.atomic():
        finding = _finding(finding_id)
        is_wanted = finding is not None and _is_advice_wanted(finding)
    if finding is not None:
        _fix_or_withdraw(finding, is_advice_wanted=is_wanted)


NO_ANSWER = "The code host did not answer, after several tries. Try again later."


def _not_opened_after_all(*, fix_pull_request_id: int) -> None:
    pull_requests.refuse(fix_pull_request_id=fix_pull_request_id, why=NO_ANSWER)


@org_task(queue=Queue.INTERACTIVE, priority=2, on_exhausted=_not_opened_after_all)
def open_fix_pull_request(*, fix_pull_request_id: int) -> None:
    """Open the pull request that somebody asked for."""
    pull_requests.open_on_host(fix_pull_request_id=fix_pull_request_id)


@org_task(queue=Queue.INTERACTIVE)
def follow_pull_request(*, pull_request_id: int) -> None:
    """Let a fix pull request follow what has become of it on the host."""
    with transaction.atomic():
        pull_request = PullRequest.objects.filter(pk=pull_request_id).first()
        if pull_request is not None:
            pull_requests.follow(pull_request=pull_request)


@org_task(queue=Queue.BACKLOG, priority=8)
def check_fix_pull_requests() -> None:
    """Ask the hosts what has become of fix pull requests, where no webhook told."""
    pull_requests.check_with_host()
