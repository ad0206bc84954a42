"""AWS Bedrock's Converse, with keys or an assumed role; requests go out by our own HTTP client, signed by botocore."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from typing import Any, ClassVar

import httpx2
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.loaders import Loader, create_loader
from botocore.session import Session
from pydantic import BaseModel, Field, ValidationError

from providers.adapters.base import Credentials, ProviderAdapter, ProviderError, Question, Reply
from providers.adapters.bedrock_errors import UNREADABLE, Unsupported, our_errors
from providers.adapters.connection import make_http_client
from providers.adapters.deadline import at_most
from providers.adapters.schema import strict_schema

TOOL = "give_answer"
REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,3}-\d{1,2}")
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)
SESSION_NAME = "assistant"

# A model that reasons counts its reasoning within the limit; one that allows less says so, and is asked for less.
ROOM_FOR_THOUGHT_TOKENS = 4000


class _Ready(BaseModel):
    ready: bool


@dataclass(frozen=True)
class _Abilities:
    """What the model was found to know of the API. `tool_choice`: how it is made to answer by the tool, empty: not."""

    tool_choice: str = "tool"
    takes_system: bool = True
    has_room: bool = True


class BedrockAdapter(ProviderAdapter):
    """Converse with a tool that the model must use; what a model cannot do is found out once and left away then."""

    key: ClassVar[str] = "bedrock"
    label: ClassVar[str] = "AWS Bedrock"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(credentials)
        _check_look(credentials)
        self._http = make_http_client(credentials)
        # The identity service is reached as the operator's environment says; nobody types its address.
        self._sts_http = make_http_client(replace(credentials, base_url="", is_guarded=False))
        with our_errors():
            self._client = self._make_client(credentials)
        self._abilities = _Abilities()

    def _make_client(self, credentials: Credentials) -> Any:
        keys = {"aws_access_key_id": credentials.key, "aws_secret_access_key": credentials.secret_key}
        session = _session()
        if credentials.role_arn:
            session.register_component("credential_provider", CredentialResolver([_Role(credentials, self._sts_http)]))
            keys = {}
        client = session.create_client(
            "bedrock-runtime",
            region_name=credentials.region,
            endpoint_url=credentials.base_url or None,
            config=_config(credentials, ignore_configured_endpoint_urls=True),
            **{name: value for name, value in keys.items() if value},
        )
        _send_by(self._http, client)
        return client

    def ask(self, question: Question) -> Reply:
        """Return the model's reply, or raise ProviderError."""
        with at_most(self.credentials.timeout_seconds):
            while True:
                abilities = self._abilities
                try:
                    with our_errors():
                        return _reply(self._converse(question, abilities), self.credentials.model)
                except Unsupported as unsupported:
                    # Another thread may have found out the same meanwhile, or more.
                    self._abilities = _both(self._abilities, _without(abilities, unsupported))

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._client.close()
        self._http.close()
        self._sts_http.close()

    def check(self) -> None:
        """Prove with a tiny real request that identity, region and model work, or raise ProviderError."""
        question = Question(
            system="Answer in JSON.", user="Say that you are ready.", answer=_Ready, max_output_tokens=200
        )
        if not self.ask(question).text.strip():
            raise ProviderError("The model gave an empty answer. Choose another model.", permanent=True, about="model")

    def _converse(self, question: Question, abilities: _Abilities) -> dict[str, Any]:
        schema = tool_schema(question.answer)
        system, user = question.system, question.user
        extra: dict[str, Any] = {}
        if abilities.tool_choice:
            extra["toolConfig"] = _tool_config(schema, abilities.tool_choice)
        else:
            system += (
                f"\n\nAnswer with one JSON object and nothing else. It must fit this schema:\n{json.dumps(schema)}"
            )
        if abilities.takes_system:
            extra["system"] = [{"text": system}]
        else:
            user = f"{system}\n\n{user}"
        messages = [_said("user", user)]
        for turn in question.earlier:
            messages += [_said("assistant", turn.answer), _said("user", turn.objection)]
        room = ROOM_FOR_THOUGHT_TOKENS if abilities.has_room else 0
        answer: dict[str, Any] = self._client.converse(
            modelId=self.credentials.model,
            messages=messages,
            inferenceConfig={"maxTokens": question.max_output_tokens + room},
            **extra,
        )
        return answer


