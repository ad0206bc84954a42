"""What every endpoint shares: the token, the organization of the address, the declared permission, errors in one shape."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotFound, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

import orgs.selectors
import orgs.services
from events.kinds import Actor, ActorKind
from orgs.models import ApiToken
from orgs.permissions import PERMISSIONS_OF_SCOPE, Permission
from tenancy.scope import acting_for


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

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Check the token's scopes against what the endpoint declares."""
        assert isinstance(view, OrgView)
        needed = view.permission_for(request)
        if not isinstance(request.auth, ApiToken):
            return False
        if not request.auth.may(needed):
            scopes = " or ".join(scope for scope, allowed in PERMISSIONS_OF_SCOPE.items() if needed in allowed)
            raise PermissionDenied(f"The token lacks the scope for this: it needs {scopes}.")
        return True


class OrgView(APIView):
    """An endpoint below `/api/v1/deployments/{slug}/`, run in the scope of the token's organization.

    `read_permission` is for GET, `write_permission` for the rest. Each method reads and writes in short transactions.
    """

    read_permission: ClassVar[Permission]
    write_permission: ClassVar[Permission]

    def permission_for(self, request: Request) -> Permission:
        """Return what the request's method needs."""
        return self.read_permission if request.method in {"GET", "HEAD", "OPTIONS"} else self.write_permission

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check token and permission, and that the address names the token's own organization."""
        super().initial(request, *args, **kwargs)
        # Somebody else's organization and one that does not exist look the same.
        if self.token.organization.slug != kwargs.get("slug"):
            raise NotFound("There is no such deployment for this token.")

    @property
    def token(self) -> ApiToken:
        """The token of the request."""
        assert isinstance(self.request.auth, ApiToken)
        return self.request.auth

    @property
    def actor(self) -> Actor:
        """The token as the actor of events."""
        return Actor(ActorKind.TOKEN, self.token.name)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Act for the token's organization, and remember that the token was used."""
        with acting_for(self.token.organization_id):
            with transaction.atomic():
                orgs.services.note_use_of(self.token)
            yield

