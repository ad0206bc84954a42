"""The way in for strangers: from an address to its identity provider, and back."""

from __future__ import annotations

from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.sessions import LoginSession
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import orgs.selectors
import orgs.services
import orgs.sign_on.selectors
import orgs.sign_on.services
from assistant_platform.web.sign_on import saml
from assistant_platform.web.sign_on.answers import TEST, not_let_in
from assistant_platform.web.sign_on.oidc import OpenIdProvider
from assistant_platform.web.sign_on.saml import SamlProvider
from orgs.models import Protocol, SignOn
from orgs.permissions import Permission
from orgs.sign_on.identity_providers import Unusable
from orgs.sign_on.services import NotAdmitted
from tenancy.scope import acting_for

LONGEST_ADDRESS = 254


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Ask for an address, and say where its people sign in."""
    address = request.POST.get("login", "").strip()[:LONGEST_ADDRESS]
    context = {
        "address": address,
        "place": orgs.sign_on.selectors.place_of_address(address) if address else None,
        "next": get_next_redirect_url(request) or "",
    }
    return render(request, "sign_on/find.html", context)


@never_cache
@require_POST
def hint(request: HttpRequest) -> HttpResponse:
    """Say beside the address on the sign-in page where its people sign in; nothing where they have a password."""
    address = request.POST.get("login", "").strip()[:LONGEST_ADDRESS]
    place = orgs.sign_on.selectors.place_of_address(address)
    context = {"place": place, "next": get_next_redirect_url(request) or ""}
    return render(request, "sign_on/_place.html", context)


@never_cache
@require_safe
def start(request: HttpRequest, key: str) -> HttpResponse:
    """Send the browser to the identity provider.

    By a link and not a form: a browser follows no redirect of a form to another host under our policy.
    """
    is_test = "test" in request.GET
    sign_on = _sign_on(key)
    if is_test:
        _require_who_may_test(request, sign_on)
    try:
        answer: HttpResponse = _provider(request, sign_on).redirect(
            request, TEST if is_test else "login", next_url=get_next_redirect_url(request)
        )
    except Unusable as error:
        return not_let_in(request, f"{sign_on.name} cannot be reached: {error}", sign_on=sign_on)
    except ImmediateHttpResponse as error:
        own: HttpResponse = error.response
        return own
    return answer


@never_cache
@require_safe
def callback(request: HttpRequest, key: str) -> HttpResponse:
    """Take an OpenID Connect answer."""
    sign_on = _sign_on(key, Protocol.OIDC)
    try:
        login = OpenIdProvider(request, app=_app(request, sign_on)).answered(request)
    except NotAdmitted as error:
        return not_let_in(request, str(error), sign_on=sign_on)
    return _finish(request, login, sign_on)


@csrf_exempt
@never_cache
@require_POST
def acs(request: HttpRequest, key: str) -> HttpResponse:
    """Keep a SAML response for a moment, and fetch the browser back to us.

    It comes by another site's form, so the session's cookie (SameSite=Lax) is not with it; with the next request it is.
    """
    sign_on = _sign_on(key, Protocol.SAML)
    response = redirect("sign-on-acs-finish", key=key)
    sent = request.POST.get("SAMLResponse", "")
    if not sent or len(sent) > saml.LONGEST_RESPONSE:
        return not_let_in(request, "", sign_on=sign_on)
    try:
        # Before anything is kept: else anybody could fill the database.
        SamlProvider(request, app=_app(request, sign_on)).assertion_in(sent)
    except NotAdmitted as error:
        return not_let_in(request, str(error), sign_on=sign_on)
    kept = LoginSession(request, "saml_acs_session", "saml-acs-session")
    kept.store.update({"response": sent})
    kept.store.set_expiry(300)
    kept.save(response)
    return response


@never_cache
@require_safe
def acs_finish(request: HttpRequest, key: str) -> HttpResponse:
    """Take the SAML response that was kept."""
    sign_on = _sign_on(key, Protocol.SAML)
    kept = LoginSession(request, "saml_acs_session", "saml-acs-session")
    sent = kept.store.get("response")
    kept.delete()
    if not sent:
        return not_let_in(request, "This sign-in was used already. Begin again.", sign_on=sign_on)
    try:
        login = SamlProvider(request, app=_app(request, sign_on)).answered(request, sent)
    except NotAdmitted as error:
        return not_let_in(request, str(error), sign_on=sign_on)
    return _finish(request, login, sign_on)


@require_safe
def metadata(request: HttpRequest, key: str) -> HttpResponse:
    """Show our SAML metadata for one identity provider."""
    _sign_on(key, Protocol.SAML)
    return HttpResponse(
        saml.metadata(key),
        content_type="application/samlmetadata+xml",
        headers={"Content-Disposition": 'attachment; filename="assistant-saml-metadata.xml"'},
    )


def _sign_on(key: str, protocol: Protocol | None = None) -> SignOn:
    place = orgs.sign_on.selectors.place_of_key(key)
    sign_on = orgs.sign_on.selectors.sign_on_at(place) if place else None
    if sign_on is None or (protocol is not None and sign_on.protocol != protocol):
        raise Http404
    return sign_on


def _provider(request: HttpRequest, sign_on: SignOn) -> OpenIdProvider | SamlProvider:
    provider: OpenIdProvider | SamlProvider = get_adapter(request).get_provider(request, sign_on.key)
    return provider


def _app(request: HttpRequest, sign_on: SignOn) -> object:
    return get_adapter(request).get_app(request, provider=sign_on.key)


def _finish(request: HttpRequest, login: SocialLogin, sign_on: SignOn) -> HttpResponse:
    if login.state.get("process") == TEST:
        return _show_test(request, login, sign_on)
    response: HttpResponse = complete_social_login(request, login)
    return response


def _require_who_may_test(request: HttpRequest, sign_on: SignOn) -> None:
    members = orgs.selectors.memberships_of(request.user.pk) if request.user.is_authenticated else []
    own = next((member for member in members if member.organization_id == sign_on.organization_id), None)
    if own is None or not own.may(Permission.SIGN_ON_MANAGE):
        raise Http404


def _show_test(request: HttpRequest, login: SocialLogin, sign_on: SignOn) -> HttpResponse:
    """Keep what the identity provider said for the settings page; nobody's sign-in changes."""
    _require_who_may_test(request, sign_on)
    assert request.user.is_authenticated
    with acting_for(sign_on.organization_id):
        try:
            orgs.sign_on.services.admitted_address(sign_on=sign_on, vouched=login.vouched)
            problem = ""
        except NotAdmitted as error:
            problem = str(error)
        orgs.sign_on.services.note_test(
            sign_on=sign_on,
            vouched=login.vouched,
            problem=problem,
            actor=orgs.services.actor_of(request.user),
        )
    if problem:
        messages.error(request, f"{sign_on.name} answered, but would not let you in: {problem}")
    else:
        messages.success(request, f"{sign_on.name} works. It says you are {login.vouched.email}.")
    return redirect("settings-sign-on-edit", slug=sign_on.organization.slug, sign_on_id=sign_on.pk)
