"""The doctor looks at real workers and a real beat, on a database of the broker that is nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from events.models import Queue

ROOT = Path(__file__).resolve().parents[2]
BROKER_DATABASE = "/9"
START_SECONDS = 30
Start = Callable[..., None]


@pytest.fixture
def environment(django_db_setup: None) -> dict[str, str]:
    broker = os.environ["REDIS_URL"].rpartition("/")[0] + BROKER_DATABASE
    return {**os.environ, "REDIS_URL": broker, "DJANGO_SETTINGS_MODULE": "assistant_platform.settings"}


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a part of Celery and returns when it says that it is ready."""
    with ExitStack() as stack:

        def started(*words: str, ready: str) -> None:
            log = tmp_path / f"{words[0]}.log"
            with log.open("wb") as output:
                process = subprocess.Popen(
                    [sys.executable, "-m", "celery", "--app", "assistant_platform", *words, "--loglevel", "INFO"],
                    cwd=ROOT,
                    env=environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            give_up_at = time.monotonic() + START_SECONDS
            while ready not in log.read_text() and time.monotonic() < give_up_at:
                time.sleep(0.05)
            assert ready in log.read_text()

        yield started


def a_worker(start: Start, *queues: str) -> None:
    start("worker", "--pool", "solo", "--queues", ",".join(queues), ready=" ready.")


def doctor(environment: dict[str, str]) -> dict[str, str]:
    """Return what the doctor says of workers and beat."""
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    return {name: f"{state} {rest}" for state, name, rest in lines if name in {"Workers", "Beat"}}


def test_workers_for_every_queue_and_beat_are_seen(environment: dict[str, str], start: Start, tmp_path: Path) -> None:
    a_worker(start, *Queue.values)
    start("beat", "--schedule", str(tmp_path / "schedule"), "--pidfile", "", ready="beat: Starting")

    said = doctor(environment)

    assert said == {
        "Workers": "OK 1 of them; every queue is served",
        "Beat": "OK a dispatch arrived just now",
    }


def test_a_queue_without_worker_and_a_beat_that_is_off_are_missed(environment: dict[str, str], start: Start) -> None:
    a_worker(start, Queue.INTERACTIVE, Queue.BACKLOG)

    said = doctor(environment)

    assert said["Workers"].startswith("FAIL nobody takes from pull_request, deliver")
    assert said["Beat"].startswith("FAIL no dispatch within")
