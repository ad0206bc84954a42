"""Reading memories: which of them concern a finding, and which findings they concern."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

import events.selectors
import orgs.selectors
from events.kinds import Kind
from findings.models import Finding, Product, Recommendation, Triage
from memories.models import Memory, MemorySource, MemoryState, MemoryUse, Purpose
from memories.scopes import Scope

# What a prompt carries at most; a model that is told everything heeds nothing.
MOST_IN_A_PROMPT = 12
MOST_CHARACTERS_IN_A_PROMPT = 6_000


@dataclass(frozen=True)
class Relevant:
    """The memories that a prompt carries, most specific first, and how many more there was no room for."""

    memories: tuple[Memory, ...] = ()
    left_out: int = 0


NOTHING = Relevant()


def relevant_to(*, finding: Finding, purpose: Purpose, beside: Memory | None = None) -> Relevant:
    """Return the live memories that hold for a finding, most specific first, as many as a prompt takes.

    `beside` is one more that counts although it is not live: the one that somebody is just trying out. For remediation,
    what was suggested by *Customize fix* on this very finding counts for it. Nothing at all where memories are switched
    off for the project.
    """
    if not orgs.selectors.settings_for(finding.project_id).customize_with_memories:
        return NOTHING
    in_force = Q(state=MemoryState.LIVE)
    if purpose == Purpose.REMEDIATION:
        in_force |= Q(state=MemoryState.SUGGESTED, source=MemorySource.FIX, source_finding=finding)
    of_finding = Memory.objects.filter(
        in_force,
        Q(expires_at=None) | Q(expires_at__gt=timezone.now()),
        Q(project=None) | Q(project=finding.project_id),
        Q(rule=None) | Q(rule=finding.rule_id),
        Q(project_tag="") | Q(project_tag__in=finding.project.tags),
        Q(cwe="") | Q(cwe__in=finding.rule.cwe),
        purpose__in=[purpose, Purpose.BOTH],
    )
    found = {
        memory.pk: memory
        for memory in of_finding.select_related("project", "rule")
        if Scope.of(memory).holds_for_path(finding.path)
    }
    if beside is not None and beside.purpose in (purpose, Purpose.BOTH):
        found[beside.pk] = beside
    by_weight = sorted(
        found.values(), key=lambda memory: (memory == beside, Scope.of(memory).conditions, memory.pk), reverse=True
    )
    return _as_many_as_fit(by_weight)


def _as_many_as_fit(memories: Sequence[Memory]) -> Relevant:
    chosen: list[Memory] = []
    characters = 0
    for memory in memories[:MOST_IN_A_PROMPT]:
        characters += len(memory.text)
        if chosen and characters > MOST_CHARACTERS_IN_A_PROMPT:
            break
        chosen.append(memory)
    return Relevant(memories=tuple(chosen), left_out=len(memories) - len(chosen))


def findings_in_scope(scope: Scope) -> QuerySet[Finding]:
    """Return the open findings of Code that a scope holds for, worst first."""
    found = Finding.objects.filter(is_present=True, product=Product.CODE).exclude(triage=Triage.IGNORED)
    if scope.project is not None:
        found = found.filter(project=scope.project)
    if scope.rule is not None:
        found = found.filter(rule=scope.rule)
    if scope.project_tag:
        found = found.filter(project__tags__contains=[scope.project_tag])
    if scope.cwe:
        found = found.filter(rule__cwe__contains=[scope.cwe])
    if scope.path_prefix:
        found = found.filter(Q(path=scope.path_prefix) | Q(path__startswith=scope.path_prefix + "/"))
    return found.order_by("-severity", "-pk")


def used_for(
    *, verdict_id: int | None = None, autofix_id: int | None = None, guidance_id: int | None = None
) -> list[Memory]:
    """Return the memories that the prompt of a verdict, a fix or a guidance carried."""
    uses = MemoryUse.objects.filter(verdict_id=verdict_id, autofix_id=autofix_id, guidance_id=guidance_id)
    return [use.memory for use in uses.select_related("memory__project", "memory__rule").order_by("pk")]


def was_used_otherwise(memory: Memory, *, verdict_id: int) -> bool:
    """Tell whether a verdict was reached with a memory that is not in force any more, or not as it was then."""
    use = MemoryUse.objects.filter(memory=memory, verdict_id=verdict_id).first()
    return use is not None and (memory.state != MemoryState.LIVE or use.version != memory.version)


def known() -> QuerySet[Memory]:
    """Return every memory that was not removed, newest first."""
    return Memory.objects.exclude(state=MemoryState.REMOVED).select_related("project", "rule").order_by("-pk")


def in_scope_of(memory: Memory) -> QuerySet[Finding]:
    """Return the open findings of Code that a memory holds for, worst first; pages narrow them to what one sees."""
    return findings_in_scope(Scope.of(memory))


def suggested_for_closing(memory: Memory) -> QuerySet[Finding]:
    """Return the open findings that are called likely false positives by a verdict that used a memory, worst first.

    Nobody ignores them by this; pages narrow them to what one sees.
    """
    open_ones = Finding.objects.filter(is_present=True, recommendation=Recommendation.IGNORE)
    open_ones = open_ones.exclude(triage=Triage.IGNORED).select_related("rule", "project")
    return open_ones.filter(pk__in=judged_with(memory).values("pk")).order_by("-severity", "-pk")


def judged_with(memory: Memory) -> QuerySet[Finding]:
    """Return the findings whose verdict that counts, the newest one, used a memory."""
    uses = MemoryUse.objects.filter(memory=memory, verdict_id__isnull=False)
    touched = Finding.objects.filter(pk__in=uses.values("finding_id")).annotate(newest=Max("verdicts__pk"))
    return touched.filter(newest__in=uses.values("verdict_id"))


@dataclass(frozen=True)
class Learned:
    """What became of a reason for ignoring: `memory`, or why there is none; neither while it is being decided."""

    memory: Memory | None = None
    why_none: str = ""

    @property
    def is_decided(self) -> bool:
        """Whether it is known already."""
        return self.memory is not None or bool(self.why_none)


def learned_from(finding: Finding, since: datetime) -> Learned | None:
    """Return what was learned from a finding that was ignored at a time, None where nothing was there to learn from."""
    told = (
        events.selectors.about(finding.pk)
        .filter(kind__in=[Kind.MEMORY_ADDED, Kind.MEMORY_SUGGESTED, Kind.NOTHING_TO_REMEMBER], created_at__gte=since)
        .first()
    )
    if told is None:
        is_owed = events.selectors.unfinished_jobs().filter(
            task="memories.tasks.learn_from_ignore", arguments__finding_id=finding.pk
        )
        return Learned() if is_owed.exists() else None
    memory = Memory.objects.filter(pk=told.subject.get("memory_id")).select_related("project", "rule").first()
    return Learned(memory=memory, why_none="" if memory else str(told.subject.get("reason", "")))


@dataclass(frozen=True)
class Applied:
    """How many similar findings were put up to be judged again, and how many more there were."""

    picked: int
    left_out: int


def latest_application(memory: Memory) -> Applied | None:
    """Return what a memory's last change led to, None where it concerned no finding."""
    told = events.selectors.of_kind(Kind.MEMORY_APPLIED).filter(subject__memory_id=memory.pk).first()
    return None if told is None else Applied(int(told.subject["picked"]), int(told.subject["left_out"]))


