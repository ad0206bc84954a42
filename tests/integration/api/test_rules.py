"""Rules through the API: what a token reads, changes, brings, and is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

import orgs.services
import rules.services
from events.kinds import SYSTEM
from orgs.permissions import Scope
from rules.models import Mode, Rule, RuleOverride
from tenancy.models import Organization
from tests import factories

RULES = "/api/v1/deployments/acme/rules"


@pytest.fixture(autouse=True)
def _no_counts_of_before() -> None:
    cache.clear()


def with_scope(scope: Scope) -> Client:
    maker = factories.a_person("maker@acme.example")
    _, value = orgs.services.create_token(name=scope.value, scopes=[scope], created_by=maker, actor=SYSTEM)
    return Client(headers={"authorization": f"Bearer {value}"})


@pytest.fixture
def client(in_acme: Organization) -> Client:
    return with_scope(Scope.API_WRITE)


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    return getattr(client, method)(f"{RULES}{path}", body, content_type="application/json")


def test_rules_are_listed_with_their_numbers_page_by_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules.listing.PAGE_SIZE", 1)
    rule = factories.a_rule("a.first", mode=Mode.BLOCK)
    factories.a_rule("b.second", mode=Mode.BLOCK)
    factories.a_rule("c.third")
    scan = factories.a_scan()
    factories.a_finding(rule=rule, scan=scan)
    factories.a_finding(rule=rule, scan=scan, is_present=False)

    first = client.get(f"{RULES}?mode=block").json()
    second = client.get(f"{RULES}?mode=block&after={first['next_after']}").json()

    assert first["count"] == 2
    assert first["results"][0]["identifier"] == "a.first"
    assert (first["results"][0]["open_findings"], first["results"][0]["fix_rate"]) == (1, 0.5)
    assert first["results"][0]["delivery"] == "no_text"
    assert [rule["name"] for rule in second["results"]] == ["second"]
    assert second["next_after"] == ""


def test_a_rule_is_changed_and_shown_with_the_projects_that_differ(client: Client) -> None:
    rule, project = factories.a_rule("a.first", labels=["old"]), factories.a_project("billing")

    changed = send(client, "patch", f"/{rule.pk}", {"mode": "comment", "labels": ["pci"]}).json()
    own = send(client, "put", f"/{rule.pk}/overrides/{project.pk}", {"mode": "disabled"}).json()
    gone = send(client, "delete", f"/{rule.pk}/overrides/{project.pk}")

    assert (changed["mode"], changed["labels"]) == ("comment", ["pci"])
    assert own["overrides"] == [{"project_id": str(project.pk), "project": "billing", "mode": "disabled"}]
    assert gone.status_code == 204
    assert not RuleOverride.objects.exists()


def test_many_modes_are_changed_by_ids_or_filter_and_undone(client: Client) -> None:
    rules_made = [factories.a_rule(f"a.rule-{n}", labels=["pci"]) for n in range(3)]

    by_ids = send(client, "post", "/modes", {"mode": "block", "rule_ids": [str(rules_made[0].pk)]}).json()
    by_filter = send(client, "post", "/modes?label=pci", {"mode": "comment", "expected_count": 3}).json()
    undone = send(client, "post", f"/modes/{by_filter['event_id']}/undo").json()

    assert (by_ids["changed"], by_filter["changed"]) == (1, 3)
    assert undone == {"restored": 3, "kept": 0}
    assert list(Rule.objects.order_by("pk").values_list("mode", flat=True)) == ["block", "monitor", "monitor"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"mode": "block", "expected_count": 7}, 409),
        ({"mode": "block", "rule_ids": ["999999"]}, 409),
        ({"mode": "loud"}, 400),
        ({"mode": "block", "rule_ids": ["x"]}, 400),
    ],
)
def test_a_change_that_does_not_fit_is_refused_whole(body: dict[str, Any], status: int, client: Client) -> None:
    factories.a_rule("a.first")

    assert send(client, "post", "/modes", body).status_code == status
    assert Rule.objects.get().mode == Mode.MONITOR


def test_rules_are_brought_and_each_says_what_became_of_it(client: Client) -> None:
    text = (
        "rules:\n"
        "- {id: acme.good, languages: [python], severity: LOW, message: Do not., pattern: eval(...)}\n"
        "- {id: acme.bad, languages: [python], severity: LOW, message: Do not., pattern: 'foo(('}\n"
    )

    made = client.post(f"{RULES}/imports", {"file": SimpleUploadedFile("rules.yaml", text.encode())})
    rules.services.check_texts()
    shown = client.get(f"{RULES}/imports/{made.json()['id']}").json()

    assert made.status_code == 201
    assert {rule["engine"] for rule in made.json()["rules"]} == {"waiting"}
    assert {rule["identifier"]: rule["engine"] for rule in shown["rules"]} == {
        "acme.good": "accepted",
        "acme.bad": "refused",
    }
    good = Rule.objects.get(identifier="acme.good")
    assert client.delete(f"{RULES}/{good.pk}").status_code == 204
    assert client.delete(f"{RULES}/{good.pk}").status_code == 404


def test_what_is_no_rules_file_is_refused(client: Client) -> None:
    answer = client.post(f"{RULES}/imports", {"file": SimpleUploadedFile("rules.yaml", b"\xff\xfe\x00")})

    assert answer.status_code == 400
    assert "YAML" in str(answer.json())


def test_reading_is_not_changing(in_acme: Organization) -> None:
    rule, reader = factories.a_rule("a.first"), with_scope(Scope.API_READ)

    assert reader.get(f"{RULES}/{rule.pk}").status_code == 200
    refused = [
        send(reader, "patch", f"/{rule.pk}", {"mode": "block"}),
        send(reader, "post", "/modes", {"mode": "block"}),
    ]

    assert [answer.status_code for answer in refused] == [403, 403]
    assert Rule.objects.get().mode == Mode.MONITOR
