"""Tasks of tests, Jobs that wait until a test runs them, and threads that do things at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction

import events.services
import events.tasks
from events.models import Job, Queue
from events.services import Task, make_task, set_followers
from tenancy.directory import across_organizations
from tenancy.models import Organization
from tests import factories


@pytest.fixture
def garden(committed: None) -> Organization:
    """An organization that is really committed, so that several connections see it."""
    return factories.an_organization("garden", admin=factories.a_person("gardener@garden.example"))


@pytest.fixture(autouse=True)
def nobody_woken() -> Iterator[None]:
    """Let Jobs wait until the test sends or runs them."""
    followers = dict(events.services._followers)
    daily = events.services.daily_tasks()
    wakers = list(events.services._wake_dispatcher)
    events.services._wake_dispatcher[:] = []
    yield
    set_followers(followers, daily=daily, wake_dispatcher=wakers[0])


@pytest.fixture
def task_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Task]:
    """Return a function that makes a task out of a function, as `@org_task` does in a module of ours."""
    known: dict[str, Task] = {}
    real = events.tasks.task_named
    monkeypatch.setattr(events.tasks, "task_named", lambda name: known.get(name) or real(name))

    def make(function: Callable[..., None], **options: object) -> Task:
        task = make_task(function, **{"queue": Queue.BACKLOG, **options})  # type: ignore[arg-type]  # options of the test
        known[task.name] = task
        return task

    return make


def owe(task: Task, **arguments: int | str) -> None:
    """Owe one piece of work."""
    events.services.owe_many(task, [arguments])


def owed(task: Task, **arguments: int | str) -> Job:
    """Owe one piece of work in the organization in scope, and return its Job."""
    with transaction.atomic():
        owe(task, **arguments)
        return Job.objects.latest("pk")


def job_now(job: Job) -> Job:
    """Return a Job as it is in the database now."""
    with across_organizations():
        return Job.every_organization.get(pk=job.pk)


def at_once(*functions: Callable[[], object]) -> list[object]:
    """Run functions in threads that start together, each with a connection of its own; return results or exceptions."""
    gate = threading.Barrier(len(functions))
    results: list[object] = [None] * len(functions)

    def run(index: int) -> None:
        try:
            gate.wait(timeout=10)
            results[index] = functions[index]()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results