def is_being_applied(memory: Memory) -> bool:
    """Tell whether similar findings are still to be judged again by a memory's last change."""
    owed = events.selectors.unfinished_jobs().filter(
        task__in=["triage.tasks.rejudge_similar", "triage.tasks.rejudge_finding"]
    )
    return owed.filter(arguments__memory_id=memory.pk).exists()


def counts_used(
    finding_ids: Collection[int],
    *,
    verdict_ids: Collection[int] = (),
    guidance_ids: Collection[int] = (),
    autofix_ids: Collection[int] = (),
) -> dict[int, int]:
    """Return by finding how many memories shaped some verdicts, guidances and fixes together, in one query."""
    uses = MemoryUse.objects.filter(
        Q(verdict_id__in=verdict_ids) | Q(guidance_id__in=guidance_ids) | Q(autofix_id__in=autofix_ids),
        finding_id__in=finding_ids,
    )
    return dict(Counter(finding_id for finding_id, _ in uses.values_list("finding_id", "memory_id").distinct()))


def is_being_regenerated(finding: Finding) -> bool:
    """Tell whether a finding's guidance and fix are still to be written anew by what somebody taught on it."""
    owed = events.selectors.unfinished_jobs().filter(task="remediation.tasks.regenerate")
    return owed.filter(arguments__finding_id=finding.pk).exists()
