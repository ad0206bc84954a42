"""Recording what happened together with the work it owes, and ending that work in the transaction of its result."""

from __future__ import annotations

import hashlib
import inspect
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from events.kinds import MACHINE_WORK, MACHINES, Actor, ActorKind, Kind
from events.models import Event, Job, JobState, Queue

Subject = int | str | bool | None

DEFAULT_MAX_ATTEMPTS = 5
DEFAULT_PRIORITY = 5
LONGEST_KEY = 200


@dataclass(frozen=True)
class Task:
    """A function that Jobs run: its address, where it is carried, and what to do when all attempts failed."""

    name: str
    function: Callable[..., None]
    queue: Queue
    priority: int
    max_attempts: int
    on_exhausted: Callable[..., None] | None
    parameters: frozenset[str]
    delay: timedelta = timedelta(0)
    only_if: Callable[[Kind], bool] | None = None

    def arguments_from(self, subject: Mapping[str, Subject]) -> dict[str, Subject]:
        """Pick what the task takes out of an event's subject."""
        return {name: value for name, value in subject.items() if name in self.parameters}


@dataclass
class Lease:
    """The Job that this thread works on, held until its token is given back."""

    job_id: int
    token: uuid.UUID
    queue: Queue
    priority: int
    is_last_attempt: bool = False
    has_waited_too_long: bool = False  # for its turn: putting it off once more would end it
    has_more_to_do: bool = False
    is_finished: bool = False


class LeaseLost(Exception):
    """Another worker has taken the Job over; what this one did is rolled back."""


class NotInTransaction(RuntimeError):
    """Something happened outside the transaction of the change itself."""


# What Jobs may name: every @org_task, by its address. The pipeline imports them all at start.
TASKS: dict[str, Task] = {}
# What follows what, handed down by assistant_platform.pipeline at start, so that services never import tasks.
_followers: dict[Kind, list[Task]] = {}
# What every organization is owed once a day; handed down in the same way.
_daily: list[Task] = []
_wake_dispatcher: list[Callable[[], None]] = []
_lease: ContextVar[Lease | None] = ContextVar("lease", default=None)


def set_followers(
    followers: Mapping[Kind, list[Task]], *, daily: Sequence[Task] = (), wake_dispatcher: Callable[[], None]
) -> None:
    """Learn which tasks follow which event, which are owed every day, and whom to wake when work is waiting."""
    _daily[:] = daily
    _followers.clear()
    _followers.update(followers)
    _wake_dispatcher[:] = [wake_dispatcher]


def daily_tasks() -> list[Task]:
    """Return what every organization is owed once a day."""
    return list(_daily)


def make_task(
    function: Callable[..., None],
    *,
    queue: Queue,
    priority: int = DEFAULT_PRIORITY,
    max_attempts: int = DEFAULT_MAX_ATTEMPTS,
    on_exhausted: Callable[..., None] | None = None,
    delay: timedelta = timedelta(0),
    only_if: Callable[[Kind], bool] | None = None,
) -> Task:
    """Describe a function as a task, and let Jobs name it; `delay` is between the event and the task.

    `only_if` is asked before the task is owed for an event; it may cost one small query, in the event's transaction.
    """
    task = Task(
        name=f"{function.__module__}.{function.__qualname__}",
        function=function,
        queue=queue,
        priority=priority,
        max_attempts=max_attempts,
        on_exhausted=on_exhausted,
        parameters=frozenset(inspect.signature(function).parameters),
        delay=delay,
        only_if=only_if,
    )
    TASKS[task.name] = task
    return task


def record(kind: Kind, *, actor: Actor, finding_id: int | None = None, **subject: Subject) -> Event:
    """Note what happened, and the work it owes, in the transaction of the change itself."""
    _require_transaction(kind)
    event = Event.objects.create(
        kind=kind,
        actor_kind=actor.kind,
        actor_name=actor.name[:200],
        actor_user_id=actor.user_id,
        finding_id=finding_id,
        is_audit=_is_audit(kind, actor, finding_id),
        subject=subject,
    )
    known = {**subject, "event_id": event.pk, **({} if finding_id is None else {"finding_id": finding_id})}
    followers = [task for task in _followers.get(kind, []) if task.only_if is None or task.only_if(kind)]
    _owe([job for task in followers for job in _jobs(task, [task.arguments_from(known)], _queue_owed_by(actor, task))])
    return event


