"""Making organizations and changing what they are called."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from orgs.selectors import memberships_of
from tenancy.directory import organization_by_slug
from tenancy.models import Organization
from tests import factories

NEW = "/organizations/new/"
SENT = {"name": "Harbour Works", "slug": "harbour", "time_zone": "Europe/Berlin"}

ClientFor = Callable[[User], Client]


def test_a_person_makes_an_organization_and_is_its_admin(db: None, client_for: ClientFor, settings: Settings) -> None:
    settings.ORGANIZATIONS_CREATED_BY = "anyone"
    dana = factories.a_person("dana@example.com")

    offered = client_for(dana).get("/").content
    response = client_for(dana).post(NEW, SENT)

    (own,) = memberships_of(dana.pk)
    assert NEW.encode() in offered
    assert response.headers["Location"] == "/orgs/harbour/findings/"
    assert (own.role, own.organization.name, own.organization.time_zone) == ("admin", "Harbour Works", "Europe/Berlin")


def test_where_only_the_operator_makes_them_the_page_says_so(
    alice: User, acme: Organization, client_for: ClientFor, settings: Settings
) -> None:
    settings.ORGANIZATIONS_CREATED_BY = "operator"
    client = client_for(alice)

    response = client.post(NEW, SENT)

    assert (response.status_code, b"create_org" in response.content) == (403, True)
    assert NEW.encode() not in client.get("/orgs/acme/findings/").content
    assert organization_by_slug("harbour") is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"slug": "acme"}, "This name is taken"),
        ({"slug": "Harbour Works"}, "lower-case letters"),
        ({"time_zone": "Mars/Olympus"}, "Choose a time zone"),
        ({"name": ""}, "required"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    acme: Organization, client: Client, settings: Settings, changed: dict[str, str], words: str
) -> None:
    settings.ORGANIZATIONS_CREATED_BY = "anyone"
    client.force_login(factories.a_person("dana@example.com"))

    response = client.post(NEW, {**SENT, **changed})

    assert (response.status_code, words in response.content.decode()) == (422, True)


def test_an_admin_changes_name_and_time_zone(acme: Organization, alice: User, client_for: ClientFor) -> None:
    client_for(alice).post("/orgs/acme/settings/organization/save/", {"name": "Acme & Sons", "time_zone": "Asia/Tokyo"})

    changed = organization_by_slug("acme")
    assert changed is not None
    assert (changed.name, changed.time_zone) == ("Acme & Sons", "Asia/Tokyo")


def test_who_has_no_second_factor_is_led_to_one_where_it_is_required(
    acme: Organization, alice: User, bob: User, client_for: ClientFor
) -> None:
    Authenticator.objects.create(user=alice, type="totp", data={})
    sent = {"name": "Acme", "time_zone": "UTC", "requires_second_factor": "on"}
    client_for(alice).post("/orgs/acme/settings/organization/save/", sent)
    bobs = client_for(bob)

    led = bobs.get("/orgs/acme/findings/", follow=True)
    Authenticator.objects.create(user=bob, type="webauthn", data={})

    assert led.redirect_chain == [("/accounts/second-factor/", 302)]
    assert b"Acme asks its people for a second factor" in led.content
    assert [client_for(person).get("/orgs/acme/findings/").status_code for person in (alice, bob)] == [200, 200]


def test_nobody_requires_a_second_factor_without_having_one(
    acme: Organization, alice: User, client_for: ClientFor
) -> None:
    sent = {"name": "Acme", "time_zone": "UTC", "requires_second_factor": "on"}

    response = client_for(alice).post("/orgs/acme/settings/organization/save/", sent)

    assert (response.status_code, b"of your own first" in response.content) == (422, True)


def test_an_organization_is_chosen_where_there_are_several(
    acme: Organization, alice: User, client_for: ClientFor
) -> None:
    factories.an_organization("umbrella", admin=alice)

    start = client_for(alice).get("/").content
    page = client_for(alice).get("/orgs/acme/findings/").content

    assert all(f"/orgs/{slug}/dashboard/".encode() in start for slug in ("acme", "umbrella"))
    assert b'href="/orgs/umbrella/dashboard/"' in page
