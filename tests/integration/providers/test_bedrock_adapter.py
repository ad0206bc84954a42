"""Bedrock alone: signatures, roles, models without tools. The rest is in tests/contract/test_adapters.py."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings

from lib.failures import TemporaryFailure
from providers.adapters.base import Credentials, ProviderError, Question
from providers.adapters.bedrock import BedrockAdapter
from providers.drafts import ConnectionRefused, Draft, Place, secrets_for
from providers.gate.turns import note_trouble, wait_for_turn
from providers.models import Connection, Vendor
from providers.selectors import Choice, credentials_with
from tenancy.models import Organization
from tests.integration.providers.situations import verdict
from tests.vendors.bedrock_server import MODEL, REGION, BedrockServer, Identity, conversed, error, used_tool
from tests.vendors.server import Scripted
from triage.answers import VerdictAnswer

QUESTION = Question(system="Judge.", user="Is it real?", answer=VerdictAnswer, max_output_tokens=500)
ORGANIZATION = Identity("AKIAORGANIZATION0001", "organization-secret")
SERVER = Identity("AKIASERVERITSELF0001", "server-secret")
ROLE = "arn:aws:iam::123456789012:role/triage/assistant"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[BedrockServer]:
    """AWS, which knows the organization's keys and the server's own identity, the one in its environment."""
    with BedrockServer(ORGANIZATION, SERVER).running() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.origin)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", SERVER.key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SERVER.secret)
        yield server
    assert not server.violations


@pytest.fixture
def made(aws: BedrockServer) -> Iterator[Callable[..., BedrockAdapter]]:
    """Return a function that makes adapters, which are closed behind the test."""
    with ExitStack() as stack:

        def make(**fields: Any) -> BedrockAdapter:
            keys = {"key": ORGANIZATION.key, "secret_key": ORGANIZATION.secret}
            values = {**keys, "model": MODEL, "region": REGION, "base_url": aws.origin, "timeout_seconds": 5, **fields}
            return stack.enter_context(closing(BedrockAdapter(Credentials(**values))))

        yield make


@pytest.fixture
def with_role(made: Callable[..., BedrockAdapter]) -> BedrockAdapter:
    return made(key="", secret_key="", role_arn=ROLE, external_id="acme-7")


def failure_of(adapter: BedrockAdapter) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        adapter.ask(QUESTION)
    return raised.value


# --- Who asks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", [MODEL, "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-x-v1:0"]
)
def test_a_request_is_signed_by_the_organizations_keys(
    made: Callable[..., BedrockAdapter], aws: BedrockServer, model: str
) -> None:
    aws.answer(used_tool(verdict()))

    reply = made(model=model).ask(QUESTION)

    assert VerdictAnswer.model_validate_json(reply.text).verdict == "true_positive"
    assert f"Credential={ORGANIZATION.key}/" in aws.exchanges[0].headers["Authorization"]
    assert f"/{REGION}/bedrock/" in aws.exchanges[0].headers["Authorization"]


def test_a_wrong_secret_is_refused(made: Callable[..., BedrockAdapter], aws: BedrockServer) -> None:
    failure = failure_of(made(secret_key="another"))

    assert (failure.permanent, failure.about) == (True, "key")


def test_a_role_is_assumed_with_the_servers_identity_and_the_external_id(
    with_role: BedrockAdapter, aws: BedrockServer
) -> None:
    aws.answer(used_tool(verdict()), used_tool(verdict()))

    with_role.ask(QUESTION)
    with_role.ask(QUESTION)

    assert aws.assumed == [{"RoleArn": ROLE, "RoleSessionName": "assistant", "ExternalId": "acme-7"}]
    assert f"Credential={SERVER.key}/" in aws.exchanges[0].headers["Authorization"]
    assert aws.exchanges[-1].headers["X-Amz-Security-Token"] == "role-token-1"


def test_a_role_is_assumed_again_before_it_ends(with_role: BedrockAdapter, aws: BedrockServer) -> None:
    aws.expires_in = timedelta(minutes=5)
    aws.answer(used_tool(verdict()), used_tool(verdict()))

    with_role.ask(QUESTION)
    with_role.ask(QUESTION)

    assert len(aws.assumed) >= 2
    assert aws.exchanges[-1].headers["X-Amz-Security-Token"] == f"role-token-{len(aws.assumed)}"


def test_threads_that_start_together_assume_the_role_once(with_role: BedrockAdapter, aws: BedrockServer) -> None:
    aws.answer_always(used_tool(verdict()))
    together = threading.Barrier(8, timeout=10)

    def ask(_: int) -> str:
        together.wait()
        return with_role.ask(QUESTION).text

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(ask, range(8)))) == 8

    assert len(aws.assumed) == 1


def test_a_role_that_does_not_trust_us_is_permanent(with_role: BedrockAdapter, aws: BedrockServer) -> None:
    aws.refuses_roles = True

    failure = failure_of(with_role)

    assert (failure.permanent, failure.about) == (True, "role_arn")
    assert "external ID" in str(failure)


def test_a_server_that_aws_does_not_know_says_whom_to_ask(
    with_role: BedrockAdapter, aws: BedrockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")

    failure = failure_of(with_role)

    assert failure.permanent
    assert "operator" in str(failure)


def test_a_server_without_an_identity_says_whom_to_ask(
    with_role: BedrockAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")

    failure = failure_of(with_role)

    assert failure.permanent
    assert "operator" in str(failure)


def test_the_servers_own_identity_is_for_whom_the_operator_lets(
    made: Callable[..., BedrockAdapter], aws: BedrockServer
) -> None:
    aws.answer(used_tool(verdict()))

    made(key="", secret_key="", may_be_server=True).ask(QUESTION)
    with pytest.raises(ProviderError, match="not for organizations"):
        made(key="", secret_key="")

    assert f"Credential={SERVER.key}/" in aws.exchanges[0].headers["Authorization"]


def test_the_operators_environment_does_not_replace_somebodys_keys(
    made: Callable[..., BedrockAdapter], aws: BedrockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "the-operators-token")
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://operator.example")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the-operators-session")
    aws.answer(used_tool(verdict()))

    made().ask(QUESTION)

    assert f"Credential={ORGANIZATION.key}/" in aws.exchanges[0].headers["Authorization"]
    assert made(base_url="")._client.meta.endpoint_url == f"https://bedrock-runtime.{REGION}.amazonaws.com"


def test_a_connection_without_keys_is_saved_where_the_operator_lets(settings: Settings, in_acme: Organization) -> None:
    place = Place(Vendor.BEDROCK, MODEL, region=REGION)
    draft = Draft(vendor=Vendor.BEDROCK)
    with pytest.raises(ConnectionRefused, match="an access key or a role"):
        secrets_for(place, draft, stored=None, connection=None)

    settings.AWS_SERVER_IDENTITY_ALLOWED = True

    secrets = secrets_for(place, draft, stored=None, connection=None)
    assert credentials_with(Connection(vendor=Vendor.BEDROCK, model=MODEL, region=REGION), secrets).may_be_server


def test_the_limit_of_one_role_holds_up_no_other() -> None:
    one, other = (
        Choice("bedrock", "", Credentials(key="", model=MODEL, region=REGION, role_arn=ROLE, external_id=word))
        for word in ("acme-7", "umbrella-8")
    )
    cache.clear()

    note_trouble(one, pause_seconds=30)

    wait_for_turn(other)
    with pytest.raises(TemporaryFailure, match="as the provider asked"):
        wait_for_turn(one)


@pytest.mark.parametrize(
    ("fields", "about"),
    [
        ({"region": ""}, "region"),
        ({"region": "evil.example/?"}, "region"),
        ({"secret_key": ""}, "key"),
        ({"role_arn": "arn:aws:iam::1:user/x", "external_id": "x"}, "role_arn"),
        ({"role_arn": ROLE}, "external_id"),
    ],
)
def test_what_cannot_be_right_is_said_before_anything_is_sent(
    made: Callable[..., BedrockAdapter], aws: BedrockServer, fields: dict[str, str], about: str
) -> None:
    with pytest.raises(ProviderError) as raised:
        made(**fields)

    assert (raised.value.permanent, raised.value.about, aws.asked) == (True, about, 0)


# --- What a model cannot do -------------------------------------------------------------------------------------------


def unsupported(what: str) -> Scripted:
    return error(400, "ValidationException", f"This model doesn't support {what}.")


def test_a_model_must_answer_by_the_tool(made: Callable[..., BedrockAdapter], aws: BedrockServer) -> None:
    aws.answer(used_tool(verdict()))

    made().ask(QUESTION)

    config = aws.exchanges[0].body["toolConfig"]
    assert config["toolChoice"] == {"tool": {"name": "give_answer"}}
    schema = config["tools"][0]["toolSpec"]["inputSchema"]["json"]
    assert schema.keys() == {"type", "properties", "required"}  # Nova takes no other there
    assert schema["properties"]["evidence"]["items"]["properties"]["quote"]["type"] == "string"
    assert aws.exchanges[0].body["inferenceConfig"] == {"maxTokens": 4500}


def test_a_model_that_takes_no_named_tool_is_made_to_take_any(
    made: Callable[..., BedrockAdapter], aws: BedrockServer
) -> None:
    aws.answer(unsupported("the toolConfig.toolChoice.tool field"), used_tool(verdict()))

    made().ask(QUESTION)

    assert aws.exchanges[-1].body["toolConfig"]["toolChoice"] == {"any": {}}


def test_what_a_model_cannot_do_is_found_out_once(made: Callable[..., BedrockAdapter], aws: BedrockServer) -> None:
    too_much = "The maximum tokens you requested exceeds the model limit of 4096."
    answer = conversed({"reasoningContent": {"reasoningText": {"text": "Let me see."}}}, {"text": '{"verdict": 1}'})
    aws.answer(
        *(unsupported("tool use"), unsupported("system messages"), error(400, "ValidationException", too_much)),
        *(answer, answer),
    )
    adapter = made()

    assert adapter.ask(QUESTION).text == '{"verdict": 1}'
    adapter.ask(QUESTION)

    last = aws.exchanges[-1].body
    assert aws.asked == 5
    assert last.keys() == {"messages", "inferenceConfig"}
    assert last["inferenceConfig"] == {"maxTokens": 500}
    assert (
        '"required": ["evidence", "verdict", "confidence", "explanation"]' in last["messages"][0]["content"][0]["text"]
    )


def test_a_model_that_refuses_every_form_is_permanent(made: Callable[..., BedrockAdapter], aws: BedrockServer) -> None:
    aws.answer_always(unsupported("tool use"))

    assert failure_of(made()).permanent
    assert aws.asked == 2


# --- AWS's errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "about", "words"),
    [
        (
            error(403, "AccessDeniedException", "You don't have access to the model with the ID."),
            "model",
            "Model access",
        ),
        (error(403, "InvalidSignatureException", "Signature expired: 2026 is now earlier than"), "key", "clock"),
        (error(403, "ExpiredTokenException", "The security token is expired"), "key", "Check the access key"),
        (error(404, "ResourceNotFoundException", "The version has reached its end of life."), "model", "model's ID"),
        (
            error(400, "ValidationException", "Invocation of model ID x with on-demand throughput isn't supported."),
            "model",
            "inference profile",
        ),
        (error(400, "ValidationException", "Something else"), "", "Something else"),
    ],
)
def test_what_somebody_must_change_is_said(
    made: Callable[..., BedrockAdapter], aws: BedrockServer, reply: Scripted, about: str, words: str
) -> None:
    aws.answer(reply)

    failure = failure_of(made())

    assert (failure.permanent, failure.about, failure.is_rate_limit) == (True, about, False)
    assert words in str(failure)


@pytest.mark.parametrize(
    "reply",
    [
        error(429, "ModelNotReadyException", "The model is not ready"),
        error(408, "ModelTimeoutException", "Too slow"),
        error(424, "ModelErrorException", "Failed"),
        conversed({"text": ""}, stop_reason="malformed_tool_use"),
    ],
)
def test_a_model_in_trouble_is_asked_again_later(
    made: Callable[..., BedrockAdapter], aws: BedrockServer, reply: Scripted
) -> None:
    aws.answer(reply)

    failure = failure_of(made())

    assert (failure.permanent, failure.is_rate_limit, aws.asked) == (False, False, 1)
