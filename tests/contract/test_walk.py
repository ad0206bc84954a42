"""Every address is visited: as a stranger, as a member elsewhere, in each role, limited to a team, with each token.

What is expected comes from what the view declares. An address that declares nothing, stands in no table here, or takes
an argument that the walk cannot fill in, fails.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse

import findings.services
import memories.services
import orgs.joining
import orgs.services
import orgs.teams
from assistant_platform.api.base import ApiView, OrgView
from assistant_platform.api.semgrep_ci.base import ClientView
from assistant_platform.web import checks
from events.kinds import SYSTEM, Kind
from events.services import record
from findings.models import Finding, Triage
from memories.models import MemorySource, Purpose
from memories.scopes import Scope as MemoryScope
from notifications.models import SlackDestination, SlackWorkspace
from orgs.models import Membership, Project
from orgs.permissions import PERMISSIONS_OF_ROLE, PERMISSIONS_OF_SCOPE, Permission, Role, Scope
from orgs.selectors import memberships_of
from providers.models import Connection, ModelCall, Outcome, Vendor
from remediation.models import Autofix
from rules.models import RuleImport
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from triage.models import AuditSample, Source

# Addresses without an organization that are about the own account: a stranger is sent to the sign-in.
ACCOUNT = frozenset(name for name, why in checks.PUBLIC.items() if why == checks.OWN_ACCOUNT)
# Addresses without an organization that need no sign-in, and what a stranger gets there.
PUBLIC = {
    **dict.fromkeys(checks.PUBLIC.keys() - ACCOUNT, 302),
    "account_login": 200,
    "account_signup": 200,
    "account_email_verification_sent": 200,
    "account_inactive": 200,
    "account_confirm_email": 200,
    "account_reset_password": 200,
    "account_reset_password_done": 200,
    "account_reset_password_from_key": 200,
    "account_reset_password_from_key_done": 200,
    "invitation": 404,
    "priority-emails-unsubscribe": 404,
    "sign-on": 200,
    "sign-on-hint": 405,
    "sign-on-acs": 405,
    **dict.fromkeys(("sign-on-start", "sign-on-callback", "sign-on-acs-finish", "sign-on-metadata"), 404),
    "help-settings": 200,
    "healthz": 200,
    "readyz": 200,
    "api-schema": 200,
    "api-docs": 200,
    "hook-github": 405,
    "hook-gitlab": 405,
    "hook-slack-actions": 405,
    "hook-slack-events": 405,
    "ci-check-version": 200,
    "ci-rule-lints": 200,
    "ci-fail-open": 405,
    "ci-token-request": 405,
}
# What an address without an organization may take; nothing of anybody's.
WORDS = {"key": "abc-def", "uidb36": "1", "token": "unknown", "pk": 1}
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
    if issubclass(getattr(route.view, "cls", object), ApiView)
    and not issubclass(route.view.cls, OrgView)
    and hasattr(route.view.cls, method)
]
# What `semgrep ci` calls: no organization in the address, the token alone says whose it is.
OF_THE_CLIENT = [
    (route, method)
    for route in ROUTES
    for method in METHODS
    if issubclass(getattr(route.view, "cls", object), ClientView) and hasattr(route.view.cls, method)
]
OUTSIDE = [route for route in ROUTES if route.name in {*PUBLIC, *ACCOUNT}]
PAGES_ABOUT_ONE = [route for route in PAGES if set(route.arguments) != {"slug"}]
# A policy is a mode, and the same in every organization.
OF_EVERYBODY = {"slug", "policy_id"}
ENDPOINTS_ABOUT_ONE = [(route, method) for route, method in ENDPOINTS if not set(route.arguments) <= OF_EVERYBODY]


def named(part: object) -> str:
    return part.name if isinstance(part, Route) else str(part)


@pytest.fixture
def things(acme: Organization) -> dict[str, object]:
    """One thing of each kind that an address can name, all of Acme."""
    with acting_for(acme.pk):
        triage_import = factories.a_triage_import()
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
            finding_id=finding.pk,
        )
        bulk = findings.services.triage_in_bulk(
            chosen=Finding.objects.all(), triage=Triage.REVIEWING, reason=None, comment="", actor=SYSTEM
        )
        endpoint = factories.a_webhook_endpoint()
        message = factories.a_webhook_message(endpoint)
        team = orgs.teams.create_team(name="Payments", actor=SYSTEM)
        token, _ = orgs.services.create_token(
            name="nightly", scopes=[Scope.CI], created_by=factories.a_person("maker@acme.example"), actor=SYSTEM
        )
        verdict = factories.a_verdict(finding)
        sample = AuditSample.objects.create(verdict=verdict, finding=finding)
        connection = Connection.objects.create(vendor=Vendor.BUILT_IN)
        repository = factories.a_repository(factories.a_code_host())
        other = factories.a_member(factories.a_person("other@acme.example"), Role.READ_ONLY)
        admin = Membership.objects.get(role=Role.ADMIN)
        sign_on = factories.a_sign_on()
        domain = sign_on.domains.get()
        rule_import = RuleImport.objects.create(source="rules.yaml", imported_by="other@acme.example")
        change = record(Kind.RULE_MODES_CHANGED, actor=SYSTEM, count=0)
        workspace = SlackWorkspace.objects.create(team_id="T0ACME", team_name="Workspace", installed_by="other")
        destination = SlackDestination.objects.create(
            workspace=workspace, channel_id="C0SECURITY", channel_name="security", chosen_by="other"
        )
        memory = memories.services.teach(
            text="Ours is safe.",
            purpose=Purpose.BOTH,
            scope=MemoryScope(),
            source=MemorySource.PAGE,
            actor=SYSTEM,
            goes_live=False,
        )
        invited = orgs.joining.invite(addresses=["new@acme.example"], role=Role.MEMBER, by=admin, actor=SYSTEM)
        project = finding.project
    return {
        **WORDS,
        "client_id": uuid.uuid4(),
        "rule_id": finding.rule_id,
        "import_id": rule_import.pk,
        "event_id": change.pk,
        "platform": "manylinux",
        "membership_id": other.pk,
        "invitation_id": invited.invitations[0].pk,
        "sign_on_id": sign_on.pk,
        "domain_id": domain.pk,
        "destination_id": destination.pk,
        "slug": acme.slug,
        "connection_id": connection.pk,
        "finding_id": finding.pk,
        "host_id": repository.host_id,
        "endpoint_id": endpoint.pk,
        "webhook_id": endpoint.pk,
        "message_id": message.pk,
        "repository_id": repository.pk,
        "bulk_id": bulk.pk,
        "policy_id": 2,
        "project_name": project.name,
        "project_id": project.pk,
        "sample_id": sample.pk,
        "scan_id": finding.first_scan_id,
        "triage_import_id": triage_import.pk,
        "call_id": call.pk,
        "memory_id": memory.pk,
        "team_id": team.pk,
        "token_id": token.pk,
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


def test_every_address_is_known() -> None:
    known = (
        {route.name for route in PAGES}
        | {route.name for route, _ in [*ENDPOINTS, *OF_TOKEN, *OF_THE_CLIENT]}
        | {*PUBLIC, *ACCOUNT}
    )
    unknown = [route.name for route in ROUTES if route.name not in known]

    assert unknown == [], (
        "decorate a page with org_page, make an endpoint an OrgView, or add the name to PUBLIC or ACCOUNT here"
        " and to assistant_platform.web.checks.PUBLIC with the reason"
    )


def test_what_needs_no_permission_is_the_same_here_and_at_the_start_of_the_product() -> None:
    assert {*PUBLIC, *ACCOUNT} == set(checks.PUBLIC)


def test_every_page_names_a_permission_and_every_endpoint_one_for_each_method() -> None:
    undeclared = [route.name for route in PAGES if route.view.permission not in Permission]
    undeclared += [route.name for route, method in ENDPOINTS if needed(route, method) not in Permission]

    assert undeclared == []


def test_the_walk_can_fill_in_every_argument(things: dict[str, object]) -> None:
    unfilled = [route.name for route in PAGES if not set(route.arguments) <= set(things)]
    unfilled += [route.name for route, _ in ENDPOINTS if not set(route.arguments) <= set(things)]
    unfilled += [route.name for route in OUTSIDE if not set(route.arguments) <= set(WORDS)]

    assert unfilled == [], "add one of what they are about to the fixture `things`, or a word to WORDS"


@pytest.mark.parametrize(("route", "method"), OF_THE_CLIENT, ids=named)
def test_no_call_of_semgreps_client_is_answered_without_a_token_for_it(
    route: Route, method: str, things: dict[str, object], alice: User, acme: Organization
) -> None:
    with acting_for(acme.pk):
        scopes = [Scope.API_READ]
        reading = orgs.services.create_token(name="reads", scopes=scopes, created_by=alice, actor=SYSTEM)[1]
    callers = [Client(), client_of(alice), Client(headers={"authorization": f"Bearer {reading}"})]

    codes = [caller.generic(method.upper(), route.address(things)).status_code for caller in callers]

    assert codes == [401, 401, 403]


# --- Pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", [route for route in OUTSIDE if route.name in PUBLIC], ids=named)
def test_a_stranger_gets_into_what_is_public(route: Route, db: None) -> None:
    assert Client().get(route.address(WORDS)).status_code == PUBLIC[route.name]


@pytest.mark.parametrize("route", [route for route in OUTSIDE if route.name in ACCOUNT], ids=named)
def test_a_stranger_has_no_account_to_look_at(route: Route, db: None) -> None:
    response = visit(Client(), route.address(WORDS))

    assert (response.status_code, response["Location"].split("?")[0]) == (302, reverse("account_login"))


@pytest.mark.parametrize("route", OUTSIDE, ids=named)
def test_no_address_outside_organizations_fails_for_somebody_who_is_signed_in(route: Route, bob: User) -> None:
    assert visit(client_of(bob), route.address(WORDS)).status_code < 500


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


# --- What a page leads to ---------------------------------------------------------------------------------------------


LEADS_ELSEWHERE = ("/static/", "/accounts/sign-on/")  # files, and other people's identity providers
ADDRESSES = re.compile(r"""(href|action|hx-get|hx-post|data-copy-from)="(/[^"#]*)""")


