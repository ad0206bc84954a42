"""Whatever is done with a key, it is found in no table, no log, no page and no answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client

import orgs.services
import triage.services
from events.kinds import SYSTEM
from lib.http.policy import Policy, in_force
from orgs.permissions import Scope
from providers.gate import NoUsableAnswer
from providers.models import Connection, ModelCall
from tenancy.models import Organization
from tests.integration.providers import situations
from tests.vendors.openai_server import OpenAIServer, completion, error

# Nothing of these is in any text of ours; what they hold is what is searched for.
KEY, WRONG_KEY, HEADER = "sk-zebra-7716-key", "sk-zebra-7716-wrong", "zebra-7716-header"
MARK = "zebra-7716"


@pytest.fixture
def browser(in_acme: Organization, alice: User, client_for: Callable[[User], Client]) -> Client:
    return client_for(alice)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """A server that repeats the key that it was sent, wherever it can."""
    with ExitStack() as stack:
        stack.enter_context(in_force(Policy.of(allowed=["127.0.0.0/8"], ports=["*"])))
        yield stack.enter_context(OpenAIServer().running())


def rows_with(mark: str) -> list[str]:
    """Return the tables that have a text in any column of any row."""
    with database.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{mark}%"])
            found += [table] * cursor.fetchone()[0]
    return found


def test_a_key_is_nowhere_but_sealed(
    server: OpenAIServer, browser: Client, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    orgs.services.give_consent(actor=SYSTEM)
    _, token = orgs.services.create_token(name="t", scopes=[Scope.API_WRITE], created_by=alice, actor=SYSTEM)
    machine = Client(headers={"authorization": f"Bearer {token}"}, raise_request_exception=False)
    page, api = "/orgs/acme/settings/provider/", "/api/v1/deployments/acme/provider"
    fields = {"base_url": server.url, "model": "qwen3-8b", "key": KEY, "headers": f"X-Team: {HEADER}"}
    form = {"vendor": "compatible", **{f"compatible-{name}": value for name, value in fields.items()}}
    body = {"vendor": "compatible", **fields, "headers": {"X-Team": HEADER}}
    finding = situations.a_finding_in(situations.ORDERS)

    server.answer(error(401, f"Incorrect API key: {WRONG_KEY} {HEADER}"), completion({"ready": True}))
    seen = [
        browser.post(f"{page}add/", {**form, "compatible-key": WRONG_KEY}).content,
        browser.post(f"{page}add/", form, follow=True).content,
    ]
    number = Connection.objects.get().pk
    server.answer(error(400, f"bad request by {WRONG_KEY} {HEADER}"), completion({"ready": True}), error(401, KEY))
    seen += [
        machine.put(f"{api}/connections/{number}", {**body, "key": WRONG_KEY}, content_type="application/json").content,
        machine.put(f"{api}/connections/{number}", body, content_type="application/json").content,
        browser.post(f"{page}{number}/check/", follow=True).content,
    ]
    server.answer(completion(f"no JSON, but {KEY}"), completion(f"again {KEY} {HEADER}"))
    with pytest.raises(NoUsableAnswer):
        triage.services.judge_finding(finding=finding)
    seen += [
        browser.get(address).content
        for address in (page, f"{page}{number}/", f"/orgs/acme/model-calls/{ModelCall.objects.latest('pk').pk}/")
    ]
    seen += [machine.get(api).content, browser.post(f"{page}{number}/remove/", follow=True).content]

    assert server.asked == 7
    assert rows_with(MARK) == []
    assert [text[max(text.find(MARK.encode()) - 200, 0) :][:400] for text in seen if MARK.encode() in text] == []
    assert MARK not in caplog.text


def test_an_unforeseen_failure_tells_no_key(
    browser: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("providers.services.prove", broken)
    browser.raise_request_exception = False
    form = {"vendor": "openai", "openai-key": KEY, "openai-model": "gpt-5-mini"}

    answer = browser.post("/orgs/acme/settings/provider/add/", form)

    assert answer.status_code == 500
    assert "nobody foresaw this" in caplog.text
    assert MARK not in caplog.text + answer.content.decode()
