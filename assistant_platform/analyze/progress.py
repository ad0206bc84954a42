"""What the person at the terminal sees meanwhile; nothing where the output goes into a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from django.db import transaction
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from events.selectors import unfinished_jobs

REFRESH_SECONDS = 0.3


class Phase(StrEnum):
    """What takes time, in its order; the value is its name in the figures."""

    SCANNING = "scanning"
    PROVIDER = "provider"
    STARTING = "starting"
    INGESTING = "ingesting"
    ANALYSING = "analysing"
    GATHERING = "gathering"


WORDS = {
    Phase.SCANNING: "Semgrep scans the folder",
    Phase.PROVIDER: "Asking the provider for a sign of life",
    Phase.STARTING: "Starting a database for this run",
    Phase.INGESTING: "Reading the report",
    Phase.ANALYSING: "Analysing",
    Phase.GATHERING: "Gathering the results",
}


class Watch:
    """Takes the time of each phase, and draws it on the display where there is one."""

    def __init__(self, display: Progress | None = None) -> None:
        self._display = display
        self._bar = display.add_task("", total=None) if display is not None else None
        self._phase: Phase | None = None
        self._began = 0.0
        self._drawn = 0.0
        self.seconds: dict[str, float] = {}

    def begin(self, phase: Phase) -> None:
        """End the phase under way and begin another."""
        self.end()
        self._phase, self._began = phase, time.monotonic()
        if self._display is not None and self._bar is not None:
            self._display.reset(self._bar, total=None, description=WORDS[phase], start=True)

    def end(self) -> None:
        """End the phase under way."""
        if self._phase is not None:
            self.seconds[self._phase.value] = round(time.monotonic() - self._began, 2)
        self._phase = None

    def show_jobs(self, ran: int) -> None:
        """Draw how many Jobs ran, of those known by now; wants the scope of the organization."""
        if self._display is None or self._bar is None or time.monotonic() - self._drawn < REFRESH_SECONDS:
            return
        self._drawn = time.monotonic()
        with transaction.atomic():
            left = unfinished_jobs().count()
        self._display.update(self._bar, completed=ran, total=ran + left)


@contextmanager
def watching(console: Console) -> Iterator[Watch]:
    """Give a watch that draws on a terminal, and on nothing else."""
    if not console.is_terminal:
        yield Watch()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as display:
        yield Watch(display)
