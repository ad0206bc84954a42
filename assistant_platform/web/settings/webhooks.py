"""Settings > Webhooks: the endpoints that other systems are told at, what was sent there, and sending it again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import notifications.outgoing.selectors
import notifications.outgoing.services
from assistant_platform.web.base import OrgRequest, org_page
from lib.pages import page_from
from lib.text import is_id
from notifications.models import DeliveryState, WebhookEndpoint, WebhookMessage
from notifications.outgoing.catalogue import CATALOGUE, CHOICES
from notifications.outgoing.services import LONGEST_URL, EndpointRefused
from orgs.permissions import Permission

MESSAGES_SHOWN = 25
STATES = ((DeliveryState.CLAIMED, "Waiting"), (DeliveryState.SENT, "Sent"), (DeliveryState.FAILED, "Failed"))


class EndpointForm(forms.Form):
    """Where an endpoint is, and what it is told."""

    url = forms.CharField(
        label="Address",
        max_length=LONGEST_URL,
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://hooks.example.com/assistant"}),
        help_text="Where your system takes POST requests. Private addresses need the operator's leave.",
    )
    kinds = forms.MultipleChoiceField(
        choices=[(word, word) for word in CHOICES], error_messages={"required": "Choose at least one kind."}
    )

    def refuse(self, refused: EndpointRefused) -> None:
        """Say what is wrong beside the field that it is about, or above them all."""
        self.add_error(refused.field or None, str(refused))


class SinceForm(forms.Form):
    """From which day on what failed is sent again."""

    since = forms.DateField()


@require_safe
@org_page(Permission.DESTINATIONS_MANAGE)
def webhooks_page(request: OrgRequest) -> HttpResponse:
    """List the endpoints and how they are."""
    endpoints = notifications.outgoing.selectors.endpoints_with_counts()
    return render(request, "settings/webhooks/list.html", {"endpoints": endpoints})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@org_page(Permission.DESTINATIONS_MANAGE, waits_for_network=True)
def new_endpoint(request: OrgRequest) -> HttpResponse:
    """Show the form of a new endpoint; sent, add it and show its secret, here and never again."""
    if request.method != "POST":
        return _form(request, EndpointForm(initial={"kinds": list(CHOICES)}))
    form = EndpointForm(request.POST)
    if form.is_valid():
        try:
            endpoint, secret = notifications.outgoing.services.add_endpoint(**form.cleaned_data, actor=request.actor)
        except EndpointRefused as refused:
            form.refuse(refused)
        else:
            return _secret(request, endpoint, secret, is_new=True)
    return _form(request, form, status=422)


@require_safe
@org_page(Permission.DESTINATIONS_MANAGE)
def endpoint_page(request: OrgRequest, endpoint_id: int) -> HttpResponse:
    """Show an endpoint and what it was told, newest first."""
    endpoint = _endpoint_or_404(endpoint_id)
    return _page(request, endpoint)


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.DESTINATIONS_MANAGE, waits_for_network=True)
def change_endpoint(request: OrgRequest, endpoint_id: int) -> HttpResponse:
    """Show where an endpoint is and what it is told; sent, save it."""
    with transaction.atomic():
        endpoint = _endpoint_or_404(endpoint_id)
    if request.method != "POST":
        return _form(request, EndpointForm(initial={"url": endpoint.url, "kinds": endpoint.kinds}), endpoint=endpoint)
    form = EndpointForm(request.POST)
    if form.is_valid():
        try:
            notifications.outgoing.services.change_endpoint(endpoint=endpoint, **form.cleaned_data, actor=request.actor)
        except EndpointRefused as refused:
            form.refuse(refused)
        else:
            messages.success(request, "Saved. It holds for what happens from now on.")
            return _to(request, endpoint)
    return _form(request, form, endpoint=endpoint, status=422)


@require_POST
@never_cache
@org_page(Permission.DESTINATIONS_MANAGE)
def rotate_secret(request: OrgRequest, endpoint_id: int) -> HttpResponse:
    """Make a new secret and answer with it, here and never again."""
    endpoint, secret = notifications.outgoing.services.rotate_secret(
        endpoint=_endpoint_or_404(endpoint_id), actor=request.actor
    )
    return _secret(request, endpoint, secret, is_new=False)


@require_POST
@org_page(Permission.DESTINATIONS_MANAGE)
def switch(request: OrgRequest, endpoint_id: int) -> HttpResponse:
    """Switch an endpoint on or off."""
    on = request.POST.get("on") == "1"
    endpoint = notifications.outgoing.services.switch(
        endpoint=_endpoint_or_404(endpoint_id), on=on, actor=request.actor
    )
    messages.success(request, "Switched on." if on else "Switched off. What happens meanwhile is not kept for it.")
    return _to(request, endpoint)


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.DESTINATIONS_MANAGE)
def remove(request: OrgRequest, endpoint_id: int) -> HttpResponse:
    """Say what goes with an endpoint; sent, forget it."""
    endpoint = _endpoint_or_404(endpoint_id)
    if request.method != "POST":
        return render(request, "settings/webhooks/remove.html", {"endpoint": endpoint})
    notifications.outgoing.services.remove_endpoint(endpoint=endpoint, actor=request.actor)
    messages.success(request, "Removed. Nothing is sent there any more.")
    return redirect("settings-webhooks", slug=request.member.organization.slug)


@require_POST
@org_page(Permission.DESTINATIONS_MANAGE)
def send_test(request: OrgRequest, endpoint_id: int) -> HttpResponse:
    """Have a test message sent."""
    endpoint = _endpoint_or_404(endpoint_id)
    try:
        notifications.outgoing.services.send_test(endpoint=endpoint, actor=request.actor)
    except EndpointRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "A test message is on its way. What became of it stands below.")
    return _to(request, endpoint)


@require_POST
@org_page(Permission.DESTINATIONS_MANAGE)
def send_failed_again(request: OrgRequest, endpoint_id: int) -> HttpResponse:
    """Have everything sent again that failed since a day."""
    endpoint = _endpoint_or_404(endpoint_id)
    form = SinceForm(request.POST)
    if not form.is_valid():
        return _page(request, endpoint, since_errors=form.errors.get("since", []), status=422)
    zone = ZoneInfo(request.member.organization.time_zone)
    since = datetime.combine(form.cleaned_data["since"], time.min, zone).astimezone(UTC)
    try:
        count = notifications.outgoing.services.send_failed_again(endpoint=endpoint, since=since, actor=request.actor)
    except EndpointRefused as refused:
        messages.error(request, str(refused))
    else:
        said = f"{count} messages are" if count != 1 else "One message is"
        messages.success(request, f"{said} being sent again." if count else "Nothing failed since then.")
    return _to(request, endpoint)


@require_safe
@org_page(Permission.DESTINATIONS_MANAGE)
def message_page(request: OrgRequest, endpoint_id: int, message_id: int) -> HttpResponse:
    """Show a message: what was sent, and what came back at each attempt."""
    message = _message_or_404(endpoint_id, message_id)
    context = {
        "endpoint": message.endpoint,
        "message": message,
        "body": json.dumps(message.body, indent=2, ensure_ascii=False),
        "attempts": [{**each, "at": datetime.fromisoformat(each["at"])} for each in reversed(message.attempts)],
    }
    return render(request, "settings/webhooks/message.html", context)


@require_POST
@org_page(Permission.DESTINATIONS_MANAGE)
def send_again(request: OrgRequest, endpoint_id: int, message_id: int) -> HttpResponse:
    """Have a message sent once more."""
    message = _message_or_404(endpoint_id, message_id)
    try:
        notifications.outgoing.services.send_again(message=message, actor=request.actor)
    except EndpointRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "It is being sent again, with the id that it had.")
    return _to(request, message.endpoint)


def _endpoint_or_404(endpoint_id: int) -> WebhookEndpoint:
    found = notifications.outgoing.selectors.endpoints().filter(pk=endpoint_id).first()
    if found is None:
        raise Http404
    return found


def _message_or_404(endpoint_id: int, message_id: int) -> WebhookMessage:
    endpoint = _endpoint_or_404(endpoint_id)
    found = notifications.outgoing.selectors.messages_of(endpoint).select_related("endpoint").filter(pk=message_id)
    message = found.first()
    if message is None:
        raise Http404
    return message


def _to(request: OrgRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    return redirect("settings-webhooks-endpoint", slug=request.member.organization.slug, endpoint_id=endpoint.pk)


def _secret(request: OrgRequest, endpoint: WebhookEndpoint, secret: str, *, is_new: bool) -> HttpResponse:
    context = {"endpoint": endpoint, "secret": secret, "is_new": is_new}
    with transaction.atomic():
        return render(request, "settings/webhooks/secret.html", context)


def _form(
    request: OrgRequest, form: EndpointForm, *, endpoint: WebhookEndpoint | None = None, status: int = 200
) -> HttpResponse:
    context = {"form": form, "endpoint": endpoint, "catalogue": CATALOGUE, "chosen": form["kinds"].value() or []}
    with transaction.atomic():
        return render(request, "settings/webhooks/form.html", context, status=status)


def _page(request: OrgRequest, endpoint: WebhookEndpoint, *, since_errors: Any = (), status: int = 200) -> HttpResponse:
    told = notifications.outgoing.selectors.messages_of(endpoint)
    state = request.GET.get("state", "")
    if state in DeliveryState.values:
        told = told.filter(state=state)
    after = request.GET.get("after", "")
    shown = page_from(
        told.filter(pk__lt=int(after)) if is_id(after) else told, size=MESSAGES_SHOWN, is_first=not is_id(after)
    )
    waits = notifications.outgoing.selectors.waiting_for(endpoint).filter(tries=0).exists()
    context = {
        "endpoint": endpoint,
        "told": shown.rows,
        "next_after": shown.rows[-1].pk if shown.has_next else None,
        "state": state if state in DeliveryState.values else "",
        "states": STATES,
        "has_failed": notifications.outgoing.selectors.messages_of(endpoint)
        .filter(state=DeliveryState.FAILED)
        .exists(),
        "is_moving": waits and endpoint.is_active and not is_id(after),
        "overlaps": endpoint.old_secret_until is not None and endpoint.old_secret_until > timezone.now(),
        "today": timezone.now().astimezone(ZoneInfo(request.member.organization.time_zone)).date(),
        "since_errors": since_errors,
    }
    return render(request, "settings/webhooks/endpoint.html", context, status=status)
