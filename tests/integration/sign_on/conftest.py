"""Acme with its domain and an identity provider that answers on loopback; a browser that goes there and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.contrib.auth.models import User
from django.http import HttpResponseBase
from django.test import Client

import orgs.sign_on.services
from assistant_platform.web.sign_on import saml
from assistant_platform.web.sign_on.answers import public_address
from events.kinds import SYSTEM
from lib.http.policy import Policy, in_force
from orgs.models import SignOn
from orgs.permissions import Role
from orgs.sign_on.identity_providers import parse_metadata
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests.vendors.loopback import served
from tests.vendors.openid_server import CLIENT_ID, CLIENT_SECRET, OpenIdServer
from tests.vendors.saml_server import SamlServer, fields_of

DANA = {"sub": "u-1", "email": "dana@acme.example", "email_verified": True, "given_name": "Dana", "family_name": "Ito"}
DANA_IN_SAML = {"id": "u-1", "email": "dana@acme.example", "firstName": "Dana", "lastName": "Ito"}


@dataclass
class Visitor:
    """A browser: its cookies are Django's client's, and links to other hosts are followed for real."""

    client: Client = field(default_factory=Client)

    def get(self, address: str) -> Any:
        """Visit one of our addresses, and show what it answers."""
        parts = urlsplit(address)
        return self.client.get(f"{parts.path}?{parts.query}")

    def go_to_openid(self, sign_on: SignOn, more: str = "") -> str:
        """Begin, sign in at the provider, and return the address that it sends the browser back to."""
        begun = self.get(f"/accounts/sign-on/{sign_on.key}/{more}")
        there = requests.get(begun["Location"], allow_redirects=False, timeout=10)
        assert there.status_code == 302, there.text
        return there.headers["Location"]

    def sign_in_by_openid(self, sign_on: SignOn, more: str = "") -> Any:
        return self.get(self.go_to_openid(sign_on, more))

    def go_to_saml(self, sign_on: SignOn, more: str = "") -> dict[str, str]:
        """Begin, sign in at the identity provider, and return what its form carries."""
        begun = self.get(f"/accounts/sign-on/{sign_on.key}/{more}")
        there = requests.get(begun["Location"], timeout=10)
        action, fields = fields_of(there.text)
        assert action == saml.acs_url(sign_on.key)
        return fields

    def bring(self, sign_on: SignOn, fields: dict[str, str]) -> Any:
        """Send the form and follow back to us."""
        kept = self.client.post(urlsplit(saml.acs_url(sign_on.key)).path, fields)
        return self.get(kept["Location"]) if kept.status_code == 302 else kept

    def sign_in_by_saml(self, sign_on: SignOn, more: str = "") -> Any:
        return self.bring(sign_on, self.go_to_saml(sign_on, more))

    @property
    def email(self) -> str:
        """Return the address of whoever is signed in."""
        user_id = self.client.session.get("_auth_user_id")
        return User.objects.get(pk=user_id).email if user_id else ""


def words_of(response: HttpResponseBase) -> str:
    """Return what a page says."""
    return " ".join(bytes(response.content).decode().split())  # type: ignore[attr-defined]


@pytest.fixture
def visitor() -> Visitor:
    """Somebody at a browser."""
    return Visitor()


@pytest.fixture
def reaching_loopback() -> Iterator[None]:
    """An operator who allows requests to this machine."""
    with in_force(Policy.of(allowed=["127.0.0.0/8"], ports=["*"])):
        yield


@pytest.fixture
def openid(reaching_loopback: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenIdServer]:
    """An OpenID Connect provider at which Dana of Acme is signed in."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    provider = OpenIdServer(person=dict(DANA))
    with served(provider) as address:
        provider.issuer = address
        yield provider


def prove(domain: str, sign_on: SignOn) -> None:
    """Prove a domain, as the operator can."""
    claimed = orgs.sign_on.services.claim_domain(typed=domain, sign_on=sign_on, actor=SYSTEM)
    orgs.sign_on.services.prove_by_operator(domain=claimed, actor=SYSTEM)


@pytest.fixture
def by_openid(acme: Organization, openid: OpenIdServer) -> SignOn:
    """Acme's sign-on for acme.example by OpenID Connect."""
    with acting_for(acme.pk):
        sign_on = orgs.sign_on.services.save_oidc(
            sign_on=None,
            name="Acme Login",
            issuer=openid.issuer,
            client_id=CLIENT_ID,
            secret=CLIENT_SECRET,
            default_role=Role.MEMBER,
            actor=SYSTEM,
        )
        prove("acme.example", sign_on)
    openid.register(public_address("sign-on-callback", sign_on.key))
    return sign_on


@pytest.fixture
def saml_server() -> Iterator[SamlServer]:
    """A SAML identity provider at which Dana of Acme is signed in."""
    provider = SamlServer(person=dict(DANA_IN_SAML))
    with served(provider) as address:
        provider.address = address
        yield provider


@pytest.fixture
def by_saml(acme: Organization, saml_server: SamlServer) -> SignOn:
    """Acme's sign-on for acme.example by SAML."""
    # Who is asked for metadata first has none yet of the other: any key does, and the real one replaces it.
    saml_server.meet(saml_server.address, saml.metadata("unknown-yet"))
    with acting_for(acme.pk):
        sign_on = orgs.sign_on.services.save_saml(
            sign_on=None,
            name="Acme Login",
            identity_provider=parse_metadata(saml_server.metadata()),
            metadata_url="",
            attributes={"id": "id", "email": "email", "first_name": "firstName", "last_name": "lastName"},
            may_begin_there=False,
            default_role=Role.MEMBER,
            actor=SYSTEM,
        )
        prove("acme.example", sign_on)
    saml_server.know(saml.metadata(sign_on.key))
    return sign_on
