"""The AI provider through the API: the same rules as on the page; keys go in and never come out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

import orgs.services
from events.kinds import SYSTEM
from lib.http.policy import Policy, in_force
from orgs.permissions import Scope
from providers.adapters import close_clients
from providers.models import Connection, Step
from providers.selectors import choices_for
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests.integration.api.conftest import Caller
from tests.vendors.azure_openai_server import DEPLOYMENT, AzureOpenAIServer
from tests.vendors.openai_server import OpenAIServer, completion, error

ADDRESS = "/api/v1/deployments/acme/provider"
KEY = "sk-own-0123456789abcdefghij"
READY = completion({"ready": True})


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        entered.enter_context(in_force(Policy.of(allowed=["127.0.0.0/8"], ports=["*"])))
        yield entered
    close_clients()


@pytest.fixture
def server(stack: ExitStack) -> OpenAIServer:
    return stack.enter_context(OpenAIServer().running())


@pytest.fixture
def writer(caller: Caller, acme: Organization) -> Client:
    """A machine that may set up Acme, which lets its code go."""
    with acting_for(acme.pk):
        orgs.services.give_consent(actor=SYSTEM)
    return caller(Scope.API_WRITE)


def put(client: Client, address: str, body: dict[str, Any]) -> Any:
    return client.put(f"{ADDRESS}{address}", body, content_type="application/json")


def add(client: Client, server: OpenAIServer, **changes: Any) -> Any:
    server.answer(READY)
    body = {"vendor": "compatible", "base_url": server.url, "model": "qwen3-8b", "key": KEY, **changes}
    return client.post(f"{ADDRESS}/connections", body, content_type="application/json")


def labels(acme: Organization, step: str = Step.VERDICT) -> list[str]:
    with acting_for(acme.pk):
        return [choice.credentials.model for choice in choices_for(step)]


def test_a_connection_is_added_and_read_without_its_secrets(
    writer: Client, server: OpenAIServer, acme: Organization
) -> None:
    answer = add(writer, server, headers={"X-Team": "hidden-value"}, input_price="0.25")

    read = writer.get(ADDRESS)
    assert (answer.status_code, answer.json()["has_secrets"]) == (201, True)
    assert read.json()["answered_by"] == "OpenAI-compatible server (qwen3-8b)"
    assert KEY not in answer.content.decode() + read.content.decode()
    assert "hidden-value" not in answer.content.decode() + read.content.decode()
    assert server.exchanges[0].headers["X-Team"] == "hidden-value"
    assert labels(acme) == ["qwen3-8b"]


def test_azure_is_added_by_its_target_uri(writer: Client, stack: ExitStack, settings: Settings) -> None:
    settings.AZURE_OPENAI_GATEWAYS = {"127.0.0.1"}
    azure = AzureOpenAIServer()
    stack.enter_context(azure.running())
    azure.answer(READY)
    body = {"vendor": "azure_openai", "target_uri": azure.target_uri, "key": KEY}

    answer = writer.post(f"{ADDRESS}/connections", body, content_type="application/json").json()

    assert (answer["target_uri"], answer["model"]) == (azure.target_uri, DEPLOYMENT)
    assert azure.violations == []


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"vendor": "nobody"}, "vendor", "not a valid choice"),
        ({"vendor": "openai", "model": "gpt-5-mini"}, "key", "Give the key"),
        ({"vendor": "azure_openai", "target_uri": "https://acme.openai.azure.com"}, "target_uri", "resource alone"),
        ({"vendor": "bedrock", "region": "mars", "model": "m"}, "region", "us-east-1"),
        ({"vendor": "bedrock", "region": "us-east-1", "model": "m", "role_arn": "x"}, "role_arn", "arn:aws:iam"),
        ({"vendor": "bedrock", "region": "us-east-1", "model": "m"}, "key", "an access key or a role"),
        ({"vendor": "bedrock", "region": "us-east-1", "model": "m", "key": "AKIA1"}, "secret_key", "Give the secret"),
        ({"vendor": "gemini", "model": "", "key": KEY}, "model", "Name the model"),
        ({"vendor": "platform"}, "vendor", "no provider for everybody"),
        ({"vendor": "openai", "model": "m", "key": KEY, "input_price": "-1"}, "input_price", "greater than"),
    ],
)
def test_what_cannot_be_right_is_refused_under_its_field(
    writer: Client, body: dict[str, str], field: str, words: str
) -> None:
    answer = writer.post(f"{ADDRESS}/connections", body, content_type="application/json")

    assert answer.status_code == 400
    assert words in answer.json()["errors"][field][0]


def test_a_failed_save_keeps_the_old_connection(writer: Client, server: OpenAIServer, acme: Organization) -> None:
    number = add(writer, server).json()["id"]
    server.answer(error(401, f"Incorrect API key provided: {KEY}-new"))
    body = {"vendor": "compatible", "base_url": server.url, "model": "qwen3-32b", "key": f"{KEY}-new"}

    answer = put(writer, f"/connections/{number}", body)

    assert (answer.status_code, "401" in answer.json()["errors"]["key"][0]) == (400, True)
    assert KEY not in answer.content.decode()
    assert labels(acme) == ["qwen3-8b"]


def test_connections_are_ordered_checked_and_removed(writer: Client, server: OpenAIServer, acme: Organization) -> None:
    one = add(writer, server, model="one").json()["id"]
    two = add(writer, server, model="two").json()["id"]

    wrong = put(writer, "/order", {"connections": [two]})
    nobodys = put(writer, "/order", {"connections": [two, "9" * 5000]})
    put(writer, "/order", {"connections": [two, one]})
    ordered = labels(acme)
    server.answer(error(401, "revoked"))
    checked = writer.post(f"{ADDRESS}/connections/{one}/check").json()
    removed = writer.delete(f"{ADDRESS}/connections/{two}")

    assert (wrong.status_code, nobodys.status_code, ordered) == (400, 400, ["two", "one"])
    assert (checked["answers"], "401" in checked["problem"]) == (False, True)
    assert (removed.status_code, labels(acme)) == (204, ["one"])
    assert writer.get(f"{ADDRESS}/connections/{one}").json()["problem"] == checked["problem"]


def test_a_step_gets_and_loses_a_model_of_its_own(writer: Client, server: OpenAIServer, acme: Organization) -> None:
    number = add(writer, server).json()["id"]
    server.answer(READY)
    entry = {"step": "remediation/autofix", "connection_id": number, "model": "qwen3-coder"}

    set_one = put(writer, "/step-models", {"step_models": [entry]})
    with_own = labels(acme, Step.AUTOFIX)
    put(writer, "/step-models", {"step_models": []})

    assert set_one.json()["step_models"] == [entry]
    assert (with_own, labels(acme, Step.AUTOFIX)) == (["qwen3-coder", "qwen3-8b"], ["qwen3-8b"])


def test_a_token_for_reading_may_not_see_connections(reader: Client) -> None:
    assert reader.get(ADDRESS).status_code == 403


def test_nothing_is_saved_without_an_answer(writer: Client, stack: ExitStack, acme: Organization) -> None:
    body = {"vendor": "compatible", "base_url": "http://127.0.0.1:1/v1", "model": "m"}

    answer = writer.post(f"{ADDRESS}/connections", body, content_type="application/json")

    assert "cannot be reached" in answer.json()["errors"]["base_url"][0]
    with acting_for(acme.pk):
        assert not Connection.objects.exists()
