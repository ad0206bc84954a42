"""One request to a model: what was sent and answered, the same asked of another model, and two compared."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

import findings.selectors
import orgs.selectors
import providers.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.rendering.diffs import SideBySide, hunks, side_by_side
from assistant_platform.web.rendering.prompts import hidden_kinds, readable
from findings.models import Finding
from lib.diffs import unified_diff
from orgs.permissions import Permission
from providers import log, replay
from providers.models import ModelCall, Outcome


@dataclass(frozen=True)
class TextDifference:
    """One of the texts of two requests, line by line; no hunks where both are the same."""

    title: str
    hunks: list[SideBySide]
    is_missing: bool


@require_safe
@org_page(Permission.MODEL_CALLS_VIEW)
def moved_call_page(request: OrgRequest, call_id: int) -> HttpResponse:
    """Lead from the address that requests had before to where they are now."""
    call = get_object_or_404(providers.selectors.calls().defer(*log.TEXTS), pk=call_id)
    address = reverse("settings-prompts-call", kwargs={"slug": request.member.organization.slug, "call_id": call.pk})
    return redirect(address, permanent=True)


@require_safe
@org_page(Permission.MODEL_CALLS_VIEW)
def call_page(request: OrgRequest, call_id: int) -> HttpResponse:
    """Show one request to a model with its answer."""
    call = get_object_or_404(providers.selectors.calls(), pk=call_id)
    context = {
        "call": call,
        "finding": _finding_of(request, call),
        "reply": readable(call.reply_text),
        "hidden_kinds": hidden_kinds(call.user_text),
        "comparable": log.comparable_with(call),
        "choices": {key: choice.label for key, choice in replay.choices().items()},
        "why_no_replay": replay.why_not(call),
        "retention_days": orgs.selectors.retention_days(),
    }
    return render(request, "settings/prompts/call.html", context)


@require_POST
@org_page(Permission.PROVIDER_MANAGE)
def replay_call(request: OrgRequest, call_id: int) -> HttpResponse:
    """Ask what was asked again, of another model; the finding stays as it is."""
    slug = request.member.organization.slug
    call = get_object_or_404(providers.selectors.calls(), pk=call_id)
    choice = replay.choices().get(request.POST.get("choice", ""))
    if choice is None:
        messages.error(request, "Not asked: choose a provider that code may be sent to.")
        return redirect("settings-prompts-call", slug=slug, call_id=call.pk)
    model = request.POST.get("model", "").strip()
    if len(model) > replay.LONGEST_MODEL_NAME or not model.isprintable():
        messages.error(request, f"Not asked: a model's name has at most {replay.LONGEST_MODEL_NAME} characters.")
        return redirect("settings-prompts-call", slug=slug, call_id=call.pk)
    try:
        waiting = replay.request_replay(call=call, choice=choice, model=model, actor=request.actor)
    except replay.ReplayNotPossible as problem:
        messages.error(request, f"Not asked: {problem}")
        return redirect("settings-prompts-call", slug=slug, call_id=call.pk)
    address = reverse("settings-prompts-compare", kwargs={"slug": slug})
    return redirect(f"{address}?left={call.pk}&right={waiting.pk}")


@require_safe
@org_page(Permission.MODEL_CALLS_VIEW)
def compare_page(request: OrgRequest) -> HttpResponse:
    """Show two requests side by side: what differed in asking, and in the answers."""
    numbers = [request.GET.get(name, "").strip() for name in ("left", "right")]
    if not all(number.isascii() and number.isdigit() and len(number) <= 18 for number in numbers):  # noqa: PLR2004
        messages.error(request, "Give the numbers of the two requests to compare.")
        return redirect("settings-prompts", slug=request.member.organization.slug)
    left, right = (get_object_or_404(providers.selectors.calls(), pk=int(number)) for number in numbers)
    context = {
        "left": left,
        "sides": [left, right],
        "right": right,
        "finding": _finding_of(request, left),
        "is_waiting": Outcome.ASKING in {left.outcome, right.outcome},
        "is_replay": right.replay_of_id is not None,
        "answers": replay.differences(left, right),
        "texts": [
            _difference("Answer", left, right, readable(left.reply_text), readable(right.reply_text)),
            _difference("Question", left, right, left.user_text, right.user_text),
            _difference("Instructions", left, right, left.system_text, right.system_text),
        ],
    }
    return render(request, "settings/prompts/compare.html", context)


def _difference(title: str, left: ModelCall, right: ModelCall, before: str, after: str) -> TextDifference:
    return TextDifference(
        title=title,
        hunks=[side_by_side(hunk) for hunk in hunks(unified_diff("prompt.txt", before, after), shorten=False)],
        is_missing=left.texts_removed_at is not None or right.texts_removed_at is not None,
    )


def _finding_of(request: OrgRequest, call: ModelCall) -> Finding | None:
    return findings.selectors.visible_to(request.member).filter(pk=call.finding_id).first() if call.finding_id else None
