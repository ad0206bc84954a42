"""One rule: what it says, what it found, what it may do and where it may do something else."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

import events.selectors
import orgs.selectors
import rules.selectors
import rules.services
import triage.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.rendering.code import coloured
from assistant_platform.web.rules.seen import projects_seen
from findings import of_rules
from orgs.permissions import Permission
from rules.engine.rule_text import line_of_objection
from rules.models import ChangeOf, Delivery, Mode, Origin, Rule
from rules.services import NotImported

CHANGES_SHOWN = 50
OVERRIDES_SHOWN = 200
PROJECTS_OFFERED = 500


@require_safe
@org_page(Permission.FINDINGS_VIEW)
def rule_page(request: OrgRequest, rule_id: int) -> HttpResponse:
    """Show a rule."""
    rule = get_object_or_404(rules.selectors.known(), pk=rule_id)
    seen = projects_seen(request)
    objection_line = line_of_objection(rule.objection, rule.yaml) if rule.objection else None
    overrides = list(rules.selectors.overrides_of(rule, project_ids=seen)[:OVERRIDES_SHOWN])
    context = {
        "rule": rule,
        "delivery": Delivery(vars(rule)["delivery_state"]),
        "lines": [
            {"number": number, "html": html, "is_objected": number == objection_line}
            for number, html in enumerate(coloured(rule.yaml.rstrip("\n"), "rule.yaml"), 1)
        ]
        if rule.yaml
        else [],
        "objection_line": objection_line,
        "numbers": of_rules.numbers_of([rule.pk], project_ids=seen).get(rule.pk, of_rules.NO_FINDINGS),
        "agreement": triage.selectors.agreement_by_rule([rule.pk], project_ids=seen).get(rule.pk),
        "overrides": overrides,
        "projects": orgs.selectors.project_names(request.member, at_most=PROJECTS_OFFERED),
        "modes": Mode.choices,
        "changes": _changes(rule, seen),
        "is_imported": rule.origin == Origin.IMPORTED,
    }
    return render(request, "rules/rule.html", context)


def _changes(rule: Rule, seen: frozenset[int] | None) -> list[dict[str, object]]:
    made = list(rules.selectors.changes_of(rule, project_ids=seen)[:CHANGES_SHOWN])
    known = events.selectors.by_ids(change.event_id for change in made)
    words = {**dict(Mode.choices), "": "the organization's"}
    shown: list[dict[str, object]] = []
    for change in made:
        is_mode = change.what in {ChangeOf.MODE, ChangeOf.OVERRIDE}
        shown.append(
            {
                "change": change,
                "event": known.get(change.event_id),
                "before": words.get(change.before, change.before) if is_mode else change.before,
                "after": words.get(change.after, change.after) if is_mode else change.after,
            }
        )
    return shown


@require_POST
@org_page(Permission.POLICIES_MANAGE)
def change_override(request: OrgRequest, rule_id: int) -> HttpResponse:
    """Give the rule a mode of its own in a project, or the organization's again."""
    rule = get_object_or_404(rules.selectors.known(), pk=rule_id)
    word, mode = request.POST.get("project", ""), request.POST.get("to", "")
    number = int(word[:18]) if word.isdecimal() else 0
    project = orgs.selectors.projects_visible_to(request.member).filter(pk=number).first()
    if project is None or mode not in {*Mode.values, ""}:
        messages.error(request, "Choose a project and a mode.")
    elif mode:
        rules.services.set_override(rule=rule, project=project, mode=Mode(mode), actor=request.actor)
        messages.success(request, f"In {project.name} the mode is {Mode(mode).label} now.")
    else:
        rules.services.remove_override(rule=rule, project=project, actor=request.actor)
        messages.success(request, f"In {project.name} the organization's mode holds again.")
    return redirect("rule", slug=request.member.organization.slug, rule_id=rule.pk)


@require_POST
@org_page(Permission.POLICIES_MANAGE)
def remove_rule(request: OrgRequest, rule_id: int) -> HttpResponse:
    """Take an imported rule away."""
    rule = get_object_or_404(rules.selectors.known(), pk=rule_id)
    slug = request.member.organization.slug
    try:
        is_gone = rules.services.remove_text(rule=rule, actor=request.actor)
    except NotImported as problem:
        messages.error(request, str(problem))
        return redirect("rule", slug=slug, rule_id=rule.pk)
    messages.success(request, f"{rule.name} was removed." if is_gone else f"The text of {rule.name} was removed.")
    return redirect("rules", slug=slug) if is_gone else redirect("rule", slug=slug, rule_id=rule.pk)
