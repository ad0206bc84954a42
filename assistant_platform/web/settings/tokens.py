"""API tokens: made, shown once, listed and revoked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import orgs.selectors
import orgs.services
from assistant_platform.web.base import OrgRequest, org_page
from orgs.models import ApiToken
from orgs.permissions import Permission, Scope

TOKENS_SHOWN = 500


@dataclass(frozen=True)
class ScopeChoice:
    """A scope with what it opens."""

    value: str
    meaning: str


SCOPES = (
    ScopeChoice(Scope.CI, "Hand in scans and ask what became of them. For a pipeline; it reads no findings."),
    ScopeChoice(Scope.API_READ, "Read findings, scans, settings and usage. It changes nothing."),
    ScopeChoice(Scope.API_WRITE, "All that api:read may, and triage findings, manage projects, settings and provider."),
)


class TokenForm(forms.Form):
    """A token that is to be made."""

    name = forms.CharField(max_length=100)
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices, error_messages={"required": "Choose what the token may do."}
    )
    expires_on = forms.DateField(required=False)

    def __init__(self, *args: Any, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone

    def clean_name(self) -> str:
        """Refuse a name that a token has: the audit log tells tokens apart by it."""
        name = str(self.cleaned_data["name"])
        if not name.isprintable():
            raise ValidationError("Use printable characters.")
        if orgs.selectors.has_token_named(name):
            raise ValidationError("A token has this name. Choose another, or revoke that one first.")
        return name

    def clean_expires_on(self) -> datetime | None:
        """Return the end of the last day, in the organization's time zone."""
        day = self.cleaned_data["expires_on"]
        if day is None:
            return None
        if day < timezone.now().astimezone(self.zone).date() or day.year > 9000:  # noqa: PLR2004  (far from the last)
            raise ValidationError("Choose a day to come.")
        return datetime.combine(day + timedelta(days=1), time.min, self.zone).astimezone(UTC)


@require_safe
@org_page(Permission.TOKENS_MANAGE)
def tokens_page(request: OrgRequest) -> HttpResponse:
    """List the tokens, and offer to make one."""
    return _render(request, TokenForm(zone=_zone(request)))


@require_POST
@org_page(Permission.TOKENS_MANAGE)
def create_token(request: OrgRequest) -> HttpResponse:
    """Make a token and answer with its value, here and never again.

    The value is in this answer only: no redirect carries it, and nothing keeps it. Sent again, as a browser does on
    Back or Reload, the form is refused: the name is taken by then.
    """
    form = TokenForm(request.POST, zone=_zone(request))
    if not form.is_valid():
        return _render(request, form, status=422)
    token, value = orgs.services.create_token(
        name=form.cleaned_data["name"],
        scopes=[Scope(scope) for scope in form.cleaned_data["scopes"]],
        created_by=request.user,
        actor=request.actor,
        expires_at=form.cleaned_data["expires_on"],
    )
    response = render(request, "settings/token.html", {"token": token, "value": value})
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.TOKENS_MANAGE)
def revoke_token(request: OrgRequest, token_id: int) -> HttpResponse:
    """Ask whether to revoke a token, and revoke it."""
    token = get_object_or_404(orgs.selectors.tokens(), pk=token_id)
    if request.method != "POST" and token.revoked_at is None:
        return render(request, "settings/token_revoke.html", {"token": token})
    if token.revoked_at is None:
        orgs.services.revoke_token(token=token, actor=request.actor)
        messages.success(request, f"Revoked: {token.name}. It opens nothing from now on.")
    else:
        messages.info(request, f"{token.name} is revoked.")
    return redirect("settings-tokens", slug=request.member.organization.slug)


def _render(request: OrgRequest, form: TokenForm, *, status: int = 200) -> HttpResponse:
    tokens: list[ApiToken] = list(orgs.selectors.tokens()[:TOKENS_SHOWN])
    context = {
        "form": form,
        "scopes": SCOPES,
        "chosen_scopes": form["scopes"].value() or [],
        "tokens": [token for token in tokens if token.revoked_at is None],
        "revoked": [token for token in tokens if token.revoked_at is not None],
        "today": timezone.now().astimezone(_zone(request)).date(),
        "time_zone": request.member.organization.time_zone,
    }
    return render(request, "settings/tokens.html", context, status=status)


def _zone(request: OrgRequest) -> ZoneInfo:
    return ZoneInfo(request.member.organization.time_zone)
