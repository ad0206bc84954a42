"""Keeps a set of processes running: one that ends is started again, a little later each time."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assistant_platform.embedded.children import Children
from assistant_platform.embedded.errors import last_lines

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
# One that ran this long had started well; its next failure begins with the shortest pause again.
HEALTHY_SECONDS = 60.0
STOP_SECONDS = 6.0
WATCH_SECONDS = 0.5
LINES_OF_A_FAILURE = 6


@dataclass
class Service:
    """A process that should always run: how it is started, stopped, and where it writes."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    serves_others: bool = False  # stopped after all those that do not
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    pause_seconds: float = FIRST_PAUSE_SECONDS
    failures: int = 0


@dataclass
class Errand:
    """A process that runs once beside the services; `when_done` is told its exit code."""

    name: str
    process: subprocess.Popen[bytes]
    when_done: Callable[[int], None]


class Supervisor:
    """Runs services until it is stopped."""

    def __init__(self, *, children: Children, say: Callable[[str], None]) -> None:
        self._children = children
        self._say = say
        self._services: list[Service] = []
        self._errands: list[Errand] = []

    def run(self, service: Service) -> None:
        """Start a service and keep it running."""
        self._services.append(service)
        _start(service)

    def run_beside(self, errand: Errand) -> None:
        """Watch a process that is meant to end."""
        self._errands.append(errand)

    def check(self) -> None:
        """Look once at every process: start again what ended and has waited long enough."""
        for errand in [errand for errand in self._errands if errand.process.poll() is not None]:
            self._errands.remove(errand)
            self._children.bury(errand.process)
            errand.when_done(errand.process.returncode)
        for service in self._services:
            if service.process is not None and service.process.poll() is not None:
                self._note_end(service, service.process)
            if service.process is None and time.monotonic() >= service.start_again_at:
                _start(service)

    def watch(self) -> None:
        """Keep everything running until an exception, such as KeyboardInterrupt, ends it."""
        while True:
            self.check()
            time.sleep(WATCH_SECONDS)

    def stop(self) -> None:
        """Stop everything: all at once what uses the servers, then the servers, the last started first."""
        for errand in self._errands:
            self._children.stop(errand.process, timeout_seconds=1.0)
        for last in (False, True):
            self._stop_together([service for service in self._services if service.serves_others is last])
        self._services.clear()
        self._errands.clear()

    def _stop_together(self, services: list[Service]) -> None:
        running = [(service, service.process) for service in reversed(services) if service.process is not None]
        for service, process in running:
            if process.poll() is None:
                process.send_signal(service.stop_signal)
        give_up_at = time.monotonic() + STOP_SECONDS
        for service, process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(give_up_at - time.monotonic(), 0))
            self._children.bury(process)
            service.process = None

    def _note_end(self, service: Service, process: subprocess.Popen[bytes]) -> None:
        self._children.bury(process)  # its own children may still hold its port
        service.process = None
        service.failures += 1
        if time.monotonic() - service.started_at > HEALTHY_SECONDS:
            service.pause_seconds = FIRST_PAUSE_SECONDS
        service.start_again_at = time.monotonic() + service.pause_seconds
        self._say(
            f"{service.name} ended ({_described(process.returncode)}); it is started again in"
            f" {service.pause_seconds:.0f} s. The end of {service.log}:\n{last_lines(service.log, LINES_OF_A_FAILURE)}"
        )
        service.pause_seconds = min(service.pause_seconds * 2, LONGEST_PAUSE_SECONDS)


def _start(service: Service) -> None:
    service.process = service.start()
    service.started_at = time.monotonic()


def _described(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
