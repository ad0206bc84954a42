"""The dashboard: the organization's home, whose numbers are those of the lists that they lead to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

import orgs.services
import triage.weeks
from events.kinds import SYSTEM
from findings.models import Finding
from orgs.permissions import Scope
from remediation.saved import MINUTES_PER_FALSE_POSITIVE
from rules.models import Severity
from tenancy.models import Organization
from tests import factories
from triage.models import PriorityWeek
from triage.services import give_feedback

ClientFor = Callable[[User], Client]
ADDRESS = "/orgs/acme/dashboard/"


@pytest.fixture
def browser(in_acme: Organization, alice: User, client_for: ClientFor) -> Client:
    cache.clear()
    return client_for(alice)


@pytest.fixture
def backlog(in_acme: Organization) -> list[Finding]:
    shop, blog = factories.a_project("shop"), factories.a_project("blog")
    sql = factories.a_rule("py.sql", severity=Severity.CRITICAL)
    return [
        factories.a_finding(project=shop, rule=sql, severity=Severity.CRITICAL),
        factories.a_finding(project=shop, rule=sql, severity=Severity.CRITICAL),
        factories.a_finding(project=blog, rule=factories.a_rule("py.xss"), severity=Severity.HIGH),
        factories.a_finding(project=blog, is_production=False),
    ]


def words(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def choose(organization: Organization) -> PriorityWeek:
    PriorityWeek.objects.create(monday=timezone.now().date() - timedelta(days=30))
    week = triage.weeks.choose_week(organization=organization, now=timezone.now())
    assert week is not None
    return week


def test_it_is_where_people_arrive(browser: Client) -> None:
    assert (browser.get("/")["Location"], browser.get("/orgs/acme/")["Location"]) == (ADDRESS, ADDRESS)


def test_a_new_organization_is_told_how_to_begin(browser: Client) -> None:
    assert "No findings yet" in words(browser.get(ADDRESS))


def test_each_number_is_that_of_the_list_that_it_leads_to(browser: Client, backlog: list[Finding]) -> None:
    page = browser.get(ADDRESS).content.decode()
    links = re.findall(r'href="(/orgs/acme/findings/\?[^"]*backlog=production[^"]*)">([\d,]+)[^<]*</a>', page)

    assert len(links) >= 8
    for address, number in links:
        listed = browser.get(unescape(address) + "&counts=1")
        assert listed.context["counts"].total == int(number), address


def test_the_tasks_of_the_week_stand_there_with_every_reason(
    browser: Client, backlog: list[Finding], in_acme: Organization
) -> None:
    week = choose(in_acme)

    shown = words(browser.get(ADDRESS))

    assert "0 of 2 done" in shown
    assert all(reason in shown for task in week.tasks.all() for reason in task.reasons)


def test_the_charts_hold_what_the_tables_say(browser: Client, backlog: list[Finding]) -> None:
    page = browser.get(ADDRESS).content.decode()

    first, _ = (json.loads(unescape(found)) for found in re.findall(r'data-chart="([^"]*)"', page))
    assert {series["label"]: series["values"] for series in first["series"]} == {
        "Critical": [2], "High": [1], "Medium": [0], "Low": [0],
    }  # fmt: skip
    assert "<style" not in page


def test_time_is_saved_by_calls_that_people_agreed_with(browser: Client, backlog: list[Finding], alice: User) -> None:
    verdict = factories.a_verdict(backlog[0], "false_positive")
    give_feedback(verdict=verdict, user=alice, agrees=True, reason="")

    shown = words(browser.get(ADDRESS))

    assert "100 % 1 of 1 answers to verdicts agreed" in shown
    assert f"1 false positive that people agreed with × {MINUTES_PER_FALSE_POSITIVE} min" in shown


def test_opening_it_asks_as_often_whatever_there_is(
    browser: Client, backlog: list[Finding], django_assert_max_num_queries: Any
) -> None:
    browser.get(ADDRESS)
    with django_assert_max_num_queries(40):
        browser.get(ADDRESS)


def test_machines_read_the_same_tasks(backlog: list[Finding], in_acme: Organization, alice: User) -> None:
    choose(in_acme)
    _, value = orgs.services.create_token(name="reads", scopes=[Scope.API_READ], created_by=alice, actor=SYSTEM)

    answer = Client(headers={"authorization": f"Bearer {value}"}).get("/api/v1/deployments/acme/priorities").json()

    assert [(task["rank"], task["project"], task["rule"], task["count"]) for task in answer["tasks"]] == [
        (1, "shop", "py.sql", 2),
        (2, "blog", "py.xss", 1),
    ]
