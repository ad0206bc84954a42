"""Judging similar findings again after a memory was taught, changed or removed; it suggests, and never ignores."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q, QuerySet

import memories.selectors
import orgs.selectors
from events.kinds import ASSISTANT, Kind
from events.models import Queue
from events.services import Task, owe_many, record, result_of_job
from findings.models import Finding, NotAnalysed, Triage
from memories.models import Memory, MemoryState, Purpose
from triage.asking import material_for_verdict, with_code
from triage.models import Verdict
from triage.planning import SECURITY_CATEGORIES
from triage.selectors import latest_verdict
from triage.services import ReachedVerdict, keep_verdict, reach_verdict

MOST_JUDGED_AGAIN = 200
LATER_PRIORITY = 8
# Those that have a verdict, and those that were left out only to save money. All else has a reason that still holds.
WORTH_ANOTHER_LOOK = (NotAnalysed.NO, NotAnalysed.SEVERITY, NotAnalysed.CAP, NotAnalysed.NOT_NEW)


def similar_to_judge(memory: Memory) -> QuerySet[Finding]:
    """Return the open findings whose verdict a memory may change: those in its scope, and those judged with it.

    Worst and newest first, without those of projects where nothing is judged unasked or memories are switched off.
    """
    judged_with = Finding.objects.filter(pk__in=memories.selectors.judged_with(memory).values("pk"))
    in_scope = Finding.objects.none()
    if memory.state == MemoryState.LIVE and memory.purpose in (Purpose.TRIAGE, Purpose.BOTH):
        in_scope = memories.selectors.in_scope_of(memory).filter(
            not_analysed__in=WORTH_ANOTHER_LOOK, rule__category__in=SECURITY_CATEGORIES
        )
    candidates = Finding.objects.filter(_any_of(judged_with, in_scope))
    of_projects = {
        project_id: orgs.selectors.settings_for(project_id)
        for project_id in candidates.order_by().values_list("project_id", flat=True).distinct()
    }
    judging = [project_id for project_id, settings in of_projects.items() if settings.judges_new_findings]
    customized = [project_id for project_id in judging if of_projects[project_id].customize_with_memories]
    chosen = _any_of(judged_with.filter(project_id__in=judging), in_scope.filter(project_id__in=customized))
    return Finding.objects.filter(chosen, is_present=True).exclude(triage=Triage.IGNORED).order_by("-severity", "-pk")


def _any_of(*chosen: QuerySet[Finding]) -> Q:
    return reduce(or_, (Q(pk__in=some.order_by().values("pk")) for some in chosen))


def rejudge_similar(*, memory: Memory, judge: Task) -> int:
    """Queue the findings that a memory may concern to be judged again in the background. Safe to run twice.

    At most 200; how many were left out is recorded. `judge` is handed in by the task, since it stands above.
    """
    with result_of_job():
        ids = list(similar_to_judge(memory).values_list("pk", flat=True))
        picked = ids[:MOST_JUDGED_AGAIN]
        owe_many(
            judge,
            [{"finding_id": pk, "memory_id": memory.pk} for pk in picked],
            owed_queue=Queue.BACKLOG,
            owed_priority=LATER_PRIORITY,
        )
        if ids:
            record(
                Kind.MEMORY_APPLIED,
                actor=ASSISTANT,
                memory_id=memory.pk,
                picked=len(picked),
                left_out=len(ids) - len(picked),
            )
    return len(picked)


def rejudge(*, finding: Finding, memory: Memory) -> Verdict | None:
    """Judge a finding again after a memory has changed, and keep the verdict where it says something else.

    None where it says the same; then advice and comments stay as they are too. A verdict that was reached with the
    memory is always replaced, since it names what is no longer taught like that. Raises as `judge_finding` does; the
    present verdict stays then.
    """
    with transaction.atomic():
        material = material_for_verdict(finding)
        before = latest_verdict(finding)
        used_it = before is not None and memory in memories.selectors.used_for(verdict_id=before.pk)
    reached = reach_verdict(with_code(material, finding), finding=finding)
    if before is not None and not used_it and _says_the_same(reached, before):
        return None
    return keep_verdict(reached, finding=finding)


def _says_the_same(reached: ReachedVerdict, before: Verdict) -> bool:
    return (reached.settled.verdict, reached.settled.confidence) == (before.value, before.confidence)
