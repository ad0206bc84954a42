"""A day in the life of a pull request on GitHub and on GitLab: whatever goes wrong, one comment each, none lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from pytest_django.fixtures import Settings

import orgs.services
import rules.services
from events.kinds import SYSTEM
from orgs.permissions import Scope
from providers.adapters import close_clients
from rules.models import Mode
from tenancy.models import Organization
from tests import factories
from tests.integration.api.test_semgrep_ci import SemgrepClient
from tests.integration.hooks.conftest import counted_anew
from tests.integration.providers import situations
from tests.system.day.course import RULES, Day, Seen, answered, counted, left_undone
from tests.system.day.hosts import GitHubOfTheDay, GitLabOfTheDay, HostOfTheDay
from tests.vendors.github_server import GitHubServer
from tests.vendors.gitlab_server import GitLabServer
from tests.vendors.openai_server import OpenAIServer

__all__ = ["counted_anew"]


@pytest.fixture
def on_github(github: GitHubServer) -> HostOfTheDay:
    return GitHubOfTheDay(github)


@pytest.fixture
def on_gitlab(gitlab: GitLabServer) -> HostOfTheDay:
    return GitLabOfTheDay(gitlab)


@pytest.fixture(params=["on_github", "on_gitlab"])
def host(request: pytest.FixtureRequest) -> HostOfTheDay:
    found: HostOfTheDay = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(datetime(2026, 11, 23, 8, 0, tzinfo=UTC), tick=True) as clock:
        yield clock


@pytest.fixture
def model(settings: Settings) -> Iterator[OpenAIServer]:
    with OpenAIServer().running() as server:
        server.rule = answered
        situations.set_up(settings, server)
        yield server
        close_clients()
    assert not server.violations


@pytest.fixture
def day(
    clock: time_machine.Coordinates,
    in_acme: Organization,
    host: HostOfTheDay,
    model: OpenAIServer,
    alice: User,
    client_for: Callable[[User], Client],
) -> Day:
    """The day, before anything has happened but that the host was connected."""
    cache.clear()
    orgs.services.give_consent(actor=SYSTEM)
    for name, text in RULES.items():
        factories.a_rule(name, mode=Mode.BLOCK, yaml=text, message=f"{name} matched", languages=["python"])
    token = orgs.services.create_token(name="CI", scopes=[Scope.CI], created_by=alice, actor=SYSTEM)[1]
    browser = client_for(alice)
    host.connect(browser)
    return Day(host, browser, SemgrepClient(token), clock)


# The same on both hosts. The stranger was told once why not; the writer's command got a reaction.
IN_THE_EVENING = Seen(
    comments=(
        ("built-query", "Ignored", False, 1, ("done",)),
        ("yaml-load", "Fixed", True, 0, ()),
    ),
    statuses=(("red",), ("green",), ("green",)),
    fixes=(("merged", True, "orders"),),
)


def assert_all_is_as_it_should_be(day: Day) -> None:
    assert day.seen() == IN_THE_EVENING
    assert left_undone() == []
    assert {kind: counted(kind) for kind in ("comment_posted", "comment_resolved")} == {
        "comment_posted": 2,
        "comment_resolved": 1,
    }
    fix_events = ("fix_pull_request_opened", "fix_pull_request_merged", "finding_ignored")
    assert {kind: counted(kind) for kind in fix_events} == dict.fromkeys(fix_events, 1)
    assert day.host.violations == []


def test_a_day(day: Day) -> None:
    seen = []
    for step in Day.STEPS:
        step(day)
        seen.append(day.seen())
        day.clock.shift(60)
        print(step.__name__, day.seen())

    assert_all_is_as_it_should_be(day)
