"""Taking memories along as a file, and bringing one: what it would do is shown before it is done."""

from __future__ import annotations

from typing import BinaryIO, cast

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assistant_platform.web.base import OrgRequest, org_page
from memories import exchange, listing
from memories.exchange import Action, FileUnusable, Planned
from memories.models import MemoryState
from memories.services import MemoryUnusable
from orgs.permissions import Permission

ENTRIES_SHOWN = 300


class FileForm(forms.Form):
    """A file of memories."""

    file = forms.FileField(max_length=255)


class TextForm(forms.Form):
    """The text of a file that was looked at."""

    text = forms.CharField(max_length=exchange.LARGEST_BYTES, strip=False)


@require_safe
@org_page(Permission.MEMORIES_VIEW)
def export_memories(request: OrgRequest) -> HttpResponse:
    """Answer every memory that somebody sees as a file."""
    found = listing.visible_to(request.member).exclude(state=MemoryState.REMOVED).order_by("pk")
    slug = request.member.organization.slug
    return HttpResponse(
        exchange.exported(found, organization=slug),
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="memories-of-{slug}.yaml"'},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.MEMORIES_SUGGEST)
def import_memories(request: OrgRequest) -> HttpResponse:
    """Take a file, and show what bringing it would do."""
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, form)
    file = cast(BinaryIO, form.cleaned_data["file"])
    # One byte more than is taken, so that a large file is never held in memory.
    content = file.read(exchange.LARGEST_BYTES + 1)
    try:
        plans = _planned(request, content)
    except FileUnusable as problem:
        form.add_error("file", str(problem))
        return _page(request, form)
    return _preview(request, plans, content.decode("utf-8-sig"))


@require_POST
@org_page(Permission.MEMORIES_SUGGEST)
def bring_memories(request: OrgRequest) -> HttpResponse:
    """Bring the memories of a file that was looked at."""
    form = TextForm(request.POST)
    goes_live = request.member.may(Permission.MEMORIES_MANAGE)
    if not form.is_valid():
        messages.error(request, "Nothing was imported: choose a file first.")
        return redirect("settings-memories-import", slug=request.member.organization.slug)
    try:
        plans = _planned(request, form.cleaned_data["text"].encode())
        count = exchange.bring(plans, actor=request.actor, goes_live=goes_live)
    except (FileUnusable, MemoryUnusable) as problem:
        messages.error(request, f"Nothing was imported: {problem}")
        return redirect("settings-memories-import", slug=request.member.organization.slug)
    words = "" if goes_live else " They are suggested until an Admin approves them."
    messages.success(request, f"Imported: {count} new or changed.{words}")
    return redirect("settings-memories", slug=request.member.organization.slug)


def _planned(request: OrgRequest, content: bytes) -> list[Planned]:
    return exchange.planned(
        content,
        viewer=request.member,
        organization=request.member.organization.slug,
        may_change=request.member.may(Permission.MEMORIES_MANAGE),
    )


def _page(request: OrgRequest, form: FileForm) -> HttpResponse:
    context = {"form": form, "kibibytes": exchange.LARGEST_BYTES // 1024, "most": exchange.MOST_ENTRIES}
    return render(request, "memories/import.html", context, status=422 if form.errors else 200)


def _preview(request: OrgRequest, plans: list[Planned], text: str) -> HttpResponse:
    order = [Action.REFUSED, Action.CHANGED, Action.NEW, Action.SAME]
    context = {
        "plans": sorted(plans, key=lambda plan: (order.index(plan.action), plan.position))[:ENTRIES_SHOWN],
        "left": max(len(plans) - ENTRIES_SHOWN, 0),
        "counts": {action.value: sum(plan.action is action for plan in plans) for action in Action},
        "text": text,
    }
    return render(request, "memories/import_preview.html", context)
