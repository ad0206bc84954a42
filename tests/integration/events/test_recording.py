"""What happened and the work it owes, in one transaction, each piece of work once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from events.kinds import SYSTEM, Actor, ActorKind, Kind
from events.models import Event, Job, JobState, Queue
from events.services import (
    Task,
    owe_many,
    record,
    result_of_job,
    set_followers,
    working_on,
)
from events.tasks import claim
from tenancy.models import Organization
from tests.integration.events.conftest import owe

PERSON = Actor(ActorKind.PERSON, "Pat", 1)


def water(*, bed_id: int, litres: int = 1) -> None:
    """A task that is only owed here."""


@pytest.fixture
def watering(task_of: Callable[..., Task], in_acme: Organization) -> Task:
    """A task that follows the ingestion of a scan."""
    task = task_of(water)
    set_followers({Kind.SCAN_INGESTED: [task]}, wake_dispatcher=lambda: None)
    return task


def owed() -> list[tuple[str, dict[str, object]]]:
    return [(job.queue, job.arguments) for job in Job.objects.order_by("pk")]


def test_a_follower_gets_what_it_takes_of_the_event(watering: Task) -> None:
    with transaction.atomic():
        record(Kind.SCAN_INGESTED, actor=SYSTEM, bed_id=7, weather="dry")

    assert owed() == [("backlog", {"bed_id": 7})]


def test_what_is_rolled_back_never_happened(watering: Task) -> None:
    before = Event.objects.count()

    with pytest.raises(RuntimeError), transaction.atomic():
        record(Kind.SCAN_INGESTED, actor=SYSTEM, bed_id=7)
        raise RuntimeError

    assert (Event.objects.count() - before, Job.objects.count()) == (0, 0)


def test_the_same_work_waits_once(watering: Task) -> None:
    for _ in range(3):
        with transaction.atomic():
            record(Kind.SCAN_INGESTED, actor=SYSTEM, bed_id=7)

    assert len(owed()) == 1


def test_other_arguments_are_other_work(watering: Task) -> None:
    with transaction.atomic():
        owe_many(watering, [{"bed_id": 1}, {"bed_id": 2}, {"bed_id": 1, "litres": 3}])

    assert len(owed()) == 3


def test_another_may_wait_while_one_runs(watering: Task) -> None:
    with transaction.atomic():
        owe(watering, bed_id=7)
    claim(Job.objects.get().pk)

    with transaction.atomic():
        owe(watering, bed_id=7)
        owe(watering, bed_id=7)

    assert sorted(Job.objects.values_list("state", flat=True)) == [JobState.RUNNING, JobState.WAITING]


def test_what_a_person_asks_for_is_interactive(watering: Task) -> None:
    with transaction.atomic():
        record(Kind.SCAN_INGESTED, actor=PERSON, bed_id=7)

    assert owed() == [("interactive", {"bed_id": 7})]


def test_what_waits_in_a_backlog_is_brought_forward_when_a_person_asks_for_it(watering: Task) -> None:
    with transaction.atomic():
        owe(watering, bed_id=7)
        owe(watering, bed_id=8)

    with transaction.atomic():
        record(Kind.SCAN_INGESTED, actor=PERSON, bed_id=7)

    assert owed() == [("interactive", {"bed_id": 7}), ("backlog", {"bed_id": 8})]


def test_what_follows_from_a_job_is_as_urgent_as_the_job(watering: Task) -> None:
    with transaction.atomic():
        owe_many(watering, [{"bed_id": 1}], owed_queue=Queue.PULL_REQUEST, owed_priority=2)
    claimed = claim(Job.objects.get().pk)
    assert claimed is not None

    with working_on(claimed[1]), result_of_job():
        record(Kind.SCAN_INGESTED, actor=SYSTEM, bed_id=2)

    followed = Job.objects.get(state=JobState.WAITING)
    assert (followed.queue, followed.priority) == ("pull_request", 2)


def test_arguments_that_differ_at_their_end_are_other_work(task_of: Callable[..., Task], in_acme: Organization) -> None:
    def label(*, name: str) -> None:
        """Only owed."""

    task = task_of(label)
    with transaction.atomic():
        owe_many(task, [{"name": "x" * 500 + end} for end in "ab"])
        owe_many(task, [{"name": "x" * 500 + "a"}])

    assert Job.objects.count() == 2


def test_a_long_name_of_an_actor_is_cut(watering: Task) -> None:
    with transaction.atomic():
        event = record(Kind.NOTE_ADDED, actor=Actor(ActorKind.PERSON, "n" * 300))

    assert len(event.actor_name) == 200
