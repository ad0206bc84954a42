"""The list of findings: the page's filters, Semgrep's names, and what is told of each finding."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assistant_platform.api.findings.filters import OWN
from findings.listing import FindingFilter
from findings.models import Finding
from orgs.permissions import Scope
from remediation.models import Autofix
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.api.conftest import Caller
from triage.models import Source

FINDINGS = "/api/v1/deployments/acme/findings"
ROW = re.compile(r'id="finding-(\d+)"')


@pytest.fixture
def varied(acme: Organization) -> dict[str, int]:
    """Findings that differ in what they are filtered by; ids of what filters name."""
    with acting_for(acme.pk):
        shop, desk = factories.a_project("shop"), factories.a_project("team/desk")
        on_main = factories.a_scan(shop)
        on_pull = factories.a_scan(desk, branch="", pull_request_id="7")
        other = factories.a_rule("python.crypto.weak-digest", severity=2, category="performance", confidence="high")
        factories.a_finding(scan=on_main)
        factories.a_finding(scan=on_main, rule=other, severity=2)
        judged = factories.a_finding(scan=on_main, severity=4, component_tag="payments", component_risk="high")
        factories.a_verdict(judged, "false_positive")
        factories.a_finding(scan=on_pull, is_production=False, has_verified_fix=True, fix_confidence="high")
        factories.a_finding(scan=on_main, triage="to_fix", triage_source="person")
        factories.a_finding(
            scan=on_main, triage="ignored", triage_source="person", ignore_reason="acceptable_risk", product="secrets"
        )
        factories.a_finding(scan=on_pull, is_present=False)
        return {"shop": shop.pk, "desk": desk.pk, "rule": other.pk, "scan": on_pull.pk}


def listed(client: Client, query: str) -> list[int]:
    response = client.get(f"{FINDINGS}?{query}")
    assert response.status_code == 200, response.content
    return [entry["id"] for entry in response.json()["findings"]]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "severity=critical&severity=medium",
        "status=ignored",
        "status=fixed",
        "status=fixed&status=to_fix",
        "recommendation=ignore",
        "recommendation=none&severity=high",
        "component=payments",
        "risk=high",
        "backlog=production",
        "backlog=pre_production",
        "fix=verified",
        "project={shop}",
        "project={desk}&status=fixed",
        "rule={rule}",
        "ref=main",
        "ref=pull/7",
        "scan={scan}",
    ],
)
def test_the_api_lists_what_the_page_lists(
    reader: Client, alice: User, client_for: Callable[[User], Client], varied: dict[str, int], query: str
) -> None:
    query = query.format(**varied)

    page = client_for(alice).get(f"/orgs/acme/findings/?{query}").content.decode()

    on_page = [int(pk) for pk in ROW.findall(page)]
    assert on_page
    assert listed(reader, query) == on_page


@pytest.mark.parametrize(
    ("semgreps", "ours"),
    [
        ("severities=critical", "severity=critical"),
        ("repos=team/desk", "project={desk}"),
        ("repository_ids={shop}", "project={shop}"),
        ("rules=python.crypto.weak-digest", "rule={rule}"),
        ("status=fixing", "status=to_fix"),
        ("autotriage_verdict=false_positive", "recommendation=ignore"),
        ("component_tags=payments", "component=payments"),
        ("policies=1&dedup=true&since=1000", ""),
    ],
)
def test_semgreps_names_mean_the_same_as_ours(reader: Client, varied: dict[str, int], semgreps: str, ours: str) -> None:
    meant = listed(reader, ours.format(**varied))

    assert meant
    assert listed(reader, semgreps.format(**varied)) == meant


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("categories=performance", 1),
        ("confidence=high", 1),
        ("status=ignored&triage_reasons=acceptable_risk", 1),
        ("status=ignored&issue_type=secrets", 1),
        ("status=ignored&issue_type=sast", 0),
        ("since=4000000000", 0),
        ("policies=3", 0),
        ("repos=nothing-like-it", 0),
        ("repos=shop&project={desk}", 0),
        ("rules=nothing.like.it", 0),
    ],
)
def test_semgreps_filters_that_the_page_lacks(reader: Client, varied: dict[str, int], query: str, count: int) -> None:
    assert len(listed(reader, query.format(**varied))) == count


@pytest.mark.parametrize(
    "query",
    [
        "severity=huge",
        "status=provisionally_ignored",
        "project=abc",
        "ref=a%00b",
        "issue_type=dast",
        "since=yesterday",
        "since=1e400",
        "policies=9",
        "confidence=total",
        "page=-1",
        "page_size=3001",
        "page_size=0",
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_its_name(
    reader: Client, varied: dict[str, int], query: str
) -> None:
    response = reader.get(f"{FINDINGS}?{query}")

    assert (response.status_code, list(response.json()["errors"])) == (400, [query.split("=", maxsplit=1)[0]])


def test_the_counts_are_those_beside_the_pages_filters(reader: Client, varied: dict[str, int]) -> None:
    answer = reader.get(f"{FINDINGS}/counts?severity=high").json()

    assert (answer["total"], answer["is_capped"]) == (3, False)
    assert answer["by_filter"]["severity"] == {"high": 3, "medium": 1, "critical": 1}


def test_a_finding_is_told_with_semgreps_names(reader: Client, acme: Organization) -> None:
    with acting_for(acme.pk):
        project = factories.a_project("shop")
        project.url = "https://github.com/acme/shop"
        project.save()
        finding = factories.a_finding(scan=factories.a_scan(project, commit="a" * 40))
        factories.a_verdict(finding, "true_positive")

    told = reader.get(FINDINGS).json()["findings"][0]

    expected: dict[str, Any] = {
        "id": finding.pk,
        "ref": "main",
        "severity": "high",
        "status": "open",
        "state": "unresolved",
        "triage_state": "untriaged",
        "repository": {"name": "shop", "url": "https://github.com/acme/shop"},
        "location": {"file_path": "app/orders.py", "line": 3, "column": 5, "end_line": 3, "end_column": 20},
        "line_of_code_url": f"https://github.com/acme/shop/blob/{'a' * 40}/app/orders.py#L3",
        "sourcing_policy": {"id": 1, "name": "Monitor", "slug": "monitor"},
    }
    assert {name: told[name] for name in expected} == expected
    assert told["assistant"]["autotriage"]["verdict"] == "true_positive"


def test_a_page_costs_the_same_queries_whatever_its_size(reader: Client, acme: Organization) -> None:
    with acting_for(acme.pk):
        scan = factories.a_scan()
        for _ in range(30):
            factories.a_verdict(factories.a_finding(scan=scan))
    reader.get(FINDINGS)  # notes the use of the token

    with CaptureQueriesContext(connection) as few:
        reader.get(FINDINGS, {"page_size": 2})
    with CaptureQueriesContext(connection) as many:
        reader.get(FINDINGS, {"page_size": 30})

    assert len(few) == len(many)


def test_a_finding_is_decided_about(caller: Caller, acme: Organization) -> None:
    with acting_for(acme.pk):
        finding = factories.a_finding()
    writer = caller(Scope.API_WRITE)
    decision = {"triage": "ignored", "ignore_reason": "acceptable_risk", "comment": "Internal only."}

    answer = writer.patch(f"{FINDINGS}/{finding.pk}", data=decision, content_type="application/json").json()

    assert (answer["status"], answer["triage_reason"], answer["triaged_by"]) == ("ignored", "acceptable_risk", "ci")
    activity = writer.get(f"{FINDINGS}/{finding.pk}/activity").json()["activity"]
    assert [entry["kind"] for entry in activity] == ["finding_ignored"]


@pytest.mark.parametrize(
    ("decision", "field"),
    [
        ({"triage": "ignored"}, "ignore_reason"),
        ({"triage": "open", "ignore_reason": "no_time"}, "ignore_reason"),
        ({"triage": "fixed"}, "triage"),
        ({"triage": "open", "comment": "x" * 3001}, "comment"),
        ({}, "triage"),
    ],
)
def test_half_a_decision_is_refused(caller: Caller, acme: Organization, decision: dict[str, str], field: str) -> None:
    with acting_for(acme.pk):
        finding = factories.a_finding()

    answer = caller(Scope.API_WRITE).patch(f"{FINDINGS}/{finding.pk}", data=decision, content_type="application/json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_a_patch_is_answered_as_it_is(reader: Client, acme: Organization) -> None:
    diff = "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-a\n+b\n"
    with acting_for(acme.pk):
        finding = factories.a_finding()
        Autofix.objects.create(
            finding=finding, edits=[], diff=diff, confidence="high", is_shown=True, source=Source.BUILT_IN
        )

    answer = reader.get(f"{FINDINGS}/{finding.pk}/patch", headers={"accept": "text/x-diff"})

    assert (answer.content.decode(), answer.headers["Content-Type"]) == (diff, "text/x-diff; charset=utf-8")


def test_an_analysis_is_asked_for(caller: Caller, acme: Organization) -> None:
    with acting_for(acme.pk):
        finding = factories.a_finding(not_analysed="severity")

    answer = caller(Scope.API_WRITE).post(f"{FINDINGS}/{finding.pk}/analyze")

    assert (answer.status_code, answer.json()["not_analysed"]) == (202, "waiting")
    with acting_for(acme.pk):
        assert Finding.objects.get().not_analysed == "waiting"


def test_agreeing_that_it_is_a_false_positive_ignores_it(caller: Caller, acme: Organization) -> None:
    with acting_for(acme.pk):
        finding = factories.a_finding()
        factories.a_verdict(finding, "false_positive")
    writer = caller(Scope.API_WRITE)
    address = f"{FINDINGS}/{finding.pk}/feedback"

    agreed = writer.post(address, data={"agrees": True}, content_type="application/json").json()
    disagreed = writer.post(address, data={"agrees": False}, content_type="application/json").json()

    assert (agreed["status"], agreed["triage_reason"]) == ("ignored", "false_positive")
    assert disagreed["status"] == "open"


def test_without_a_verdict_there_is_nothing_to_agree_with(caller: Caller, acme: Organization) -> None:
    with acting_for(acme.pk):
        finding = factories.a_finding()

    answer = caller(Scope.API_WRITE).post(
        f"{FINDINGS}/{finding.pk}/feedback", data={"agrees": True}, content_type="application/json"
    )

    assert answer.status_code == 409


def test_every_filter_of_the_page_is_one_of_the_api() -> None:
    assert set(OWN) == {field.name for field in fields(FindingFilter)}
