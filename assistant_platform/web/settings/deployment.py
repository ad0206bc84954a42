"""The Assistant's settings: who answers, whether code may be sent, and what is done without being asked."""

from __future__ import annotations

from django.conf import settings as platform
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

import orgs.selectors
import orgs.services
import providers.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.forms import AssistantSettingsForm
from orgs.permissions import Permission


@require_safe
@org_page(Permission.SETTINGS_MANAGE)
def deployment_page(request: OrgRequest) -> HttpResponse:
    """Show the settings."""
    settings = orgs.selectors.assistant_settings()
    form = AssistantSettingsForm(initial={name: getattr(settings, name) for name in AssistantSettingsForm.base_fields})
    return _render(request, form)


@require_POST
@org_page(Permission.SETTINGS_MANAGE)
def save_deployment(request: OrgRequest) -> HttpResponse:
    """Save the settings."""
    form = AssistantSettingsForm(request.POST)
    if not form.is_valid():
        return _render(request, form, status=422)
    orgs.services.change_settings(actor=request.actor, changes=form.changes())
    messages.success(request, "Saved. It holds for findings from now on.")
    return redirect("settings-deployment", slug=request.member.organization.slug)


@require_POST
@org_page(Permission.SETTINGS_MANAGE)
def change_consent(request: OrgRequest) -> HttpResponse:
    """Accept that code is sent to the AI provider, or take that back."""
    if request.POST.get("consent") == "give":
        orgs.services.give_consent(actor=request.actor)
        messages.success(request, "Accepted. New analyses are answered by the AI provider.")
    else:
        orgs.services.withdraw_consent(actor=request.actor)
        messages.success(request, "Withdrawn. No code is sent any more; Built-in answers.")
    return redirect("settings-deployment", slug=request.member.organization.slug)


def _render(request: OrgRequest, form: AssistantSettingsForm, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "settings": orgs.selectors.assistant_settings(),
        "provider": providers.selectors.chosen(),
        "platform_provider": providers.selectors.platform_choice(),
        "base_url": platform.OPENAI_BASE_URL,
        "consent_text_version": orgs.services.CONSENT_TEXT_VERSION,
    }
    return render(request, "settings/deployment.html", context, status=status)
