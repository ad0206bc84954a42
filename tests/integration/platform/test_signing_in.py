"""Signing in: what a stranger may try, and how often."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from tenancy.models import Organization
from tests.factories import PASSWORD

SIGN_IN = "/accounts/login/"
TRIES_ALLOWED = 5


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_person_signs_in(acme: Organization, client: Client) -> None:
    response = client.post(SIGN_IN, {"login": "alice@acme.example", "password": PASSWORD})

    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert is_signed_in(client)


def test_signing_in_changes_the_session_that_a_stranger_may_know(acme: Organization, client: Client) -> None:
    client.get(SIGN_IN)
    planted = client.session
    planted["planted"] = True
    planted.save()
    known = planted.session_key or ""
    client.cookies["sessionid"] = known

    client.post(SIGN_IN, {"login": "alice@acme.example", "password": PASSWORD})

    assert client.session.session_key != known
    assert not planted.exists(known)


@pytest.mark.parametrize("address", ["alice@acme.example", "nobody@acme.example"])
def test_the_same_words_refuse_a_wrong_password_and_an_unknown_address(
    acme: Organization, client: Client, address: str
) -> None:
    response = client.post(SIGN_IN, {"login": address, "password": "wrong"})

    assert "The email address and/or password you specified are not correct." in response.content.decode()
    assert not is_signed_in(client)


def test_a_password_is_not_tried_for_ever(acme: Organization, client: Client) -> None:
    for number in range(TRIES_ALLOWED):
        client.post(SIGN_IN, {"login": "alice@acme.example", "password": f"wrong {number}"})

    client.post(SIGN_IN, {"login": "alice@acme.example", "password": PASSWORD})

    assert not is_signed_in(client)


def test_another_forwarded_address_does_not_start_the_count_anew(acme: Organization) -> None:
    for number in range(20):
        Client(headers={"x-forwarded-for": f"10.0.0.{number}"}).post(
            SIGN_IN, {"login": f"person{number}@acme.example", "password": "wrong"}
        )
    client = Client(headers={"x-forwarded-for": "10.0.1.1"})

    client.post(SIGN_IN, {"login": "alice@acme.example", "password": PASSWORD})

    assert not is_signed_in(client)


def test_people_sign_in_while_the_broker_is_away(acme: Organization, client: Client, settings: Settings) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}

    client.post(SIGN_IN, {"login": "alice@acme.example", "password": PASSWORD})

    assert is_signed_in(client)


def test_a_password_is_not_tried_for_ever_while_the_broker_is_away(
    acme: Organization, client: Client, settings: Settings
) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    for number in range(TRIES_ALLOWED):
        client.post(SIGN_IN, {"login": "alice@acme.example", "password": f"wrong {number}"})

    client.post(SIGN_IN, {"login": "alice@acme.example", "password": PASSWORD})

    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "///evil.example",
        "http://testserver@evil.example/",
        "\thttps://evil.example/",
    ],
)
def test_signing_in_leads_nowhere_else(acme: Organization, client: Client, target: str) -> None:
    response = client.post(
        f"{SIGN_IN}",
        {"login": "alice@acme.example", "password": PASSWORD, "next": target},
        query_params={"next": target},
    )

    assert (response.status_code, response.headers["Location"]) == (302, "/")


def test_signing_in_needs_the_token_of_its_form(acme: Organization) -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.post(SIGN_IN, {"login": "alice@acme.example", "password": PASSWORD})

    assert response.status_code == 403


def test_a_person_who_was_switched_off_is_signed_out(alice: User, acme: Organization, client: Client) -> None:
    client.force_login(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert client.get("/orgs/acme/findings/").status_code == 302


def test_there_is_no_page_for_administrators_of_everything(client: Client, db: None) -> None:
    assert client.get("/admin/").status_code == 404