def _queue_owed_by(actor: Actor, task: Task) -> Queue | None:
    if task.queue == Queue.DELIVER:
        return task.queue  # a mail server that does not answer must not hold up what people look at
    # What a person asked for, that person waits for.
    return Queue.INTERACTIVE if actor.kind == ActorKind.PERSON else None


def _is_audit(kind: Kind, actor: Actor, finding_id: int | None) -> bool:
    # A suppression in the source, which the scanner reports, ignores findings by the thousand: also machine work.
    return kind not in MACHINE_WORK and not (finding_id is not None and actor.kind in MACHINES)


def _require_transaction(kind: Kind) -> None:
    if not connection.in_atomic_block:
        raise NotInTransaction(f"{kind} must be recorded in the transaction of the change it tells of")


def record_for_findings(kind: Kind, *, actor: Actor, finding_ids: Iterable[int], **subject: Subject) -> None:
    """Note that one thing happened to many findings, in one statement; nothing follows a bulk event by itself."""
    _require_transaction(kind)
    Event.objects.bulk_create(
        [
            Event(
                kind=kind,
                actor_kind=actor.kind,
                actor_name=actor.name[:200],
                actor_user_id=actor.user_id,
                finding_id=finding_id,
                is_audit=_is_audit(kind, actor, finding_id),
                subject=subject,
            )
            for finding_id in finding_ids
        ],
        batch_size=1000,
    )


