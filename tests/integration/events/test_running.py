"""Jobs claimed, run, ended, put off and given up: by several workers at once, and with exactly one result."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

import events.leases
import events.tasks
from events.kinds import SYSTEM, Kind
from events.models import Event, Job, JobState
from events.services import LeaseLost, Task, put_off, record, result_of_job, working_on
from events.tasks import claim, purge_task, run_claimed, run_job, sweep
from lib.failures import TemporaryFailure
from tenancy.models import Organization
from tenancy.scope import acting_for, current_organization_id
from tests.integration.events.conftest import owed

MakeTask = Callable[..., Task]

pytestmark = pytest.mark.usefixtures("in_acme")


def note(*, bed_id: int) -> None:
    """Write a result, as a task does."""
    with result_of_job():
        record(Kind.NOTE_ADDED, actor=SYSTEM, bed_id=bed_id)


def notes() -> int:
    return Event.objects.filter(kind=Kind.NOTE_ADDED).count()


def run(job: Job) -> Job:
    claimed = claim(job.pk)
    assert claimed is not None
    run_claimed(*claimed)
    job.refresh_from_db()
    return job


def lose_lease(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


# --- One result -------------------------------------------------------------------------------------------------------


def test_a_job_ends_with_its_result(task_of: MakeTask) -> None:
    job = run(owed(task_of(note), bed_id=1))

    assert (job.state, job.lease_token, notes()) == (JobState.DONE, None, 1)


def test_a_task_that_writes_nothing_ends_its_job_as_well(task_of: MakeTask) -> None:
    def idle(*, bed_id: int) -> None:
        """Nothing to do any more."""

    assert run(owed(task_of(idle), bed_id=1)).state == JobState.DONE


def test_a_worker_that_lost_its_lease_writes_nothing(task_of: MakeTask) -> None:
    job = owed(task_of(note), bed_id=1)
    slow = claim(job.pk)
    lose_lease(job)
    claim(job.pk)
    assert slow is not None

    with working_on(slow[1]), pytest.raises(LeaseLost):
        note(bed_id=1)

    assert notes() == 0


def test_the_same_work_is_never_done_twice_at_a_time(task_of: MakeTask) -> None:
    task = task_of(note)
    first = owed(task, bed_id=1)
    claim(first.pk)
    second = owed(task, bed_id=1)

    claimed = claim(second.pk)

    second.refresh_from_db()
    assert (claimed, second.state) == (None, JobState.WAITING)
    assert second.run_after > timezone.now()


def test_a_job_that_was_put_off_is_not_claimed_by_an_old_message(task_of: MakeTask) -> None:
    job = owed(task_of(note), bed_id=1)
    Job.objects.update(run_after=timezone.now() + timedelta(minutes=1))

    run_job(job.pk)

    assert notes() == 0


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED])
def test_a_job_that_ended_is_not_claimed_again(task_of: MakeTask, state: JobState) -> None:
    job = owed(task_of(note), bed_id=1)
    Job.objects.update(state=state)

    assert claim(job.pk) is None


def test_a_message_about_no_job_does_nothing() -> None:
    assert claim(10**9) is None


# --- Failures ---------------------------------------------------------------------------------------------------------


def failing_with(error: Exception) -> Callable[..., None]:
    def fail(*, bed_id: int) -> None:
        record_in_its_own_transaction()
        raise error

    return fail


def record_in_its_own_transaction() -> None:
    with transaction.atomic():
        record(Kind.SETTINGS_CHANGED, actor=SYSTEM)


def test_a_failure_is_tried_again_later(task_of: MakeTask) -> None:
    job = run(owed(task_of(failing_with(ValueError("no\x00water"))), bed_id=1))

    assert (job.state, job.attempt, job.last_error) == (JobState.WAITING, 1, "ValueError: nowater")
    assert job.run_after > timezone.now()


def test_a_temporary_failure_waits_as_long_as_it_says(task_of: MakeTask) -> None:
    job = run(owed(task_of(failing_with(TemporaryFailure("slow down", retry_after_seconds=600))), bed_id=1))

    assert (job.state, job.attempt) == (JobState.WAITING, 1)
    assert 590 < (job.run_after - timezone.now()).total_seconds() <= 600


def test_waiting_one_s_turn_spends_no_attempt(task_of: MakeTask) -> None:
    waiting = TemporaryFailure("not yet", retry_after_seconds=0, spends_attempt=False)
    job = owed(task_of(failing_with(waiting), max_attempts=2), bed_id=1)

    for _ in range(5):
        Job.objects.update(run_after=timezone.now())
        run(job)

    assert (job.state, job.attempt) == (JobState.WAITING, 0)


def test_a_job_put_off_while_the_same_work_waits_leaves_it_to_that(task_of: MakeTask) -> None:
    task = task_of(note)
    first = owed(task, bed_id=1)
    claimed = claim(first.pk)
    second = owed(task, bed_id=1)
    assert claimed is not None

    put_off(claimed[1], seconds=5, reason="later", counts_as_attempt=True)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (JobState.DONE, JobState.WAITING)


def test_a_job_that_failed_at_every_try_is_given_up_with_what_is_done_about_it(task_of: MakeTask) -> None:
    task = task_of(failing_with(ValueError("dry")), max_attempts=1, on_exhausted=note)

    job = run(owed(task, bed_id=1))

    assert (job.state, job.last_error, notes()) == (JobState.FAILED, "ValueError: dry", 1)


def test_a_job_is_not_given_up_without_what_is_done_about_it(task_of: MakeTask) -> None:
    def neither(*, bed_id: int) -> None:
        record_in_its_own_transaction()
        raise KeyError("worse")

    job = owed(task_of(failing_with(ValueError("dry")), max_attempts=1, on_exhausted=neither), bed_id=1)
    before = Event.objects.count()

    with pytest.raises(KeyError):
        run(job)

    job.refresh_from_db()
    # What the failed try wrote by itself is there, what was to be done about it is not; a sweep tries that again.
    assert (job.state, Event.objects.count() - before) == (JobState.RUNNING, 1)


def test_a_task_of_another_version_is_given_up_after_its_tries(task_of: MakeTask) -> None:
    job = owed(task_of(note, max_attempts=1), bed_id=1)
    Job.objects.update(task="garden.tasks.no_longer_there")

    assert run(job).state == JobState.FAILED


def test_a_job_runs_in_the_scope_of_its_organization_and_of_no_other(task_of: MakeTask, in_acme: Organization) -> None:
    seen: list[int] = []

    def look(*, bed_id: int) -> None:
        seen.append(current_organization_id())

    job = owed(task_of(look), bed_id=1)
    with acting_for(in_acme.pk + 1):
        run_job(job.pk)

    assert seen == [in_acme.pk]


# --- Sweeping ---------------------------------------------------------------------------------------------------------


def test_what_was_sent_and_never_claimed_waits_again(task_of: MakeTask) -> None:
    task = task_of(note)
    lost, fresh = owed(task, bed_id=1), owed(task, bed_id=2)
    long_ago = timezone.now() - timedelta(seconds=settings.JOB_RESEND_SECONDS + 1)
    Job.objects.filter(pk=lost.pk).update(state=JobState.SENT, sent_at=long_ago)
    Job.objects.filter(pk=fresh.pk).update(state=JobState.SENT, sent_at=timezone.now())

    sweep()

    assert list(Job.objects.order_by("pk").values_list("state", flat=True)) == [JobState.WAITING, JobState.SENT]


def test_what_a_dead_worker_held_waits_again(task_of: MakeTask) -> None:
    task = task_of(note)
    dead, alive = owed(task, bed_id=1), owed(task, bed_id=2)
    claim(dead.pk), claim(alive.pk)
    lose_lease(dead)

    sweep()

    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (dead.state, dead.attempt, alive.state) == (JobState.WAITING, 1, JobState.RUNNING)


def test_work_that_kills_every_worker_is_given_up(task_of: MakeTask) -> None:
    job = owed(task_of(note, max_attempts=2, on_exhausted=note), bed_id=1)

    for _ in range(2):
        claim(job.pk)
        lose_lease(job)
        sweep()
        Job.objects.update(run_after=timezone.now())

    job.refresh_from_db()
    assert (job.state, job.last_error, notes()) == (JobState.FAILED, "the worker that held it is gone", 1)


def test_one_job_that_cannot_be_taken_back_does_not_keep_the_others(task_of: MakeTask) -> None:
    def neither(*, bed_id: int) -> None:
        raise KeyError("worse")

    bad = owed(task_of(note, max_attempts=1, on_exhausted=neither), bed_id=1)
    good = owed(task_of(note), bed_id=2)
    Job.objects.filter(pk=good.pk).update(max_attempts=5)
    for job in (bad, good):
        claim(job.pk)
        Job.objects.filter(pk=bad.pk).update(attempt=5)
        lose_lease(job)

    sweep()

    good.refresh_from_db()
    assert good.state == JobState.WAITING


def test_jobs_that_ended_days_ago_are_forgotten(task_of: MakeTask) -> None:
    task = task_of(note)
    old, recent, waiting = (owed(task, bed_id=number) for number in range(3))
    Job.objects.filter(pk=old.pk).update(state=JobState.DONE, finished_at=timezone.now() - timedelta(days=4))
    Job.objects.filter(pk=recent.pk).update(state=JobState.DONE, finished_at=timezone.now() - timedelta(days=2))

    purge_task()

    assert list(Job.objects.order_by("pk").values_list("pk", flat=True)) == [recent.pk, waiting.pk]


# --- Leases -----------------------------------------------------------------------------------------------------------


def test_only_leases_that_are_still_ours_are_renewed(task_of: MakeTask) -> None:
    task = task_of(note)
    mine, theirs = owed(task, bed_id=1), owed(task, bed_id=2)
    claimed = claim(mine.pk)
    claim(theirs.pk)
    assert claimed is not None
    lose_lease(mine)
    lose_lease(theirs)

    renewed = events.leases.renew([claimed[1].token, uuid.uuid4()])

    mine.refresh_from_db()
    theirs.refresh_from_db()
    now = timezone.now()
    assert renewed == 1
    assert mine.lease_until is not None
    assert theirs.lease_until is not None
    assert mine.lease_until > now > theirs.lease_until


def test_sessions_that_have_expired_are_forgotten(db: None) -> None:
    now = timezone.now()
    for key, expires_at in (("old", now - timedelta(minutes=1)), ("new", now + timedelta(days=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=expires_at)

    purge_task()

    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]
