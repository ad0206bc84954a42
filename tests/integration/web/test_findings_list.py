from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from redis.exceptions import ConnectionError as RedisGone

from findings import listing
from findings.listing import Cursor, FindingFilter
from findings.models import Finding, IgnoreReason, Triage
from orgs.models import Membership
from orgs.permissions import Role
from orgs.selectors import memberships_of
from tenancy.models import Organization
from tests import factories

ClientFor = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _no_counts_of_before() -> None:
    cache.clear()


def an_admin() -> Membership:
    """Return somebody who sees every project."""
    return Membership(role=Role.ADMIN)


def paths_shown(query: str) -> set[str]:
    return {finding.path for finding in listing.page(FindingFilter.parse(QueryDict(query)), viewer=an_admin()).findings}


@pytest.mark.parametrize(
    ("query", "of_it", "of_the_other"),
    [
        ("severity=critical", {"severity": 4}, {"severity": 3}),
        ("component=payments", {"component_tag": "payments"}, {"component_tag": "tests"}),
        ("risk=high", {"component_risk": "high"}, {"component_risk": "low"}),
        ("backlog=production", {"is_production": True}, {"is_production": False}),
        ("backlog=pre_production", {"is_production": False}, {"is_production": True}),
        ("fix=verified", {"has_verified_fix": True}, {"has_verified_fix": False}),
        ("recommendation=ignore", {"recommendation": "ignore"}, {"recommendation": "fix"}),
        ("recommendation=none", {"recommendation": ""}, {"recommendation": "unsure"}),
        ("status=to_fix", {"triage": "to_fix", "triage_source": "person"}, {}),
        ("status=fixed", {"is_present": False}, {}),
        ("status=fixed", {"is_present": False}, {"is_present": False, "is_removed": True}),
        ("status=removed", {"is_present": False, "is_removed": True}, {"is_present": False}),
        ("product=secrets", {"product": "secrets"}, {"product": "code"}),
    ],
)
def test_a_filter_shows_what_it_names(
    query: str, of_it: dict[str, Any], of_the_other: dict[str, Any], in_acme: Organization
) -> None:
    factories.a_finding(path="wanted.py", **of_it)
    factories.a_finding(path="other.py", **of_the_other)

    assert paths_shown(query) == {"wanted.py"}


def test_counts_tell_fixed_removed_and_products_apart(in_acme: Organization, alice: User) -> None:
    factories.a_finding(is_present=False)
    factories.a_finding(is_present=False, is_removed=True, product="secrets")
    factories.a_finding(product="supply_chain")

    member = memberships_of(alice.pk)[0]
    counts = listing.counts(FindingFilter.parse(QueryDict("status=fixed&status=removed&status=open")), viewer=member)

    assert counts.by_facet["status"] == {"fixed": 1, "removed": 1, "open": 1}
    assert counts.by_facet["product"] == {"code": 1, "secrets": 1, "supply_chain": 1}


@pytest.mark.parametrize(
    ("query", "heading"),
    [
        ("", "Findings"),
        ("?backlog=production", "Production backlog"),
        ("?backlog=pre_production", "Pre-production backlog"),
    ],
)
def test_the_page_says_which_backlog_it_shows(
    query: str, heading: str, in_acme: Organization, alice: User, client_for: ClientFor
) -> None:
    factories.a_finding()

    page = client_for(alice).get(f"/orgs/acme/findings/{query}").content.decode()

    assert f"<h1>{heading}</h1>" in page


def test_without_a_status_the_list_shows_what_is_still_to_be_dealt_with(in_acme: Organization) -> None:
    factories.a_finding(path="open.py")
    factories.a_finding(path="reviewing.py", triage=Triage.REVIEWING, triage_source="person")
    factories.a_finding(
        path="ignored.py", triage=Triage.IGNORED, triage_source="person", ignore_reason=IgnoreReason.NO_TIME
    )
    factories.a_finding(path="fixed.py", is_present=False)

    assert paths_shown("") == {"open.py", "reviewing.py"}


def test_several_values_of_a_filter_mean_any_of_them(in_acme: Organization) -> None:
    for severity in (1, 2, 3, 4):
        factories.a_finding(path=f"{severity}.py", severity=severity)

    assert paths_shown("severity=low&severity=critical") == {"1.py", "4.py"}


def test_project_rule_scan_and_branch_narrow_the_list(in_acme: Organization) -> None:
    project = factories.a_project("billing")
    rule = factories.a_rule("java.crypto.weak-digest")
    scan = factories.a_scan(project, branch="feature/x")
    factories.a_finding(scan=scan, rule=rule, path="wanted.java")
    factories.a_finding(path="other.py")

    for query in (f"project={project.pk}", f"rule={rule.pk}", f"scan={scan.pk}", "ref=feature/x"):
        assert paths_shown(query) == {"wanted.java"}, query