def crawl(client: Client, start: str) -> dict[str, tuple[int, str]]:
    """Open a page and all that it leads to; return the status and text of each address, by the address."""
    found: dict[str, tuple[int, str]] = {}
    waiting = [start]
    while waiting:
        address = waiting.pop()
        response = client.get(address)
        text = b"".join(response).decode() if response.streaming else response.content.decode()
        found[address] = (response.status_code, text)
        led_to = [unescape(match[2]) for match in ADDRESSES.finditer(text)]
        led_to += [response["Location"]] if response.has_header("Location") else []
        waiting += [one for one in dict.fromkeys(led_to) if one not in found and not one.startswith(LEADS_ELSEWHERE)]
        waiting = list(dict.fromkeys(waiting))
    return found


@pytest.mark.parametrize("role", Role)
def test_no_page_leads_where_the_role_may_not_go(role: Role, things: dict[str, object], acme: Organization) -> None:
    person = factories.a_person(f"{role}@acme.example")
    with acting_for(acme.pk):
        factories.a_member(person, role)

    seen = crawl(client_of(person), "/")

    assert len(seen) > 10
    assert {address: status for address, (status, _) in seen.items() if status not in {200, 302, 405}} == {}
    may = PERMISSIONS_OF_ROLE[role]
    behind = {address: getattr(resolve(urlsplit(address).path).func, "permission", None) for address in seen}
    assert {address: needs for address, needs in behind.items() if needs is not None and needs not in may} == {}


