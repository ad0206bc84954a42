"""Every address is visited: as a stranger, as a member elsewhere, in each role, with each kind of token.

What is expected comes from what the view declares; an address that declares nothing, or takes an argument this walk
cannot fill in, fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

import findings.services
import orgs.services
from assistant_platform.api.base import OrgView, TokenView
from events.kinds import SYSTEM
from findings.models import Finding, Triage
from orgs.permissions import PERMISSIONS_OF_ROLE, PERMISSIONS_OF_SCOPE, Permission, Role, Scope
from orgs.selectors import memberships_of
from providers.models import ModelCall, Outcome
from remediation.models import Autofix
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from triage.models import Source

# Addresses without an organization, and what a stranger gets there.
PUBLIC = {
    "home": 302,
    "account_login": 200,
    "account_logout": 302,
    "healthz": 200,
    "readyz": 200,
    "api-schema": 200,
    "api-docs": 200,
}
METHODS = ("get", "post", "put", "patch", "delete")
REFUSED = {401, 403, 404, 405}


@dataclass(frozen=True)
class Route:
    """One address with the arguments it takes and the view behind it."""

    name: str
    arguments: tuple[str, ...]
    view: Any = field(compare=False)

    def address(self, values: Mapping[str, object]) -> str:
        return reverse(self.name, kwargs={name: values[name] for name in self.arguments})


def routes(patterns: list[URLPattern | URLResolver], arguments: tuple[str, ...] = ()) -> Iterator[Route]:
    """Yield every address below these."""
    for pattern in patterns:
        taken = (*arguments, *pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, taken)
        else:
            yield Route(pattern.name or f"unnamed {pattern.pattern}", taken, pattern.callback)


ROUTES = list(routes(get_resolver().url_patterns))
PAGES = [route for route in ROUTES if hasattr(route.view, "permission")]
ENDPOINTS = [
    (route, method)
    for route in ROUTES
    for method in METHODS
    if issubclass(getattr(route.view, "cls", object), OrgView) and hasattr(route.view.cls, method)
]
# What a token asks without naming an organization: it sees its own.
OF_TOKEN = [
    (route, method)
    for route in ROUTES
    for method in METHODS
    if issubclass(getattr(route.view, "cls", object), TokenView)
    and not issubclass(route.view.cls, OrgView)
    and hasattr(route.view.cls, method)
]
PAGES_ABOUT_ONE = [route for route in PAGES if set(route.arguments) != {"slug"}]
ENDPOINTS_ABOUT_ONE = [(route, method) for route, method in ENDPOINTS if set(route.arguments) != {"slug"}]


def named(part: object) -> str:
    return part.name if isinstance(part, Route) else str(part)


@pytest.fixture
def things(acme: Organization) -> dict[str, object]:
    """One thing of each kind that an address can name, all of Acme."""
    with acting_for(acme.pk):
        finding = factories.a_finding()
        Autofix.objects.create(
            finding=finding, edits=[], diff="--- a\n+++ b\n", confidence="high", is_shown=True, source=Source.BUILT_IN
        )
        call = ModelCall.objects.create(
            purpose="triage/verdict",
            prompt_name="triage/verdict",
            prompt_version=1,
            adapter="openai",
            outcome=Outcome.ANSWERED,
        )
        bulk = findings.services.triage_in_bulk(
            chosen=Finding.objects.all(), triage=Triage.REVIEWING, reason=None, comment="", actor=SYSTEM
        )
    return {
        "slug": acme.slug,
        "finding_id": finding.pk,
        "bulk_id": bulk.pk,
        "project_name": finding.project.name,
        "project_id": finding.project_id,
        "scan_id": finding.first_scan_id,
        "call_id": call.pk,
    }


def visit(client: Client, address: str) -> Any:
    """Ask for an address by the method that it is for."""
    response = client.get(address)
    return client.post(address) if response.status_code == 405 else response


def client_of(person: User) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(person)
    return client


def with_token(organization: Organization, *scopes: Scope, is_revoked: bool = False) -> Client:
    """Return a machine that has a token."""
    admin = factories.a_person("walker@example.org")
    with acting_for(organization.pk):
        token, value = orgs.services.create_token(name="walk", scopes=list(scopes), created_by=admin, actor=SYSTEM)
        if is_revoked:
            orgs.services.revoke_token(token=token, actor=SYSTEM)
    return Client(headers={"authorization": f"Bearer {value}"})


def other_organization(charlie: User) -> Organization:
    return memberships_of(charlie.pk)[0].organization


# --- Is every address known? ------------------------------------------------------------------------------------------


def test_every_address_is_a_page_an_endpoint_or_public() -> None:
    known = {route.name for route in PAGES} | {route.name for route, _ in [*ENDPOINTS, *OF_TOKEN]} | set(PUBLIC)

    assert [route.name for route in ROUTES if route.name not in known] == []


def test_every_page_names_a_permission_and_every_endpoint_one_for_each_method() -> None:
    undeclared = [route.name for route in PAGES if route.view.permission not in Permission]
    undeclared += [route.name for route, method in ENDPOINTS if needed(route, method) not in Permission]

    assert undeclared == []


def test_the_walk_can_fill_in_every_argument(things: dict[str, object]) -> None:
    assert [route.name for route in ROUTES if not set(route.arguments) <= set(things)] == []


# --- Pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLIC)
def test_a_stranger_gets_into_what_is_public(name: str, db: None) -> None:
    assert Client().get(reverse(name)).status_code == PUBLIC[name]


@pytest.mark.parametrize("route", PAGES, ids=named)
def test_a_stranger_is_sent_to_the_sign_in(route: Route, things: dict[str, object]) -> None:
    response = visit(Client(), route.address(things))

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("route", PAGES, ids=named)
def test_a_member_elsewhere_learns_nothing(route: Route, things: dict[str, object], charlie: User) -> None:
    response = visit(client_of(charlie), route.address(things))

    nowhere = visit(client_of(charlie), route.address({**things, "slug": "no-such-organization"}))
    assert (response.status_code, nowhere.status_code) == (404, 404)
    assert b"acme" not in response.content.replace(route.address(things).encode(), b"")


@pytest.mark.parametrize("route", PAGES_ABOUT_ONE, ids=named)
def test_a_thing_of_another_organization_is_not_found_under_the_own_address(
    route: Route, things: dict[str, object], charlie: User
) -> None:
    address = route.address({**things, "slug": other_organization(charlie).slug})

    assert visit(client_of(charlie), address).status_code == 404


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("route", PAGES, ids=named)
def test_a_role_may_what_its_permissions_say(
    route: Route, role: Role, things: dict[str, object], acme: Organization
) -> None:
    person = factories.a_person(f"{role}@acme.example")
    with acting_for(acme.pk):
        factories.a_member(person, role)

    response = visit(client_of(person), route.address(things))

    may = route.view.permission in PERMISSIONS_OF_ROLE[role]
    assert (response.status_code not in REFUSED) is may
    assert may or response.status_code == 403


# --- The API ----------------------------------------------------------------------------------------------------------


def needed(route: Route, method: str) -> Permission:
    name = "read_permission" if method == "get" else "write_permission"
    permission: Permission = getattr(route.view.cls, name)
    return permission


@pytest.mark.parametrize(("route", "method"), [*ENDPOINTS, *OF_TOKEN], ids=named)
def test_an_endpoint_needs_a_token(route: Route, method: str, things: dict[str, object], alice: User) -> None:
    address = route.address(things)

    strangers = [Client(), Client(headers={"authorization": "Bearer aap_unknown"}), client_of(alice)]
    assert [getattr(client, method)(address).status_code for client in strangers] == [401, 401, 401]


@pytest.mark.parametrize(("route", "method"), [*ENDPOINTS, *OF_TOKEN], ids=named)
def test_a_revoked_token_is_none(route: Route, method: str, things: dict[str, object], acme: Organization) -> None:
    client = with_token(acme, *Scope, is_revoked=True)

    assert getattr(client, method)(route.address(things)).status_code == 401


@pytest.mark.parametrize(("route", "method"), ENDPOINTS, ids=named)
def test_a_token_of_another_organization_learns_nothing(
    route: Route, method: str, things: dict[str, object], charlie: User
) -> None:
    client = with_token(other_organization(charlie), *Scope)

    there = getattr(client, method)(route.address(things))
    nowhere = getattr(client, method)(route.address({**things, "slug": "no-such-organization"}))

    assert (there.status_code, there.json()) == (404, nowhere.json())


@pytest.mark.parametrize(("route", "method"), OF_TOKEN, ids=named)
def test_a_token_that_names_no_organization_sees_its_own(
    route: Route, method: str, things: dict[str, object], charlie: User
) -> None:
    answer = getattr(with_token(other_organization(charlie), *Scope), method)(route.address(things))

    assert answer.status_code == 200
    assert "acme" not in answer.content.decode()


@pytest.mark.parametrize(("route", "method"), ENDPOINTS_ABOUT_ONE, ids=named)
def test_a_thing_of_another_organization_is_not_found_by_its_id(
    route: Route, method: str, things: dict[str, object], charlie: User
) -> None:
    other = other_organization(charlie)

    response = getattr(with_token(other, *Scope), method)(route.address({**things, "slug": other.slug}))

    assert response.status_code == 404


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize(("route", "method"), [*ENDPOINTS, *OF_TOKEN], ids=named)
def test_a_scope_may_what_its_permissions_say(
    route: Route, method: str, scope: Scope, things: dict[str, object], acme: Organization
) -> None:
    response = getattr(with_token(acme, scope), method)(route.address(things))

    may = needed(route, method) in PERMISSIONS_OF_SCOPE[scope]
    assert (response.status_code not in REFUSED) is may
    assert may or response.status_code == 403
