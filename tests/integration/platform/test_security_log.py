"""Sign-ins and the like are lines of the audit log of each organization that the person is in."""

from __future__ import annotations

import uuid

import allauth.account.signals
import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from events.models import Event
from orgs.permissions import Role
from orgs.selectors import memberships_of
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.factories import PASSWORD

SIGN_IN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _own_counts(settings: Settings) -> None:
    # Not cache.clear(): it would take from tests in other processes what they are counting.
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid.uuid4().hex}}


@pytest.fixture
def both(acme: Organization, charlie: User, alice: User) -> list[int]:
    """The two organizations that Charlie is in."""
    with acting_for(acme.pk):
        factories.a_member(charlie, Role.MEMBER)
    return [membership.organization_id for membership in memberships_of(charlie.pk)]


def told(organization_id: int) -> list[tuple[str, str]]:
    """Return who did what with an account, oldest first."""
    kinds = ["signed_in", "sign_in_failed", "password_changed"]
    with acting_for(organization_id):
        return list(Event.objects.filter(kind__in=kinds).order_by("pk").values_list("kind", "actor_name"))


def test_a_sign_in_is_told_in_each_organization(both: list[int], client: Client) -> None:
    client.post(SIGN_IN, {"login": "charlie@umbrella.example", "password": PASSWORD})

    assert [told(pk) for pk in both] == [[("signed_in", "charlie@umbrella.example")]] * 2


def test_a_refused_sign_in_is_told_and_not_laid_at_the_persons_door(both: list[int], client: Client) -> None:
    client.post(SIGN_IN, {"login": "charlie@umbrella.example", "password": "wrong"})
    client.post(SIGN_IN, {"login": "nobody@umbrella.example", "password": "wrong"})

    assert [told(pk) for pk in both] == [[("sign_in_failed", "System")]] * 2


def test_no_password_is_in_the_log(both: list[int], client: Client) -> None:
    client.post(SIGN_IN, {"login": "charlie@umbrella.example", "password": "a wrong secret"})

    with acting_for(both[0]):
        assert Event.objects.get(kind="sign_in_failed").subject == {"email": "charlie@umbrella.example"}


def test_a_new_password_is_told(both: list[int], charlie: User, client: Client) -> None:
    client.force_login(charlie)
    request = RequestFactory().post("/")
    request.user, request.session = charlie, client.session

    allauth.account.signals.password_changed.send(sender=User, request=request, user=charlie)

    assert [told(pk) for pk in both] == [[("password_changed", "charlie@umbrella.example")]] * 2
