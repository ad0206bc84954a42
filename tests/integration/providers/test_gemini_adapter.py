"""What is Gemini's own: schema keywords, thoughts, quotas, Gemma. The rest is in tests/contract/test_adapters.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from providers.adapters.base import Credentials, ProviderError, Question
from providers.adapters.gemini import GeminiAdapter
from remediation.answers import FixAnswer
from tests.integration.providers.situations import KEY, verdict
from tests.vendors.gemini_server import MODEL, GeminiServer, checked, error, generated, reason, retry_in
from tests.vendors.server import Scripted
from triage.answers import VerdictAnswer

QUESTION = Question(system="Judge.", user="Is it real?", answer=VerdictAnswer, max_output_tokens=500)


@pytest.fixture
def gemini() -> Iterator[GeminiServer]:
    with GeminiServer().running() as server:
        yield server
    assert not server.violations


@pytest.fixture
def made(gemini: GeminiServer) -> Iterator[Callable[..., GeminiAdapter]]:
    """Return a function that makes adapters, which are closed behind the test."""
    with ExitStack() as stack:

        def make(**fields: Any) -> GeminiAdapter:
            values = {"key": KEY, "model": MODEL, "base_url": gemini.origin, "timeout_seconds": 5, **fields}
            return stack.enter_context(closing(GeminiAdapter(Credentials(**values))))

        yield make


@pytest.fixture
def adapter(made: Callable[..., GeminiAdapter]) -> GeminiAdapter:
    return made()


def failure_of(adapter: GeminiAdapter) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        adapter.ask(QUESTION)
    return raised.value


@pytest.mark.parametrize("answer", [VerdictAnswer, FixAnswer])
def test_the_shapes_that_we_ask_for_are_within_the_contract(
    adapter: GeminiAdapter, gemini: GeminiServer, answer: Any
) -> None:
    gemini.answer(generated({"text": "{}"}))

    adapter.ask(Question(system="Judge.", user="Is it real?", answer=answer, max_output_tokens=500))

    config = gemini.exchanges[0].body["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["maxOutputTokens"] == 8500  # thoughts are counted within it
    assert config["responseJsonSchema"]["additionalProperties"] is False


def test_thoughts_are_paid_and_not_read(adapter: GeminiAdapter, gemini: GeminiServer) -> None:
    gemini.answer(generated({"text": "Hm.", "thought": True}, {"text": json.dumps(verdict())}))

    reply = adapter.ask(QUESTION)

    assert VerdictAnswer.model_validate_json(reply.text).verdict == "true_positive"
    assert (reply.model, reply.output_tokens) == (MODEL, 120)


def test_a_model_without_schema_or_instruction_gets_both_as_text(adapter: GeminiAdapter, gemini: GeminiServer) -> None:
    gemini.answer(
        error(400, "INVALID_ARGUMENT", "Developer instruction is not enabled for models/gemma-3-27b-it"),
        error(400, "INVALID_ARGUMENT", "JSON mode is not enabled for models/gemma-3-27b-it"),
        generated({"text": "{}"}),
        generated({"text": "{}"}),
    )

    adapter.ask(QUESTION)
    adapter.ask(QUESTION)

    last = gemini.exchanges[-1].body
    said = last["contents"][0]["parts"][0]["text"]
    assert gemini.asked == 4
    assert "systemInstruction" not in last
    assert last["generationConfig"].keys() == {"maxOutputTokens"}
    assert said.startswith("Judge.")
    assert '"required": ["evidence", "verdict", "confidence", "explanation"]' in said
    assert said.endswith("Is it real?")


def test_a_model_that_refuses_every_form_is_permanent(adapter: GeminiAdapter, gemini: GeminiServer) -> None:
    gemini.answer_always(error(400, "INVALID_ARGUMENT", "The schema has too many states for serving."))

    assert failure_of(adapter).permanent
    assert gemini.asked == 2


@pytest.mark.parametrize(
    ("reply", "about", "words"),
    [
        (error(400, "INVALID_ARGUMENT", "API key expired.", reason("API_KEY_INVALID")), "key", "expired"),
        (error(401, "UNAUTHENTICATED", "no credentials"), "key", "Check the key"),
        (error(403, "PERMISSION_DENIED", "not enabled", reason("SERVICE_DISABLED")), "key", "is enabled"),
        (error(400, "FAILED_PRECONDITION", "User location is not supported"), "base_url", "where this server stands"),
        (error(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."), "key", "billing"),
        (error(400, "INVALID_ARGUMENT", "Something else"), "", "Something else"),
    ],
)
def test_what_somebody_must_change_is_said(
    adapter: GeminiAdapter, gemini: GeminiServer, reply: Scripted, about: str, words: str
) -> None:
    gemini.answer(reply)

    failure = failure_of(adapter)

    assert (failure.permanent, failure.about, failure.refused) == (True, about, False)
    assert words in str(failure)


@pytest.mark.parametrize(
    "reply",
    [
        checked({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "modelVersion": MODEL}),
        generated(finish_reason="RECITATION"),
        generated({"text": "{"}, finish_reason="SPII"),
    ],
)
def test_a_filter_is_about_this_question_only(adapter: GeminiAdapter, gemini: GeminiServer, reply: Scripted) -> None:
    gemini.answer(reply)

    failure = failure_of(adapter)

    assert (failure.permanent, failure.refused) == (True, True)


def test_no_candidate_at_all_may_pass(adapter: GeminiAdapter, gemini: GeminiServer) -> None:
    gemini.answer(checked({"modelVersion": MODEL}))

    assert not failure_of(adapter).permanent


@pytest.mark.parametrize(("seconds", "waits"), [(2.5, 2.5), (999_999, 3600), (0, None)])
def test_the_time_to_wait_is_taken_with_sense(
    adapter: GeminiAdapter, gemini: GeminiServer, seconds: float, waits: float | None
) -> None:
    gemini.answer(error(429, "RESOURCE_EXHAUSTED", "Quota exceeded, limit: 15", retry_in(seconds)))

    assert failure_of(adapter).retry_after_seconds == waits


def test_the_operators_environment_does_not_say_where_somebodys_key_goes(
    made: Callable[..., GeminiAdapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://operator.example")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_API_KEY", "the-operators-key")

    client = made(base_url="")._client

    assert not client.vertexai
    assert client._api_client._http_options.base_url == "https://generativelanguage.googleapis.com"
    assert client._api_client.api_key == KEY


@pytest.mark.parametrize("model", ["", "../files", "a b", "models/x/y", "x?key=1"])
def test_a_name_that_is_none_is_said_before_anything_is_sent(made: Callable[..., GeminiAdapter], model: str) -> None:
    with pytest.raises(ProviderError) as raised:
        made(model=model)

    assert (raised.value.permanent, raised.value.about) == (True, "model")
