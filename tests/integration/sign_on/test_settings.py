"""Settings > Single sign-on, as an Admin uses it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

import orgs.sign_on.services
from assistant_platform.web.sign_on import saml
from events.kinds import SYSTEM
from events.models import Event
from orgs.models import SignOn, SignOnDomain
from orgs.selectors import memberships_of
from orgs.sign_on.domains import domain_from
from orgs.sign_on.services import NotPossible
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.sign_on.conftest import Visitor, words_of
from tests.vendors.dns_server import name_server
from tests.vendors.openid_server import CLIENT_ID, CLIENT_SECRET, OpenIdServer
from tests.vendors.saml_server import SamlServer

SETTINGS = "/orgs/acme/settings/sign-on/"


@pytest.fixture
def browser(in_acme: Organization, alice: User) -> Visitor:
    """Alice's."""
    client = Client()
    client.force_login(alice)
    return Visitor(client)


# --- Identity providers -----------------------------------------------------------------------------------------------


def test_an_admin_adds_openid_connect_and_the_secret_is_sealed(browser: Visitor, openid: OpenIdServer) -> None:
    sent = {
        "name": "Acme Login",
        "issuer": f"{openid.issuer}/",
        "client_id": CLIENT_ID,
        "secret": CLIENT_SECRET,
        "default_role": "read_only",
    }

    response = browser.client.post(f"{SETTINGS}add/oidc/", sent, follow=True)

    kept = SignOn.objects.get()
    assert (kept.issuer, kept.default_role) == (openid.issuer, "read_only")
    assert orgs.sign_on.services.secret_of(kept) == CLIENT_SECRET
    assert CLIENT_SECRET not in words_of(response) + kept.sealed_secret
    assert f"/accounts/sign-on/{kept.key}/callback/" in words_of(response)
    assert Event.objects.get(kind="sign_on_changed").subject == {
        "sign_on": "Acme Login",
        "change": "added (OpenID Connect)",
    }


@pytest.mark.parametrize(
    ("issuer", "said"),
    [("http://169.254.169.254", "private"), ("{issuer}/other", "status 404"), ("ftp://login.example", "https://")],
)
def test_an_issuer_that_cannot_be_read_is_refused_in_words(
    browser: Visitor, openid: OpenIdServer, issuer: str, said: str
) -> None:
    sent = {"name": "A", "issuer": issuer.format(issuer=openid.issuer), "client_id": "c", "default_role": "member"}

    response = browser.client.post(f"{SETTINGS}add/oidc/", sent)

    assert response.status_code == 422
    assert said in words_of(response)
    assert not SignOn.objects.exists()


def test_the_kept_secret_is_not_sent_to_another_issuer(
    browser: Visitor, by_openid: SignOn, openid: OpenIdServer
) -> None:
    sent = {"name": "A", "issuer": openid.issuer, "client_id": "another", "secret": "", "default_role": "member"}

    response = browser.client.post(f"{SETTINGS}{by_openid.pk}/", sent)

    assert response.status_code == 422
    assert "Give the client secret again" in words_of(response)


def test_nobody_becomes_admin_by_signing_in(browser: Visitor, by_openid: SignOn, openid: OpenIdServer) -> None:
    sent = {"name": "A", "issuer": openid.issuer, "client_id": CLIENT_ID, "secret": "", "default_role": "admin"}

    response = browser.client.post(f"{SETTINGS}{by_openid.pk}/", sent)

    assert response.status_code == 422


def test_an_admin_adds_saml_by_its_metadata_address(
    browser: Visitor, reaching_loopback: None, saml_server: SamlServer
) -> None:
    saml_server.meet(saml_server.address, saml.metadata("unknown-yet"))
    sent = {
        "name": "Acme SAML",
        "metadata_url": f"{saml_server.address}/metadata",
        "email_attribute": "email",
        "default_role": "member",
    }

    response = browser.client.post(f"{SETTINGS}add/saml/", sent, follow=True)

    kept = SignOn.objects.get()
    assert kept.issuer == f"{saml_server.address}/metadata"
    assert kept.sso_url == f"{saml_server.address}/sso"
    assert kept.certificates
    assert f"/accounts/sign-on/{kept.key}/acs/" in words_of(response)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"metadata": "<no"}, "This is no SAML metadata"),
        ({"entity_id": "x", "sso_url": "https://idp.example/sso"}, "signing certificate"),
        ({"entity_id": "x", "sso_url": "https://idp.example/sso", "certificates": "bm9uZQ=="}, "cannot be read"),
    ],
)
def test_saml_without_what_it_needs_is_refused_in_words(browser: Visitor, parts: dict[str, str], said: str) -> None:
    sent = {"name": "A", "email_attribute": "email", "default_role": "member", **parts}

    response = browser.client.post(f"{SETTINGS}add/saml/", sent)

    assert response.status_code == 422
    assert said in words_of(response)


