"""Running Jobs without a broker: what the command line and the tests have for a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import ParamSpec, TypeVar

from django.db import connection
from django.db.models import Min
from django.utils import timezone

from events.models import Job, JobState
from events.tasks import claim, run_claimed
from tenancy.directory import across_organizations

P = ParamSpec("P")
R = TypeVar("R")


def drain(
    *,
    threads: int = 1,
    patience_seconds: float = 0.0,
    limit: int = 100_000,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Run due Jobs here and now, without a broker, until none is left. Returns how many.

    The command line's worker, and the tests'. One thread means the caller's own, inside its transaction if it has one.
    Jobs that were put off are waited for while `patience_seconds`, counted over all such pauses, last.
    """
    ran = 0
    running: dict[Future[None], int] = {}
    executor = ThreadPoolExecutor(threads, thread_name_prefix="drain") if threads > 1 else _InThisThread()
    try:
        while ran + len(running) < limit:
            # Asked for in handfuls: with one thread each Job is chosen when its turn comes, so that priorities hold.
            if len(running) < threads:
                wanted = min(threads * 2 - len(running), limit - ran - len(running)) if threads > 1 else 1
                running |= {executor.submit(_run_due, pk): pk for pk in _due_ids(wanted, besides=running.values())}
            if not running:
                pause = _seconds_to_next_due()
                if pause is None or pause > patience_seconds:
                    break
                time.sleep(pause)
                patience_seconds -= pause
                continue
            # A Job that was put off may fall due before one of these ends.
            ended, _ = wait_for(running, timeout=1, return_when=FIRST_COMPLETED)
            for future in ended:
                del running[future]
                future.result()
                ran += 1
            if on_progress is not None:
                on_progress(ran)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    return ran


class _InThisThread(Executor):
    """Runs what is submitted at once; what a pool of one thread would do in another thread and transaction."""

    def submit(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Call the function and return its future, which has ended."""
        future: Future[R] = Future()
        future.set_result(function(*args, **kwargs))
        return future


def _run_due(job_id: int) -> None:
    claimed = claim(job_id)
    if claimed is not None:
        run_claimed(*claimed)
    elif not connection.in_atomic_block:
        connection.close()


def _due_ids(count: int, *, besides: Collection[int]) -> list[int]:
    with across_organizations():
        due = Job.every_organization.filter(
            state__in=[JobState.WAITING, JobState.SENT], run_after__lte=timezone.now()
        ).exclude(pk__in=besides)
        return list(due.order_by("priority", "run_after", "pk").values_list("pk", flat=True)[:count])


def _seconds_to_next_due() -> float | None:
    """Return how long the next Job still waits, None where none does."""
    with across_organizations():
        next_due = Job.every_organization.filter(state__in=[JobState.WAITING, JobState.SENT]).aggregate(
            at=Min("run_after")
        )["at"]
    return None if next_due is None else max((next_due - timezone.now()).total_seconds(), 0.01)
