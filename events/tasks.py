"""Jobs on their way: claimed by a worker, run in their organization's scope, put off, given up, swept, sent again."""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError
from structlog.contextvars import bound_contextvars

import events.services
from events.kinds import Kind
from events.leases import kept_alive
from events.models import Job, JobState, Queue
from events.services import DEFAULT_MAX_ATTEMPTS, DEFAULT_PRIORITY, Lease, LeaseLost, Task
from lib.failures import TemporaryFailure
from tenancy.directory import across_organizations
from tenancy.models import Organization
from tenancy.scope import acting_for

logger = logging.getLogger(__name__)

BACK_OFF_SECONDS = (5, 20, 60, 300, 900)
KEEP_FINISHED_JOBS = timedelta(days=3)
A_DAY = timedelta(hours=23)  # less, as beat looks every hour
DISPATCH_BATCH = 500
SECONDS_BEHIND_THE_SAME_WORK = 2
PAUSE_BETWEEN_WAKES_SECONDS = 0.2
PAUSE_WITHOUT_BROKER_SECONDS = 5.0  # a request must not wait for a broker that is known to be gone


class _Wakes:
    """When this process last dispatched, and until when another dispatch is on its way."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.at = 0.0
        self.follow_up_at = 0.0


_wakes = _Wakes()


def org_task(
    *,
    queue: Queue,
    priority: int = DEFAULT_PRIORITY,
    max_attempts: int = DEFAULT_MAX_ATTEMPTS,
    on_exhausted: Callable[..., None] | None = None,
    delay: timedelta = timedelta(0),
    only_if: Callable[[Kind], bool] | None = None,
) -> Callable[[Callable[..., None]], Task]:
    """Make a function of ids a task that Jobs run, in the scope of the Job's organization.

    Safe to run twice is the function's own duty: delivery is at least once. It raises TemporaryFailure to be run again
    later; `on_exhausted` gets the same ids when all attempts failed. It runs `delay` after what it follows, and is not
    owed at all where `only_if` says so. It may take `event_id`, the number of the event that it follows.
    """

    def decorate(function: Callable[..., None]) -> Task:
        return events.services.make_task(
            function,
            queue=queue,
            priority=priority,
            max_attempts=max_attempts,
            on_exhausted=on_exhausted,
            delay=delay,
            only_if=only_if,
        )

    return decorate


def task_named(name: str) -> Task:
    """Return the task of that name. Raises LookupError for any other name, and imports nothing for it."""
    try:
        return events.services.TASKS[name]
    except KeyError:
        raise LookupError(f"this version has no task {name!r}") from None


# --- The messenger's side ---------------------------------------------------------------------------------------------


@shared_task(name="events.run_job")
def run_job(job_id: int) -> None:
    """Run one Job if nobody else holds it."""
    claimed = claim(job_id)
    if claimed is not None:
        run_claimed(*claimed)
        wake_dispatcher()


@shared_task(name="events.dispatch")
def dispatch_task() -> None:
    """Send what is due, called by beat."""
    dispatch()


@shared_task(name="events.sweep")
def sweep_task() -> None:
    """Take back what no worker holds any more, called by beat."""
    sweep()
    dispatch()


@shared_task(name="events.daily")
def daily_task() -> None:
    """Owe every organization what is done once a day, called by beat more often than that."""
    owe_daily()


@shared_task(name="events.purge")
def purge_task() -> None:
    """Forget Jobs that ended days ago, and sessions that have expired; called by beat."""
    # Strangers begin sessions too, on their way to an identity provider.
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    with across_organizations():
        Job.every_organization.filter(finished_at__lt=timezone.now() - KEEP_FINISHED_JOBS).delete()


def owe_daily() -> int:
    """Owe each organization the daily tasks that it was not owed within the last day. Returns how many."""
    daily = events.services.daily_tasks()
    since = timezone.now() - A_DAY
    with across_organizations():
        organizations = list(Organization.objects.order_by("pk").values_list("pk", flat=True))
        recent = Job.every_organization.filter(task__in=[task.name for task in daily], created_at__gt=since)
        owed = set(recent.values_list("organization_id", "task"))
    count = 0
    for organization_id in organizations:
        with acting_for(organization_id), transaction.atomic():
            for task in daily:
                if (organization_id, task.name) not in owed:
                    events.services.owe_many(task, [{}])
                    count += 1
    return count


def wake_dispatcher() -> None:
    """Send due Jobs now rather than at beat's next tick; a burst of calls in a process makes one now and one after."""
    now = time.monotonic()
    with _wakes.lock:
        is_too_soon = now - _wakes.at < PAUSE_BETWEEN_WAKES_SECONDS
        # What became due after the last dispatch needs another one; there is nobody to ask while the broker is away.
        if is_too_soon and (_wakes.follow_up_at > now or _wakes.at > now):
            return
        if is_too_soon:
            _wakes.follow_up_at = now + PAUSE_BETWEEN_WAKES_SECONDS
        else:
            _wakes.at = now
    try:
        if is_too_soon:
            dispatch_task.apply_async(countdown=PAUSE_BETWEEN_WAKES_SECONDS, queue=Queue.INTERACTIVE, retry=False)
        else:
            dispatch()
    except Exception:
        logger.exception("dispatch failed; beat will try again")


