"""Settings > Single sign-on: the identity providers of an organization."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import orgs.sign_on.selectors
import orgs.sign_on.services
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.settings.sign_on_forms import OidcForm, SamlForm
from assistant_platform.web.sign_on import saml
from assistant_platform.web.sign_on.answers import public_address
from orgs.models import Protocol, SignOn
from orgs.permissions import Permission, Role
from orgs.sign_on.domains import record_name, record_value
from orgs.sign_on.identity_providers import Unusable, openid_configuration, read_metadata
from orgs.sign_on.services import NotPossible

FORMS: dict[str, type[OidcForm | SamlForm]] = {Protocol.OIDC: OidcForm, Protocol.SAML: SamlForm}


@require_safe
@org_page(Permission.SIGN_ON_MANAGE)
def sign_on_page(request: OrgRequest) -> HttpResponse:
    """Show the identity providers and the domains."""
    return render_page(request)


def render_page(request: OrgRequest, *, typed_domain: str = "", problem: str = "", status: int = 200) -> HttpResponse:
    """Answer with the page, and with what is wrong about a domain that was typed. Needs a transaction."""
    domains = [
        {"row": domain, "record_name": record_name(domain.domain), "record_value": record_value(domain.token)}
        for domain in orgs.sign_on.selectors.domains()
    ]
    context = {
        "sign_ons": orgs.sign_on.selectors.sign_ons(),
        "domains": domains,
        "typed_domain": typed_domain,
        "problem": problem,
    }
    return render(request, "settings/sign_on/page.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.SIGN_ON_MANAGE, waits_for_network=True)
def add_oidc(request: OrgRequest) -> HttpResponse:
    """Add an OpenID Connect provider."""
    return _edit(request, Protocol.OIDC, None)


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.SIGN_ON_MANAGE, waits_for_network=True)
def add_saml(request: OrgRequest) -> HttpResponse:
    """Add a SAML identity provider."""
    return _edit(request, Protocol.SAML, None)


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.SIGN_ON_MANAGE, waits_for_network=True)
def edit(request: OrgRequest, sign_on_id: int) -> HttpResponse:
    """Show and change an identity provider."""
    with transaction.atomic():
        sign_on = get_object_or_404(orgs.sign_on.selectors.sign_ons(), pk=sign_on_id)
    return _edit(request, Protocol(sign_on.protocol), sign_on)


def _edit(request: OrgRequest, protocol: Protocol, sign_on: SignOn | None) -> HttpResponse:
    if request.method != "POST":
        return _render_form(request, protocol, sign_on, FORMS[protocol](initial=_values_of(sign_on)))
    form = FORMS[protocol](request.POST)
    if form.is_valid():
        try:
            kept = _save(request, sign_on, form)
        except (Unusable, NotPossible) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{kept.name} is saved. Test the sign-in now.")
            return redirect("settings-sign-on-edit", slug=request.member.organization.slug, sign_on_id=kept.pk)
    return _render_form(request, protocol, sign_on, form, status=422)


def _save(request: OrgRequest, sign_on: SignOn | None, form: OidcForm | SamlForm) -> SignOn:
    sent: dict[str, Any] = form.cleaned_data
    common: dict[str, Any] = {
        "sign_on": sign_on,
        "name": sent["name"],
        "default_role": Role(sent["default_role"]),
        "actor": request.actor,
    }
    if isinstance(form, SamlForm):
        return orgs.sign_on.services.save_saml(
            identity_provider=form.typed or read_metadata(sent["metadata_url"]),
            metadata_url=sent["metadata_url"],
            attributes=form.attributes(),
            may_begin_there=sent["may_begin_there"],
            **common,
        )
    # As the issuer writes itself: it is compared letter by letter when people sign in.
    issuer = openid_configuration(sent["issuer"]).issuer
    return orgs.sign_on.services.save_oidc(issuer=issuer, client_id=sent["client_id"], secret=sent["secret"], **common)


def _values_of(sign_on: SignOn | None) -> dict[str, Any]:
    if sign_on is None:
        return {}
    names = {field for form in FORMS.values() for field in form.base_fields}
    values = {name: getattr(sign_on, name) for name in names if hasattr(sign_on, name)}
    return {**values, "entity_id": sign_on.issuer, "certificates": sign_on.certificates.replace("\n", "\n\n")}


def _render_form(
    request: OrgRequest, protocol: Protocol, sign_on: SignOn | None, form: OidcForm | SamlForm, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "sign_on": sign_on, "protocol": protocol, "is_saml": protocol == "saml"}
    if sign_on is not None:
        context["ours"] = _our_side(sign_on)
    with transaction.atomic():
        return render(request, "settings/sign_on/edit.html", context, status=status)


def _our_side(sign_on: SignOn) -> list[tuple[str, str]]:
    """Return what has to be typed at the identity provider."""
    if sign_on.protocol == Protocol.SAML:
        return [
            ("Entity ID (audience)", saml.entity_id(sign_on.key)),
            ("Assertion consumer service (ACS, HTTP-POST)", saml.acs_url(sign_on.key)),
        ]
    return [("Redirect address", public_address("sign-on-callback", sign_on.key))]


@require_POST
@org_page(Permission.SIGN_ON_MANAGE)
def change_enforcement(request: OrgRequest, sign_on_id: int) -> HttpResponse:
    """Require the identity provider for its domains, or open the other ways in again."""
    sign_on = get_object_or_404(SignOn.objects.all(), pk=sign_on_id)
    if request.POST.get("required") == "yes":
        try:
            orgs.sign_on.services.enforce(sign_on=sign_on, actor=request.actor)
        except NotPossible as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"Required. People of its domains sign in with {sign_on.name} only.")
    else:
        orgs.sign_on.services.stop_enforcing(sign_on=sign_on, actor=request.actor)
        messages.success(request, "Optional. Passwords and passkeys work too.")
    return redirect("settings-sign-on-edit", slug=request.member.organization.slug, sign_on_id=sign_on.pk)


@require_POST
@org_page(Permission.SIGN_ON_MANAGE)
def remove(request: OrgRequest, sign_on_id: int) -> HttpResponse:
    """Forget an identity provider."""
    sign_on = get_object_or_404(SignOn.objects.all(), pk=sign_on_id)
    name = sign_on.name
    orgs.sign_on.services.remove_sign_on(sign_on=sign_on, actor=request.actor)
    messages.success(request, f"{name} is removed. Nobody was removed from the organization.")
    return redirect("settings-sign-on", slug=request.member.organization.slug)
