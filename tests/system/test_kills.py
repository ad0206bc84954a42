"""Workers and the broker killed in the middle of the work: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

import events.services
import orgs.services
from assistant_platform.embedded.account import server_account
from assistant_platform.embedded.binaries import binaries_for
from assistant_platform.embedded.children import Children
from assistant_platform.embedded.environment import redis_url
from assistant_platform.embedded.ephemeral import _temporary_folder
from assistant_platform.embedded.ports import any_free_port
from assistant_platform.embedded.servers import Valkey
from events.kinds import SYSTEM, Kind
from events.models import Event, Job, JobState
from findings.models import Finding, Presence, Scan, UploadChunk
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories, servers
from tests.integration.findings.importing import matches, received, report_of
from tests.vendors.openai_server import Exchange, OpenAIServer, Scripted, completion
from triage.models import Verdict

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

NEEDLE = "gate.open(visitor)"
FILES = {f"park/{name}.py": f"def enter(visitor):\n    {NEEDLE}\n\n\n# {name}\n" for name in "abcdef"}
REPORT = report_of(*[match for path, text in FILES.items() for match in matches(path, text, NEEDLE)])


@dataclass
class House:
    """A broker of its own, a model that answers when it is told to, and processes that can be killed."""

    broker: Valkey
    model: OpenAIServer
    organization: Organization
    may_answer: threading.Event
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
        """Whether the scan is analysed and no work is left."""
        jobs = Job.objects.exclude(state__in=[JobState.DONE, JobState.FAILED])
        return Scan.objects.get().state == "settled" and not jobs.exists()


def answered(exchange: Exchange) -> Scripted:
    """Answer by the shape that is asked for; each verdict quotes its own file."""
    if exchange.body["response_format"]["json_schema"]["name"] == "ComponentAnswer":
        return completion({"tag": "API", "risk": "neutral", "reason": "It lets visitors in."})
    path = next(path for path in FILES if path in exchange.user)
    quote = {"path": path, "start_line": 2, "end_line": 2, "quote": f"    {NEEDLE}", "role": "sink"}
    return completion(
        {"evidence": [quote], "verdict": "true_positive", "confidence": "high", "explanation": "Anybody may enter."}
    )


@pytest.fixture
def house(committed: None, tmp_path: Path) -> Iterator[House]:
    """Hand a scan in, with nobody at work yet."""
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
            log=tmp_path / "valkey.log",
        )
        model = stack.enter_context(OpenAIServer().running())
        may_answer = threading.Event()
        stack.callback(may_answer.set)
        model.rule = answered
        model.before_answering = lambda: may_answer.wait(PATIENCE_SECONDS)
        environment = {
            **os.environ,
            "ASSISTANT_MODE": "evaluation",
            "DJANGO_SETTINGS_MODULE": "assistant_platform.settings",
            "DATABASE_URL": servers.database_named(os.environ["DATABASE_URL"], connection.settings_dict["NAME"]),
            "REDIS_URL": redis_url(port=broker.port, password=broker.password),
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": model.url,
            "JOB_LEASE_SECONDS": "3",
            "JOB_RESEND_SECONDS": "2",
        }
        organization = factories.an_organization("park", admin=factories.a_person("keeper@park.example"))
        house = House(broker, model, organization, may_answer, environment, tmp_path)
        stack.callback(house.kill_all)
        stack.callback(broker.stop)
        broker.start()
        with acting_for(organization.pk):
            orgs.services.change_settings(actor=SYSTEM, changes={"remediation": False})
            orgs.services.give_consent(actor=SYSTEM)
            received(REPORT, files=FILES)
        broker.wait_until_ready()
        house.start("-c", CLOCK)
        yield house


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process as a crash of its machine would."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def assert_each_finding_was_judged_once(house: House) -> None:
    with acting_for(house.organization.pk), transaction.atomic():
        judged = list(Verdict.objects.order_by("finding").values_list("finding__path", flat=True))
        told = Event.objects.filter(kind=Kind.VERDICT_REACHED).values("finding_id")
        scan = Scan.objects.get()
        assert judged == list(FILES)
        assert (told.count(), told.distinct().count()) == (len(FILES), len(FILES))
        assert Event.objects.filter(kind=Kind.SCAN_SETTLED).count() == 1
        assert (scan.found_count, scan.analysed_count, scan.state) == (len(FILES), len(FILES), "settled")
        assert not Job.objects.filter(state=JobState.FAILED).exists()


def test_a_worker_killed_while_models_think(house: House) -> None:
    first, _ = house.start_worker(), house.start_worker()
    house.wait_until(lambda: house.model.asked >= 2 * THREADS)  # so both have their hands full

    kill(first)
    house.may_answer.set()
    house.wait_until(house.is_done)

    assert_each_finding_was_judged_once(house)


def test_a_broker_killed_while_models_think_and_started_again_empty(house: House) -> None:
    house.start_worker()
    house.wait_until(lambda: house.model.asked >= 3)

    assert house.broker.process is not None
    kill(house.broker.process)
    house.may_answer.set()
    house.broker.start()
    house.broker.wait_until_ready()
    house.wait_until(house.is_done)

    assert_each_finding_was_judged_once(house)


def test_a_worker_killed_in_the_middle_of_an_import(house: House) -> None:
    house.may_answer.set()
    name = connection.settings_dict["NAME"]
    address = servers.database_named(os.environ[servers.ADMIN_URL], name)
    with psycopg.connect(address) as admin, psycopg.connect(address, autocommit=True) as watcher:
        # Half of the import is written when it gets here, and waits.
        admin.execute("LOCK TABLE findings_presence IN EXCLUSIVE MODE")
        first = house.start_worker()
        house.wait_until(lambda: _somebody_waits_in(name, watcher))

        kill(first)
        house.start_worker()
        admin.rollback()
    house.wait_until(house.is_done)

    with acting_for(house.organization.pk), transaction.atomic():
        assert (Finding.objects.count(), Presence.objects.count()) == (len(FILES), len(FILES))
        assert Event.objects.filter(kind=Kind.SCAN_INGESTED).count() == 1
        assert not UploadChunk.objects.exists()
    assert_each_finding_was_judged_once(house)


def _somebody_waits_in(database: str, watcher: psycopg.Connection) -> bool:
    waiting = watcher.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", [database]
    ).fetchone()
    return waiting is not None and waiting[0] > 0
