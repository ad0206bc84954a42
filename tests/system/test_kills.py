"""Workers and the broker killed in the middle of the work: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

import orgs.services
from events.kinds import SYSTEM, Kind
from events.models import Event, Job, JobState
from findings.models import Finding, Presence, Scan, UploadChunk
from tenancy.scope import acting_for
from tests import factories, servers
from tests.integration.findings.importing import matches, received, report_of
from tests.system.house import PATIENCE_SECONDS, THREADS, House, house_of, kill
from tests.vendors.openai_server import Exchange, OpenAIServer, Scripted, completion
from triage.models import Verdict

NEEDLE = "gate.open(visitor)"
FILES = {f"park/{name}.py": f"def enter(visitor):\n    {NEEDLE}\n\n\n# {name}\n" for name in "abcdef"}
REPORT = report_of(*[match for path, text in FILES.items() for match in matches(path, text, NEEDLE)])


@dataclass
class Analysis:
    """A house where a scan was handed in, and a model that answers when it is told to."""

    house: House
    model: OpenAIServer
    may_answer: threading.Event

    def is_done(self) -> bool:
        """Whether the scan is analysed and no work is left."""
        return Scan.objects.get().state == "settled" and self.house.is_done()


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
def analysis(committed: None, tmp_path: Path) -> Iterator[Analysis]:
    """Hand a scan in, with nobody at work yet."""
    with ExitStack() as stack:
        model = stack.enter_context(OpenAIServer().running())
        may_answer = threading.Event()
        stack.callback(may_answer.set)
        model.rule = answered
        model.before_answering = lambda: may_answer.wait(PATIENCE_SECONDS)
        organization = factories.an_organization("park", admin=factories.a_person("keeper@park.example"))
        environment = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": model.url}
        house = stack.enter_context(house_of(organization, tmp_path, environment))
        with acting_for(organization.pk):
            orgs.services.change_settings(actor=SYSTEM, changes={"remediation": False})
            orgs.services.give_consent(actor=SYSTEM)
            received(REPORT, files=FILES)
        yield Analysis(house, model, may_answer)


@pytest.fixture
def house(analysis: Analysis) -> House:
    """The house of the analysis."""
    return analysis.house


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


def test_a_worker_killed_while_models_think(house: House, analysis: Analysis) -> None:
    first, _ = house.start_worker(), house.start_worker()
    house.wait_until(lambda: analysis.model.asked >= 2 * THREADS)  # so both have their hands full

    kill(first)
    analysis.may_answer.set()
    house.wait_until(analysis.is_done)

    assert_each_finding_was_judged_once(house)


def test_a_broker_killed_while_models_think_and_started_again_empty(house: House, analysis: Analysis) -> None:
    house.start_worker()
    house.wait_until(lambda: analysis.model.asked >= 3)

    assert house.broker.process is not None
    kill(house.broker.process)
    analysis.may_answer.set()
    house.broker.start()
    house.broker.wait_until_ready()
    house.wait_until(analysis.is_done)

    assert_each_finding_was_judged_once(house)


def test_a_worker_killed_in_the_middle_of_an_import(house: House, analysis: Analysis) -> None:
    analysis.may_answer.set()
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
    house.wait_until(analysis.is_done)

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
