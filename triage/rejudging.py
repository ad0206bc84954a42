"""Judging similar findings again after a memory was taught, changed or removed; it suggests, and never ignores."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

import memories.selectors
import orgs.selectors
from events.kinds import ASSISTANT, Kind
from events.models import Queue
from events.services import Task, owe_many, record, result_of_job
from findings.models import Finding, NotAnalysed, Triage
from memories.models import Memory, MemoryState, Purpose
from orgs.models import Project
from triage.asking import material_for_verdict, with_code
from triage.models import Verdict
from triage.planning import SECURITY_CATEGORIES
from triage.selectors import latest_verdict
from triage.services import ReachedVerdict, keep_verdict, reach_verdict

MOST_JUDGED_AGAIN = 200
LATER_PRIORITY = 8
# Those that have a verdict, and those that were left out only to save money. All else has a reason that still holds.
WORTH_ANOTHER_LOOK = (NotAnalysed.NO, NotAnalysed.SEVERITY, NotAnalysed.CAP, NotAnalysed.NOT_NEW)


def similar_to_judge(memory: Memory) -> tuple[list[int], int]:
    """Return the ids of the open findings to judge again because of a memory, and how many more there are.

    First those whose verdict it shaped, then those in its scope, each worst and newest first; without those of projects
    where nothing is judged unasked, or where memories are switched off.
    """
    shaped = memories.selectors.judged_with(memory).filter(is_present=True).exclude(triage=Triage.IGNORED)
    shaped = shaped.exclude(project_id__in=_projects_without("is_enabled", "auto_triage"))
    chosen = _in_order(shaped, MOST_JUDGED_AGAIN)
    more = shaped.count() - len(chosen)
    if memory.state == MemoryState.LIVE and memory.purpose in (Purpose.TRIAGE, Purpose.BOTH):
        in_scope = memories.selectors.in_scope_of(memory).filter(
            not_analysed__in=WORTH_ANOTHER_LOOK, rule__category__in=SECURITY_CATEGORIES
        )
        off = _projects_without("is_enabled", "auto_triage", "customize_with_memories")
        others = in_scope.exclude(project_id__in=off).exclude(pk__in=chosen)
        chosen += (picked := _in_order(others, MOST_JUDGED_AGAIN - len(chosen)))
        more += others.count() - len(picked)
    return chosen, more


def _in_order(found: QuerySet[Finding], at_most: int) -> list[int]:
    return list(found.order_by("-severity", "-pk").values_list("pk", flat=True)[:at_most])


def _projects_without(*names: str) -> QuerySet[Any, Any]:
    """Return the ids of the projects where one of some settings is off: the project's own, else the organization's."""
    organization = orgs.selectors.assistant_settings()
    off = Q()
    for name in names:
        own = Q(**{f"settings__{name}": False})
        off |= own if getattr(organization, name) else own | Q(**{f"settings__{name}__isnull": True})
    return Project.objects.filter(off).values("pk")


def rejudge_similar(*, memory: Memory, judge: Task) -> int:
    """Queue the findings that a memory may concern to be judged again in the background. Safe to run twice.

    At most 200; how many were left out is recorded. `judge` is handed in by the task, since it stands above.
    """
    with result_of_job():
        picked, left_out = similar_to_judge(memory)
        owe_many(
            judge,
            [{"finding_id": pk, "memory_id": memory.pk} for pk in picked],
            owed_queue=Queue.BACKLOG,
            owed_priority=LATER_PRIORITY,
        )
        if picked:
            record(
                Kind.MEMORY_APPLIED,
                actor=ASSISTANT,
                memory_id=memory.pk,
                picked=len(picked),
                left_out=left_out,
            )
    return len(picked)


def rejudge(*, finding: Finding, memory: Memory) -> Verdict | None:
    """Judge a finding again after a memory has changed, and keep the verdict where it says something else.

    None where it says the same; then advice and comments stay as they are too. A verdict that was reached with what is
    no longer taught like that is replaced in any case. Raises as `judge_finding` does; the present verdict stays then.
    """
    with transaction.atomic():
        material = material_for_verdict(finding)
        before = latest_verdict(finding)
        is_outdated = before is not None and memories.selectors.was_used_otherwise(memory, verdict_id=before.pk)
    reached = reach_verdict(with_code(material, finding), finding=finding)
    if before is not None and not is_outdated and _says_the_same(reached, before):
        return None
    return keep_verdict(reached, finding=finding)


def _says_the_same(reached: ReachedVerdict, before: Verdict) -> bool:
    return (reached.settled.verdict, reached.settled.confidence) == (before.value, before.confidence)
