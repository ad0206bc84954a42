"""Which Jobs are sent to workers, in which order, and what happens when the broker is away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django.fixtures import Settings

import events.tasks
from events.models import Job, JobState, Queue
from events.services import Task
from events.tasks import dispatch, wake_dispatcher
from orgs.selectors import memberships_of
from tenancy.directory import across_organizations
from tenancy.models import Organization
from tenancy.scope import acting_for

MakeTask = Callable[..., Task]


def water(*, bed_id: int) -> None:
    """Never run here."""


@pytest.fixture
def umbrella(charlie: User) -> Organization:
    return memberships_of(charlie.pk)[0].organization


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What a broker was given, in order."""
    given: list[int] = []
    monkeypatch.setattr(events.tasks.run_job, "apply_async", lambda arguments, **options: given.append(*arguments))
    monkeypatch.setattr(events.tasks, "_wakes", events.tasks._Wakes())
    return given


def waiting(organization: Organization, count: int, **fields: object) -> list[int]:
    """Let a number of Jobs wait in an organization; return their ids."""
    values = {"task": "garden.water", "queue": Queue.BACKLOG, "run_after": timezone.now(), **fields}
    with acting_for(organization.pk):
        first = Job.objects.count()
        rows = Job.objects.bulk_create(
            Job(unique_key=f"garden.water:{first + number}", **values) for number in range(count)
        )
    return [row.pk for row in rows]


def states(ids: list[int]) -> set[str]:
    with across_organizations():
        return set(Job.every_organization.filter(pk__in=ids).values_list("state", flat=True))


def test_due_jobs_are_sent_and_marked(acme: Organization, sent: list[int]) -> None:
    ids = waiting(acme, 3)

    count = dispatch()

    assert (count, sent, states(ids)) == (3, ids, {JobState.SENT})


def test_what_was_sent_is_not_sent_again(acme: Organization, sent: list[int]) -> None:
    waiting(acme, 3)
    dispatch()

    assert dispatch() == 0


def test_a_job_that_is_to_wait_is_not_sent(acme: Organization, sent: list[int]) -> None:
    waiting(acme, 1, run_after=timezone.now() + timedelta(seconds=30))

    assert dispatch() == 0


def test_more_urgent_jobs_are_sent_first(acme: Organization, sent: list[int]) -> None:
    late, soon, usual = (waiting(acme, 1, priority=priority)[0] for priority in (9, 1, 5))

    dispatch()

    assert sent == [soon, usual, late]


def test_organizations_take_turns(acme: Organization, umbrella: Organization, sent: list[int]) -> None:
    many, few = waiting(acme, 4), waiting(umbrella, 2)

    dispatch()

    assert [pk in few for pk in sent] == [False, True, False, True, False, False]
    assert set(sent) == {*many, *few}


def test_what_is_in_flight_counts_when_turns_are_given(
    acme: Organization, umbrella: Organization, sent: list[int]
) -> None:
    waiting(acme, 3, state=JobState.SENT, sent_at=timezone.now())
    busy, idle = waiting(acme, 1), waiting(umbrella, 2)

    dispatch()

    assert sent == [*idle, *busy]


def test_an_organization_has_no_more_in_flight_than_its_window(
    acme: Organization, umbrella: Organization, sent: list[int], settings: Settings
) -> None:
    settings.JOBS_IN_FLIGHT_PER_ORGANIZATION = 3
    waiting(acme, 1, state=JobState.SENT, sent_at=timezone.now())
    waiting(acme, 10), waiting(umbrella, 10)

    counts = [dispatch(), dispatch()]

    assert counts == [2 + 3, 0]


def test_a_full_backlog_does_not_hold_up_what_somebody_waits_for(
    acme: Organization, sent: list[int], settings: Settings
) -> None:
    settings.JOBS_IN_FLIGHT_PER_ORGANIZATION = 2
    waiting(acme, 5)
    dispatch()

    asked_for = waiting(acme, 1, queue=Queue.INTERACTIVE)
    dispatch()

    assert sent[-1:] == asked_for


def test_the_same_work_is_not_sent_while_it_is_being_done(acme: Organization, sent: list[int]) -> None:
    with acting_for(acme.pk):
        now = timezone.now()
        values = {"task": "garden.water", "queue": Queue.BACKLOG, "run_after": now, "unique_key": "same"}
        lease = {"lease_until": now, "lease_token": "7" * 32}
        running = Job.objects.create(state=JobState.RUNNING, **lease, **values)
        second = Job.objects.create(**values)

        held_back = dispatch()
        Job.objects.filter(pk=running.pk).update(state=JobState.DONE, lease_until=None, lease_token=None)
        dispatch()

    assert (held_back, sent) == (0, [second.pk])


def test_without_a_broker_jobs_stay_where_they_are(
    acme: Organization, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = waiting(acme, 3)

    def second_is_refused(arguments: tuple[int], **options: object) -> None:
        if sent:
            raise OperationalError("connection refused")
        sent.append(*arguments)

    monkeypatch.setattr(events.tasks.run_job, "apply_async", second_is_refused)

    count = dispatch()

    assert (count, states(ids[:1]), states(ids[1:])) == (1, {JobState.SENT}, {JobState.WAITING})


def test_a_request_does_not_try_a_broker_again_that_has_just_refused(
    acme: Organization, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def refused(arguments: tuple[int], **options: object) -> None:
        tries.append(*arguments)
        raise OperationalError("connection refused")

    monkeypatch.setattr(events.tasks.run_job, "apply_async", refused)
    waiting(acme, 1)

    for _ in range(3):
        wake_dispatcher()

    assert len(tries) == 1


def test_a_burst_makes_one_dispatch_now_and_one_after(
    acme: Organization, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[float] = []
    monkeypatch.setattr(
        events.tasks.dispatch_task, "apply_async", lambda **options: planned.append(options["countdown"])
    )
    first = waiting(acme, 1)
    wake_dispatcher()
    waiting(acme, 1)

    for _ in range(5):
        wake_dispatcher()

    assert (sent, planned) == (first, [events.tasks.PAUSE_BETWEEN_WAKES_SECONDS])


def test_a_dispatcher_that_fails_does_not_fail_the_request(acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> int:
        raise RuntimeError

    monkeypatch.setattr(events.tasks, "dispatch", broken)
    monkeypatch.setattr(events.tasks, "_wakes", events.tasks._Wakes())

    wake_dispatcher()


def test_a_long_backlog_costs_no_more_than_a_window_of_it(acme: Organization, sent: list[int]) -> None:
    waiting(acme, 10_000)
    with across_organizations(), connection.cursor() as cursor:
        parameters: dict[str, Any] = {"queues": Queue.values, "window": 128, "batch": 500, "now": timezone.now()}
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {events.tasks._DUE}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "job_due" in plan
    # The index of what is due is read in its order, and left when the window is full.
    assert "rows=10000" not in plan