def _check_look(credentials: Credentials) -> None:
    if not REGION.fullmatch(credentials.region):
        raise ProviderError("Give AWS's region, such as eu-central-1.", permanent=True, about="region")
    if credentials.role_arn:
        if not ROLE_ARN.fullmatch(credentials.role_arn):
            raise ProviderError(
                "This is no role. Its ARN looks like arn:aws:iam::123456789012:role/assistant.",
                permanent=True,
                about="role_arn",
            )
        if not credentials.external_id:
            # Whoever learns of a role that trusts this server could otherwise have it assumed for them.
            raise ProviderError(
                "Give the external ID that the role's trust policy asks for.", permanent=True, about="external_id"
            )
    elif bool(credentials.key) != bool(credentials.secret_key):
        raise ProviderError("Give both, the access key ID and the secret access key.", permanent=True, about="key")
    elif not credentials.key and not credentials.may_be_server:
        raise ProviderError(
            "Give an access key or a role. The server's own AWS identity is not for organizations.",
            permanent=True,
            about="key",
        )


@lru_cache(maxsize=1)
def _loader() -> Loader:
    return create_loader()


def _session() -> Session:
    session = Session()
    session.register_component("data_loader", _loader())  # AWS's descriptions are read once, not for each organization
    return session


def _config(credentials: Credentials, **extra: Any) -> Config:
    return Config(
        retries={"total_max_attempts": 1, "mode": "standard"},  # the Job is put off instead, so that no thread sleeps
        connect_timeout=credentials.timeout_seconds,
        read_timeout=credentials.timeout_seconds,
        # Never the bearer token of the operator's environment, which would win over somebody's own keys.
        signature_version="v4",
        **extra,
    )


class _Role(CredentialProvider):  # type: ignore[misc]  # botocore carries no types
    """Credentials of a role, assumed with the server's own identity (or the keys given) and renewed in time.

    Botocore renews them under a lock, ten minutes and more before they end.
    """

    METHOD = "assistant-role"
    CANONICAL_NAME = "AssistantRole"

    def __init__(self, credentials: Credentials, http: httpx2.Client) -> None:
        super().__init__()
        self._credentials = credentials
        self._http = http
        self._sts: Any = None

    def load(self) -> DeferredRefreshableCredentials:
        """Return credentials that are fetched when they are first needed."""
        return DeferredRefreshableCredentials(refresh_using=self._assume, method=self.METHOD)

    def _assume(self) -> dict[str, str]:
        if self._sts is None:
            self._sts = self._make_sts()
        given = self._credentials
        answer = self._sts.assume_role(
            RoleArn=given.role_arn, RoleSessionName=SESSION_NAME, ExternalId=given.external_id
        )["Credentials"]
        return {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "token": answer["SessionToken"],
            "expiry_time": answer["Expiration"].isoformat(),
        }

    def _make_sts(self) -> Any:
        given = self._credentials
        keys = {"aws_access_key_id": given.key, "aws_secret_access_key": given.secret_key} if given.key else {}
        sts = _session().create_client("sts", region_name=given.region, config=_config(given), **keys)
        _send_by(self._http, sts)
        return sts


class _Body(BytesIO):
    """A body as botocore wants to read it."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


def _send_by(http: httpx2.Client, client: Any) -> None:
    """Have an AWS client's signed requests carried by ours, with its deadline, its limits and its guard."""

    def send(request: Any, **_: Any) -> AWSResponse:
        response = http.request(
            request.method,
            request.url,
            headers={_text(name): _text(value) for name, value in request.headers.items()},
            content=request.body,
        )
        return AWSResponse(request.url, response.status_code, dict(response.headers), _Body(response.content))

    client.meta.events.register("before-send", send)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@lru_cache(maxsize=64)
