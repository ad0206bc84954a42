"""The adapter, through the vendor's real SDK, against a server that does everything wrong that servers do."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from email.utils import formatdate
from typing import Any

import pytest

from lib.http.policy import Policy, in_force
from providers.adapters import adapter_for
from providers.adapters.base import Credentials, ProviderError, Question, Turn
from providers.adapters.openai import OpenAIAdapter
from tests.integration.providers.situations import KEY, judged, verdict
from tests.vendors.openai_server import (
    MODEL,
    OpenAIServer,
    Scripted,
    completion,
    cut,
    error,
    no_choices,
    raw,
    trickled,
)
from triage.answers import VerdictAnswer

QUESTION = Question(system="Judge.", user="Is it real?", answer=VerdictAnswer, max_output_tokens=500)
UNKNOWN_SCHEMA = error(400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported.")
UNKNOWN_TOKENS = error(400, "Unrecognized request argument supplied: max_completion_tokens")


@pytest.fixture
def made() -> Iterator[Callable[..., OpenAIAdapter]]:
    """Return a function that makes adapters, which are closed behind the test."""
    with ExitStack() as stack:

        def make(**fields: Any) -> OpenAIAdapter:
            values = {"key": KEY, "model": "gpt-5-mini", "timeout_seconds": 5, **fields}
            return stack.enter_context(closing(OpenAIAdapter(Credentials(**values))))

        yield make


@pytest.fixture
def adapter(made: Callable[..., OpenAIAdapter], openai_server: OpenAIServer) -> OpenAIAdapter:
    return made(base_url=openai_server.url)


def test_a_question_is_asked_with_its_schema_and_its_reply_is_read(
    adapter: OpenAIAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.answer(completion(verdict()))

    reply = adapter.ask(QUESTION)

    asked = openai_server.exchanges[0].body
    assert asked["response_format"]["json_schema"]["name"] == "VerdictAnswer"
    assert (asked["max_completion_tokens"], asked["model"]) == (500, "gpt-5-mini")
    assert (reply.model, reply.input_tokens, reply.output_tokens, reply.is_cut_off) == (MODEL, 900, 120, False)
    assert VerdictAnswer.model_validate_json(reply.text).verdict == "true_positive"


def test_an_earlier_turn_is_part_of_the_conversation(adapter: OpenAIAdapter, openai_server: OpenAIServer) -> None:
    openai_server.answer(completion(verdict()))

    adapter.ask(Question(system="Judge.", user="Is it?", answer=VerdictAnswer, earlier=(Turn("maybe", "No JSON."),)))

    said = [(entry["role"], entry["content"]) for entry in openai_server.exchanges[0].body["messages"]]
    assert said == [("system", "Judge."), ("user", "Is it?"), ("assistant", "maybe"), ("user", "No JSON.")]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (error(401, "Incorrect API key provided", code="invalid_api_key"), "Check the key"),
        (error(403, "You may not"), "Check its project and rights"),
        (error(404, "The model does not exist", code="model_not_found"), "Check the model's name"),
        (error(429, "You exceeded your quota", code="insufficient_quota"), "Add credit"),
        (error(400, "Invalid value for 'temperature'"), "refuses the request"),
        (error(400, "This model's maximum context length is 8192 tokens"), "too long"),
        (error(308, "moved", headers={"Location": "/v2/"}), "another address"),
    ],
    ids=["401", "403", "404", "quota", "400", "too long", "redirect"],
)
def test_what_somebody_must_change_is_permanent(
    adapter: OpenAIAdapter, openai_server: OpenAIServer, reply: Scripted, words: str
) -> None:
    openai_server.answer(reply)

    with pytest.raises(ProviderError, match=words) as raised:
        adapter.ask(QUESTION)

    assert raised.value.permanent
    assert openai_server.asked == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (error(500, "oops"), "failed \\(500\\)"),
        (error(503, "overloaded"), "failed \\(503\\)"),
        (raw(b"<html>Bad gateway</html>", status=502, content_type="text/html"), "failed \\(502\\)"),
        (raw(b'{"id": "chatcmpl-1", "choices": [{"ind'), "no chat completion"),
        (raw(b"<html>hello</html>", content_type="text/html"), "no chat completion"),
        (raw(b'["not", "an", "object"]'), "no chat completion"),
        (no_choices(), "without any choice"),
        (cut(completion(verdict())), "cannot be reached"),
    ],
    ids=["500", "503", "502 page", "half JSON", "a page", "a list", "no choice", "reset"],
)
def test_what_may_pass_is_tried_again_later(
    adapter: OpenAIAdapter, openai_server: OpenAIServer, reply: Scripted, words: str
) -> None:
    openai_server.answer(reply)

    with pytest.raises(ProviderError, match=words) as raised:
        adapter.ask(QUESTION)

    assert not raised.value.permanent
    assert openai_server.asked == 1  # the SDK's own tries are off


@pytest.mark.parametrize(
    "reply",
    [
        completion(None, refusal="I cannot help with that."),
        completion("", finish_reason="content_filter"),
        error(400, "The response was filtered", code="content_filter"),
    ],
    ids=["refusal", "filtered answer", "filtered question"],
)
def test_a_refusal_is_told_from_a_failure(adapter: OpenAIAdapter, openai_server: OpenAIServer, reply: Scripted) -> None:
    openai_server.answer(reply)

    with pytest.raises(ProviderError) as raised:
        adapter.ask(QUESTION)

    assert raised.value.permanent
    assert raised.value.refused


def test_an_answer_that_the_limit_ended_is_marked(adapter: OpenAIAdapter, openai_server: OpenAIServer) -> None:
    openai_server.answer(completion('{"evidence": [', finish_reason="length"))

    assert adapter.ask(QUESTION).is_cut_off


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"retry-after-ms": "2500"}, 2.5),
        ({"retry-after-ms": "soon", "Retry-After": "3"}, 3),
        ({"Retry-After": "999999"}, 3600),
        ({"Retry-After": "0"}, None),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_a_rate_limit_says_how_long_to_wait(
    adapter: OpenAIAdapter, openai_server: OpenAIServer, headers: dict[str, str], seconds: float | None
) -> None:
    openai_server.answer(error(429, "Rate limit reached", code="rate_limit_exceeded", headers=headers))

    with pytest.raises(ProviderError) as raised:
        adapter.ask(QUESTION)

    assert raised.value.retry_after_seconds == seconds
    assert raised.value.is_rate_limit


def test_a_rate_limit_may_give_a_date(adapter: OpenAIAdapter, openai_server: OpenAIServer) -> None:
    date = formatdate(time.time() + 120, usegmt=True)
    openai_server.answer(error(503, "busy", headers={"Retry-After": date}))

    with pytest.raises(ProviderError) as raised:
        adapter.ask(QUESTION)

    assert raised.value.retry_after_seconds == pytest.approx(120, abs=10)


def test_the_deadline_holds_though_bytes_keep_coming(
    made: Callable[..., OpenAIAdapter], openai_server: OpenAIServer
) -> None:
    adapter = made(base_url=openai_server.url, timeout_seconds=1)
    openai_server.answer(trickled(completion(verdict()), seconds_between_bytes=0.2))

    with pytest.raises(ProviderError, match="in time") as raised:
        adapter.ask(QUESTION)

    assert not raised.value.permanent


def test_an_answer_without_end_is_refused(
    adapter: OpenAIAdapter, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.adapters.deadline.MOST_BYTES", 50_000)
    openai_server.answer(completion("x" * 100_000))

    with pytest.raises(ProviderError, match="longer than any answer"):
        adapter.ask(QUESTION)


def test_a_server_without_tls_where_it_is_expected(
    made: Callable[..., OpenAIAdapter], openai_server: OpenAIServer
) -> None:
    adapter = made(base_url=openai_server.url.replace("http://", "https://"))

    with pytest.raises(ProviderError, match="cannot be reached") as raised:
        adapter.ask(QUESTION)

    assert not raised.value.permanent


@pytest.mark.parametrize("address", ["ftp://example.org/v1", "http://[::1", "no address"])
def test_an_address_that_is_none_is_permanent(made: Callable[..., OpenAIAdapter], address: str) -> None:
    with pytest.raises(ProviderError) as raised:
        made(base_url=address).ask(QUESTION)

    assert raised.value.permanent


def test_a_key_that_cannot_be_sent_is_permanent(
    made: Callable[..., OpenAIAdapter], openai_server: OpenAIServer
) -> None:
    adapter = made(key="ключ", base_url=openai_server.url)

    with pytest.raises(ProviderError, match="cannot be sent") as raised:
        adapter.ask(QUESTION)

    assert raised.value.permanent


def test_an_older_server_is_asked_without_what_it_does_not_know(
    adapter: OpenAIAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.answer(UNKNOWN_TOKENS, UNKNOWN_SCHEMA, completion(verdict()), completion(verdict()))

    adapter.ask(QUESTION)
    adapter.ask(QUESTION)

    last = openai_server.exchanges[-1]
    assert openai_server.asked == 4
    assert last.body["max_tokens"] == 500
    assert "response_format" not in last.body
    assert '"required": ["evidence", "verdict", "confidence", "explanation"]' in last.system


def test_a_server_that_refuses_every_form_is_permanent(adapter: OpenAIAdapter, openai_server: OpenAIServer) -> None:
    openai_server.answer_always(UNKNOWN_SCHEMA)

    with pytest.raises(ProviderError, match="refuses the request") as raised:
        adapter.ask(QUESTION)

    assert raised.value.permanent
    assert openai_server.asked == 2


def test_threads_that_find_out_the_same_at_once_all_get_answers(
    adapter: OpenAIAdapter, openai_server: OpenAIServer
) -> None:
    first_questions = threading.Barrier(4, timeout=10)

    def refuse_schema(exchange: object) -> Scripted:
        if "response_format" in exchange.body:  # type: ignore[attr-defined]
            first_questions.wait()
            return UNKNOWN_SCHEMA
        return completion(verdict())

    openai_server.rule = refuse_schema

    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(adapter.ask, [QUESTION] * 4))

    assert [reply.model for reply in replies] == [MODEL] * 4


def test_one_client_serves_64_threads(credentials: Credentials, openai_server: OpenAIServer) -> None:
    everybody = threading.Barrier(64, timeout=30)
    openai_server.before_answering = everybody.wait
    openai_server.rule = judged

    with ThreadPoolExecutor(64) as pool:
        adapters = list(pool.map(lambda _: adapter_for("openai", credentials), range(64)))
        replies = list(pool.map(lambda adapter: adapter.ask(QUESTION), adapters))

    assert len(set(map(id, adapters))) == 1
    assert len(replies) == 64


def test_the_key_is_in_no_log_error_or_repr(
    adapter: OpenAIAdapter, openai_server: OpenAIServer, caplog: pytest.LogCaptureFixture
) -> None:
    openai_server.answer(error(400, "Invalid value for 'model'"))

    with caplog.at_level(logging.DEBUG), pytest.raises(ProviderError) as raised:
        adapter.ask(QUESTION)

    assert KEY not in caplog.text + repr(adapter.credentials) + str(raised.value) + repr(raised.value)


def test_prompts_are_in_no_log(
    adapter: OpenAIAdapter, openai_server: OpenAIServer, caplog: pytest.LogCaptureFixture
) -> None:
    openai_server.answer(completion(verdict()))

    with caplog.at_level(logging.DEBUG):  # the root's level; the SDK's own stays at warnings
        adapter.ask(QUESTION)

    assert "Is it real?" not in caplog.text


def test_the_operators_address_is_not_used_for_somebody_elses_key(
    made: Callable[..., OpenAIAdapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://operator.example/v1")

    adapter = made()

    assert str(adapter._client.base_url) == "https://api.openai.com/v1/"


def test_an_address_that_a_person_typed_may_not_be_private(
    made: Callable[..., OpenAIAdapter], openai_server: OpenAIServer
) -> None:
    host = openai_server.url.replace("127.0.0.1", "localhost")
    openai_server.answer(completion(verdict()))

    with in_force(Policy.of(allowed=["127.0.0.0/8", "::1"], ports=["*"])):
        adapter = made(base_url=host, is_guarded=True)
        adapter.ask(QUESTION)
        adapter.close()
    with in_force(Policy.of(allowed=["10.0.0.0/8"], ports=["*"])), pytest.raises(ProviderError) as raised:
        made(base_url=host.replace("http:", "https:"), is_guarded=True).ask(QUESTION)

    assert raised.value.permanent
    assert "OUTBOUND_ALLOWED_NETWORKS" in str(raised.value)
    assert openai_server.asked == 1


def test_an_address_that_is_refused_by_its_look_makes_no_adapter(made: Callable[..., OpenAIAdapter]) -> None:
    with pytest.raises(ProviderError, match="OUTBOUND_ALLOWED_PORTS") as raised:
        made(base_url="https://models.example:6379/v1", is_guarded=True)

    assert raised.value.permanent


def test_a_check_asks_a_tiny_question(adapter: OpenAIAdapter, openai_server: OpenAIServer) -> None:
    openai_server.answer(completion({"ready": True}))

    adapter.check()

    assert openai_server.exchanges[0].user == "Say that you are ready."


def test_a_check_fails_where_the_model_says_nothing(adapter: OpenAIAdapter, openai_server: OpenAIServer) -> None:
    openai_server.answer(completion(""))

    with pytest.raises(ProviderError, match="empty answer"):
        adapter.check()