def dispatch() -> int:
    """Send due Jobs to workers: by priority, then to the organization with the fewest in flight. Returns how many.

    Never more than a window per organization and queue is in flight, so that one backlog cannot fill the workers, nor
    hold up what somebody waits for.
    """
    with across_organizations():
        due = _take_due_jobs()
    sent = 0
    try:
        for pk, queue in due:
            run_job.apply_async((pk,), queue=queue, retry=False)
            sent += 1
    except OperationalError:
        logger.warning("the broker does not answer; %d jobs stay where they are until it does", len(due) - sent)
        with across_organizations():
            Job.every_organization.filter(pk__in=[pk for pk, _ in due[sent:]], state=JobState.SENT).update(
                state=JobState.WAITING
            )
        _wakes.at = time.monotonic() + PAUSE_WITHOUT_BROKER_SECONDS
    return sent


# The lateral join takes at most a window of each organization's first Jobs, so that the cost does not grow with
# anybody's backlog; the place in the window, counted from what is in flight already, is what makes turns fair.
_DUE = """
WITH in_flight AS (
    SELECT organization_id, queue, count(*) AS n FROM events_job WHERE state IN ('sent', 'running') GROUP BY 1, 2
)
SELECT j.id, j.queue
  FROM tenancy_organization o
  CROSS JOIN unnest(%(queues)s::text[]) AS q (name)
  LEFT JOIN in_flight f ON f.organization_id = o.id AND f.queue = q.name
  CROSS JOIN LATERAL (
    SELECT w.id, w.queue, w.priority, row_number() OVER (ORDER BY w.priority, w.run_after, w.id) AS place
      FROM events_job w
     WHERE w.state = 'waiting' AND w.run_after <= %(now)s AND w.organization_id = o.id AND w.queue = q.name
       AND NOT EXISTS (SELECT 1 FROM events_job r WHERE r.state = 'running'
                          AND r.organization_id = w.organization_id AND r.unique_key = w.unique_key)
     ORDER BY w.priority, w.run_after, w.id LIMIT greatest(%(window)s - coalesce(f.n, 0), 0)
  ) j
 ORDER BY j.priority, coalesce(f.n, 0) + j.place, j.id LIMIT %(batch)s
"""


def _take_due_jobs() -> list[tuple[int, str]]:
    """Mark the Jobs to send now as sent, and return id and queue of each, in the order of sending."""
    now = timezone.now()
    with connection.cursor() as cursor:
        # The transaction's own lock: two dispatchers would otherwise both fill the same window.
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('events.dispatch'))")
        if not cursor.fetchone()[0]:
            return []
        window = settings.JOBS_IN_FLIGHT_PER_ORGANIZATION
        cursor.execute(_DUE, {"queues": Queue.values, "window": window, "batch": DISPATCH_BATCH, "now": now})
        due: list[tuple[int, str]] = cursor.fetchall()
    # One that a worker has claimed meanwhile, by an old message, stays claimed; another message does no harm.
    Job.every_organization.filter(pk__in=[pk for pk, _ in due], state=JobState.WAITING).update(
        state=JobState.SENT, sent_at=now
    )
    return due


def sweep() -> int:
    """Let Jobs wait again that were sent and never claimed, or whose worker died. Returns how many."""
    now = timezone.now()
    with across_organizations():
        lost = Job.every_organization.filter(
            state=JobState.SENT, sent_at__lt=now - timedelta(seconds=settings.JOB_RESEND_SECONDS)
        ).update(state=JobState.WAITING)
        expired = list(
            Job.every_organization.filter(state=JobState.RUNNING, lease_until__lt=now).values_list("pk", flat=True)
        )
    for job_id in expired:
        _take_back(job_id)
    return lost + len(expired)


def _take_back(job_id: int) -> None:
    try:
        claimed = claim(job_id, attempts_spent_too=True)
        if claimed is not None:
            _retry_or_give_up(*claimed, error="the worker that held it is gone", wait_seconds=0)
    except Exception:
        # One Job that cannot be taken back must not keep the others waiting; its new lease runs out as well.
        logger.exception("job %d could not be taken back", job_id)


# --- The worker's side ------------------------------------------------------------------------------------------------


