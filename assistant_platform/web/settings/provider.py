"""The AI provider of an organization: who answers, in which order, with which models, and whether it works."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

import providers.selectors
import providers.services
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.settings.consent import consent, give_or_withdraw, label_of
from assistant_platform.web.settings.provider_forms import (
    ABOUT_VENDORS,
    ConnectionForms,
    StepModelForm,
    connection_forms,
    empty_forms,
    forms_of,
    step_model_forms,
)
from orgs.permissions import Permission
from providers.drafts import ConnectionRefused
from providers.models import Connection, Step, Vendor


@dataclass(frozen=True)
class ConnectionRow:
    """A connection as the list shows it."""

    connection: Connection
    label: str
    place: str
    price: str
    is_first: bool
    is_last: bool
    is_asked: bool  # nobody after Built-in is


@require_safe
@org_page(Permission.PROVIDER_MANAGE)
def provider_page(request: OrgRequest) -> HttpResponse:
    """Show who answers."""
    return _overview(request, step_model_forms())


@require_safe
@org_page(Permission.PROVIDER_MANAGE)
def new_connection_page(request: OrgRequest) -> HttpResponse:
    """Offer the choice of a provider."""
    return _form(request, empty_forms(), connection=None)


@require_safe
@org_page(Permission.PROVIDER_MANAGE)
def connection_page(request: OrgRequest, connection_id: int) -> HttpResponse:
    """Show a connection to change it; its secrets are not shown."""
    connection = _connection(connection_id)
    return _form(request, forms_of(connection), connection=connection)


@require_POST
@sensitive_post_parameters()
@org_page(Permission.PROVIDER_MANAGE, waits_for_network=True)
def add_connection(request: OrgRequest) -> HttpResponse:
    """Prove and save a new connection."""
    return _save(request, connection=None)


@require_POST
@sensitive_post_parameters()
@org_page(Permission.PROVIDER_MANAGE, waits_for_network=True)
def save_connection(request: OrgRequest, connection_id: int) -> HttpResponse:
    """Prove and save what a connection is to be."""
    with transaction.atomic():
        connection = _connection(connection_id)
    return _save(request, connection=connection)


@require_POST
@org_page(Permission.PROVIDER_MANAGE)
def remove_connection(request: OrgRequest, connection_id: int) -> HttpResponse:
    """Forget a connection with its key."""
    connection = _connection(connection_id)
    providers.services.remove_connection(connection=connection, actor=request.actor)
    messages.success(request, f"Removed, with its key: {connection}.")
    return _back(request)


@require_POST
@org_page(Permission.PROVIDER_MANAGE)
def move_connection(request: OrgRequest, connection_id: int) -> HttpResponse:
    """Move a connection up or down in the order."""
    connection = _connection(connection_id)
    is_up = request.POST.get("direction") == "up"
    direction = providers.services.Direction.UP if is_up else providers.services.Direction.DOWN
    providers.services.move_connection(connection=connection, direction=direction, actor=request.actor)
    return _back(request)


@require_POST
@org_page(Permission.PROVIDER_MANAGE, waits_for_network=True)
def check_connection(request: OrgRequest, connection_id: int) -> HttpResponse:
    """Ask a connection a tiny question, and say how it went."""
    with transaction.atomic():
        connection = _connection(connection_id)
    problem = providers.services.check_connection(connection=connection)
    if problem:
        messages.error(request, f"{connection}: {problem}")
    else:
        messages.success(request, f"{connection} answered.")
    return _back(request)


@require_POST
@org_page(Permission.PROVIDER_MANAGE, waits_for_network=True)
def save_step_models(request: OrgRequest) -> HttpResponse:
    """Prove and save which model answers which step."""
    with transaction.atomic():
        forms = step_model_forms(request.POST)
    if all(form.is_valid() for form in forms):
        wanted = {form.step: form.choice() for form in forms}
        try:
            providers.services.set_step_models(wanted=wanted, actor=request.actor)
        except ConnectionRefused as refused:
            form = next((form for form in forms if form.step == refused.field), forms[0])
            form.add_error("model", str(refused))
        else:
            messages.success(request, "Saved. New analyses use these models.")
            return _back(request)
    with transaction.atomic():
        return _overview(request, forms, status=422)


@require_POST
@org_page(Permission.PROVIDER_MANAGE)
def change_consent(request: OrgRequest) -> HttpResponse:
    """Accept that code is sent to the AI provider, or take that back."""
    give_or_withdraw(request)
    return _back(request)


# --- Saving -----------------------------------------------------------------------------------------------------------


@sensitive_variables()
def _save(request: OrgRequest, *, connection: Connection | None) -> HttpResponse:
    forms = connection_forms(request.POST, connection=connection)
    if forms.is_valid():
        try:
            saved = _write(request, forms, connection)
        except ConnectionRefused as refused:
            forms.add_error(refused.field, str(refused))
        else:
            messages.success(
                request, f"Saved: {saved}." if saved.vendor == Vendor.BUILT_IN else f"Saved: {saved} answered."
            )
            if getattr(request, "htmx", False):
                return HttpResponseClientRedirect(_address(request))
            return _back(request)
    # htmx leaves the page alone at an error's status.
    status = 200 if getattr(request, "htmx", False) else 422
    with transaction.atomic():
        return _form(request, forms, connection=connection, status=status)


@sensitive_variables()
def _write(request: OrgRequest, forms: ConnectionForms, connection: Connection | None) -> Connection:
    draft = forms.draft()
    if connection is not None:
        return providers.services.change_connection(connection=connection, draft=draft, actor=request.actor)
    return providers.services.add_connection(draft=draft, is_first=forms.is_first, actor=request.actor)


def _connection(connection_id: int) -> Connection:
    found = providers.selectors.connections().filter(pk=connection_id).first()
    if found is None:
        raise Http404
    return found


def _address(request: OrgRequest) -> str:
    return reverse("settings-provider", kwargs={"slug": request.member.organization.slug})


def _back(request: OrgRequest) -> HttpResponse:
    return redirect(_address(request))


# --- Showing ----------------------------------------------------------------------------------------------------------


def _overview(request: OrgRequest, forms: list[StepModelForm], *, status: int = 200) -> HttpResponse:
    rows = _rows(list(providers.selectors.connections()))
    platform = providers.selectors.platform_choice()
    context = {
        "rows": rows,
        "consent": consent(),
        "answers": providers.selectors.chosen(),
        "platform_provider": platform,
        "step_forms": forms,
        "has_models": any(row.connection.vendor not in {Vendor.PLATFORM, Vendor.BUILT_IN} for row in rows),
    }
    return render(request, "settings/provider/overview.html", context, status=status)


def _rows(connections: list[Connection]) -> list[ConnectionRow]:
    rows = []
    is_asked = True
    for number, connection in enumerate(connections):
        rows.append(
            ConnectionRow(
                connection=connection,
                label=label_of(connection),
                place=connection.base_url or connection.region,
                price=_price(connection),
                is_first=number == 0,
                is_last=number == len(connections) - 1,
                is_asked=is_asked,
            )
        )
        is_asked = is_asked and connection.vendor != Vendor.BUILT_IN
    return rows


def _price(connection: Connection) -> str:
    prices = (("in", connection.input_price), ("out", connection.output_price))
    known = [f"${price.normalize():f} {direction}" for direction, price in prices if price is not None]
    return f"{', '.join(known)} per million tokens" if known else ""


def _form(
    request: OrgRequest, forms: ConnectionForms, *, connection: Connection | None, status: int = 200
) -> HttpResponse:
    others = providers.selectors.connections()
    context = {
        "forms": forms,
        "about": ABOUT_VENDORS,
        "connection": connection,
        "has_others": connection is None and others.exists(),
        "external_id": providers.selectors.external_id(),
        "platform_provider": providers.selectors.platform_choice(),
        "first_step": Step.VERDICT,
    }
    name = "_connection_form.html" if getattr(request, "htmx", False) else "connection.html"
    return render(request, f"settings/provider/{name}", context, status=status)
