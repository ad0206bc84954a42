"""What django-allauth asks about third-party sign-in; its answers come from the organizations' own rows."""

from __future__ import annotations

from typing import Any

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import Provider
from django.http import HttpRequest

import orgs.sign_on.selectors
import orgs.sign_on.services
from assistant_platform.web.sign_on.answers import not_let_in
from assistant_platform.web.sign_on.oidc import OpenIdProvider
from assistant_platform.web.sign_on.saml import SamlProvider
from lib.http.sessions import guarded_session
from orgs.models import Protocol, SignOn
from orgs.sign_on.services import NotAdmitted
from tenancy.scope import acting_for

SECONDS_TO_ANSWER = 10.0
PROVIDERS: dict[str, type[Provider]] = {Protocol.OIDC: OpenIdProvider, Protocol.SAML: SamlProvider}
ALLAUTH_NAMES = {Protocol.OIDC.value: "openid_connect", Protocol.SAML.value: "saml"}


class SignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Identity providers are rows of organizations: no secret lies in allauth's tables, and none in the settings."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Return the identity provider with this key; without a key none, so that nothing lists them all."""
        place = orgs.sign_on.selectors.place_of_key(provider or "") or orgs.sign_on.selectors.place_of_key(
            client_id or ""
        )
        return [app_of(orgs.sign_on.selectors.sign_on_at(place))] if place else []

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Provider:
        """Return what speaks with the identity provider of this key."""
        app = self.get_app(request, provider=provider, client_id=client_id)
        return PROVIDERS[app.sign_on.protocol](request, app=app)

    def get_requests_session(self) -> requests.Session:
        """Return a session for addresses that people typed."""
        return guarded_session(timeout_seconds=SECONDS_TO_ANSWER)

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Let the person in, or say why not: every way in through an identity provider comes by here."""
        sign_on: SignOn = sociallogin.provider.app.sign_on
        with acting_for(sign_on.organization_id):
            try:
                user = orgs.sign_on.services.admit(
                    sign_on=sign_on,
                    vouched=sociallogin.vouched,
                    linked=sociallogin.user if sociallogin.is_existing else None,
                )
            except NotAdmitted as error:
                raise ImmediateHttpResponse(not_let_in(request, str(error), sign_on=sign_on)) from error
        if not sociallogin.is_existing:
            sociallogin.user = sociallogin.account.user = user
            sociallogin.account.save()

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Provider,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> None:
        """Answer with a page of ours."""
        raise ImmediateHttpResponse(not_let_in(request, "", sign_on=provider.app.sign_on))


def app_of(sign_on: SignOn) -> SocialApp:
    """Return an identity provider as allauth knows it: never saved."""
    app = SocialApp(
        provider=ALLAUTH_NAMES[sign_on.protocol],
        provider_id=sign_on.key,
        name=sign_on.name,
        client_id=sign_on.client_id or sign_on.key,
        secret=orgs.sign_on.services.secret_of(sign_on),
        settings={},
    )
    app.sign_on = sign_on
    return app
