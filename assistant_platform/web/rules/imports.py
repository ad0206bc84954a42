"""Bringing rules, and what became of them."""

from __future__ import annotations

from typing import BinaryIO, cast

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import rules.selectors
import rules.services
import rules.starter
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.rules.forms import ImportForm
from orgs.permissions import Permission
from rules.brought import FilesRefused, files_in
from rules.models import ImportedRule, Outcome

IMPORTS_SHOWN = 20
ENTRIES_SHOWN = 500


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.POLICIES_MANAGE)
def import_page(request: OrgRequest) -> HttpResponse:
    """Take rules from a person."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            files = files_in(cast(BinaryIO, file), name=file.name)
        except FilesRefused as problem:
            form.add_error("file", str(problem))
        else:
            made = rules.services.import_rules(source=file.name, files=files, actor=request.actor)
            return redirect("rules-imported", slug=request.member.organization.slug, import_id=made.pk)
    context = {
        "form": form,
        "imports": rules.selectors.imports()[:IMPORTS_SHOWN],
        "starter_count": rules.starter.count(),
    }
    return render(request, "rules/import.html", context, status=422 if form.errors else 200)


@require_POST
@org_page(Permission.POLICIES_MANAGE)
def add_starter_rules(request: OrgRequest) -> HttpResponse:
    """Import the rules that come with the platform."""
    made = rules.services.import_rules(source=rules.starter.SOURCE, files=rules.starter.files(), actor=request.actor)
    messages.success(request, "The starter rules are here. semgrep ci is given each as soon as the engine has read it.")
    return redirect("rules-imported", slug=request.member.organization.slug, import_id=made.pk)


@require_safe
@org_page(Permission.FINDINGS_VIEW)
def imported_page(request: OrgRequest, import_id: int) -> HttpResponse:
    """Show what became of each rule of an import."""
    made = get_object_or_404(rules.selectors.imports(), pk=import_id)
    sorted_out: dict[str, list[ImportedRule]] = {"checking": [], "refused": [], "left_out": [], "kept": []}
    for entry in rules.selectors.entries_of(made):
        sorted_out[_state(entry)].append(entry)
    entries = [*sorted_out["refused"], *sorted_out["left_out"], *sorted_out["checking"], *sorted_out["kept"]]
    context = {
        "made": made,
        "counts": {name: len(found) for name, found in sorted_out.items()},
        "outcomes": {outcome.value: sum(entry.outcome == outcome for entry in entries) for outcome in Outcome},
        "rows": [{"entry": entry, "state": _state(entry)} for entry in entries[:ENTRIES_SHOWN]],
        "left": max(len(entries) - ENTRIES_SHOWN, 0),
        "total": len(entries),
    }
    return render(request, "rules/imported.html", context)


def _state(entry: ImportedRule) -> str:
    if entry.outcome == Outcome.LEFT_OUT or entry.rule is None:
        return "left_out"
    if entry.rule.checked_at is None:
        return "checking"
    return "refused" if entry.rule.objection else "kept"
