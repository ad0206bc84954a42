"""No transaction is open, and no connection is held, while a model thinks."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.core.cache import cache
from django.db import connection, transaction
from pytest_django.fixtures import Settings

import orgs.services
import triage.services
from events.kinds import SYSTEM
from findings.models import Finding
from providers.gate import ask
from providers.models import ModelCall
from providers.prompts import Prompt
from tenancy.scope import acting_for
from tests import factories, servers
from tests.integration.providers.situations import ORDERS, a_finding_in, judged, set_up, verdict
from tests.vendors.openai_server import OpenAIServer, completion
from triage.answers import VerdictAnswer


@pytest.fixture
def acme_id(committed: None, openai_server: OpenAIServer, settings: Settings) -> Iterator[int]:
    """Acme, really committed, with consent."""
    set_up(settings, openai_server)
    cache.clear()
    organization = factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))
    with acting_for(organization.pk):
        orgs.services.give_consent(actor=SYSTEM)
        yield organization.pk


def connections_of_the_application() -> int:
    """Count them where it counts: at the server."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(os.environ[servers.ADMIN_URL]) as admin:
        row = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename = %s", [name, servers.LOGIN]
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_the_connection_is_given_back_while_the_model_thinks(acme_id: int, openai_server: OpenAIServer) -> None:
    seen: list[int] = []
    openai_server.before_answering = lambda: seen.append(connections_of_the_application())
    openai_server.answer(completion(verdict()))
    with transaction.atomic():
        finding = a_finding_in(ORDERS)

    triage.services.judge_finding(finding=finding)

    assert seen == [0]
    with transaction.atomic():
        assert Finding.objects.get().recommendation == "fix"


def test_a_model_is_not_asked_inside_a_transaction(
    acme_id: int, openai_server: OpenAIServer, settings: Settings
) -> None:
    settings.IS_TEST = False
    prompt = Prompt(name="triage/verdict", version=1, answer=VerdictAnswer, system="s", user="u")

    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        ask(prompt, answer=VerdictAnswer, without_model=lambda: VerdictAnswer.model_validate(verdict()))

    assert openai_server.asked == 0


def test_64_threads_judge_at_once(acme_id: int, openai_server: OpenAIServer) -> None:
    with transaction.atomic():
        found = [a_finding_in(ORDERS + f"\n# {number}\n") for number in range(64)]
    everybody = threading.Barrier(64, timeout=60)
    openai_server.before_answering = everybody.wait
    openai_server.rule = judged

    def judge(finding: Finding) -> None:
        with acting_for(acme_id):
            triage.services.judge_finding(finding=finding)
        connection.close()

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(judge, found))

    with transaction.atomic():
        assert ModelCall.objects.filter(outcome="answered").count() == 64
