"""The list of memories, and writing a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

import findings.selectors
import memories.services
import orgs.selectors
import providers.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.memories.forms import STARTERS, MemoryForm
from findings.models import Finding
from lib.text import is_id
from memories import conflicts, listing
from memories.listing import ORDERS, TITLES, Tab, Wanted
from memories.models import Memory, MemorySource, Purpose, Template
from memories.scopes import Scope, ScopeUnusable
from memories.services import MemoryUnusable
from orgs.permissions import Permission
from rules.models import Rule

OFFERED_AT_MOST = 200


@dataclass(frozen=True)
class Row:
    """A memory as a line of the list; `affected` are open findings, `pairs` the filter that lists them."""

    memory: Memory
    scope: str
    affected: int
    is_more: bool
    pairs: list[tuple[str, str]]
    source_finding: Finding | None


@require_safe
@org_page(Permission.MEMORIES_VIEW)
def memories_page(request: OrgRequest) -> HttpResponse:
    """List the memories of a tab."""
    wanted = Wanted.parse(request.GET.dict())
    page = listing.page_of(wanted, viewer=request.member)
    context = {
        "rows": [row_of(memory, request) for memory in page.memories],
        "tabs": [
            {"title": TITLES[tab], "value": tab.value, "count": page.counts[tab], "is_shown": tab is wanted.tab}
            for tab in Tab
        ],
        "orders": [(value, label) for value, (label, _) in ORDERS.items()],
        "wanted": wanted,
        "next_page": wanted.page + 1 if page.has_next else None,
        "pairs": [("tab", wanted.tab.value), ("q", wanted.search), ("sort", wanted.order)],
        "is_switched_off": not orgs.selectors.assistant_settings().customize_with_memories,
        "has_any": any(page.counts.values()),
    }
    return render(request, "memories/list.html", context)


def row_of(memory: Memory, request: OrgRequest) -> Row:
    """Return a memory as a line of the list, as its reader may see it."""
    affected = listing.count_affected(memory, viewer=request.member)
    source = memory.source_finding
    ids = orgs.selectors.visible_project_ids(request.member)
    return Row(
        memory=memory,
        scope=Scope.of(memory).in_words,
        affected=min(affected, listing.COUNTED_AT_MOST),
        is_more=affected > listing.COUNTED_AT_MOST,
        pairs=listing.as_filter(Scope.of(memory)),
        source_finding=source if source and (ids is None or source.project_id in ids) else None,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.MEMORIES_SUGGEST)
def new_memory(request: OrgRequest) -> HttpResponse:
    """Write a memory; an Admin's is live, unless others may contradict it, which are shown first."""
    if request.method != "POST":
        given = request.GET.get("finding", "")
        finding = findings.selectors.visible_to(request.member).filter(pk=given).first() if is_id(given) else None
        form = MemoryForm.starting(member=request.member, template=request.GET.get("template", ""), finding=finding)
        return _form_page(request, form)
    form = MemoryForm(request.POST, member=request.member)
    if not form.is_valid():
        return _form_page(request, form, status=422)
    try:
        memory = _taught(request, form)
    except (MemoryUnusable, ScopeUnusable) as problem:
        form.add_error(None, str(problem))
        return _form_page(request, form, status=422)
    return redirect("settings-memories-memory", slug=request.member.organization.slug, memory_id=memory.pk)


def _taught(request: OrgRequest, form: MemoryForm) -> Memory:
    may_decide = request.member.may(Permission.MEMORIES_MANAGE) and "suggest" not in request.POST
    memory = memories.services.teach(
        text=form.cleaned_data["text"],
        purpose=Purpose(form.cleaned_data["purpose"]),
        scope=form.scope,
        source=MemorySource.PAGE,
        actor=request.actor,
        goes_live=False,
        template=Template(form.cleaned_data["template"]),
        expires_at=form.expires_at,
    )
    if not may_decide:
        words = "Saved as suggested. Try it out here, then approve it."
        if not request.member.may(Permission.MEMORIES_MANAGE):
            words = "Suggested. It shapes nothing until an Admin approves it."
        messages.success(request, words)
    elif conflicts.overlapping(memory):
        messages.warning(
            request, "Not in force yet: other memories hold for the same findings. Look at them below, then approve it."
        )
    else:
        memory = memories.services.approve(memory=memory, actor=request.actor)
        messages.success(request, "Saved. It shapes the Assistant's answers from now on.")
    return memory


def _form_page(request: OrgRequest, form: MemoryForm, *, status: int = 200) -> HttpResponse:
    return render(request, "memories/new.html", form_context(request, form), status=status)


def form_context(request: OrgRequest, form: MemoryForm) -> dict[str, Any]:
    """Return what the form of a memory needs around it: what may be chosen, and the texts to begin with."""
    here = reverse("settings-memories-new", kwargs={"slug": request.member.organization.slug})
    return {
        "form": form,
        "starters": [
            {"starter": starter, "value": value.value, "address": f"{here}?template={value.value}"}
            for value, starter in STARTERS.items()
        ],
        "projects": orgs.selectors.project_names(request.member, at_most=OFFERED_AT_MOST).values(),
        "rules": Rule.objects.order_by("identifier").values_list("identifier", flat=True)[:OFFERED_AT_MOST],
        "provider": providers.selectors.chosen(),
    }
