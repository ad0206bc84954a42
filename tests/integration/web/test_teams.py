"""Settings > Teams, and what somebody sees who is limited to the projects of their teams."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

import orgs.selectors
import orgs.services
import orgs.teams
from events.kinds import SYSTEM, Kind
from events.models import Event
from findings.models import Finding, Scan
from orgs.models import Membership, Project, Team
from orgs.permissions import Role, Scope
from tenancy.models import Organization
from tests import factories

ClientFor = Callable[[User], Client]

TEAMS = "/orgs/acme/settings/teams/"
REPORT = b'{"version": "1.100.0", "results": [], "errors": [], "paths": {"scanned": []}}'


@pytest.fixture(autouse=True)
def _own_counts(settings: Settings) -> None:
    # Not cache.clear(): it would take from tests in other processes what they are counting.
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid.uuid4().hex}}


@pytest.fixture
def mona(in_acme: Organization) -> User:
    """A Manager of Acme."""
    person = factories.a_person("mona@acme.example")
    factories.a_member(person, Role.MANAGER)
    return person


@pytest.fixture
def window(mona: User, client_for: ClientFor) -> Client:
    return client_for(mona)


@pytest.fixture
def shop(in_acme: Organization) -> Finding:
    """A finding of the project that Bob's team has."""
    return factories.a_finding(project=factories.a_project("shop"), path="shop/own.py", severity=4)


@pytest.fixture
def vault(in_acme: Organization) -> Finding:
    """A finding of a project that Bob's team does not have, with a rule and a branch of its own."""
    scan = factories.a_scan(factories.a_project("vault"), branch="vault-only")
    return factories.a_finding(scan=scan, rule=factories.a_rule("vault.rule"), path="vault/secret.py", severity=3)


@pytest.fixture
def team(bob: User, shop: Finding, vault: Finding) -> Team:
    """Bob's team, which has the shop; Bob is limited to it."""
    team = orgs.teams.create_team(name="Shopkeepers", actor=SYSTEM)
    orgs.teams.set_members(team=team, members=[membership_of(bob)], actor=SYSTEM)
    orgs.teams.set_projects(team=team, projects=[shop.project], actor=SYSTEM)
    orgs.teams.set_limit(member=membership_of(bob), is_limited=True, actor=SYSTEM)
    return team


def membership_of(person: User) -> Membership:
    return Membership.objects.select_related("user").get(user=person)


def told() -> list[str]:
    """Return the changes of teams that the log tells of, oldest first."""
    events = Event.objects.filter(kind=Kind.TEAM_CHANGED).order_by("pk")
    return [event.subject["change"] for event in events]


# --- The pages --------------------------------------------------------------------------------------------------------


def test_a_manager_makes_a_team_and_fills_it(window: Client, bob: User, shop: Finding) -> None:
    window.post(f"{TEAMS}create/", {"name": "Shopkeepers"})
    team = Team.objects.get()
    window.post(f"{TEAMS}{team.pk}/people/", {"add": [membership_of(bob).pk]})
    window.post(f"{TEAMS}{team.pk}/projects/", {"add_named": "shop"})

    page = window.get(f"{TEAMS}{team.pk}/").content.decode()

    assert "bob@acme.example" in page
    assert ">shop</a>" in page
    assert told() == ["created", "people: added bob@acme.example", "projects: added shop"]


def test_people_and_projects_are_taken_out_again(window: Client, team: Team, bob: User, shop: Finding) -> None:
    window.post(f"{TEAMS}{team.pk}/people/", {"remove": membership_of(bob).pk})
    window.post(f"{TEAMS}{team.pk}/projects/", {"remove": shop.project_id})

    assert (team.members.count(), team.projects.count()) == (0, 0)
    assert told()[-2:] == ["people: removed bob@acme.example", "projects: removed shop"]


def test_a_team_is_renamed_and_deleted_and_its_projects_stay(window: Client, team: Team) -> None:
    window.post(f"{TEAMS}{team.pk}/name/", {"name": "Sellers"})
    window.post(f"{TEAMS}{team.pk}/delete/")

    assert told()[-1] == "name: Shopkeepers → Sellers"
    assert Event.objects.get(kind=Kind.TEAM_DELETED).subject == {"team": "Sellers"}
    assert (Team.objects.count(), Project.objects.count()) == (0, 2)


@pytest.mark.parametrize("address", ["create/", "{team}/name/"])
def test_two_teams_have_two_names(address: str, window: Client, team: Team) -> None:
    other = orgs.teams.create_team(name="Others", actor=SYSTEM)
    taken = {"create/": "Others", "{team}/name/": "Others"}[address]

    response = window.post(f"{TEAMS}{address.format(team=team.pk)}", {"name": taken})

    assert (response.status_code, b"There is a team of this name" in response.content) == (422, True)
    assert Team.objects.filter(name="Others").get() == other


def test_somebody_of_another_organization_gets_into_no_team(window: Client, team: Team, charlie: User) -> None:
    window.post(f"{TEAMS}{team.pk}/people/", {"add_named": charlie.email})
    window.post(f"{TEAMS}{team.pk}/people/", {"add": ["999999"]})

    assert team.members.count() == 1


