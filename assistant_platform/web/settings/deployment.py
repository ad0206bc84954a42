"""Settings > Deployment: what the Assistant does, each switch saved by itself, and the consent to send code."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

import orgs.selectors
import orgs.services
import orgs.settings.effective
import providers.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.settings.consent import consent, give_or_withdraw
from assistant_platform.web.settings.rows import Outcome, answered, row_of, sections
from orgs.permissions import Permission
from orgs.settings.catalogue import SETTINGS, Setting, Shape, WrongValue

PROJECTS_SHOWN = 50
_BY_NAME = {setting.name: setting for setting in SETTINGS}


@require_safe
@org_page(Permission.SETTINGS_MANAGE)
def deployment_page(request: OrgRequest) -> HttpResponse:
    """Show the settings."""
    return _page(request)


@require_POST
@org_page(Permission.SETTINGS_MANAGE)
def save_setting(request: OrgRequest) -> HttpResponse:
    """Save one setting; htmx gets its row back, a browser without it the page."""
    setting = _BY_NAME.get(request.POST.get("setting", ""))
    if setting is None:
        messages.error(request, "Nothing was changed: the form named no setting.")
        return _page(request, status=422)
    try:
        _change(request, setting)
    except WrongValue as problem:
        return _answer(request, setting, Outcome(setting.name, problem=str(problem)))
    is_by_button = "remove" in request.POST or "restore" in request.POST
    return _answer(request, setting, Outcome(setting.name, is_by_button=is_by_button))


def _change(request: OrgRequest, setting: Setting) -> None:
    sent = request.POST
    if setting.shape is Shape.CWES:
        orgs.services.change_careful_cwes(
            actor=request.actor,
            add=sent.get("add", ""),
            remove=sent.get("remove", ""),
            restores_preset="restore" in sent,
        )
        return
    value = setting.parsed(sent.get("value", ""))
    orgs.services.change_settings(actor=request.actor, changes={setting.name: value})


def _answer(request: OrgRequest, setting: Setting, outcome: Outcome) -> HttpResponse:
    status = 200 if outcome.is_saved else 422
    if not request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware
        if not outcome.is_saved:
            return _page(request, outcome=outcome, status=status)
        messages.success(request, f"Saved: {setting.label}. It holds for findings from now on.")
        return redirect("settings-deployment", slug=request.member.organization.slug)
    row = row_of(
        setting,
        orgs.selectors.settings_of_organization(),
        differing=orgs.settings.effective.differing_counts(),
        outcome=outcome,
    )
    return answered(render(request, "settings/_setting.html", {"row": row}, status=status), row)


@require_POST
@org_page(Permission.SETTINGS_MANAGE)
def change_consent(request: OrgRequest) -> HttpResponse:
    """Accept that code is sent to the AI provider, or take that back."""
    give_or_withdraw(request)
    return redirect("settings-deployment", slug=request.member.organization.slug)


def _page(request: OrgRequest, *, outcome: Outcome | None = None, status: int = 200) -> HttpResponse:
    differing = orgs.settings.effective.own_values_by_project()
    found = sections(
        orgs.selectors.settings_of_organization(),
        differing=orgs.settings.effective.differing_counts(),
        outcome=outcome,
    )
    context = {
        "sections": found,
        "consent": consent(),
        "provider": providers.selectors.chosen(),
        "differing_count": differing.count(),
        "differing": differing[:PROJECTS_SHOWN],
    }
    return render(request, "settings/deployment.html", context, status=status)
