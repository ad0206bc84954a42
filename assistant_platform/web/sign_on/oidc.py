"""OpenID Connect: allauth's provider, with a nonce, a checked signature and a checked issuer."""

from __future__ import annotations

import secrets
from functools import cached_property
from typing import Any

import jwt
import requests
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest, HttpResponse

from assistant_platform.web.sign_on.answers import login_of, public_address
from orgs.models import SignOn
from orgs.sign_on.identity_providers import OpenIdConfiguration, Unusable, openid_configuration
from orgs.sign_on.services import NotAdmitted, Vouched

# Keys of the issuer only: with a symmetric algorithm its public key would be the secret.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
CLOCK_SKEW_SECONDS = 120
NOT_UNDERSTOOD = "The answer of {name} could not be accepted: {reason}. Begin again; if it stays, tell an Admin."


class OpenIdConversation(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth carries no types
    """The requests of one sign-in."""

    @cached_property
    def _published(self) -> OpenIdConfiguration:
        return openid_configuration(self.get_provider().app.sign_on.issuer)

    @property
    def openid_config(self) -> dict[str, Any]:
        """Return what the issuer publishes, checked to be this issuer's."""
        return self._published.model_dump()

    @property
    def basic_auth(self) -> bool:
        """Tell whether the secret goes into a header."""
        return self._published.takes_secret_in_header_only

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        """Return the address that is registered at the identity provider."""
        return public_address("sign-on-callback", self.provider_id)


class OpenIdProvider(OpenIDConnectProvider):  # type: ignore[misc]  # allauth carries no types
    """Begins at the issuer, and reads what it answers."""

    oauth2_adapter_class = OpenIdConversation
    pkce_enabled_default = True
    supports_token_authentication = False

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponse:
        """Send the browser to the issuer, with state, nonce and PKCE."""
        nonce = secrets.token_urlsafe(24)
        answer: HttpResponse = super().redirect(
            request, process, next_url, data, auth_params={"nonce": nonce}, nonce=nonce, **kwargs
        )
        return answer

    def get_pkce_params(self) -> dict[str, str]:
        """Return a challenge, always."""
        self.app.settings["oauth_pkce_enabled"] = True
        params: dict[str, str] = super().get_pkce_params()
        return params

    def answered(self, request: HttpRequest) -> SocialLogin:
        """Return who signed in, from what the browser brings back. Raises NotAdmitted."""
        sign_on: SignOn = self.app.sign_on
        try:
            return self._answered(request, sign_on)
        except (OAuth2Error, Unusable, requests.RequestException, jwt.PyJWTError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise NotAdmitted(NOT_UNDERSTOOD.format(name=sign_on.name, reason=reason)) from error

    def _answered(self, request: HttpRequest, sign_on: SignOn) -> SocialLogin:
        state = statekit.unstash_state(request, provider_id=self.sub_id, state_id=request.GET.get("state", ""))
        if state is None:
            raise NotAdmitted("This sign-in was not begun in this browser, or too long ago. Begin again.")
        # RFC 9207: an honest issuer names itself, so that another cannot pass its answers off.
        if request.GET.get("iss", sign_on.issuer) != sign_on.issuer:
            raise OAuth2Error("it comes from another issuer")
        if "code" not in request.GET:
            said = request.GET.get("error_description") or request.GET.get("error") or "no code"
            raise OAuth2Error(f"it says “{said[:100]}”")
        conversation = self.get_oauth2_adapter(request)
        client: OAuth2Client = conversation.get_client(request, self.app)
        tokens = client.get_access_token(request.GET["code"], pkce_code_verifier=state["pkce_code_verifier"])
        claims = self._verified(tokens.get("id_token", ""), conversation.openid_config, nonce=state["nonce"])
        if not claims.get("email"):
            claims = self._with_userinfo(claims, tokens, conversation)
        vouched = Vouched(
            identifier=str(claims["sub"]),
            email=str(claims.get("email") or ""),
            first_name=str(claims.get("given_name") or ""),
            last_name=str(claims.get("family_name") or ""),
            is_email_verified=_as_flag(claims.get("email_verified")),
        )
        return login_of(self, vouched, state)

    def _verified(self, id_token: str, published: dict[str, Any], *, nonce: str) -> dict[str, Any]:
        """Return what an ID token says, its signature, issuer, audience, time and nonce checked."""
        header = jwt.get_unverified_header(id_token)
        keys = jwt.PyJWKSet.from_dict(self._keys(published["jwks_uri"])).keys
        fitting = [key for key in keys if key.public_key_use in {None, "sig"} and key.key_id == header.get("kid")]
        if not fitting:
            raise OAuth2Error("it is signed with an unknown key")
        claims: dict[str, Any] = jwt.decode(
            id_token,
            fitting[0].key,
            algorithms=ALGORITHMS,
            audience=self.app.client_id,
            issuer=self.app.sign_on.issuer,
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": ["iss", "aud", "exp", "iat", "sub"]},
        )
        if not secrets.compare_digest(str(claims.get("nonce", "")), nonce):
            raise OAuth2Error("it answers another sign-in (nonce)")
        if claims.get("azp", self.app.client_id) != self.app.client_id:
            raise OAuth2Error("it was made for another client (azp)")
        return claims

    def _keys(self, address: str) -> dict[str, Any]:
        from allauth.socialaccount.adapter import get_adapter  # noqa: PLC0415  (which imports this module)

        with get_adapter().get_requests_session() as session:
            response = session.get(address)
            response.raise_for_status()
            keys: dict[str, Any] = response.json()
        return keys

    def _with_userinfo(self, claims: dict[str, Any], tokens: Any, conversation: OpenIdConversation) -> dict[str, Any]:
        """Return the claims with those of the userinfo endpoint, which must be about the same person."""
        if not conversation.openid_config["userinfo_endpoint"]:
            return claims
        more: dict[str, Any] = conversation._fetch_user_info(tokens["access_token"])
        if more.get("sub") != claims["sub"]:
            raise OAuth2Error("its userinfo is about another person")
        return {**more, **claims}


def _as_flag(claim: object) -> bool | None:
    """Return a claim that some issuers send as a word; None where it is not sent."""
    if claim is None:
        return None
    return claim is True or str(claim).lower() == "true"
