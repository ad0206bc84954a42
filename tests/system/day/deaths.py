"""Workers that die between two requests to a host, and whoever takes over once their lease has run out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.db import transaction
from django.utils import timezone

from events.models import Job, JobState
from events.tasks import sweep
from lib.http.sessions import GuardedAdapter
from scm.adapters import close_adapters
from tests.system.day.course import Day


class Killed(BaseException):
    """A worker that is gone from one instant to the next: nothing catches it."""


@dataclass
class Fate:
    """Counts the requests to the host, and kills whoever makes the one chosen, before it is sent or once it is done."""

    chosen: int = 0  # 0: nobody dies
    is_after: bool = False
    requests: list[str] = field(default_factory=list)  # the method of each
    is_dead: bool = False

    def spare(self) -> None:
        """Let everybody live, and count anew."""
        self.choose(0, is_after=False)

    def choose(self, number: int, *, is_after: bool) -> None:
        """Have the worker die at its request of that number."""
        self.chosen, self.is_after, self.requests, self.is_dead = number, is_after, [], False

    def moments(self) -> list[tuple[int, bool]]:
        """Return all that can be chosen for the requests so far: (number, is after).

        Who dies after it has read leaves behind what it would leave by dying before.
        """
        befores = [(number, False) for number in range(1, len(self.requests) + 1)]
        afters = [(number, True) for number, method in enumerate(self.requests, 1) if method not in {"GET", "HEAD"}]
        return befores + afters

    def send(self, method: str, really: Callable[[], Any]) -> Any:
        """Send a request, if its worker lives so long."""
        self.requests.append(method)
        is_now = len(self.requests) == self.chosen
        if self.is_dead or (is_now and not self.is_after):
            self.is_dead = True  # and with it the threads that it had
            raise Killed
        answer = really()
        if is_now:
            self.is_dead = True
            raise Killed
        return answer


def fate_of(monkeypatch: pytest.MonkeyPatch) -> Fate:
    """Return what decides about every request to a host from now on."""
    fate, send = Fate(), GuardedAdapter.send

    def sent(self: GuardedAdapter, request: requests.PreparedRequest, **options: Any) -> Any:
        return fate.send(str(request.method), lambda: send(self, request, **options))

    monkeypatch.setattr(GuardedAdapter, "send", sent)
    return fate


def work_until_killed(day: Day, fate: Fate) -> None:
    """Work as day after day, and let somebody else take over from whoever dies."""
    try:
        day.work_off()
    except Killed:
        fate.spare()
        gone = Job.objects.filter(state=JobState.RUNNING)
        gone.update(lease_until=timezone.now() - timedelta(seconds=1))
        sweep()
        day.work_off()


@contextmanager
def taken_back(day: Day) -> Iterator[None]:
    """Undo what happens within, in the database and on the host."""
    remembered, commits = day.host.remember(), list(day.commits)
    before = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(before)
        close_adapters()  # they may hold tokens that the host does not know any more
        day.host.take_back(remembered)
        day.commits = commits
