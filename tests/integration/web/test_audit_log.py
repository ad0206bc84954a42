"""Settings > Audit log: who did what when, filtered, page by page and as a file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html import unescape

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse, QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

import findings.services
import orgs.services
import orgs.teams
from events import audit
from events.kinds import MACHINE_WORK, SCANNER, SYSTEM, Actor, ActorKind, Kind
from events.models import Event
from events.services import record
from findings.models import IgnoreReason
from orgs.permissions import Scope
from orgs.services import actor_of
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories

ClientFor = Callable[[User], Client]

LOG = "/orgs/acme/settings/audit-log/"


@pytest.fixture
def window(acme: Organization, alice: User, client_for: ClientFor) -> Client:
    return client_for(alice)


def shown(window: Client, query: str = "") -> list[str]:
    """Return what the page says, a text for each line: who, and what."""
    page = window.get(f"{LOG}{query}").content.decode()
    rows = re.findall(r"<tr><td class=\"audit-when\">.*?</td><td>(.*?)</td><td>(.*?)</td></tr>", page, re.DOTALL)
    return [unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", f"{who}: {what}")).strip()) for who, what in rows]


def exported(window: Client, **fields: str) -> str:
    response = window.post(f"{LOG}export/", fields)
    assert isinstance(response, HttpResponse) or response.streaming
    return b"".join(response).decode()


def test_what_people_and_tokens_do_is_told_in_words_newest_first(
    window: Client, in_acme: Organization, alice: User
) -> None:
    orgs.services.create_token(name="CI", scopes=[Scope.CI], created_by=alice, actor=actor_of(alice))
    orgs.services.project_named("shop", actor=Actor(ActorKind.TOKEN, "CI"))
    orgs.services.change_settings(actor=actor_of(alice), changes={"pull_request_cap": 25})

    told = shown(window)

    assert told[0].startswith("alice@acme.example: changed the Assistant's settings")
    assert "25" in told[0]
    assert told[1] == "CI API token : created the project shop"
    assert told[2] == "alice@acme.example: made the API token CI scopes: ci"
    assert told[3] == "alice@acme.example: created the organization Acme"


def test_a_change_is_told_from_old_to_new(window: Client, in_acme: Organization, bob: User) -> None:
    member = bob.memberships.get()
    team = orgs.teams.create_team(name="Payments", actor=SYSTEM)
    orgs.teams.rename_team(team=team, name="Billing", actor=SYSTEM)
    orgs.teams.set_limit(member=member, is_limited=True, actor=SYSTEM)
    record(Kind.ROLE_CHANGED, actor=SYSTEM, email=bob.email, role="manager", before="member")

    told = shown(window)

    assert told[0] == "System: changed the role of bob@acme.example Member → Manager"
    assert told[1] == "System: changed which projects bob@acme.example sees every project → the projects of their teams"
    assert told[2] == "System: changed the team Billing name: Payments → Billing Team Billing"


def test_machine_work_on_findings_is_left_out_and_peoples_decisions_are_not(
    window: Client, in_acme: Organization, alice: User
) -> None:
    finding = factories.a_finding()
    record(Kind.FINDING_FOUND, actor=SCANNER, finding_id=finding.pk)
    findings.services.ignore(finding=finding, reason=IgnoreReason.NO_TIME, comment="", actor=actor_of(alice))

    told = shown(window)

    assert len(told) == 2
    assert told[0].startswith("alice@acme.example: ignored a finding")
    assert "app/orders.py:3" in told[0]


def test_an_event_that_nobody_found_words_for_is_told_all_the_same(window: Client, in_acme: Organization) -> None:
    record(Kind.RETENTION_ANNOUNCED, actor=SYSTEM, days=90)
    Event.objects.create(kind="of_a_later_version", actor_kind="system", actor_name="System", is_audit=True)

    told = shown(window)

    assert told[0].startswith("System: of_a_later_version")
    assert told[1] == "System: longer retention announced days: 90"


def test_every_kind_of_the_log_has_its_place_among_the_filters() -> None:
    offered = [kind for topic in audit.topics() for kind in topic.kinds]

    assert sorted(offered) == sorted(set(Kind) - MACHINE_WORK)


@pytest.fixture
def june(in_acme: Organization, alice: User) -> None:
    """Three things on three days of June, by a person, a token and the product."""
    with time_machine.travel("2026-06-01T23:30:00Z"):
        record(Kind.PROJECT_CREATED, actor=actor_of(alice), project="shop")
    with time_machine.travel("2026-06-02T12:00:00Z"):
        record(Kind.SCAN_RECEIVED, actor=Actor(ActorKind.TOKEN, "CI-nightly"), project="Shop 100%", scan_id=1)
    with time_machine.travel("2026-06-03T12:00:00Z"):
        record(Kind.TEAM_DELETED, actor=SYSTEM, team="Payments")


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("?since=2026-06-02&until=2026-06-02", ["scan_received"]),
        ("?until=2026-06-01", ["project_created"]),
        ("?until=2026-06-30&what=scans", ["scan_received", "project_created"]),
        ("?what=team_deleted", ["team_deleted"]),
        ("?who=token-CI-nightly", ["scan_received"]),
        ("?who=system&until=2026-06-30", ["team_deleted"]),
        ("?text=SHO&until=2026-06-30", ["scan_received", "project_created"]),
        ("?text=shop+100%25", ["scan_received"]),
        ("?text=hop", []),
        ("?text=%25", []),
        ("?text=ci-", ["scan_received"]),
        ("?text=alice@&until=2026-06-30", ["project_created"]),
        ("?since=nonsense&who=nobody&what=finding_found&until=2026-06-01", ["project_created"]),
        ("?since=0001-01-01&until=9999-12-31&what=team_deleted&text=%00", ["team_deleted"]),
    ],
)
def test_a_filter_shows_what_it_says(query: str, kinds: list[str], june: None, window: Client) -> None:
    exact = exported_for(window, query)

    assert [entry["kind"] for entry in exact if entry["kind"] != "log_exported"] == kinds
    assert len(shown(window, query)) >= len(kinds)


def exported_for(window: Client, query: str) -> list[dict[str, object]]:
    lines = exported(window, **QueryDict(query[1:]).dict(), format="ndjson")
    return [json.loads(line) for line in lines.splitlines()]


def test_a_persons_lines_are_found_by_the_person(june: None, window: Client, alice: User) -> None:
    told = shown(window, f"?who=person-{alice.pk}&what=project_created")

    assert told == ["alice@acme.example: created the project shop"]


def test_days_begin_in_the_organizations_time_zone(june: None, window: Client, acme: Organization) -> None:
    acme.time_zone = "Europe/Berlin"
    with acting_for(acme.pk):
        acme.save()

    assert shown(window, "?since=2026-06-02&until=2026-06-02")[-1] == "alice@acme.example: created the project shop"


def test_pages_follow_each_other_without_a_gap(
    window: Client, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "PAGE_SIZE", 3)
    for number in range(7):
        record(Kind.PROJECT_CREATED, actor=SYSTEM, project=f"p{number}")

    seen, query = [], "?what=project_created"
    for _ in range(3):
        seen += shown(window, query)
        link = re.search(r'rel="next" href="[^"]*(\?[^"]*)"', window.get(f"{LOG}{query}").content.decode())
        query = link[1].replace("&amp;", "&") if link else ""

    assert seen == [f"System: created the project p{number}" for number in range(6, -1, -1)]
    assert query == ""


def test_a_page_asks_the_same_whatever_it_shows(window: Client, in_acme: Organization) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            window.get(LOG)
        return len(queries)

    finding = factories.a_finding()
    record(Kind.NOTE_ADDED, actor=SYSTEM, finding_id=finding.pk, note_id=1)
    few = asked()
    for _ in range(20):
        record(Kind.NOTE_ADDED, actor=SYSTEM, finding_id=factories.a_finding().pk, note_id=1)

    assert asked() == few


def test_an_export_obeys_the_filters_and_is_itself_a_line(june: None, window: Client, alice: User) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(window, format="csv", what="project_created"))))

    assert [(row["actor"], row["action"]) for row in rows] == [("alice@acme.example", "created the project shop")]
    event = Event.objects.get(kind=Kind.LOG_EXPORTED)
    assert (event.actor_user_id, event.subject) == (
        alice.pk,
        {"log": "audit", "format": "csv", "filters": "what: project_created"},
    )


def test_an_export_is_read_in_parts(window: Client, in_acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "READ_TOGETHER", 2)
    for number in range(5):
        record(Kind.PROJECT_CREATED, actor=SYSTEM, project=f"p{number}")

    lines = exported(window, format="ndjson", what="project_created").splitlines()

    assert [json.loads(line)["subject"]["project"] for line in lines] == ["p4", "p3", "p2", "p1", "p0"]


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", " =1"])
def test_a_spreadsheet_calculates_nothing_of_an_export(name: str, window: Client, in_acme: Organization) -> None:
    record(Kind.TOKEN_REVOKED, actor=Actor(ActorKind.TOKEN, name), token=name)

    rows = list(csv.reader(io.StringIO(exported(window, format="csv", what="token_revoked"))))

    assert rows[1][4] == f"'{name}"
    assert [cell for row in rows for cell in row if cell.lstrip(" ")[:1] in {"=", "+", "-", "@", "\t"}] == []


def test_another_format_is_no_export(window: Client, in_acme: Organization) -> None:
    assert window.post(f"{LOG}export/", {"format": "exe"}).status_code == 302
    assert not Event.objects.filter(kind=Kind.LOG_EXPORTED).exists()


def test_nothing_of_another_organization_is_exported(window: Client, charlie: User, acme: Organization) -> None:
    assert "Umbrella" not in exported(window, format="csv")