def test_nonsense_in_the_query_string_filters_nothing(in_acme: Organization) -> None:
    factories.a_finding(path="shown.py")

    assert paths_shown("severity=terrible&project=one&status=%00&rule=99999999999999999999999") == {"shown.py"}


def test_the_filter_is_the_query_string(in_acme: Organization) -> None:
    query = QueryDict("severity=high&severity=critical&project=4&ref=main")

    again = QueryDict(mutable=True)
    for name, value in FindingFilter.parse(query).as_pairs():
        again.appendlist(name, value)

    assert FindingFilter.parse(again) == FindingFilter.parse(query)


@pytest.fixture
def many(in_acme: Organization, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """Eleven findings, worst first and newest first among equals, on pages of four."""
    monkeypatch.setattr(listing.pages, "PAGE_SIZE", 4)
    scan = factories.a_scan()
    made = [factories.a_finding(scan=scan, severity=1 + number % 4, path=f"{number}.py") for number in range(11)]
    return sorted(made, key=lambda finding: (-finding.severity, -finding.pk))


def test_pages_forward_show_each_finding_once_in_order(many: list[Finding]) -> None:
    seen: list[int] = []
    page = listing.page(FindingFilter(), viewer=an_admin())
    seen += [finding.pk for finding in page.findings]
    while page.next_after:
        page = listing.page(FindingFilter(), viewer=an_admin(), after=page.next_after)
        seen += [finding.pk for finding in page.findings]

    assert seen == [finding.pk for finding in many]


def test_the_page_before_is_the_one_that_was_there(many: list[Finding]) -> None:
    first = listing.page(FindingFilter(), viewer=an_admin())
    second = listing.page(FindingFilter(), viewer=an_admin(), after=first.next_after)

    back = listing.page(FindingFilter(), viewer=an_admin(), before=second.previous_before)

    assert [finding.pk for finding in back.findings] == [finding.pk for finding in first.findings]
    assert back.previous_before is None
    assert back.next_after is not None


def test_a_new_finding_on_top_moves_no_later_page(many: list[Finding]) -> None:
    first = listing.page(FindingFilter(), viewer=an_admin())
    factories.a_finding(severity=4, path="new.py")

    second = listing.page(FindingFilter(), viewer=an_admin(), after=first.next_after)

    assert [finding.pk for finding in second.findings] == [finding.pk for finding in many[4:8]]


def test_the_last_page_has_no_next(many: list[Finding]) -> None:
    page = listing.page(FindingFilter(), viewer=an_admin(), after=Cursor.of(many[7]))

    assert [finding.pk for finding in page.findings] == [finding.pk for finding in many[8:]]
    assert page.next_after is None


@pytest.mark.parametrize("text", ["", "4", "5-1", "4-", "4-x", "-1", "4-99999999999999999999"])
def test_a_cursor_that_is_none_begins_at_the_beginning(text: str) -> None:
    assert Cursor.parse(text) is None


def test_a_facet_counts_as_if_nothing_of_it_were_chosen(in_acme: Organization) -> None:
    factories.a_finding(severity=4, component_tag="payments")
    factories.a_finding(severity=4, component_tag="tests")
    factories.a_finding(severity=3, component_tag="payments")
    factories.a_finding(severity=3, is_present=False)

    counts = listing.counts(FindingFilter(severity=("critical",), component=("payments",)), viewer=an_admin())

    assert counts.total == 1
    assert counts.by_facet["severity"] == {"critical": 1, "high": 1}
    assert counts.by_facet["component"] == {"payments": 1, "tests": 1}
    assert counts.by_facet["status"] == {"open": 1}
    assert not counts.is_capped


def test_projects_and_rules_are_counted_too(in_acme: Organization) -> None:
    billing = factories.a_project("billing")
    factories.a_finding(project=billing)
    factories.a_finding(project=billing)
    factories.a_finding()

    counts = listing.counts(FindingFilter(project=(str(billing.pk),)), viewer=an_admin())

    assert counts.by_facet["project"][str(billing.pk)] == 2
    assert sum(counts.by_facet["project"].values()) == 3


def test_counting_stops_at_the_cap_and_says_so(in_acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing.counting, "COUNTED_AT_MOST", 2)
    for _ in range(3):
        factories.a_finding()

    counts = listing.counts(FindingFilter(), viewer=an_admin())

    assert (counts.total, counts.is_capped) == (2, True)


def test_counts_of_one_organization_are_never_shown_to_another(
    in_acme: Organization, charlie: User, client_for: ClientFor, alice: User
) -> None:
    factories.a_finding()
    client_for(alice).get("/orgs/acme/findings/filters/")

    page = client_for(charlie).get("/orgs/umbrella/findings/filters/").content

    assert b"0 findings" in page


def test_the_list_works_while_the_cache_is_gone(
    in_acme: Organization, alice: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: Any, **kwargs: Any) -> None:
        raise RedisGone

    client = client_for(alice)
    factories.a_finding(path="shown.py")
    monkeypatch.setattr(cache, "get", gone)
    monkeypatch.setattr(cache, "set", gone)

    page = client.get("/orgs/acme/findings/")
    filters = client.get("/orgs/acme/findings/filters/")

    assert b"shown.py:3" in page.content
    assert b"1 finding" in filters.content


def test_more_findings_cost_no_more_queries(in_acme: Organization, alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    factories.a_verdict(factories.a_finding())
    with CaptureQueriesContext(connection) as of_one:
        client.get("/orgs/acme/findings/")
    for number in range(12):
        project = factories.a_project(f"project {number}")
        factories.a_verdict(factories.a_finding(project=project, rule=factories.a_rule(f"rule.number-{number}")))
    cache.clear()

    with CaptureQueriesContext(connection) as of_many:
        client.get("/orgs/acme/findings/")

    assert len(of_one) > 0
    assert len(of_many) == len(of_one)


def test_what_comes_from_outside_is_shown_as_text(in_acme: Organization, alice: User, client_for: ClientFor) -> None:
    hostile = "<script>alert(1)</script>"
    finding = factories.a_finding(message=hostile, path=f"{hostile}.py", component_tag="<b>x</b>")
    factories.a_verdict(finding, explanation=hostile)

    page = client_for(alice).get("/orgs/acme/findings/").content

    assert hostile.encode() not in page
    assert b"<b>x</b>" not in page
    assert page.count(b"&lt;script&gt;alert(1)") >= 3


def test_a_row_says_why_the_assistant_is_unsure(in_acme: Organization, alice: User, client_for: ClientFor) -> None:
    factories.a_verdict(factories.a_finding(), "unsure", explanation="Where the value comes from cannot be seen here.")

    page = client_for(alice).get("/orgs/acme/findings/").content.decode()

    assert "Where the value comes from cannot be seen here." in page
    assert "Agree and ignore" not in page


def test_a_row_with_a_likely_false_positive_says_why_and_asks(
    in_acme: Organization, alice: User, client_for: ClientFor
) -> None:
    finding = factories.a_finding()
    factories.a_verdict(finding, explanation="The name of the table is a constant.")

    page = client_for(alice).get("/orgs/acme/findings/").content.decode()

    assert "The name of the table is a constant." in page
    assert "Agree and ignore" in page
    assert f"/orgs/acme/findings/{finding.pk}/feedback/" in page


def test_a_row_with_a_true_positive_asks_nothing(in_acme: Organization, alice: User, client_for: ClientFor) -> None:
    factories.a_verdict(factories.a_finding(), "true_positive")

    page = client_for(alice).get("/orgs/acme/findings/").content

    assert b"Agree and ignore" not in page


def test_agreeing_from_a_row_ignores_and_answers_the_row(
    in_acme: Organization, alice: User, client_for: ClientFor
) -> None:
    finding = factories.a_finding()
    factories.a_verdict(finding)

    response = client_for(alice).post(
        f"/orgs/acme/findings/{finding.pk}/feedback/",
        {"agrees": "yes", "from": "row"},
        headers={"HX-Request": "true"},
    )

    finding.refresh_from_db()
    assert finding.triage == Triage.IGNORED
    assert response.content.strip().startswith(b'<tr class="finding-row"')
    assert b"now ignored" in response.content


def test_an_empty_organization_is_shown_how_to_begin(in_acme: Organization, alice: User, client_for: ClientFor) -> None:
    page = client_for(alice).get("/orgs/acme/findings/").content

    assert b"No findings yet" in page
    assert b"/orgs/acme/upload/" in page


def test_filters_without_a_result_offer_to_clear_them(
    in_acme: Organization, alice: User, client_for: ClientFor
) -> None:
    factories.a_finding(severity=4)

    page = client_for(alice).get("/orgs/acme/findings/?severity=low").content

    assert b"Nothing matches these filters" in page
    assert re.search(rb'href="/orgs/acme/findings/\?"[^>]*><span>Severity: Low', page)


def test_counts_come_without_javascript_by_a_link(in_acme: Organization, alice: User, client_for: ClientFor) -> None:
    factories.a_finding(severity=4)
    client = client_for(alice)

    plain = client.get("/orgs/acme/findings/").content
    counted = client.get("/orgs/acme/findings/?counts=yes").content

    assert b"counts=yes" in plain
    assert b"facet-count" not in plain
    assert b'<span class="facet-count">1</span>' in counted
