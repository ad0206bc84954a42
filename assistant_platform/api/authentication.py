"""Who calls the REST API: a token, and what its scopes allow.

Apart from the views, since Django REST framework loads these classes while it loads its own views.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

import orgs.selectors
from orgs.models import ApiToken
from orgs.permissions import PERMISSIONS_OF_SCOPE


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; the token belongs to one organization."""

    def authenticate(self, request: Request) -> tuple[None, ApiToken] | None:
        """Return the token of the request, or refuse a wrong one."""
        words = get_authorization_header(request).decode("latin-1").split()
        if not words:
            return None
        if len(words) != 2 or words[0].lower() != "bearer":  # noqa: PLR2004  (scheme and token)
            raise AuthenticationFailed("Send the token as 'Authorization: Bearer <token>'.")
        token = orgs.selectors.token_by_value(words[1])
        if token is None:
            raise AuthenticationFailed("This token is not known, or was revoked. Make a new one in the settings.")
        if token.is_expired:
            assert token.expires_at is not None
            raise AuthenticationFailed(
                f"This token expired on {token.expires_at:%Y-%m-%d at %H:%M} UTC. Make a new one in the settings."
            )
        return None, token

    def authenticate_header(self, request: Request) -> str:
        """Say how to authenticate."""
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular's base
    """The token in the OpenAPI document."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI words for a bearer token."""
        return {"type": "http", "scheme": "bearer"}


class DeclaredPermission(BasePermission):
    """Each endpoint says which permission each method needs; one that says nothing is closed."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Check the token's scopes against what the endpoint (an OrgView) declares."""
        needed = view.permission_for(request)
        if not isinstance(request.auth, ApiToken):
            return False
        if not request.auth.may(needed):
            scopes = " or ".join(scope for scope, allowed in PERMISSIONS_OF_SCOPE.items() if needed in allowed)
            raise PermissionDenied(f"The token lacks the scope for this: it needs {scopes}.")
        return True
