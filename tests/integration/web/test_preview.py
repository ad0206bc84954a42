"""What a preview promises is what a model receives, and what never reaches a model is in no log either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

import events.draining
import orgs.services
import triage.services
from events.kinds import SYSTEM
from findings.models import Finding
from orgs.permissions import Scope
from providers.models import CachedAnswer, ModelCall
from tenancy.models import Organization
from tests import factories
from tests.integration.providers import situations
from tests.vendors.openai_server import Exchange, OpenAIServer, Scripted, completion
from triage.models import FileTag

ClientFor = Callable[[User], Client]
LOG = "/orgs/acme/settings/prompts/"

TOKEN = "ghp_" + "a1B2c3D4e5" * 4
CODE = f'''# Author: Grace Hopper <grace@navy.example>
# Reviewed with Alice Liddell, ask wonderland_alice or alice@acme.example
import sqlite3
TOKEN = "{TOKEN}"
def find(connection, name):
    query = "SELECT * FROM orders WHERE name = '" + name + "'"
    return connection.execute(query)
'''
PRIVATE = [
    TOKEN,
    "Grace",
    "Hopper",
    "grace@navy.example",
    "Liddell",
    "wonderland_alice",
    "alice@acme.example",
    "Dodgson",
]


@pytest.fixture
def admin(in_acme: Organization, alice: User, client_for: ClientFor) -> Client:
    return client_for(alice)


@pytest.fixture
def openai(in_acme: Organization, settings: Any) -> Any:
    """The vendor, to which Acme lets its code go; it answers whatever is asked."""
    orgs.services.give_consent(actor=SYSTEM)
    cache.clear()
    with OpenAIServer().running() as server:
        situations.set_up(settings, server)
        server.rule = _answer
        yield server
    assert not server.violations


def _answer(exchange: Exchange) -> Scripted:
    quote = {"path": situations.PATH, "start_line": 7, "end_line": 7, "quote": "return connection.execute(query)"}
    answers: dict[str, Any] = {
        "ComponentAnswer": {"tag": "data storage", "risk": "high", "reason": "It queries."},
        "VerdictAnswer": situations.verdict(evidence=[{**quote, "role": "sink"}]),
        "GuidanceAnswer": {"summary": "Bind the value.", "steps": [{"text": "Use a parameter.", "code": ""}]},
        "FixAnswer": {"edits": [], "explanation": "None."},
    }
    return completion(answers[exchange.body["response_format"]["json_schema"]["name"]])


@pytest.fixture
def private_finding(in_acme: Organization, alice: User) -> Finding:
    """A finding in code that names people and holds a key, about which a person has written before."""
    alice.first_name, alice.last_name, alice.username = "Alice", "Liddell", "wonderland_alice"
    alice.save()
    orgs.services.create_token(name="Charles Dodgson", scopes=[Scope.CI], created_by=alice, actor=SYSTEM)
    finding = situations.a_finding_in(CODE, line=7)
    factories.a_finding(
        scan=finding.first_scan,
        path="app/other.py",
        triage="ignored",
        ignore_reason="false_positive",
        triage_source="person",
        triage_comment="Charles Dodgson told alice@acme.example it is fine.",
        triaged_at=timezone.now(),
    )
    return finding


def analyse(finding: Finding) -> None:
    triage.services.request_analysis(finding=finding, actor=SYSTEM)
    events.draining.drain()


def forget_answers() -> None:
    """Have every step ask again."""
    CachedAnswer.objects.all().delete()
    FileTag.objects.all().delete()


def test_the_preview_is_what_the_model_receives_to_the_byte(
    openai: OpenAIServer, private_finding: Finding, admin: Client
) -> None:
    analyse(private_finding)  # so that verdict and guidance, which later steps quote, are there
    forget_answers()
    before = (openai.asked, ModelCall.objects.count())

    page = admin.get(f"/orgs/acme/findings/{private_finding.pk}/preview/")

    after = (openai.asked, ModelCall.objects.count())
    openai.exchanges.clear()
    analyse(private_finding)
    received = {(exchange.system.encode(), exchange.user.encode()) for exchange in openai.exchanges}
    previewed = {(step.system.encode(), step.user.encode()) for step in page.context["steps"]}
    assert (len(received), previewed, after) == (4, received, before)


def test_the_preview_names_who_would_receive_it_and_what_is_hidden(
    openai: OpenAIServer, private_finding: Finding, admin: Client
) -> None:
    page = admin.get(f"/orgs/acme/findings/{private_finding.pk}/preview/").content.decode()

    assert f"OpenAI-compatible server (gpt-5-mini), model gpt-5-mini, at {openai.url}" in page
    assert 'class="hidden-value" title="A secret stood here' in page
    assert "1 secret" in page
    assert [private for private in (TOKEN, "Hopper", "grace@navy.example") if private in page] == []


def test_without_a_provider_the_preview_says_that_nothing_leaves(private_finding: Finding, admin: Client) -> None:
    page = admin.get(f"/orgs/acme/findings/{private_finding.pk}/preview/").content.decode()

    assert "Nothing would be sent" in page


def test_names_addresses_and_keys_reach_neither_the_model_nor_the_log_nor_its_export(
    openai: OpenAIServer, private_finding: Finding, admin: Client
) -> None:
    analyse(private_finding)

    sent = [exchange.system + exchange.user for exchange in openai.exchanges]
    kept = [call.system_text + call.user_text + call.reply_text for call in ModelCall.objects.all()]
    files = [
        b"".join(admin.post(f"{LOG}export/", {"format": name}).streaming_content).decode()  # type: ignore[attr-defined]
        for name in ("ndjson", "csv")
    ]
    everything = "\n".join([*sent, *kept, *files]).lower()
    assert len(kept) == 4
    assert [private for private in PRIVATE if private.lower() in everything] == []
