"""The Celery edge of memories: ids in, a service called."""

from __future__ import annotations

from django.db import transaction

import events.selectors
import findings.selectors
import memories.services
import orgs.selectors
from events.kinds import Actor, ActorKind, Kind
from events.models import Event, Queue
from events.services import result_of_job
from events.tasks import org_task
from findings.models import Finding
from memories import conflicts, learning
from memories.models import Memory, MemoryState
from orgs.permissions import Permission
from providers.gate import NoUsableAnswer

# Whose reasons are learned from: people, here or on a code host, and whom they gave a token.
TEACHERS = frozenset({ActorKind.PERSON, ActorKind.TOKEN, ActorKind.SCM_USER})


def _nothing_after_all(*, finding_id: int) -> None:
    finding = findings.selectors.every_finding().filter(pk=finding_id).first()
    if finding is not None:
        learning.note_nothing(finding=finding, why=learning.NO_ANSWER)


@org_task(queue=Queue.BACKLOG, priority=7, max_attempts=3, on_exhausted=_nothing_after_all)
def learn_from_ignore(*, finding_id: int) -> None:
    """Make a memory of the reason why somebody ignored a finding, where it holds for others too."""
    with transaction.atomic():
        event = events.selectors.about(finding_id).filter(kind=Kind.FINDING_IGNORED).order_by("-pk").first()
    _learn(finding_id, event)


@org_task(queue=Queue.BACKLOG, priority=7, max_attempts=3)
def learn_from_bulk(*, bulk_id: int) -> None:
    """Make at most one memory of the reason why somebody ignored many findings at once, by the worst of them."""
    with transaction.atomic():
        event = events.selectors.of_kind(Kind.FINDINGS_TRIAGED).filter(subject__bulk_id=bulk_id).order_by("pk").first()
        finding = learning.example_of_bulk(bulk_id)
    if finding is not None:
        _learn(finding.pk, event)


def _learn(finding_id: int, event: Event | None) -> None:
    with transaction.atomic():
        finding = findings.selectors.every_finding().filter(pk=finding_id).first()
        member = event and event.actor_user_id and orgs.selectors.member_with(event.actor_user_id)
    if finding is None or event is None or event.actor_kind not in TEACHERS:
        return
    actor = Actor(ActorKind(event.actor_kind), event.actor_name, event.actor_user_id)
    # Whoever is no member, as a person on the code host may be, only suggests; a token speaks for many.
    goes_live = bool(actor.kind == ActorKind.PERSON and member and member.may(Permission.MEMORIES_MANAGE))
    try:
        learning.learn_from_ignore(finding=finding, actor=actor, goes_live=goes_live)
    except NoUsableAnswer as problem:
        _note_nothing(finding, str(problem))


def _note_nothing(finding: Finding, why: str) -> None:
    with result_of_job():
        learning.note_nothing(finding=finding, why=why)


@org_task(queue=Queue.INTERACTIVE, priority=5, max_attempts=3)
def compare_memory(*, memory_id: int) -> None:
    """Find out which live memories a new or changed one contradicts."""
    with transaction.atomic():
        in_use = Memory.objects.filter(state__in=[MemoryState.SUGGESTED, MemoryState.LIVE])
        memory = in_use.select_related("project", "rule").filter(pk=memory_id).first()
    if memory is None or memory.compared_version == memory.version:
        return
    try:
        conflicts.compare(memory)
    except NoUsableAnswer:
        return  # the page lists those in the same scope all the same


@org_task(queue=Queue.DELIVER, priority=7)
def expire_memories() -> None:
    """Take memories out of force whose time is over."""
    memories.services.expire_due()
