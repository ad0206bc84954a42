"""The backlog by day: worked out for the time before anybody counted, then counted each night, and today as it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache

from findings import history
from findings.history import Day
from findings.models import DayCount, Finding, Presence, Triage
from orgs.models import Membership
from tenancy.models import Organization
from tests import factories

NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)
HIGH = 3


@pytest.fixture
def reader(in_acme: Organization, alice: User) -> Membership:
    cache.clear()
    return Membership.objects.get(user=alice)


def found(days_ago: int) -> Finding:
    return factories.a_finding(created_at=NOON - timedelta(days=days_ago))


def fix(finding: Finding, *, days_ago: int) -> None:
    Finding.objects.filter(pk=finding.pk).update(is_present=False, is_production=False)
    Presence.objects.filter(finding=finding).update(state="fixed", changed_at=NOON - timedelta(days=days_ago))


def ignore(finding: Finding, *, days_ago: int) -> None:
    at = NOON - timedelta(days=days_ago)
    Finding.objects.filter(pk=finding.pk).update(triage=Triage.IGNORED, triage_source="person", triaged_at=at)


def shown(reader: Membership) -> list[tuple[int, int, int, int]]:
    """Return what was open at the end of each of the last days, and what each opened, fixed and ignored."""
    with time_machine.travel(NOON, tick=False):
        days: list[Day] = history.days_shown(viewer=reader, days=30)
    return [(day.open.get(HIGH, 0), day.opened, day.fixed, day.ignored) for day in days]


def test_the_days_before_anybody_counted_are_worked_out_from_what_is_known(reader: Membership) -> None:
    first, second, _ = found(4), found(3), found(2)
    fix(first, days_ago=1)
    ignore(second, days_ago=0)

    history.count_days(now=NOON)

    assert shown(reader) == [(1, 1, 0, 0), (2, 1, 0, 0), (3, 1, 0, 0), (2, 0, 1, 0), (1, 0, 0, 1)]
    assert set(DayCount.objects.values_list("is_derived", flat=True)) == {True}


def test_each_night_adds_a_day_that_later_events_do_not_change(reader: Membership) -> None:
    finding = found(3)
    history.count_days(now=NOON - timedelta(days=2))
    history.count_days(now=NOON - timedelta(days=1))
    fix(finding, days_ago=0)

    counted = history.count_days(now=NOON)

    assert counted == 1
    assert [entry[0] for entry in shown(reader)] == [1, 1, 1, 0]
    assert DayCount.objects.filter(project=None, is_derived=False).exists()


def test_counting_twice_changes_nothing(reader: Membership) -> None:
    found(2)
    history.count_days(now=NOON)
    rows = DayCount.objects.count()

    assert (history.count_days(now=NOON), DayCount.objects.count()) == (0, rows)


def test_who_is_limited_to_teams_sees_the_history_of_their_projects_only(reader: Membership) -> None:
    found(2)
    other = factories.a_project("secret")
    factories.a_finding(project=other, created_at=NOON - timedelta(days=2))
    reader.role, reader.is_limited_to_teams = "member", True
    reader.ids_of_team_projects = frozenset({other.pk})

    history.count_days(now=NOON)

    assert [entry[0] for entry in shown(reader)] == [1, 1, 1]
    assert history.standing(reader).projects == [(other.pk, 1)]
