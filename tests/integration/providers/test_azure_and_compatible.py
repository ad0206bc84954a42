"""Azure OpenAI and servers of one's own, through the real SDK, against a server that holds them to their contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from providers.adapters.azure_openai import AzureOpenAIAdapter
from providers.adapters.base import Credentials, ProviderError, Question
from providers.adapters.compatible import CompatibleAdapter
from tests.integration.providers.situations import KEY, verdict
from tests.vendors.azure_openai_server import API_VERSION, DEPLOYMENT, AzureOpenAIServer
from tests.vendors.openai_server import OpenAIServer, Scripted, completion, error
from triage.answers import VerdictAnswer

QUESTION = Question(system="Judge.", user="Is it real?", answer=VerdictAnswer, max_output_tokens=500)
BUSY = "Requests to the ChatCompletions_Create Operation have exceeded token rate limit of your current tier."
NOT_THIS_MODEL = "The chatCompletion operation does not work with the specified model, o1-pro."


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


@pytest.fixture
def azure_server(stack: ExitStack) -> Iterator[AzureOpenAIServer]:
    server = AzureOpenAIServer()
    stack.enter_context(server.running())
    yield server
    assert not server.violations


@pytest.fixture
def azure(azure_server: AzureOpenAIServer, stack: ExitStack) -> Callable[..., AzureOpenAIAdapter]:
    def make(**fields: Any) -> AzureOpenAIAdapter:
        values = {"key": KEY, "model": DEPLOYMENT, "base_url": azure_server.endpoint, "api_version": API_VERSION}
        return stack.enter_context(
            closing(AzureOpenAIAdapter(Credentials(**{**values, "timeout_seconds": 5, **fields})))
        )

    return make


@pytest.fixture
def own(openai_server: OpenAIServer, stack: ExitStack) -> Callable[..., CompatibleAdapter]:
    def make(**fields: Any) -> CompatibleAdapter:
        values = {"key": KEY, "model": "qwen3-8b", "base_url": openai_server.url, "timeout_seconds": 5}
        return stack.enter_context(closing(CompatibleAdapter(Credentials(**{**values, **fields}))))

    return make


def test_a_deployment_is_asked_with_a_schema_that_azure_takes(
    azure: Callable[..., AzureOpenAIAdapter], azure_server: AzureOpenAIServer
) -> None:
    azure_server.answer(completion(verdict()))

    reply = azure().ask(QUESTION)

    assert VerdictAnswer.model_validate_json(reply.text).verdict == "true_positive"
    assert azure_server.exchanges[0].headers["Api-Key"] == KEY
    assert azure_server.exchanges[0].body["max_completion_tokens"] > 500


@pytest.mark.parametrize(
    ("reply", "expected", "words"),
    [
        (error(401, "Access denied due to invalid subscription key or wrong API endpoint."), ("key", True), "KEY 1"),
        (error(403, "Access denied due to Virtual Network/Firewall rules."), ("base_url", True), "Networking"),
        (error(404, "Resource not found", code="404"), ("base_url", True), "api-version"),
        (error(429, BUSY, code="RateLimitReached"), ("", False), "raise its Tokens per Minute Rate Limit"),
        (error(429, "Error 429 - Max Tokens Exceeded"), ("", False), "raise its Tokens per Minute Rate Limit"),
        (error(429, "Too many", code="insufficient_quota"), ("key", True), "quota is used up"),
        (error(400, NOT_THIS_MODEL, code="OperationNotSupported"), ("base_url", True), "another deployment"),
        (error(400, "API version not supported"), ("base_url", True), "Copy the Target URI again"),
        (
            error(400, "Filtered by Azure's policy.", code="content_filter", param="prompt"),
            ("", True),
            "content filter",
        ),
        (error(500, "Internal"), ("", False), "failed (500)"),
    ],
)
def test_an_error_of_azure_says_what_to_do(
    azure: Callable[..., AzureOpenAIAdapter],
    azure_server: AzureOpenAIServer,
    reply: Scripted,
    expected: tuple[str, bool],
    words: str,
) -> None:
    azure_server.answer(reply)

    with pytest.raises(ProviderError) as refused:
        azure().check()

    assert words in str(refused.value)
    assert (refused.value.about, refused.value.permanent) == expected


def test_a_deployment_that_is_not_there_is_named(azure: Callable[..., AzureOpenAIAdapter]) -> None:
    with pytest.raises(ProviderError, match="no deployment “gone”") as refused:
        azure(model="gone").check()

    assert refused.value.permanent


def test_a_model_with_little_room_is_asked_for_less(
    azure: Callable[..., AzureOpenAIAdapter], azure_server: AzureOpenAIServer
) -> None:
    azure_server.answer(error(400, "max_tokens is too large: 8500. This model supports at most 4096."))
    azure_server.answer(completion(verdict()))

    azure().ask(QUESTION)

    assert [exchange.body["max_completion_tokens"] for exchange in azure_server.exchanges] == [8500, 500]


def test_an_old_api_version_without_schemas_is_asked_in_prose(
    azure: Callable[..., AzureOpenAIAdapter], azure_server: AzureOpenAIServer
) -> None:
    azure_server.answer(error(400, "response_format value as json_schema is enabled only for api versions 2024-08-01"))
    azure_server.answer(completion(verdict()))

    azure().ask(QUESTION)

    assert "response_format" not in azure_server.exchanges[1].body
    assert "must fit this schema" in azure_server.exchanges[1].system


def test_the_newer_address_is_spoken_to_as_openai(
    azure: Callable[..., AzureOpenAIAdapter], openai_server: OpenAIServer
) -> None:
    openai_server.answer(completion({"ready": True}))

    azure(base_url=openai_server.url, api_version="").check()

    assert openai_server.exchanges[0].body["model"] == DEPLOYMENT


def test_a_server_of_ones_own_gets_its_headers_and_its_key(
    own: Callable[..., CompatibleAdapter], openai_server: OpenAIServer
) -> None:
    openai_server.answer(completion({"ready": True}))

    own(headers=(("X-Team", "security"),)).check()

    sent = openai_server.exchanges[0].headers
    assert (sent["X-Team"], sent["Authorization"]) == ("security", f"Bearer {KEY}")


def test_without_a_key_no_authorization_is_sent(stack: ExitStack) -> None:
    # This vendor's contract wants one, so that its complaint is the proof.
    server = stack.enter_context(OpenAIServer().running())
    server.answer(completion({"ready": True}))
    adapter = CompatibleAdapter(Credentials(key="", model="qwen3-8b", base_url=server.url, timeout_seconds=5))

    stack.enter_context(closing(adapter)).check()

    assert "Authorization" not in server.exchanges[0].headers
