"""Reading memories: which of them concern a finding, and which findings they concern."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q, QuerySet
from django.utils import timezone

import orgs.selectors
from findings.models import Finding, Product, Triage
from memories.models import Memory, MemoryState, MemoryUse, Purpose
from memories.scopes import Scope

# What a prompt carries at most; a model that is told everything heeds nothing.
MOST_IN_A_PROMPT = 12
MOST_CHARACTERS_IN_A_PROMPT = 6_000


def relevant_to(*, finding: Finding, purpose: Purpose, beside: Memory | None = None) -> list[Memory]:
    """Return the live memories that hold for a finding, most specific first, as many as a prompt takes.

    `beside` is one more that counts although it is not live: the one that somebody is just trying out. Nothing at all
    where memories are switched off for the project.
    """
    if not orgs.selectors.settings_for(finding.project_id).customize_with_memories:
        return []
    in_force = Memory.objects.filter(state=MemoryState.LIVE).filter(
        Q(expires_at=None) | Q(expires_at__gt=timezone.now()), purpose__in=[purpose, Purpose.BOTH]
    )
    of_finding = in_force.filter(
        Q(project=None) | Q(project=finding.project_id),
        Q(rule=None) | Q(rule=finding.rule_id),
        Q(project_tag="") | Q(project_tag__in=finding.project.tags),
        Q(cwe="") | Q(cwe__in=finding.rule.cwe),
    )
    found = {
        memory.pk: memory
        for memory in of_finding.select_related("project", "rule")
        if Scope.of(memory).holds_for_path(finding.path)
    }
    if beside is not None:
        found[beside.pk] = beside
    by_weight = sorted(
        found.values(), key=lambda memory: (memory == beside, Scope.of(memory).conditions, memory.pk), reverse=True
    )
    return _as_many_as_fit(by_weight)


def _as_many_as_fit(memories: Sequence[Memory]) -> list[Memory]:
    chosen: list[Memory] = []
    characters = 0
    for memory in memories[:MOST_IN_A_PROMPT]:
        characters += len(memory.text)
        if chosen and characters > MOST_CHARACTERS_IN_A_PROMPT:
            break
        chosen.append(memory)
    return chosen


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


def known() -> QuerySet[Memory]:
    """Return every memory that was not removed, newest first."""
    return Memory.objects.exclude(state=MemoryState.REMOVED).select_related("project", "rule").order_by("-pk")
