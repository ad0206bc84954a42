"""Teaching, approving, changing and removing memories; each step is kept in the memory's history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from events.kinds import SYSTEM, Actor, ActorKind, Kind
from events.services import record
from findings.models import Finding
from memories.models import LONGEST_TEXT, Memory, MemoryChange, MemorySource, MemoryState, MemoryUse, Purpose, Template
from memories.scopes import Scope
from orgs.models import Project
from rules.models import Rule

MOST_LIVE = 500
ONLY_SUGGESTS = "Somebody on the code host can only suggest; an Admin approves here."


class MemoryUnusable(Exception):
    """A memory cannot be kept as it was given, or is in no state for that; the text says why."""


def teach(
    *,
    text: str,
    purpose: Purpose,
    scope: Scope,
    source: MemorySource,
    actor: Actor,
    goes_live: bool,
    finding: Finding | None = None,
    template: Template = Template.NONE,
    expires_at: datetime | None = None,
) -> Memory:
    """Keep what somebody teaches; live where the person may decide that (`goes_live`), else suggested.

    Raises MemoryUnusable and ScopeUnusable. The same text in the same scope again is the memory that is there already.
    """
    scope, text = scope.checked(), _usable(text)
    _refuse_past(expires_at)
    refuse_boundless(template, scope)
    goes_live = goes_live and actor.kind != ActorKind.SCM_USER  # whom we know by a name on another host only
    with transaction.atomic():
        twin = _twin(text, purpose, scope)
        if twin is not None and (twin.state == MemoryState.LIVE or not goes_live):
            return twin
        if twin is not None:
            return _put_in_force(twin, "approved", actor, finding_id=finding.pk if finding else None)
        if goes_live:
            _refuse_too_many()
        memory = Memory.objects.create(
            text=text,
            purpose=purpose,
            state=MemoryState.LIVE if goes_live else MemoryState.SUGGESTED,
            **scope.as_row(),
            source=source,
            source_finding=finding,
            template=template,
            created_by=actor.name[:200],
            created_by_user=actor.user_id,
            approved_by=actor.name[:200] if goes_live else "",
            approved_at=timezone.now() if goes_live else None,
            expires_at=expires_at,
        )
        _note(memory, "created", actor, before={})
        kind = Kind.MEMORY_ADDED if goes_live else Kind.MEMORY_SUGGESTED
        _record(kind, memory, actor, finding_id=finding.pk if finding else None)
    return memory


def approve(*, memory: Memory, actor: Actor) -> Memory:
    """Put a suggested memory in force. Raises MemoryUnusable."""
    return _put_in_force(memory, "approved", actor)


def enable(*, memory: Memory, actor: Actor) -> Memory:
    """Put a disabled or expired memory in force again, without an end that has passed. Raises MemoryUnusable."""
    return _put_in_force(memory, "enabled", actor)


def _put_in_force(memory: Memory, what: str, actor: Actor, *, finding_id: int | None = None) -> Memory:
    with transaction.atomic():
        memory = _locked(memory)
        if memory.state == MemoryState.LIVE:
            return memory
        if actor.kind == ActorKind.SCM_USER:
            raise MemoryUnusable(ONLY_SUGGESTS)
        _refuse_too_many()
        before = _as_history(memory)
        memory.state, memory.approved_by, memory.approved_at = MemoryState.LIVE, actor.name[:200], timezone.now()
        if memory.expires_at is not None and memory.expires_at <= timezone.now():
            memory.expires_at = None
        memory.save()
        _note(memory, what, actor, before=before)
        _record(Kind.MEMORY_ADDED, memory, actor, finding_id=finding_id)
    return memory


def change(
    *,
    memory: Memory,
    actor: Actor,
    text: str,
    purpose: Purpose,
    scope: Scope,
    expires_at: datetime | None = None,
) -> Memory:
    """Change a memory; another text, purpose or scope is a new version. Raises MemoryUnusable and ScopeUnusable."""
    scope, text = scope.checked(), _usable(text)
    _refuse_past(expires_at)
    with transaction.atomic():
        memory = _locked(memory)
        refuse_boundless(Template(memory.template), scope)
        before = _as_history(memory)
        memory.text, memory.purpose = text, purpose
        for column, value in scope.as_row().items():
            setattr(memory, column, value)
        if _as_history(memory) != before:
            memory.version += 1
        memory.expires_at = expires_at
        if _as_history(memory) == before:
            return memory
        memory.save()
        _note(memory, "edited", actor, before=before)
        _record(Kind.MEMORY_CHANGED, memory, actor)
    return memory


def disable(*, memory: Memory, actor: Actor) -> Memory:
    """Take a memory out of force; it stays in the list and can be approved again."""
    return _end(memory, MemoryState.DISABLED, "disabled", actor)


def remove(*, memory: Memory, actor: Actor) -> Memory:
    """Remove a memory from the list. Its row and history stay, so that old verdicts can still be explained."""
    return _end(memory, MemoryState.REMOVED, "removed", actor)


def undo(*, memory: Memory, actor: Actor) -> Memory:
    """Take the last change of a memory back, whatever it was; undoing twice brings it again. Raises MemoryUnusable.

    What it referred to must still be there: a project or rule that is gone cannot come back with it.
    """
    with transaction.atomic():
        memory = Memory.objects.select_for_update(of=["self"]).select_related("project", "rule").get(pk=memory.pk)
        last = memory.history.order_by("-pk").first()
        if last is None or not last.before:
            raise MemoryUnusable("There is nothing to take back: nobody changed it since it was made.")
        before, was_live = _as_history(memory), memory.state == MemoryState.LIVE
        _restore(memory, last.before)
        if memory.state == MemoryState.LIVE and not was_live:
            _refuse_too_many()
            memory.approved_by, memory.approved_at = actor.name[:200], timezone.now()
        if any(before[name] != value for name, value in _as_history(memory).items() if name != "state"):
            memory.version += 1
        memory.save()
        _note(memory, "undone", actor, before=before)
        is_live = memory.state == MemoryState.LIVE
        kind = Kind.MEMORY_CHANGED if is_live == was_live else Kind.MEMORY_ADDED if is_live else Kind.MEMORY_REMOVED
        _record(kind, memory, actor)
    return memory


def _restore(memory: Memory, values: dict[str, Any]) -> None:
    expires_at = datetime.fromisoformat(values["expires_at"]) if values["expires_at"] else None
    memory.text, memory.purpose, memory.state = values["text"], values["purpose"], values["state"]
    memory.expires_at = expires_at
    if memory.state == MemoryState.LIVE and expires_at is not None and expires_at <= timezone.now():
        raise MemoryUnusable("It has expired since; change its expiry instead.")
    memory.project = Project.objects.filter(name=values["project"]).first() if values["project"] else None
    memory.rule = Rule.objects.filter(identifier=values["rule"]).first() if values["rule"] else None
    if (memory.project is None) is not (not values["project"]) or (memory.rule is None) is not (not values["rule"]):
        raise MemoryUnusable("The project or rule that it was about before is gone.")
    memory.project_tag, memory.path_prefix, memory.cwe = values["project_tag"], values["path_prefix"], values["cwe"]


def expire_due() -> int:
    """Take every memory whose time is over out of force; return how many. Safe to run twice."""
    with transaction.atomic():
        due = Memory.objects.select_for_update(skip_locked=True).filter(
            state=MemoryState.LIVE, expires_at__lte=timezone.now()
        )
        ended = [_end(memory, MemoryState.EXPIRED, "expired", SYSTEM) for memory in due]
    return len(ended)


def note_use(
    *,
    memories: Sequence[Memory],
    finding: Finding,
    verdict_id: int | None = None,
    autofix_id: int | None = None,
    guidance_id: int | None = None,
) -> None:
    """Note that a prompt carried memories. Needs the transaction in which its result is kept."""
    if not memories:
        return
    MemoryUse.objects.bulk_create(
        [
            MemoryUse(
                memory=memory,
                version=memory.version,
                finding=finding,
                verdict_id=verdict_id,
                autofix_id=autofix_id,
                guidance_id=guidance_id,
            )
            for memory in memories
        ],
        ignore_conflicts=True,
    )
    # In the order of ids, so that two workers that use the same memories do not wait for each other in a circle.
    for memory_id in sorted(memory.pk for memory in memories):
        Memory.objects.filter(pk=memory_id).update(use_count=F("use_count") + 1, last_used_at=timezone.now())


def _usable(text: str) -> str:
    text = text.replace("\0", "").strip()
    if not text:
        raise MemoryUnusable("Write what the Assistant should remember.")
    if len(text) > LONGEST_TEXT:
        raise MemoryUnusable(f"Say it in at most {LONGEST_TEXT:,} characters; these are {len(text):,}.")
    return text


def refuse_boundless(template: Template, scope: Scope) -> None:
    """Refuse a template without what makes it true; Built-in acts on these by their scope alone."""
    if template == Template.NOT_PRODUCTION and not scope.path_prefix:
        raise MemoryUnusable("Name the path that is not production, for example tools/ or src/legacy.")
    if template == Template.FRAMEWORK_PROTECTS and scope.rule is None and not scope.cwe:
        raise MemoryUnusable("Choose the rule or the CWE that the framework protects against.")


def _refuse_past(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise MemoryUnusable("The day on which it expires must lie ahead.")


def _refuse_too_many() -> None:
    if Memory.objects.filter(state=MemoryState.LIVE).count() >= MOST_LIVE:
        raise MemoryUnusable(f"There are {MOST_LIVE} live memories. Disable or remove some that are no longer used.")


def _twin(text: str, purpose: Purpose, scope: Scope) -> Memory | None:
    usable = Memory.objects.filter(state__in=[MemoryState.LIVE, MemoryState.SUGGESTED])
    return usable.filter(text=text, purpose=purpose, **scope.as_row()).first()


def _locked(memory: Memory) -> Memory:
    found = (
        Memory.objects.select_for_update(no_key=True).exclude(state=MemoryState.REMOVED).filter(pk=memory.pk).first()
    )
    if found is None:
        raise MemoryUnusable("This memory was removed.")
    return found


def _end(memory: Memory, state: MemoryState, what: str, actor: Actor) -> Memory:
    with transaction.atomic():
        memory = _locked(memory)
        if memory.state == state:
            return memory
        before = _as_history(memory)
        was_live = memory.state == MemoryState.LIVE
        memory.state = state
        memory.save()
        _note(memory, what, actor, before=before)
        # Only what was in force leaves something behind that has to be judged again.
        _record(Kind.MEMORY_REMOVED if was_live else Kind.MEMORY_CHANGED, memory, actor)
    return memory


def _as_history(memory: Memory) -> dict[str, Any]:
    return {
        "text": memory.text,
        "purpose": memory.purpose,
        "state": memory.state,
        "expires_at": memory.expires_at.isoformat() if memory.expires_at else "",
        **Scope.of(memory).as_history(),
    }


def _note(memory: Memory, what: str, actor: Actor, *, before: dict[str, Any]) -> None:
    MemoryChange.objects.create(memory=memory, what=what, by=actor.name[:200], before=before, after=_as_history(memory))


def _record(kind: Kind, memory: Memory, actor: Actor, *, finding_id: int | None = None) -> None:
    record(kind, actor=actor, finding_id=finding_id, memory_id=memory.pk, state=memory.state, version=memory.version)
