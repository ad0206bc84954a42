"""One memory: what it says, where it was used, what it may contradict, its history, and what Admins do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import findings.selectors
import memories.selectors
import memories.services
import orgs.selectors
import providers.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.memories.forms import MemoryForm
from assistant_platform.web.memories.list import form_context, row_of
from findings.models import Finding
from memories import conflicts, listing
from memories.models import Memory, MemoryChange, MemoryState, Purpose
from memories.scopes import ScopeUnusable
from memories.services import MemoryUnusable
from orgs.permissions import Permission
from providers.models import Step
from triage import dry_runs, taught

AFFECTED_SHOWN = 10
CLOSING_SHOWN = 200
USES_SHOWN = 10
CHANGES_SHOWN = 50
# For so long after a change the page waits for what the Assistant says of contradictions.
COMPARED_WITHIN = timedelta(minutes=5)

ENDED = frozenset({MemoryState.DISABLED, MemoryState.EXPIRED})
WORDS_OF_CHANGE = {
    "created": "wrote it",
    "edited": "changed it",
    "approved": "approved it",
    "enabled": "enabled it",
    "disabled": "disabled it",
    "expired": "ended it: its time was over",
    "removed": "removed it",
    "undone": "took the last change back",
}
NAMES = {
    "text": "Text",
    "purpose": "Purpose",
    "state": "State",
    "project": "Project",
    "project_tag": "Project tag",
    "rule": "Rule",
    "cwe": "CWE",
    "path_prefix": "Path",
    "expires_at": "Expires",
}


@dataclass(frozen=True)
class Difference:
    """What one change made of one thing."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """A step of the history in words."""

    change: MemoryChange
    words: str
    differences: list[Difference]


@require_safe
@org_page(Permission.MEMORIES_VIEW)
def memory_page(request: OrgRequest, memory_id: int) -> HttpResponse:
    """Show a memory."""
    memory = _memory(request, memory_id)
    compared = conflicts.comparison_of(memory)
    visible = {one.pk for one in listing.visible_to(request.member).filter(pk__in=[m.pk for m in compared.overlapping])}
    others = [
        {"memory": other, "contradicts": other.pk in compared.contradicting}
        for other in compared.overlapping
        if other.pk in visible
    ]
    provider = providers.selectors.choices_for(Step.CONFLICT)[0]
    has_model = provider.adapter != providers.selectors.BUILT_IN.adapter
    is_in_use = memory.state in {MemoryState.LIVE, MemoryState.SUGGESTED}
    is_recent = memory.changed_at > timezone.now() - COMPARED_WITHIN
    history = [_in_words(change) for change in memory.history.order_by("-pk")[:CHANGES_SHOWN]]
    seen = findings.selectors.visible_to(request.member)
    context = {
        "memory": memory,
        "row": row_of(memory, request),
        "affected": listing.affected_by(memory, viewer=request.member).select_related("project", "rule")[
            :AFFECTED_SHOWN
        ],
        "others": others if is_in_use else [],
        "compared": compared,
        "is_comparing": bool(others) and is_in_use and is_recent and not compared.is_known and has_model,
        "has_model": has_model,
        "uses": memory.uses.filter(finding__in=seen.select_related(None))
        .select_related("finding__rule")
        .order_by("-pk")[:USES_SHOWN],
        "history": history,
        "can_undo": bool(history and history[0].change.before),
        **_trying(request, memory),
        "closing": _closing(request, memory),
        "applied": memories.selectors.latest_application(memory),
        "is_being_applied": memories.selectors.is_being_applied(memory),
        "is_ended": memory.state in ENDED,
        "speaks_to_reader": taught.speaks_to_reader(memory.text),
        "is_switched_off": not orgs.selectors.assistant_settings().customize_with_memories,
    }
    return render(request, "memories/memory.html", context)


def _closing(request: OrgRequest, memory: Memory) -> list[Finding]:
    """Return what a memory made likely false positives, as far as the reader sees it: nobody has ignored these."""
    found = memories.selectors.suggested_for_closing(memory)
    ids = orgs.selectors.visible_project_ids(request.member)
    found = found if ids is None else found.filter(project__in=ids)
    return list(found.select_related("project", "rule")[:CLOSING_SHOWN])


def _trying(request: OrgRequest, memory: Memory) -> dict[str, Any]:
    """Return the latest dry run, and what another one would be, for those who may start one."""
    run = dry_runs.latest(memory)
    found = dry_runs.outcomes(run, viewer=request.member) if run else []
    planned, not_triable = None, ""
    if request.member.may(Permission.MEMORIES_MANAGE):
        try:
            planned = dry_runs.plan(memory)
        except dry_runs.NotTriable as reason:
            not_triable = str(reason)
    return {
        "run": run,
        "run_is_under_way": run is not None and dry_runs.is_under_way(run),
        "run_is_of_now": run is not None and run.version == memory.version,
        "outcomes": found,
        "changing_count": sum(outcome.changes for outcome in found),
        "would_become": dry_runs.would_become(found),
        "unanswered_count": sum(bool(outcome.problem) for outcome in found),
        "planned": planned,
        "not_triable": not_triable,
        "judged_by_built_in": providers.selectors.chosen().adapter == providers.selectors.BUILT_IN.adapter,
    }


@require_POST
@org_page(Permission.MEMORIES_MANAGE)
def try_memory(request: OrgRequest, memory_id: int) -> HttpResponse:
    """Have a memory tried on the findings it concerns; nothing is changed by it."""
    memory = _memory(request, memory_id)
    try:
        dry_runs.request_dry_run(memory=memory, actor=request.actor)
    except dry_runs.NotTriable as reason:
        messages.error(request, f"Not tried: {reason}")
    return _to(request, memory)


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.MEMORIES_MANAGE)
def edit_memory(request: OrgRequest, memory_id: int) -> HttpResponse:
    """Change what a memory says, where it holds, or how long."""
    memory = _memory(request, memory_id)
    zone = ZoneInfo(request.member.organization.time_zone)
    expires_on = memory.expires_at.astimezone(zone).date() if memory.expires_at else None
    if request.method != "POST":
        return _edit_page(request, memory, MemoryForm.of(memory, member=request.member, expires_on=expires_on))
    form = MemoryForm(request.POST, member=request.member)
    if not form.is_valid():
        return _edit_page(request, memory, form, status=422)
    try:
        memories.services.change(
            memory=memory,
            actor=request.actor,
            text=form.cleaned_data["text"],
            purpose=Purpose(form.cleaned_data["purpose"]),
            scope=form.scope,
            expires_at=form.expires_at,
        )
    except (MemoryUnusable, ScopeUnusable) as problem:
        form.add_error(None, str(problem))
        return _edit_page(request, memory, form, status=422)
    messages.success(request, "Saved.")
    return _to(request, memory)


@require_POST
@org_page(Permission.MEMORIES_MANAGE)
def approve_memory(request: OrgRequest, memory_id: int) -> HttpResponse:
    """Put a memory in force."""
    was_ended = _memory(request, memory_id).state in ENDED
    act = memories.services.enable if was_ended else memories.services.approve
    return _do(request, memory_id, act, "It is in force: it shapes the Assistant's answers from now on.")


@require_POST
@org_page(Permission.MEMORIES_MANAGE)
def disable_memory(request: OrgRequest, memory_id: int) -> HttpResponse:
    """Take a memory out of force."""
    return _do(request, memory_id, memories.services.disable, "Disabled. It shapes nothing until it is enabled again.")


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.MEMORIES_MANAGE)
def remove_memory(request: OrgRequest, memory_id: int) -> HttpResponse:
    """Ask whether a memory is to be removed, then remove it."""
    memory = _memory(request, memory_id)
    if request.method != "POST":
        return render(request, "memories/remove.html", {"memory": memory, "row": row_of(memory, request)})
    try:
        memories.services.remove(memory=memory, actor=request.actor)
    except MemoryUnusable as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, "Removed. Verdicts that used it still name it, and it can be brought back there.")
    return redirect("settings-memories", slug=request.member.organization.slug)


@require_POST
@org_page(Permission.MEMORIES_MANAGE)
def undo_change(request: OrgRequest, memory_id: int) -> HttpResponse:
    """Take the last change of a memory back."""
    return _do(request, memory_id, memories.services.undo, "The last change was taken back.")


def _do(request: OrgRequest, memory_id: int, act: Callable[..., Memory], words: str) -> HttpResponse:
    memory = _memory(request, memory_id)
    try:
        act(memory=memory, actor=request.actor)
    except MemoryUnusable as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, words)
    return _to(request, memory)


def _memory(request: OrgRequest, memory_id: int) -> Memory:
    return get_object_or_404(listing.visible_to(request.member), pk=memory_id)


def _to(request: OrgRequest, memory: Memory) -> HttpResponse:
    return redirect("settings-memories-memory", slug=request.member.organization.slug, memory_id=memory.pk)


def _edit_page(request: OrgRequest, memory: Memory, form: MemoryForm, *, status: int = 200) -> HttpResponse:
    context: Mapping[str, Any] = {**form_context(request, form), "memory": memory}
    return render(request, "memories/edit.html", context, status=status)


def _in_words(change: MemoryChange) -> Change:
    return Change(
        change=change,
        words=WORDS_OF_CHANGE.get(change.what, change.what),
        differences=[
            Difference(NAMES[name], _value(name, change.before.get(name)), _value(name, value))
            for name, value in change.after.items()
            if change.before and name in NAMES and change.before.get(name) != value
        ],
    )


def _value(name: str, value: str | None) -> str:
    if not value:
        return "none"
    if name == "purpose":
        return str(Purpose(value).label)
    if name == "state":
        return str(MemoryState(value).label)
    return value[:10] if name == "expires_at" else value
