"""Which memories may say the opposite of one: first those that can meet it at all, then what the Assistant thinks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

import providers.gate
from events.services import result_of_job
from memories.answers import ConflictAnswer
from memories.models import Memory, MemoryState, Purpose
from memories.scopes import Scope
from orgs.models import Project
from providers.prompts import render
from rules.models import Rule

MOST_COMPARED = 20


@dataclass(frozen=True)
class Comparison:
    """The live memories that can hold for the same finding as another one; `contradicting` are ids among them.

    `is_known` says whether the Assistant has compared what they say; without a model it never does.
    """

    overlapping: Sequence[Memory]
    contradicting: frozenset[int]
    because: str
    is_known: bool


def comparison_of(memory: Memory) -> Comparison:
    """Return what is known of the memories that may contradict one."""
    is_known = memory.compared_version == memory.version
    return Comparison(
        overlapping=overlapping(memory),
        contradicting=frozenset(memory.conflicts) if is_known else frozenset(),
        because=memory.conflicts_because if is_known else "",
        is_known=is_known,
    )


def overlapping(memory: Memory) -> list[Memory]:
    """Return the other live memories that can hold for the same finding and the same purpose, at most MOST_COMPARED."""
    others = Memory.objects.filter(state=MemoryState.LIVE).exclude(pk=memory.pk)
    if memory.purpose != Purpose.BOTH:
        others = others.filter(purpose__in=[memory.purpose, Purpose.BOTH])
    own = Scope.of(memory)
    found = [other for other in others.select_related("project", "rule").order_by("pk") if meet(own, Scope.of(other))]
    return found[:MOST_COMPARED]


def meet(one: Scope, other: Scope) -> bool:
    """Tell whether a finding can be in both scopes."""
    return _paths_meet(one.path_prefix, other.path_prefix) and _projects_meet(one, other) and _rules_meet(one, other)


def _paths_meet(one: str, other: str) -> bool:
    return Scope(path_prefix=one).holds_for_path(other) or Scope(path_prefix=other).holds_for_path(one)


def _projects_meet(one: Scope, other: Scope) -> bool:
    if one.project is not None and other.project is not None:
        return one.project == other.project
    tags = {tag for tag in (one.project_tag, other.project_tag) if tag}
    project = one.project or other.project
    if project is not None:
        return tags <= set(project.tags)
    return len(tags) < 2 or Project.objects.filter(tags__contains=list(tags)).exists()  # noqa: PLR2004  (both have one)


def _rules_meet(one: Scope, other: Scope) -> bool:
    if one.rule is not None and other.rule is not None:
        return one.rule == other.rule
    cwes = {cwe for cwe in (one.cwe, other.cwe) if cwe}
    rule = one.rule or other.rule
    if rule is not None:
        return cwes <= set(rule.cwe)
    return len(cwes) < 2 or Rule.objects.filter(cwe__contains=list(cwes)).exists()  # noqa: PLR2004  (both have one)


def compare(memory: Memory) -> None:
    """Ask the Assistant which overlapping memories contradict one, and keep what it says. Raise as the gate does.

    Nothing is asked where none overlaps. Safe to run twice.
    """
    with transaction.atomic():
        others = overlapping(memory)
    contradicting: list[int] = []
    because = ""
    if others:
        answer = providers.gate.ask(
            render(
                "memories/conflict",
                text=_in_words(memory),
                others=[f"{number}. {_in_words(other)}" for number, other in enumerate(others, start=1)],
            ),
            answer=ConflictAnswer,
            without_model=lambda: ConflictAnswer(conflicting=[], because=""),
            project_id=memory.project_id,
        )
        if answer.is_built_in:
            return
        numbers = {number for number in answer.value.conflicting if 1 <= number <= len(others)}
        contradicting, because = [others[number - 1].pk for number in sorted(numbers)], answer.value.because
    with result_of_job():
        # Only of the text and scope that were compared: somebody may have changed them since.
        Memory.objects.filter(pk=memory.pk, version=memory.version).update(
            conflicts=contradicting, conflicts_because=because if contradicting else "", compared_version=memory.version
        )


def _in_words(memory: Memory) -> str:
    return f"({memory.get_purpose_display()}; {Scope.of(memory).in_words}) {memory.text}"