def test_a_test_shows_what_was_said_and_signs_nobody_in(
    browser: Visitor, by_openid: SignOn, openid: OpenIdServer, alice: User
) -> None:
    response = browser.sign_in_by_openid(by_openid, "?test")

    shown = words_of(browser.get(response["Location"]))
    assert "Acme Login works. It says you are dana@acme.example." in shown
    assert browser.email == alice.email
    assert not User.objects.filter(email="dana@acme.example").exists()
    assert SignOn.objects.get().tested_at is not None


def test_a_test_that_would_not_let_in_says_why_and_proves_nothing(
    browser: Visitor, by_openid: SignOn, openid: OpenIdServer
) -> None:
    openid.person["email"] = "dana@umbrella.example"

    response = browser.sign_in_by_openid(by_openid, "?test")

    assert "umbrella.example is no proved domain" in words_of(browser.get(response["Location"]))
    assert SignOn.objects.get().tested_at is None


def test_only_an_admin_of_the_organization_tests(by_openid: SignOn, bob: User, charlie: User) -> None:
    address = f"/accounts/sign-on/{by_openid.key}/?test"
    clients = [Client(), Client(), Client()]
    clients[1].force_login(bob)
    clients[2].force_login(charlie)

    assert [client.get(address).status_code for client in clients] == [404, 404, 404]


def test_requiring_and_removing(browser: Visitor, by_openid: SignOn, openid: OpenIdServer) -> None:
    browser.sign_in_by_openid(by_openid, "?test")

    browser.client.post(f"{SETTINGS}{by_openid.pk}/require/", {"required": "yes"})
    is_required = SignOn.objects.get().is_enforced
    browser.client.post(f"{SETTINGS}{by_openid.pk}/remove/")

    assert is_required
    assert not SignOn.objects.exists()
    assert SignOnDomain.objects.get().sign_on is None
    assert Event.objects.filter(kind="sign_on_removed").count() == 1


def test_what_decides_who_comes_in_is_not_changed_while_required(
    browser: Visitor, by_openid: SignOn, openid: OpenIdServer
) -> None:
    SignOn.objects.update(tested_at=timezone.now(), is_enforced=True)
    sent = {"name": "A", "issuer": openid.issuer, "client_id": "other", "secret": "s", "default_role": "member"}

    response = browser.client.post(f"{SETTINGS}{by_openid.pk}/", sent)

    assert response.status_code == 422
    assert "Open the other ways in first" in words_of(response)


# --- Domains ----------------------------------------------------------------------------------------------------------


def check(browser: Visitor, domain: SignOnDomain, texts: dict[str, str] | None, settings: Any) -> str:
    with name_server(texts) as server:
        settings.DNS_SERVERS = [server]
        response = browser.client.post(f"{SETTINGS}domains/{domain.pk}/check/", follow=True)
    return words_of(response)


def test_a_domain_is_proved_by_its_txt_record(browser: Visitor, settings: Any) -> None:
    browser.client.post(f"{SETTINGS}domains/", {"domain": "dana@Acme.Example"})
    domain = SignOnDomain.objects.get()
    name = "_assistant-challenge.acme.example"

    missing = check(browser, domain, {}, settings)
    wrong = check(browser, domain, {name: "assistant-domain=other"}, settings)
    right = check(browser, domain, {name: f"assistant-domain={domain.token}"}, settings)

    assert f"There is no TXT record at {name} yet" in missing
    assert "says something else" in wrong
    assert "acme.example is proved" in right
    domain.refresh_from_db()
    assert (domain.proved_by, domain.domain) == ("DNS", "acme.example")


def test_a_name_server_that_does_not_answer_proves_nothing(browser: Visitor, settings: Any) -> None:
    browser.client.post(f"{SETTINGS}domains/", {"domain": "acme.example"})

    said = check(browser, SignOnDomain.objects.get(), None, settings)

    assert "The name servers did not answer" in said


@pytest.mark.parametrize(
    "typed", ["gmail.com", "Outlook.com", "localhost", "com", "a b.example", "-a.example", "", "1.2.3.4"]
)
def test_what_nobody_can_own_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        domain_from(typed)


def test_a_refused_domain_is_told_on_the_page(browser: Visitor) -> None:
    response = browser.client.post(f"{SETTINGS}domains/", {"domain": "gmail.com"})

    assert response.status_code == 422
    assert "gives addresses to everybody" in words_of(response)


def test_a_domain_belongs_to_one_organization(in_acme: Organization, charlie: User) -> None:
    factories.a_sign_on()
    umbrella = memberships_of(charlie.pk)[0].organization
    with acting_for(umbrella.pk):
        claimed = orgs.sign_on.services.claim_domain(typed="acme.example", sign_on=None, actor=SYSTEM)

        with pytest.raises(NotPossible, match="proved by another organization"):
            orgs.sign_on.services.prove_by_operator(domain=claimed, actor=SYSTEM)


def test_the_operator_takes_a_claimed_domain_for_proved(browser: Visitor) -> None:
    browser.client.post(f"{SETTINGS}domains/", {"domain": "acme.example"})

    call_command("sign_on", "acme", "--prove-domain", "acme.example")

    assert SignOnDomain.objects.get().proved_by == "operator"
    with pytest.raises(CommandError, match="not claimed"):
        call_command("sign_on", "acme", "--prove-domain", "other.example")
