"""A broker, and processes of ours that can be killed, beside the tests' own database."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connection, transaction

import events.services
from assistant_platform.embedded.account import server_account
from assistant_platform.embedded.binaries import binaries_for
from assistant_platform.embedded.children import Children
from assistant_platform.embedded.environment import redis_url
from assistant_platform.embedded.ephemeral import _temporary_folder
from assistant_platform.embedded.ports import any_free_port
from assistant_platform.embedded.servers import Valkey
from events.models import Job, JobState
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import servers

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 120

# What beat does, more often, so that the test is short.
CLOCK = """
import time, django
django.setup()
from events.tasks import dispatch, sweep
while True:
    sweep()
    dispatch()
    time.sleep(0.2)
"""
THREADS = 4
WORKER = ("-m", "celery", "--app", "assistant_platform", "worker", "--pool", "threads", "--concurrency", str(THREADS))
WORKER_OPTIONS = ("--queues", "interactive,pull_request,backlog,deliver", "--loglevel", "ERROR")
WITHOUT_OTHERS = ("--without-gossip", "--without-mingle", "--without-heartbeat")


@dataclass
class House:
    """A broker of its own, an organization with work to do, and processes that can be killed."""

    broker: Valkey
    organization: Organization
    environment: dict[str, str]
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a Python process of ours."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker of four threads."""
        return self.start(*WORKER, *WORKER_OPTIONS, *WITHOUT_OTHERS)

    def kill_all(self) -> None:
        """Leave nothing running."""
        for process in self.processes:
            kill(process)

    def wait_until(self, what: Callable[[], bool]) -> None:
        """Return when something is so, asked in the organization's scope; fail when it never is."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            with acting_for(self.organization.pk), transaction.atomic():
                if what():
                    return
            assert time.monotonic() < give_up_at, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.05)

    def is_done(self) -> bool:
        """Whether no work is left."""
        return not Job.objects.exclude(state__in=[JobState.DONE, JobState.FAILED]).exists()


@contextmanager
def house_of(organization: Organization, folder: Path, environment: Mapping[str, str]) -> Iterator[House]:
    """Run a broker of the organization's own with nobody at work yet; whoever is started is killed at the end."""
    wakers, events.services._wake_dispatcher[:] = list(events.services._wake_dispatcher), []
    with ExitStack() as stack:
        stack.callback(events.services._wake_dispatcher.extend, wakers)
        children = Children()
        stack.callback(children.close)
        account = server_account()
        broker_folder = _temporary_folder(account)
        children.remove_at_end(broker_folder)
        broker = Valkey(
            folder=broker_folder,
            port=any_free_port(),
            password=secrets.token_urlsafe(16),
            binaries=binaries_for(account),
            account=account,
            children=children,
            log=folder / "valkey.log",
        )
        its_own = {
            **os.environ,
            "ASSISTANT_MODE": "evaluation",
            "DJANGO_SETTINGS_MODULE": "assistant_platform.settings",
            "DATABASE_URL": servers.database_named(os.environ["DATABASE_URL"], connection.settings_dict["NAME"]),
            "REDIS_URL": redis_url(port=broker.port, password=broker.password),
            "JOB_LEASE_SECONDS": "3",
            "JOB_RESEND_SECONDS": "2",
            **environment,
        }
        house = House(broker, organization, its_own, folder)
        stack.callback(house.kill_all)
        stack.callback(broker.stop)
        broker.start()
        broker.wait_until_ready()
        house.start("-c", CLOCK)
        yield house


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process as a crash of its machine would."""
    process.send_signal(signal.SIGKILL)
    process.wait()
