"""A day in the life of a pull request on GitHub and on GitLab: whatever goes wrong, one comment each, none lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

import orgs.services
from events.kinds import SYSTEM
from orgs.permissions import Scope
from providers.adapters import close_clients
from rules import engine
from rules.models import Mode
from tenancy.models import Organization
from tests import factories
from tests.integration.api.test_semgrep_ci import SemgrepClient
from tests.integration.hooks.conftest import counted_anew
from tests.integration.providers import situations
from tests.system.day.course import (
    CODE,
    LOADING,
    PATH,
    RULES,
    SAFE_LOAD,
    Day,
    Seen,
    answered,
    counted,
    left_undone,
)
from tests.system.day.deaths import fate_of, taken_back, work_until_killed
from tests.system.day.hosts import Delivery, GitHubOfTheDay, GitLabOfTheDay, HostOfTheDay
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
def engine_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine answer the same question once in this process: these days are alike."""
    for name in ("scan_versions", "parses"):
        monkeypatch.setattr(engine, name, _asked_once(getattr(engine, name)))


_ANSWERS: dict[str, Any] = {}


def _asked_once(ask: Callable[..., Any]) -> Callable[..., Any]:
    def answer(*words: Any, **options: Any) -> Any:
        question = repr((ask.__name__, words, options))
        if question not in _ANSWERS:
            _ANSWERS[question] = ask(*words, **options)
        return _ANSWERS[question]

    return answer


@pytest.fixture
def day(  # noqa: PLR0917  (fixtures)
    engine_asked_once: None,
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


COMMENTED = (("built-query", "Blocking issue", False, 0, ()), ("yaml-load", "Blocking issue", False, 0, ()))
# The stranger is told once why not; the writer's command gets a reaction.
REFUSED = (("built-query", "Blocking issue", False, 1, ()), COMMENTED[1])
DECIDED = (("built-query", "Ignored", False, 1, ("done",)), COMMENTED[1])
FIXED = (DECIDED[0], ("yaml-load", "Fixed", True, 0, ()))
PROPOSED, MERGED = (("open", True, "orders"),), (("merged", True, "orders"),)

# After each step, the same on both hosts.
IN_COURSE = [
    Seen((), ((),), ()),
    Seen(COMMENTED, (("red",),), ()),
    Seen(REFUSED, (("red",),), ()),
    Seen(DECIDED, (("red",),), ()),
    Seen(DECIDED, (("red",),), PROPOSED),
    Seen(DECIDED, (("red",),), PROPOSED),
    Seen(DECIDED, (("red",), ()), MERGED),
    Seen(FIXED, (("red",), ("green",)), MERGED),
    Seen(FIXED, (("red",), ("green",)), MERGED),
    Seen(FIXED, (("red",), ("green",), ()), MERGED),
    Seen(FIXED, (("red",), ("green",), ("green",)), MERGED),
]


def assert_all_is_as_it_should_be(day: Day) -> None:
    assert day.seen() == IN_COURSE[-1]
    assert left_undone() == []
    happened = {
        "comment_posted": 2,
        "comment_resolved": 1,
        "finding_ignored": 1,
        "fix_pull_request_opened": 1,
        "fix_pull_request_merged": 1,
    }
    assert {kind: counted(kind) for kind in happened} == happened


def test_a_day(day: Day) -> None:
    seen = [day.seen_after(step) for step in Day.STEPS]

    assert seen == IN_COURSE
    assert_all_is_as_it_should_be(day)
    assert day.host.file(PATH) == CODE.replace("yaml.load(", "yaml.safe_load(")


def test_a_comment_proposes_the_verified_fix_on_its_line(day: Day) -> None:
    day.opens()
    day.is_scanned()

    [comment] = [comment.body for comment in day.host.comments() if LOADING in comment.body]
    assert re.search(rf"```suggestion\S*\n{re.escape(SAFE_LOAD)}\n```", comment)


def test_every_webhook_delivered_again_and_again(day: Day) -> None:
    day.post = day.deliver_again_and_again

    seen = [day.seen_after(step) for step in Day.STEPS]

    assert seen == IN_COURSE
    assert_all_is_as_it_should_be(day)


def test_webhooks_out_of_order(day: Day) -> None:
    late: list[Delivery] = []
    day.post = late.append
    day.opens()
    day.clock.shift(60)
    late.append(day.host.reopened())
    day.post = day.deliver
    for step in (Day.is_scanned, Day.stranger_replies, Day.writer_replies, Day.fix_is_asked_for):
        day.seen_after(step)  # comments before the pull request that they are in
    day.post = late.append
    day.seen_after(Day.fix_is_announced)
    day.post = day.deliver
    day.seen_after(Day.fix_is_merged)
    for delivery in late:
        day.deliver(delivery)  # opened after it was merged
        day.work()
    for step in (Day.is_scanned, Day.is_scanned, Day.is_force_pushed, Day.is_scanned):
        day.seen_after(step)

    assert_all_is_as_it_should_be(day)


def test_webhooks_that_all_come_in_the_evening_the_last_one_first(day: Day) -> None:
    late: list[Delivery] = []
    day.post = late.append
    for step in Day.STEPS:
        day.seen_after(step)

    for delivery in reversed(late):
        day.deliver(delivery)
    day.work()

    evening = IN_COURSE[-1]
    # Nobody had decided about the other finding yet when the second commit was the newest.
    assert day.seen() == Seen(evening.comments, (("red",), ("red",), ("green",)), evening.fixes)
    assert left_undone() == []


def test_a_worker_killed_at_any_request_of_the_day(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    fate = fate_of(monkeypatch)
    day.work = lambda: work_until_killed(day, fate)
    died = 0

    for step, undisturbed in zip(Day.STEPS, IN_COURSE, strict=True):
        with taken_back(day):
            fate.spare()
            step(day)
            moments = fate.moments()
        for number, is_after in moments:
            with taken_back(day):
                fate.choose(number, is_after=is_after)
                seen = day.seen_after(step)
                assert (step.__name__, number, is_after, seen) == (step.__name__, number, is_after, undisturbed)
                assert left_undone() == []
        died += len(moments)
        fate.spare()
        day.seen_after(step)

    assert_all_is_as_it_should_be(day)
    assert died > 60