# --- Limited to the projects of teams ---------------------------------------------------------------------------------


@pytest.fixture
def limited(things: dict[str, object], acme: Organization) -> User:
    """A Manager of Acme whose only team has one project, and none of the things above."""
    person = factories.a_person("limited@acme.example")
    with acting_for(acme.pk):
        member = factories.a_member(person, Role.MANAGER)
        team = orgs.teams.create_team(name="Apart", actor=SYSTEM)
        orgs.teams.set_members(team=team, members=[member], actor=SYSTEM)
        own = factories.a_finding(project=factories.a_project("apart"), path="apart/own.py")
        orgs.teams.set_projects(team=team, projects=[own.project], actor=SYSTEM)
        orgs.teams.set_limit(member=member, is_limited=True, actor=SYSTEM)
    return person


OF_A_PROJECT = {"finding_id", "project_id", "scan_id"}


@pytest.mark.parametrize("route", [route for route in PAGES if OF_A_PROJECT & set(route.arguments)], ids=named)
def test_a_thing_outside_the_own_teams_is_not_found(route: Route, things: dict[str, object], limited: User) -> None:
    may = route.view.permission in PERMISSIONS_OF_ROLE[Role.MANAGER]

    assert visit(client_of(limited), route.address(things)).status_code == (404 if may else 403)


def test_nothing_that_a_limited_person_can_reach_tells_of_other_projects(
    things: dict[str, Any], limited: User, acme: Organization
) -> None:
    with acting_for(acme.pk):
        outside = Finding.objects.select_related("project").get(pk=things["finding_id"])
        Finding.objects.filter(pk=outside.pk).update(path="outside/hidden.py")
        Project.objects.filter(pk=outside.project_id).update(name="hidden-project")
    lists = [route.address(things) for route in PAGES if set(route.arguments) == {"slug"}]

    client = client_of(limited)
    seen = crawl(client, f"/orgs/{acme.slug}/findings/") | {address: (0, visited(client, address)) for address in lists}

    assert any("apart/own.py" in text for _, text in seen.values())
    assert [
        address for address, (_, text) in seen.items() if "hidden-project" in text or "outside/hidden" in text
    ] == []
    assert {address: status for address, (status, _) in seen.items() if status in {403, 404}} == {}


def visited(client: Client, address: str) -> str:
    response = visit(client, address)
    text: str = b"".join(response).decode()
    return text


@pytest.mark.parametrize("folder", ["web", "api"])
def test_no_page_and_no_endpoint_reads_past_what_the_viewer_sees(folder: str) -> None:
    past = re.compile(r"\b(every_finding|(Finding|Scan|Project|Presence|Verdict|Autofix|Guidance|Note)\.objects)\b")
    modules = (Path(settings.BASE_DIR) / "assistant_platform" / folder).rglob("*.py")

    assert {module.name: past.findall(text) for module in modules if past.search(text := module.read_text())} == {}


# --- The API ----------------------------------------------------------------------------------------------------------


def needed(route: Route, method: str) -> Permission:
    name = "read_permission" if method == "get" else "write_permission"
    permission: Permission = getattr(route.view.cls, name)
    return permission


@pytest.mark.parametrize(("route", "method"), [*ENDPOINTS, *OF_TOKEN], ids=named)
def test_an_endpoint_needs_a_token(route: Route, method: str, things: dict[str, object], alice: User) -> None:
    address = route.address(things)

    strangers = [Client(), Client(headers={"authorization": "Bearer unknown"}), client_of(alice)]
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
