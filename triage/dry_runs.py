"""What a memory would change: findings judged with and without it, and no verdict kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

import memories.selectors
import orgs.selectors
from events.kinds import Actor, Kind
from events.services import record, result_of_job
from findings.models import Finding
from memories.models import DryRun, DryRunState, Memory, MemoryState, Purpose
from memories.selectors import Relevant
from orgs.models import Viewer
from providers import usage
from providers.gate import NoUsableAnswer, StoppedByBudget
from providers.models import Step
from triage.answers import Verdict
from triage.asking import VerdictMaterial, material_for_verdict, with_code
from triage.planning import SECURITY_CATEGORIES
from triage.services import reach_verdict

MOST_TRIED = 30
QUESTIONS_A_FINDING = 2  # without the memory and with it
COUNTED_AT_MOST = 1_000
GIVEN_UP_AFTER = timedelta(hours=1)  # a run of which nothing was heard for so long has been lost
ONLY_REMEDIATION = "It is for fixes only, so it changes no verdict. Try it with Customize fix on a finding."
NOTHING_THERE = "It concerns no open finding that the Assistant would judge."


class NotTriable(Exception):
    """A memory cannot be tried out; the text says why."""


@dataclass(frozen=True)
class Plan:
    """What a dry run would do: so many findings tried, so many more left out, and what it would cost."""

    tried: int
    left_out: int
    is_more: bool
    cost: usage.Estimate


@dataclass(frozen=True)
class Outcome:
    """What a dry run found for one finding; `before` and `after` are verdicts, empty where there was no answer."""

    finding: Finding
    before: str
    after: str
    explanation: str
    problem: str

    @property
    def changes(self) -> bool:
        """Whether the memory makes a difference."""
        return self.before != self.after and not self.problem

    @property
    def before_in_words(self) -> str:
        """The verdict without the memory."""
        return self.before.replace("_", " ").capitalize()

    @property
    def after_in_words(self) -> str:
        """The verdict with it."""
        return self.after.replace("_", " ").capitalize()


def to_try(memory: Memory) -> QuerySet[Finding]:
    """Return the open findings that a memory would be tried on, worst first."""
    return memories.selectors.in_scope_of(memory).filter(rule__category__in=SECURITY_CATEGORIES)


def plan(memory: Memory) -> Plan:
    """Return what a dry run of a memory would do. Raise NotTriable."""
    if memory.purpose == Purpose.REMEDIATION:
        raise NotTriable(ONLY_REMEDIATION)
    if memory.state == MemoryState.REMOVED:
        raise NotTriable("It was removed.")
    found = to_try(memory).order_by()[: COUNTED_AT_MOST + 1].count()
    if not found:
        raise NotTriable(NOTHING_THERE)
    tried = min(found, MOST_TRIED)
    return Plan(
        tried=tried,
        left_out=min(found, COUNTED_AT_MOST) - tried,
        is_more=found > COUNTED_AT_MOST,
        cost=usage.estimate([Step.VERDICT], tried * QUESTIONS_A_FINDING),
    )


def request_dry_run(*, memory: Memory, actor: Actor) -> DryRun:
    """Have a memory tried out in the background; the run that is under way where there is one. Raise NotTriable."""
    with transaction.atomic():
        memory = Memory.objects.select_for_update(of=["self"]).select_related("project", "rule").get(pk=memory.pk)
        under_way = latest(memory)
        if under_way is not None and is_under_way(under_way) and under_way.version == memory.version:
            return under_way
        planned = plan(memory)
        run = DryRun.objects.create(
            memory=memory,
            version=memory.version,
            planned_count=planned.tried,
            left_out_count=planned.left_out,
            requested_by=actor.name[:200],
        )
        record(Kind.MEMORY_TRIED, actor=actor, memory_id=memory.pk, dry_run_id=run.pk, count=planned.tried)
    return run


def latest(memory: Memory) -> DryRun | None:
    """Return the newest dry run of a memory."""
    return memory.dry_runs.order_by("-pk").first()


def is_under_way(run: DryRun) -> bool:
    """Tell whether a run still works; one that nothing was heard of for an hour does not."""
    return run.state == DryRunState.RUNNING and run.started_at > timezone.now() - GIVEN_UP_AFTER


def carry_out(run: DryRun) -> None:
    """Try a memory on each finding, noting one result after the other. Goes on where an earlier try ended.

    Raises TemporaryFailure where a later try may help; what was found by then stays.
    """
    with transaction.atomic():
        memory = run.memory
        done = {entry["finding"] for entry in run.results}
        findings = [finding for finding in to_try(memory)[:MOST_TRIED] if finding.pk not in done]
    for finding in findings:
        try:
            result = _tried(memory, finding)
        except StoppedByBudget as stop:
            _end(run, DryRunState.FAILED, problem=str(stop))
            return
        except NoUsableAnswer as problem:
            result = _result(finding, problem=str(problem)[:300])
        with transaction.atomic():
            run.results = [*run.results, result]
            DryRun.objects.filter(pk=run.pk).update(results=run.results)
    _end(run, DryRunState.DONE)


def give_up(run: DryRun) -> None:
    """End a run that no further try is made of."""
    _end(run, DryRunState.FAILED, problem="The AI provider gave no answer, after several tries.")


def _end(run: DryRun, state: DryRunState, *, problem: str = "") -> None:
    with result_of_job():
        DryRun.objects.filter(pk=run.pk, state=DryRunState.RUNNING).update(
            state=state, problem=problem[:300], finished_at=timezone.now()
        )


def _tried(memory: Memory, finding: Finding) -> dict[str, Any]:
    with transaction.atomic():
        material = material_for_verdict(finding, beside=memory)
        is_used = orgs.selectors.settings_for(finding.project_id).customize_with_memories
    if not is_used:
        return _result(finding, problem="Memories are switched off for its project.")
    material = with_code(material, finding)
    before = reach_verdict(_without(memory, material), finding=finding).settled
    after = reach_verdict(material, finding=finding).settled
    return _result(finding, before=before.verdict, after=after.verdict, explanation=after.explanation)


def _without(memory: Memory, material: VerdictMaterial) -> VerdictMaterial:
    others = tuple(entry for entry in material.taught.memories if entry.pk != memory.pk)
    return replace(material, taught=Relevant(memories=others, left_out=material.taught.left_out))


def _result(
    finding: Finding, *, before: str = "", after: str = "", explanation: str = "", problem: str = ""
) -> dict[str, Any]:
    return {
        "finding": finding.pk,
        "before": before,
        "after": after,
        "explanation": explanation[:600],
        "problem": problem,
    }


def outcomes(run: DryRun, *, viewer: Viewer) -> list[Outcome]:
    """Return what a run found, as far as somebody sees the findings: what would change first."""
    ids = orgs.selectors.visible_project_ids(viewer)
    seen = Finding.objects.filter(pk__in=[entry["finding"] for entry in run.results])
    seen = seen if ids is None else seen.filter(project__in=ids)
    by_id = seen.select_related("project", "rule").in_bulk()
    found = [
        Outcome(
            finding=by_id[entry["finding"]],
            before=entry["before"],
            after=entry["after"],
            explanation=entry["explanation"],
            problem=entry["problem"],
        )
        for entry in run.results
        if entry["finding"] in by_id
    ]
    return sorted(found, key=lambda outcome: not outcome.changes)


def would_become(found: list[Outcome]) -> dict[str, int]:
    """Return how many findings would turn into each verdict that they do not have without the memory."""
    counted = Counter(outcome.after for outcome in found if outcome.changes)
    return {verdict.value: counted.get(verdict.value, 0) for verdict in Verdict}