def owe_many(
    task: Task,
    arguments: Sequence[Mapping[str, Subject]],
    *,
    owed_queue: Queue | None = None,
    owed_priority: int | None = None,
) -> None:
    """Write down many pieces of the same work; a piece that waits already is not written twice.

    One that waits in a slower queue, or for another try, is brought forward when it is asked for interactively.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction(f"work for {task.name} must be owed in the transaction of the change that causes it")
    _owe(_jobs(task, arguments, owed_queue, owed_priority))


def hasten(task: Task, arguments: Sequence[Mapping[str, Subject]]) -> None:
    """Let work that was put off run now: something new has come to do for it."""
    now = timezone.now()
    keys = [_unique_key(task, each) for each in arguments]
    put_off_until_later = Job.objects.filter(unique_key__in=keys, state=JobState.WAITING, run_after__gt=now)
    if put_off_until_later.update(run_after=now):
        for wake in _wake_dispatcher:
            transaction.on_commit(wake)


def _jobs(
    task: Task,
    arguments: Sequence[Mapping[str, Subject]],
    owed_queue: Queue | None,
    owed_priority: int | None = None,
) -> list[Job]:
    now = timezone.now()
    lease = _lease.get()
    # What follows from a Job is as urgent as the Job, unless somebody says otherwise.
    queue = owed_queue or (lease.queue if lease else task.queue)
    priority = owed_priority if owed_priority is not None else lease.priority if lease else task.priority
    return [
        Job(
            task=task.name,
            arguments=dict(each),
            queue=queue,
            priority=priority,
            run_after=now + task.delay,
            max_attempts=task.max_attempts,
            unique_key=_unique_key(task, each),
        )
        for each in arguments
    ]


def _owe(jobs: Sequence[Job]) -> None:
    """Write Jobs down in one statement, and bring forward those that are asked for interactively."""
    if not jobs:
        return
    Job.objects.bulk_create(jobs, batch_size=1000, ignore_conflicts=True)
    now = timezone.now()
    urgent = [job for job in jobs if job.queue == Queue.INTERACTIVE and job.run_after <= now]
    for priority in sorted({job.priority for job in urgent}):
        keys = [job.unique_key for job in urgent if job.priority == priority]
        asked_for = Job.objects.filter(unique_key__in=keys, state=JobState.WAITING)
        asked_for.exclude(queue=Queue.INTERACTIVE, run_after__lte=now).update(
            queue=Queue.INTERACTIVE, priority=priority, run_after=now
        )
    for wake in _wake_dispatcher:
        transaction.on_commit(wake)


@contextmanager
def working_on(lease: Lease) -> Iterator[None]:
    """Let the work inside end the Job that `lease` holds."""
    token = _lease.set(lease)
    try:
        yield
    finally:
        _lease.reset(token)


def lease_in_hand() -> Lease | None:
    """Return the lease of the Job that this thread works on, None outside any."""
    return _lease.get()


@contextmanager
def result_of_job() -> Iterator[None]:
    """Write a task's result, its event and the end of its Job in one transaction, or nothing of it.

    Raises LeaseLost, rolling back, where another worker has taken the Job over. Outside a Job (a page, the command
    line, a test) it is a plain transaction. Inside `part_of_job` the Job goes on.
    """
    lease = _lease.get()
    with transaction.atomic():
        yield
        if lease is None or lease.is_finished:
            return
        if lease.has_more_to_do:
            _still_hold(lease)
            return
        finish(lease)
    lease.is_finished = True


@contextmanager
def part_of_job() -> Iterator[None]:
    """Let what is written inside be kept, each result in its own transaction, while the Job has more to do.

    When the worker dies after it, the Job runs again, so the task has to see for itself what is done already.
    """
    lease = _lease.get()
    if lease is None:
        yield
        return
    lease.has_more_to_do = True
    try:
        yield
    finally:
        lease.has_more_to_do = False


def _still_hold(lease: Lease) -> None:
    """Raise LeaseLost where another worker has taken the Job over; nobody takes it before this transaction ends."""
    held = Job.objects.select_for_update(no_key=True).filter(
        pk=lease.job_id, lease_token=lease.token, state=JobState.RUNNING
    )
    if held.first() is None:
        raise LeaseLost(f"job {lease.job_id}")


def finish(lease: Lease) -> None:
    """End the Job as done if the lease is still ours, or raise LeaseLost."""
    ended = Job.objects.filter(pk=lease.job_id, lease_token=lease.token, state=JobState.RUNNING).update(
        state=JobState.DONE, finished_at=timezone.now(), lease_until=None, lease_token=None, last_error=""
    )
    if not ended:
        raise LeaseLost(f"job {lease.job_id}")


def put_off(lease: Lease, *, seconds: float, reason: str, counts_as_attempt: bool) -> None:
    """Let the Job wait and run again later, holding no thread meanwhile."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=lease.job_id, lease_token=lease.token).first()
        if job is None:
            raise LeaseLost(f"job {lease.job_id}")
        job.state = JobState.WAITING
        job.run_after = timezone.now() + timedelta(seconds=seconds)
        job.attempt -= 0 if counts_as_attempt else 1
        job.lease_until, job.lease_token, job.last_error = None, None, _storable(reason)
        try:
            with transaction.atomic():
                job.save()
        except IntegrityError:
            # The same work was asked for again meanwhile and waits: that Job will do it.
            job.state, job.finished_at = JobState.DONE, timezone.now()
            job.save()
    lease.is_finished = True


def give_up(lease: Lease, *, reason: str) -> None:
    """End the Job as failed, keeping why. What is done about it then, in the same transaction, has no Job to end."""
    ended = Job.objects.filter(pk=lease.job_id, lease_token=lease.token).update(
        state=JobState.FAILED,
        finished_at=timezone.now(),
        lease_until=None,
        lease_token=None,
        last_error=_storable(reason),
    )
    if not ended:
        raise LeaseLost(f"job {lease.job_id}")
    # What on_exhausted writes belongs to no Job any more; it would look for a lease that has just ended.
    lease.is_finished = True


def _storable(reason: str) -> str:
    return reason.replace("\0", "")[:500]


def _unique_key(task: Task, arguments: Mapping[str, Any]) -> str:
    key = f"{task.name}:" + ",".join(f"{name}={arguments[name]}" for name in sorted(arguments))
    if len(key) <= LONGEST_KEY:
        return key
    # Paths are long, and may differ at their ends only.
    return f"{key[: LONGEST_KEY - 65]}:{hashlib.sha256(key.encode()).hexdigest()}"