def claim(job_id: int, *, attempts_spent_too: bool = False) -> tuple[Job, Lease] | None:
    """Take a Job for this thread: one that is due, or one whose holder let its lease run out.

    None where there is none: it has ended, is held, was put off since its message was sent, or the same work is done
    by another Job at this moment.
    """
    now = timezone.now()
    try:
        return _claim(job_id, now, attempts_spent_too=attempts_spent_too)
    except IntegrityError:
        # The same work is being done by another Job; this one looks again when that may have ended.
        later = now + timedelta(seconds=SECONDS_BEHIND_THE_SAME_WORK)
        with across_organizations():
            behind = Job.every_organization.filter(pk=job_id).exclude(state__in=[JobState.DONE, JobState.FAILED])
            behind.filter(Q(lease_until=None) | Q(lease_until__lte=now)).update(state=JobState.WAITING, run_after=later)
        return None


def _claim(job_id: int, now: datetime, *, attempts_spent_too: bool) -> tuple[Job, Lease] | None:
    with across_organizations():
        job = Job.every_organization.select_for_update(skip_locked=True).filter(pk=job_id).first()
        if job is None or not _can_be_claimed(job, now):
            return None
        job.state = JobState.RUNNING
        job.attempt += 0 if attempts_spent_too else 1
        lease = Lease(
            job_id=job.pk,
            token=uuid.uuid4(),
            queue=Queue(job.queue),
            priority=job.priority,
            is_last_attempt=job.attempt >= job.max_attempts,
            has_waited_too_long=_has_waited_too_long(job),
        )
        job.lease_token = lease.token
        job.lease_until = now + timedelta(seconds=settings.JOB_LEASE_SECONDS)
        Job.every_organization.filter(pk=job.pk).update(
            state=job.state, attempt=job.attempt, lease_token=job.lease_token, lease_until=job.lease_until
        )
    return job, lease


def _can_be_claimed(job: Job, now: datetime) -> bool:
    match job.state:
        case JobState.WAITING:
            return job.run_after <= now
        case JobState.SENT:
            return True
        case JobState.RUNNING:
            return job.lease_until is not None and job.lease_until <= now
    return False


def run_claimed(job: Job, lease: Lease) -> None:
    """Run a claimed Job in its organization's scope, and end, put off or give up the Job."""
    with (
        acting_for(job.organization_id),
        events.services.working_on(lease),
        kept_alive(lease.token),
        bound_contextvars(job_id=job.pk, task=job.task, organization_id=job.organization_id),
    ):
        try:
            task_named(job.task).function(**job.arguments)
            if not lease.is_finished:
                with events.services.result_of_job():
                    pass
        except LeaseLost:
            logger.info("another worker has taken the job over; nothing was written")
        except TemporaryFailure as failure:
            logger.info("put off: %s", failure)
            if _has_waited_too_long(job) and not failure.spends_attempt:
                _give_up(job, lease, error=str(failure))
            elif failure.spends_attempt:
                _retry_or_give_up(job, lease, error=str(failure), wait_seconds=failure.retry_after_seconds)
            else:
                events.services.put_off(
                    lease, seconds=failure.retry_after_seconds or 1, reason=str(failure), counts_as_attempt=False
                )
        except Exception as error:
            logger.exception("the job failed")
            _retry_or_give_up(job, lease, error=f"{type(error).__name__}: {error}")
        finally:
            if not connection.in_atomic_block:
                connection.close()


def _has_waited_too_long(job: Job) -> bool:
    """Tell whether a Job that only waits for its turn has done so for so long that somebody must be told."""
    return timezone.now() - job.created_at > timedelta(seconds=settings.JOB_LONGEST_WAIT_SECONDS)


def _retry_or_give_up(job: Job, lease: Lease, *, error: str, wait_seconds: float | None = None) -> None:
    with acting_for(job.organization_id):
        try:
            if job.attempt < job.max_attempts:
                wait = BACK_OFF_SECONDS[min(job.attempt - 1, len(BACK_OFF_SECONDS) - 1)] * random.uniform(0.8, 1.2)  # noqa: S311
                seconds = wait if wait_seconds is None else wait_seconds
                events.services.put_off(lease, seconds=seconds, reason=error, counts_as_attempt=True)
                return
        except LeaseLost:
            logger.info("another worker has taken the job over")
            return
    _give_up(job, lease, error=error)


def _give_up(job: Job, lease: Lease, *, error: str) -> None:
    with acting_for(job.organization_id):
        try:
            with transaction.atomic():
                events.services.give_up(lease, reason=error)
                on_exhausted = _on_exhausted(job.task)
                if on_exhausted is not None:
                    on_exhausted(**job.arguments)
        except LeaseLost:
            logger.info("another worker has taken the job over")


def _on_exhausted(name: str) -> Callable[..., None] | None:
    try:
        return task_named(name).on_exhausted
    except LookupError:
        return None  # a task that this version no longer has
