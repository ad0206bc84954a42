"""Draining: the command line's worker runs what is due in this process, in several threads where asked."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import transaction

from events.draining import drain
from events.models import Job, JobState, Queue
from events.services import owe_many
from events.tasks import org_task
from lib.failures import TemporaryFailure
from tenancy.models import Organization
from tenancy.scope import acting_for, current_organization_id
from tests import factories

done: list[tuple[str, int, int]] = []
tried: dict[int, int] = {}
together = threading.Barrier(3, timeout=20)


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    done.clear()
    tried.clear()


@pytest.fixture
def acme_committed(committed: None) -> Organization:
    """Acme, seen by every thread."""
    return factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))


@org_task(queue=Queue.BACKLOG)
def sow(*, bed_id: int) -> None:
    """Note which bed, for whom and in which thread."""
    done.append(("sow", bed_id, threading.get_ident()))


@org_task(queue=Queue.BACKLOG)
def sow_with_two_others(*, bed_id: int) -> None:
    """End only when two others run at the same time."""
    together.wait()
    done.append(("together", current_organization_id(), threading.get_ident()))


@org_task(queue=Queue.BACKLOG)
def sow_after_the_rain(*, bed_id: int) -> None:
    """Ask for a little patience at the first try."""
    tried[bed_id] = tried.get(bed_id, 0) + 1
    if tried[bed_id] == 1:
        raise TemporaryFailure("it rains", retry_after_seconds=0.2)
    done.append(("after the rain", bed_id, threading.get_ident()))


@org_task(queue=Queue.BACKLOG)
def sow_next_spring(*, bed_id: int) -> None:
    """Ask for more patience than anybody has."""
    raise TemporaryFailure("it is winter", retry_after_seconds=3600)


def owe(task: object, *beds: int, priority: int | None = None) -> None:
    with transaction.atomic():
        owe_many(task, [{"bed_id": bed} for bed in beds], owed_priority=priority)  # type: ignore[arg-type]


def beds() -> list[int]:
    return [bed for _, bed, _ in done]


def test_one_thread_runs_everything_in_the_callers_own(in_acme: Organization) -> None:
    owe(sow, 1, 2, 3)

    assert drain() == 3

    assert {thread for _, _, thread in done} == {threading.get_ident()}
    assert Job.objects.filter(state=JobState.DONE).count() == 3


def test_one_thread_runs_the_most_urgent_first(in_acme: Organization) -> None:
    owe(sow, 1, priority=7)
    owe(sow, 2, priority=1)
    owe(sow, 3, priority=4)

    drain()

    assert beds() == [2, 3, 1]


def test_no_more_than_the_limit_are_run(in_acme: Organization) -> None:
    owe(sow, 1, 2, 3)

    assert drain(limit=2) == 2

    assert len(done) == 2


def test_progress_is_told_after_each(in_acme: Organization) -> None:
    owe(sow, 1, 2)
    told: list[int] = []

    drain(on_progress=told.append)

    assert told == [1, 2]


def test_what_was_put_off_for_long_is_left(in_acme: Organization) -> None:
    owe(sow_next_spring, 1)

    drain(patience_seconds=5)

    assert Job.objects.get().state == JobState.WAITING


def test_without_patience_what_was_put_off_is_left(in_acme: Organization) -> None:
    owe(sow_after_the_rain, 1)

    drain()

    assert done == []


def test_threads_work_at_the_same_time_each_in_its_scope(acme_committed: Organization) -> None:
    with acting_for(acme_committed.pk):
        owe(sow_with_two_others, 1, 2, 3)

    assert drain(threads=3) == 3

    assert len({thread for _, _, thread in done}) == 3
    assert {organization for _, organization, _ in done} == {acme_committed.pk}


def test_threads_run_each_job_once(acme_committed: Organization) -> None:
    with acting_for(acme_committed.pk):
        owe(sow, *range(40))

    assert drain(threads=4) == 40

    assert sorted(beds()) == list(range(40))


@pytest.mark.parametrize("threads", [1, 3])
def test_what_was_put_off_for_a_moment_is_waited_for(acme_committed: Organization, threads: int) -> None:
    with acting_for(acme_committed.pk):
        owe(sow_after_the_rain, 1, 2)
    began = time.monotonic()

    drain(threads=threads, patience_seconds=20)

    assert sorted(beds()) == [1, 2]
    assert time.monotonic() - began < 20
