"""An OpenID Connect provider: Authlib's authorization server on loopback, with keys of its own.

A test may have it lie, by `lies`: claims that replace what is true in its ID tokens.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.django_oauth2.authorization_server import AuthorizationServer as DjangoAuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Error
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin, OpenIDCode, UserInfo
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse, JsonResponse
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID = "assistant"
CLIENT_SECRET = "a secret of the client"


@dataclass
class Client(ClientMixin):  # type: ignore[misc]  # Authlib carries no types
    """The one client that is registered."""

    redirect_uri: str

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in {"client_secret_post", "client_secret_basic"}

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]  # Authlib carries no types
    """A code that was given out."""

    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass
class OpenIdServer:
    """The provider: who signs in at it, and what it gets wrong."""

    person: dict[str, Any]
    lies: dict[str, Any] = field(default_factory=dict)
    signs_with_unknown_key: bool = False
    issuer: str = ""
    client: Client | None = None
    codes: dict[str, Code] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first", "use": "sig"}))

    def __post_init__(self) -> None:
        self._server = Server(self)

    def register(self, redirect_uri: str) -> None:
        """Register the client."""
        self.client = Client(redirect_uri)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """Answer a request."""
        request = WSGIRequest(environ)
        response = self._answer(request)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return [response.content]

    def _answer(self, request: WSGIRequest) -> HttpResponse:
        match request.path:
            case "/.well-known/openid-configuration":
                return JsonResponse(self.configuration())
            case "/keys":
                return JsonResponse(KeySet([self.key]).as_dict(private=False))
            case "/authorize":
                return self._authorize(request)
            case "/token":
                response: HttpResponse = self._server.create_token_response(request)
                return response
        return HttpResponse(status=404)

    def configuration(self) -> dict[str, Any]:
        """Return the discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }

    def _authorize(self, request: WSGIRequest) -> HttpResponse:
        try:
            grant = self._server.get_consent_grant(request, end_user=self.person)
        except OAuth2Error as error:
            return HttpResponse(str(error), status=400)
        response: HttpResponse = self._server.create_authorization_response(
            request, grant_user=self.person, grant=grant
        )
        return response


class Grant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib carries no types
    """Gives codes out and takes them back; its server knows the provider."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post", "client_secret_basic"]

    def save_authorization_code(self, code: str, request: Any) -> None:
        asked = request.payload.data
        names = ("redirect_uri", "scope", "nonce", "code_challenge", "code_challenge_method")
        self.server.provider.codes[code] = Code(**{name: asked[name] for name in names})

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        kept: Code | None = self.server.provider.codes.get(code)
        return kept

    def delete_authorization_code(self, authorization_code: Code) -> None:
        codes = self.server.provider.codes
        del codes[next(code for code, kept in codes.items() if kept is authorization_code)]

    def authenticate_user(self, authorization_code: Code) -> dict[str, Any]:
        person: dict[str, Any] = self.server.provider.person
        return person


class IdToken(OpenIDCode):  # type: ignore[misc]  # Authlib carries no types
    """Says who signed in, or what the test has it say."""

    def __init__(self, provider: OpenIdServer) -> None:
        super().__init__(require_nonce=True)
        self.provider = provider

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return any(code.nonce == nonce for code in self.provider.codes.values())

    def resolve_client_private_key(self, client: Client) -> RSAKey:
        unknown = RSAKey.generate_key(2048, {"kid": "first"})
        return unknown if self.provider.signs_with_unknown_key else self.provider.key

    def get_client_algorithm(self, client: Client) -> str:
        return "RS256"

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": "RS256", "kid": "first"}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self.provider.issuer, "aud": [CLIENT_ID], "iat": now, "exp": now + 300}

    def generate_user_info(self, user: dict[str, Any], scope: str) -> UserInfo:
        # Merged last into the token, so what the test has it say wrongly wins.
        return UserInfo({**user, **self.provider.lies})


class Server(DjangoAuthorizationServer):  # type: ignore[misc]  # Authlib carries no types
    """Authlib's server, with one client and no database."""

    def __init__(self, provider: OpenIdServer) -> None:
        super().__init__(None, None)
        self.provider = provider
        self.register_grant(Grant, [IdToken(provider), CodeChallenge(required=True)])

    def query_client(self, client_id: str) -> Client | None:
        return self.provider.client if client_id == CLIENT_ID else None

    def save_token(self, token: Any, request: Any) -> None:
        """Keep none: nothing is asked with one."""

    def generate_token(self, **arguments: Any) -> dict[str, Any]:
        access_token = secrets.token_urlsafe(16)
        return {
            "token_type": "Bearer",
            "access_token": access_token,
            "expires_in": 300,
            "scope": arguments["scope"],
        }
