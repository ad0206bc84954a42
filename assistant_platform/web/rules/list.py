"""The rules list, and what is changed of many rules at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

import rules.selectors
import rules.services
import rules.starter
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.rules.forms import PolicyForm
from assistant_platform.web.rules.rows import chips, facets, rows_of
from assistant_platform.web.rules.seen import matching, projects_seen
from findings import of_rules
from orgs.permissions import Permission
from rules import listing
from rules.listing import RuleFilter
from rules.models import Mode, Rule
from rules.services import LabelRefused, Selection, SelectionChanged

RULES_SHOWN = 20
OVERRIDES_SHOWN = 20
MOST_AT_ONCE = 20_000
LONGEST_ID = 18  # digits that surely fit the database


@require_safe
@org_page(Permission.FINDINGS_VIEW)
def rules_page(request: OrgRequest) -> HttpResponse:
    """List the rules by name."""
    chosen = RuleFilter.parse(request.GET)
    found = matching(chosen, request)
    page = listing.page(found, after=_name(request, "after"), before=_name(request, "before"))
    settings = rules.selectors.policy_settings()
    context = {
        "rows": rows_of(page.rules, project_ids=projects_seen(request)),
        "page": page,
        "total": found.count(),
        "chosen": chosen,
        "pairs": chosen.as_pairs(),
        "facets": facets(chosen),
        "chips": chips(chosen),
        "has_rules": bool(page.rules) or rules.selectors.known().exists(),
        "modes": Mode.choices,
        "changed": _change_to_undo(request),
        "policy": settings,
        "default_mode": Mode(settings.default_mode).label,
        "policy_form": PolicyForm.of(settings),
        "starter_count": rules.starter.count(),
    }
    return render(request, "rules/list.html", context)


def _name(request: OrgRequest, key: str) -> str:
    return request.GET.get(key, "").replace("\0", "")[:500]


def _change_to_undo(request: OrgRequest) -> object | None:
    """What the person has just done, where the page came back from it."""
    done = ids_in([request.GET.get("changed", "")])
    if not done or not request.member.may(Permission.POLICIES_MANAGE):
        return None
    return rules.selectors.change_of_modes(done[0])


@require_POST
@org_page(Permission.POLICIES_MANAGE)
def preview_modes(request: OrgRequest) -> HttpResponse:
    """Show what a mode would mean for the chosen rules, before it is given."""
    mode = request.POST.get("to", "")
    chosen = list(_chosen(request).defer("yaml", "delivered", "message").order_by("pk")[: MOST_AT_ONCE + 1])
    if mode not in Mode.values:
        messages.error(request, "Choose a mode first.")
        return _to_list(request)
    if not chosen or len(chosen) > MOST_AT_ONCE:
        messages.error(
            request, f"Choose at most {MOST_AT_ONCE:,} rules." if chosen else "Choose the rules first, or all of them."
        )
        return _to_list(request)
    return _preview(request, chosen, Mode(mode))


def _preview(
    request: OrgRequest, chosen: list[Rule], mode: Mode, *, problem: str = "", status: int = 200
) -> HttpResponse:
    selection = rules.services.freeze(chosen)
    becoming = [rule for rule in chosen if rule.mode != mode]
    ids = [rule.pk for rule in becoming]
    overrides = rules.selectors.overrides_among(ids)
    before = Counter(rule.mode for rule in becoming)
    context = {
        "mode": mode,
        "selection": selection,
        "ids": ",".join(map(str, selection.ids)),
        "becoming": len(becoming),
        "before": [(label, before[value]) for value, label in Mode.choices if before[value]],
        "shown": sorted(becoming, key=lambda rule: rule.identifier)[:RULES_SHOWN],
        "consequence": of_rules.consequence_of(ids),
        "days": of_rules.DAYS_LOOKED_BACK,
        "overrides": overrides[:OVERRIDES_SHOWN],
        "override_count": overrides.count(),
        "undelivered_count": rules.selectors.without_delivery(ids) if mode != Mode.DISABLED else 0,
        "pairs": RuleFilter.parse(request.POST).as_pairs(),
        "problem": problem,
    }
    return render(request, "rules/preview.html", context, status=status)


@require_POST
@org_page(Permission.POLICIES_MANAGE)
def change_modes(request: OrgRequest) -> HttpResponse:
    """Give the rules of the preview their mode."""
    ids = tuple(ids_in(request.POST.get("ids", "").split(",")))[:MOST_AT_ONCE]
    mode = request.POST.get("to", "")
    if mode not in Mode.values or not ids:
        messages.error(request, "Choose the rules and a mode first.")
        return _to_list(request)
    selection = Selection(ids=ids, stamp=request.POST.get("stamp", ""))
    try:
        event = rules.services.change_modes(selection=selection, mode=Mode(mode), actor=request.actor)
    except SelectionChanged as problem:
        left = list(Rule.objects.filter(pk__in=ids).defer("yaml", "delivered", "message").order_by("pk"))
        if not left:
            messages.error(request, str(problem))
            return _to_list(request)
        return _preview(request, left, Mode(mode), problem=str(problem), status=409)
    if event is None:
        messages.info(request, f"All of them are in {Mode(mode).label} already; nothing was changed.")
        return _to_list(request)
    return _to_list(request, changed=event.pk)


@require_POST
@org_page(Permission.POLICIES_MANAGE)
def undo_modes(request: OrgRequest, event_id: int) -> HttpResponse:
    """Take a change of modes back."""
    event = rules.selectors.change_of_modes(event_id)
    if event is None:
        raise Http404
    undone = rules.services.undo_modes(event=event, actor=request.actor)
    if undone.restored:
        messages.success(request, f"Taken back: {_rules(undone.restored)} as before.")
    if undone.kept:
        messages.warning(request, f"{_rules(undone.kept)} had been changed again since, and stayed as they are.")
    return _to_list(request)


@require_POST
@org_page(Permission.POLICIES_MANAGE)
def change_labels(request: OrgRequest) -> HttpResponse:
    """Add labels to the chosen rules, or take some away."""
    ids = list(_chosen(request).values_list("pk", flat=True)[:MOST_AT_ONCE])
    add, remove = (_words(request.POST.get(name, "")) for name in ("add_labels", "remove_labels"))
    if not ids or not (add or remove):
        messages.error(request, "Choose the rules first, and name a label." if not ids else "Name a label.")
        return _to_list(request)
    try:
        changed = rules.services.change_labels(rule_ids=ids, add=add, remove=remove, actor=request.actor)
    except LabelRefused as problem:
        messages.error(request, str(problem))
        return _to_list(request)
    messages.success(request, f"Labels of {_rules(changed)} changed.")
    return _to_list(request)


def _chosen(request: OrgRequest) -> QuerySet[Rule]:
    if request.POST.get("scope") == "all":
        return matching(RuleFilter.parse(request.POST), request)
    return Rule.objects.filter(pk__in=ids_in(request.POST.getlist("rule")))


def ids_in(words: Iterable[str]) -> list[int]:
    """Return the words that are ids, as numbers."""
    return [int(word) for word in words if word.isascii() and word.isdigit() and len(word) <= LONGEST_ID]


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _rules(count: int) -> str:
    return "1 rule" if count == 1 else f"{count:,} rules"


def _to_list(request: OrgRequest, *, changed: int | None = None) -> HttpResponse:
    """Go back to the list with the filter that the form carried."""
    query = QueryDict(mutable=True)
    for name, value in RuleFilter.parse(request.POST).as_pairs():
        query.appendlist(name, value)
    if changed is not None:
        query["changed"] = str(changed)
    address = reverse("rules", kwargs={"slug": request.member.organization.slug})
    return redirect(f"{address}?{query.urlencode()}" if query else address)