def test_a_manager_limits_a_person_and_lifts_it_again(window: Client, bob: User) -> None:
    window.post(f"{TEAMS}limits/", {"email": "Bob@acme.example", "sees": "teams"})
    limited = membership_of(bob).is_limited_to_teams
    window.post(f"{TEAMS}limits/", {"email": bob.email, "sees": "all"})

    assert (limited, membership_of(bob).is_limited_to_teams) == (True, False)
    subjects = [event.subject for event in Event.objects.filter(kind=Kind.ACCESS_CHANGED).order_by("pk")]
    assert [(subject["email"], subject["new"]) for subject in subjects] == [
        ("bob@acme.example", "the projects of their teams"),
        ("bob@acme.example", "every project"),
    ]


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("mona@acme.example", "Nobody changes what they see themselves"),
        ("alice@acme.example", "An Admin sees every project"),
        ("charlie@umbrella.example", "Nobody here has that e-mail address"),
        ("", "Nobody here has that e-mail address"),
    ],
)
def test_who_cannot_be_limited_is_said(who: str, said: str, window: Client, charlie: User) -> None:
    response = window.post(f"{TEAMS}limits/", {"email": who, "sees": "teams"}, follow=True)

    assert said in response.content.decode()
    assert not Membership.objects.filter(is_limited_to_teams=True).exists()


# --- What a limited person sees ---------------------------------------------------------------------------------------


def test_lists_counts_and_filters_show_the_projects_of_the_own_teams(
    team: Team, bob: User, client_for: ClientFor
) -> None:
    bobs = client_for(bob)

    pages = [
        bobs.get(f"/orgs/acme/{place}").content.decode() for place in ("findings/?counts=yes", "projects/", "scans/")
    ]
    filters = bobs.get("/orgs/acme/findings/filters/").content.decode()

    assert "shop/own.py" in pages[0]
    assert all("vault" not in page for page in [*pages, filters])
    assert ">1 finding<" in filters.replace("\n", "").replace("  ", "")


def test_what_one_person_counted_is_not_told_to_another(
    team: Team, bob: User, alice: User, client_for: ClientFor
) -> None:
    def total(person: User) -> str:
        return client_for(person).get("/orgs/acme/findings/filters/").content.decode().split('"subtle">')[1][:10]

    assert [total(alice), total(bob), total(alice)] == ["2 findings", "1 finding<", "2 findings"]
    assert client_for(bob).get("/orgs/acme/findings/").content.decode().count("vault") == 0


@pytest.mark.parametrize(
    "place",
    ["findings/?project={project}", "findings/?scan={scan}", "findings/?ref=vault-only", "findings/?rule={rule}"],
)
def test_a_filter_opens_no_other_project(
    place: str, team: Team, vault: Finding, bob: User, client_for: ClientFor
) -> None:
    query = place.format(project=vault.project_id, scan=vault.first_scan_id, rule=vault.rule_id)

    assert b"vault/secret.py" not in client_for(bob).get(f"/orgs/acme/findings/{query}").content


@pytest.mark.parametrize("name", ["vault", "a-new-one"])
def test_a_limited_person_uploads_into_the_projects_of_the_own_teams_only(
    name: str, team: Team, bob: User, client_for: ClientFor
) -> None:
    def upload(project: str) -> int:
        sent = {"project": project, "report": SimpleUploadedFile("report.json", REPORT)}
        return client_for(bob).post("/orgs/acme/upload/", sent).status_code

    before = Scan.objects.count()

    assert (upload(name), Scan.objects.count() - before) == (422, 0)
    assert (upload("shop"), Scan.objects.count() - before) == (302, 1)


def test_a_limited_person_in_no_team_sees_no_project(team: Team, bob: User, client_for: ClientFor) -> None:
    orgs.teams.set_members(team=team, members=[], actor=SYSTEM)

    page = client_for(bob).get("/orgs/acme/findings/")

    assert (page.status_code, b".py" in page.content) == (200, False)


def test_a_limited_manager_neither_manages_teams_nor_invites_and_is_told_why(
    team: Team, mona: User, client_for: ClientFor
) -> None:
    orgs.teams.set_limit(member=membership_of(mona), is_limited=True, actor=SYSTEM)

    refused = client_for(mona).get(TEAMS)

    assert refused.status_code == 403
    assert "limited to the projects of your teams" in refused.content.decode()
    assert TEAMS not in client_for(mona).get("/orgs/acme/findings/").content.decode()


def test_an_admin_is_never_limited(team: Team, bob: User, client_for: ClientFor) -> None:
    Membership.objects.filter(user=bob).update(role=Role.ADMIN)

    assert b"vault/secret.py" in client_for(bob).get("/orgs/acme/findings/").content


def test_a_token_sees_every_project(team: Team, vault: Finding, alice: User) -> None:
    _, value = orgs.services.create_token(name="all", scopes=[Scope.API_READ], created_by=alice, actor=SYSTEM)

    response = Client(headers={"authorization": f"Bearer {value}"}).get(f"/api/v1/deployments/acme/findings/{vault.pk}")

    assert response.status_code == 200


def test_who_is_not_limited_pays_nothing_for_teams(team: Team, alice: User, bob: User, client_for: ClientFor) -> None:
    def asked(person: User) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            client_for(person).get("/orgs/acme/findings/")
        return [query["sql"] for query in queries if "orgs_team" in query["sql"]]

    assert (len(asked(alice)), len(asked(bob))) == (0, 1)
