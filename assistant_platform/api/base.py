"""What every endpoint shares: the token, its organization, the declared permission, errors in one shape."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import transaction
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

import orgs.services
from events.kinds import Actor, ActorKind
from orgs.models import ApiToken
from orgs.permissions import Permission
from tenancy.scope import acting_for


class TokenView(APIView):
    """An address for machines: whose work a request is, its token alone says."""

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


class OrgView(TokenView):
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