def tool_schema(answer: type[BaseModel]) -> dict[str, Any]:
    """Return an answer's shape without definitions and references: Nova knows neither.

    https://docs.aws.amazon.com/nova/latest/userguide/tool-use-definition.html
    """
    schema = strict_schema(answer)
    inlined: dict[str, Any] = _inlined(schema, schema.get("$defs", {}))
    return inlined


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(entry, definitions) for entry in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].removeprefix("#/$defs/")], definitions)
    return {
        key: {name: _inlined(entry, definitions) for name, entry in value.items()}
        if key == "properties"
        else _inlined(value, definitions)
        for key, value in node.items()
        if key not in {"$defs", "additionalProperties"}
    }


def _tool_config(schema: dict[str, Any], choice: str) -> dict[str, Any]:
    # At the top Nova takes the three keywords of an object and no fourth.
    root = {key: value for key, value in schema.items() if key != "description"}
    about = schema.get("description") or "Give the answer, complete."
    tool = {"name": TOOL, "description": about, "inputSchema": {"json": root}}
    choices: dict[str, dict[str, Any]] = {"tool": {"tool": {"name": TOOL}}, "any": {"any": {}}}
    return {"tools": [{"toolSpec": tool}], "toolChoice": choices[choice]}


def _said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": [{"text": text if text.strip() else "(nothing)"}]}  # an empty text is refused


def _without(abilities: _Abilities, unsupported: Unsupported) -> _Abilities:
    match unsupported.part:
        case "tool choice" if abilities.tool_choice == "tool":
            return replace(abilities, tool_choice="any")
        case "tool choice" | "tools" if abilities.tool_choice:
            return replace(abilities, tool_choice="")
        case "system" if abilities.takes_system:
            return replace(abilities, takes_system=False)
        case "room" if abilities.has_room:
            return replace(abilities, has_room=False)
    raise ProviderError(f"AWS refuses the request (400): {str(unsupported)[:250]}", permanent=True)


def _both(one: _Abilities, other: _Abilities) -> _Abilities:
    rank = ("", "any", "tool")
    return _Abilities(
        tool_choice=min(one.tool_choice, other.tool_choice, key=rank.index),
        takes_system=one.takes_system and other.takes_system,
        has_room=one.has_room and other.has_room,
    )


# --- Reading an answer ------------------------------------------------------------------------------------------------


class _ToolUse(BaseModel):
    input: dict[str, Any] = {}


class _Block(BaseModel):
    text: str = ""
    toolUse: _ToolUse | None = None  # noqa: N815  (AWS's name)


class _Message(BaseModel):
    content: list[_Block] = []


class _Output(BaseModel):
    message: _Message


class _Usage(BaseModel):
    inputTokens: int = Field(default=0, ge=0, le=2**31 - 1)  # noqa: N815
    outputTokens: int = Field(default=0, ge=0, le=2**31 - 1)  # noqa: N815
    cacheReadInputTokens: int = Field(default=0, ge=0, le=2**31 - 1)  # noqa: N815
    cacheWriteInputTokens: int = Field(default=0, ge=0, le=2**31 - 1)  # noqa: N815


class _Answer(BaseModel):
    """The part of an answer that is read."""

    output: _Output
    stopReason: str = ""  # noqa: N815
    usage: _Usage = _Usage()


def _reply(body: dict[str, Any], model: str) -> Reply:
    try:
        answer = _Answer.model_validate(body)
    except ValidationError as error:
        raise ProviderError(UNREADABLE, permanent=False) from error
    match answer.stopReason:
        case "guardrail_intervened" | "content_filtered":
            raise ProviderError("AWS's filter withheld the answer.", permanent=True, refused=True)
        case "model_context_window_exceeded":
            raise ProviderError("The question is too long for the model.", permanent=True, refused=True)
        case "malformed_model_output" | "malformed_tool_use":
            raise ProviderError("The model's answer broke off in a form that cannot be read.", permanent=False)
    usage = answer.usage
    return Reply(
        text=_text_of(answer.output.message.content),
        model=model,
        input_tokens=usage.inputTokens + usage.cacheReadInputTokens + usage.cacheWriteInputTokens,
        output_tokens=usage.outputTokens,
        is_cut_off=answer.stopReason == "max_tokens",
    )


def _text_of(blocks: list[_Block]) -> str:
    used = [block.toolUse.input for block in blocks if block.toolUse is not None]
    return json.dumps(used[0], ensure_ascii=False) if used else "".join(block.text for block in blocks)
