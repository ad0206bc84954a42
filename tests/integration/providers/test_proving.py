"""A connection is proved with no transaction open and no database connection held, and within its time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from pytest_django.fixtures import Settings

import providers.proving
import providers.services
from events.kinds import SYSTEM
from lib.http.policy import Policy, in_force
from providers.drafts import ConnectionRefused, Draft
from providers.models import Connection, Vendor
from tenancy.scope import acting_for
from tests import factories
from tests.integration.providers.test_connection import connections_of_the_application
from tests.vendors.openai_server import OpenAIServer, completion, trickled

READY = completion({"ready": True})


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with ExitStack() as stack:
        stack.enter_context(in_force(Policy.of(allowed=["127.0.0.0/8"], ports=["*"])))
        yield stack.enter_context(OpenAIServer().running())


@pytest.fixture
def acme_id(committed: None) -> int:
    """Acme, really committed."""
    return factories.an_organization("acme", admin=factories.a_person("alice@acme.example")).pk


def draft(server: OpenAIServer, model: str = "qwen3-8b") -> Draft:
    return Draft(vendor=Vendor.COMPATIBLE, base_url=server.url, model=model, key="sk-own-0123456789")


def test_a_page_holds_no_connection_while_the_provider_thinks(
    acme_id: int, server: OpenAIServer, settings: Settings
) -> None:
    settings.IS_TEST = False  # so that a transaction around the request would be refused
    seen: list[int] = []
    server.before_answering = lambda: seen.append(connections_of_the_application())
    server.answer(READY)
    browser = Client()
    browser.force_login(User.objects.get())
    fields = {"base_url": server.url, "model": "qwen3-8b"}
    form = {"vendor": "compatible", **{f"compatible-{name}": value for name, value in fields.items()}}

    response = browser.post("/orgs/acme/settings/provider/add/", form)

    assert (response.status_code, seen) == (302, [0])


def test_two_admins_who_save_at_once_both_get_a_place(acme_id: int, server: OpenAIServer) -> None:
    server.answer_always(READY)

    def add(model: str) -> None:
        with acting_for(acme_id):
            providers.services.add_connection(draft=draft(server, model), is_first=True, actor=SYSTEM)
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, [f"model-{number}" for number in range(8)]))

    with acting_for(acme_id), transaction.atomic():
        assert sorted(Connection.objects.values_list("position", flat=True)) == list(range(8))


def test_a_server_that_trickles_is_given_up(
    acme_id: int, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers.proving, "LONGEST_PROOF_SECONDS", 1.2)
    server.answer(trickled(READY, seconds_between_bytes=0.1))

    with acting_for(acme_id), pytest.raises(ConnectionRefused, match="did not answer in time") as refused:
        providers.services.add_connection(draft=draft(server), is_first=True, actor=SYSTEM)

    assert refused.value.field == "base_url"
