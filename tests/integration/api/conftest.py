"""A token of Acme for each scope, and a machine that calls the API with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

import orgs.services
from events.kinds import SYSTEM
from orgs.permissions import Scope
from tenancy.models import Organization
from tenancy.scope import acting_for

Caller = Callable[..., Client]


@pytest.fixture
def caller(acme: Organization, alice: User) -> Caller:
    """Return a function that gives a machine with a token of Acme."""

    def with_scopes(*scopes: Scope) -> Client:
        with acting_for(acme.pk):
            _, value = orgs.services.create_token(name="ci", scopes=list(scopes), created_by=alice, actor=SYSTEM)
        return Client(headers={"authorization": f"Bearer {value}"}, raise_request_exception=False)

    return with_scopes


@pytest.fixture
def ci(caller: Caller) -> Client:
    """Return a machine that may upload scans."""
    return caller(Scope.CI)


@pytest.fixture
def reader(caller: Caller) -> Client:
    """Return a machine that may read findings."""
    return caller(Scope.API_READ)
