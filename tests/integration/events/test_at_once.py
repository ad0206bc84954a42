"""Several workers, dispatchers and requests at once, on connections of their own, with real commits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

import events.leases
import events.tasks
from events.kinds import SYSTEM, Kind
from events.models import Event, Job, JobState
from events.services import NotInTransaction, Task, owe_many, record, record_for_findings, result_of_job
from events.tasks import claim, dispatch, run_claimed, run_job, sweep
from tenancy.directory import across_organizations
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests.integration.events.conftest import at_once, job_now, owe, owed

MakeTask = Callable[..., Task]


def note(*, bed_id: int) -> None:
    """Write a result, as a task does."""
    with result_of_job():
        record(Kind.NOTE_ADDED, actor=SYSTEM, bed_id=bed_id)


@pytest.fixture
def owed_notes(garden: Organization, task_of: MakeTask) -> Callable[[int], list[Job]]:
    """Return a function that owes a number of notes."""
    task = task_of(note)

    def owe_them(count: int) -> list[Job]:
        with acting_for(garden.pk):
            return [owed(task, bed_id=number) for number in range(count)]

    return owe_them


def notes(garden: Organization) -> int:
    with acting_for(garden.pk), transaction.atomic():
        return Event.objects.filter(kind=Kind.NOTE_ADDED).count()


def let_leases_run_out() -> None:
    with across_organizations():
        Job.every_organization.update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    "call",
    [
        lambda task: record(Kind.SCAN_INGESTED, actor=SYSTEM),
        lambda task: record_for_findings(Kind.NOT_ANALYSED, actor=SYSTEM, finding_ids=[1]),
        lambda task: owe_many(task, [{"bed_id": 1}]),
    ],
    ids=["record", "record for findings", "owe"],
)
def test_nothing_is_recorded_or_owed_outside_a_transaction(
    garden: Organization, task_of: MakeTask, call: Callable[[Task], None]
) -> None:
    with acting_for(garden.pk), pytest.raises(NotInTransaction):
        call(task_of(note))


def test_the_same_work_asked_for_at_once_waits_once(garden: Organization, task_of: MakeTask) -> None:
    task = task_of(note)

    def ask() -> None:
        with acting_for(garden.pk), transaction.atomic():
            owe(task, bed_id=7)

    results = at_once(*[ask] * 6)

    with across_organizations():
        assert (results, Job.every_organization.count()) == ([None] * 6, 1)


def test_of_many_workers_one_gets_the_job(owed_notes: Callable[[int], list[Job]]) -> None:
    (job,) = owed_notes(1)

    claims = at_once(*[lambda: claim(job.pk)] * 6)

    assert [claimed is None for claimed in claims].count(False) == 1


def test_two_workers_with_the_same_job_give_one_result(
    garden: Organization, owed_notes: Callable[[int], list[Job]]
) -> None:
    (job,) = owed_notes(1)
    slow = claim(job.pk)
    let_leases_run_out()
    quick = claim(job.pk)
    assert slow is not None
    assert quick is not None

    results = at_once(lambda: run_claimed(*slow), lambda: run_claimed(*quick))

    assert (results, notes(garden), job_now(job).state) == ([None, None], 1, JobState.DONE)


def test_of_two_jobs_of_the_same_work_one_runs_at_a_time(garden: Organization, task_of: MakeTask) -> None:
    inside, overlaps = [0], [0]

    def water(*, bed_id: int) -> None:
        inside[0] += 1
        overlaps[0] += inside[0] > 1
        with result_of_job():
            record(Kind.NOTE_ADDED, actor=SYSTEM, bed_id=bed_id)
        inside[0] -= 1

    task = task_of(water)
    with acting_for(garden.pk):
        first = owed(task, bed_id=1)
        claimed = claim(first.pk)
        second = owed(task, bed_id=1)
    assert claimed is not None

    at_once(lambda: run_claimed(*claimed), lambda: run_job(second.pk), lambda: run_job(second.pk))

    assert overlaps == [0]


def test_two_sweeps_at_once_take_a_job_back_once(owed_notes: Callable[[int], list[Job]]) -> None:
    (job,) = owed_notes(1)
    claim(job.pk)
    let_leases_run_out()

    at_once(sweep, sweep, sweep)

    assert (job_now(job).state, job_now(job).attempt) == (JobState.WAITING, 1)


def test_a_sweep_and_results_at_once_leave_each_job_done_once_or_waiting(
    garden: Organization, owed_notes: Callable[[int], list[Job]]
) -> None:
    claims = [claim(job.pk) for job in owed_notes(8)]
    let_leases_run_out()

    at_once(sweep, sweep, *[lambda held=held: run_claimed(*held) for held in claims])

    with across_organizations():
        states = list(Job.every_organization.values_list("state", flat=True))
    done = states.count(JobState.DONE)
    assert (notes(garden), states.count(JobState.WAITING)) == (done, 8 - done)


def test_a_lease_is_renewed_while_its_work_goes_on(
    garden: Organization, task_of: MakeTask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOB_LEASE_SECONDS = 1
    monkeypatch.setattr(events.leases, "_thread", [])  # one that begins with this lease, not with the usual one
    renewed = threading.Event()

    def long(*, bed_id: int) -> None:
        with transaction.atomic():
            began = Job.objects.get().lease_until
        for _ in range(400):
            with transaction.atomic():
                if Job.objects.get().lease_until != began:
                    renewed.set()
            if renewed.wait(0.05):
                return

    with acting_for(garden.pk):
        job = owed(task_of(long), bed_id=1)

    run_job(job.pk)

    assert (job_now(job).state, renewed.is_set()) == (JobState.DONE, True)


def test_renewing_does_not_wait_for_a_job_that_is_just_ending(owed_notes: Callable[[int], list[Job]]) -> None:
    (job,) = owed_notes(1)
    claimed = claim(job.pk)
    assert claimed is not None

    with across_organizations():
        list(Job.every_organization.select_for_update().filter(pk=job.pk))
        renewed = at_once(lambda: events.leases.renew([claimed[1].token]))

    assert renewed == [0]


def test_two_dispatchers_at_once_send_each_job_once(
    owed_notes: Callable[[int], list[Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = owed_notes(30)
    sent: list[int] = []
    monkeypatch.setattr(events.tasks.run_job, "apply_async", lambda arguments, **options: sent.append(*arguments))

    at_once(dispatch, dispatch, dispatch)

    assert sorted(sent) == [job.pk for job in jobs]
