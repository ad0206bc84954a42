"""Google's Gemini by API key, through google-genai (google-generativeai has no support of its vendor any more)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import httpx2
from google import genai
from google.genai import errors, types
from pydantic import BaseModel, Field, ValidationError

from lib.http.policy import OutboundError
from providers.adapters.base import Credentials, ProviderAdapter, ProviderError, Question, Reply
from providers.adapters.connection import make_http_client, refusal
from providers.adapters.deadline import AnswerTooLong, at_most
from providers.adapters.schema import strict_schema

GEMINI_URL = "https://generativelanguage.googleapis.com"
API_VERSION = "v1beta"  # the SDK's own default, v1, knows no JSON schema
LONGEST_RETRY_AFTER_SECONDS = 3600.0

# A model that thinks counts its thoughts within the limit, which must not end it before the answer.
ROOM_FOR_THOUGHT_TOKENS = 8000
MODEL_NAME = re.compile(r"(?:(?:models|tunedModels)/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# https://ai.google.dev/gemini-api/docs/structured-output#json_schema_support
SCHEMA_KEYWORDS = {
    *("$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems"),
    *("minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required"),
}
REFUSALS = {
    *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "ESCALATION"),
    "IMAGE_SAFETY",
}
UNREADABLE = "The provider's answer cannot be read: it is no answer of Gemini's."


class _Ready(BaseModel):
    ready: bool


@dataclass(frozen=True)
class _Abilities:
    """What the model was found to know of the API."""

    enforces_schema: bool = True
    takes_instruction: bool = True  # the open Gemma models behind the same address take none


class GeminiAdapter(ProviderAdapter):
    """generateContent with a JSON schema; what a model cannot do is found out once and left away from then on."""

    key: ClassVar[str] = "gemini"
    label: ClassVar[str] = "Google Gemini"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(credentials)
        if not MODEL_NAME.fullmatch(credentials.model):
            raise ProviderError(
                "This cannot be the name of a model. It looks like gemini-2.5-flash.", permanent=True, about="model"
            )
        self._http = make_http_client(credentials)
        try:
            self._client = self._make_client(credentials)
        except (ValueError, httpx2.InvalidURL) as error:
            raise ProviderError(
                "The provider's address or key cannot be used. Check both.", permanent=True, about="key"
            ) from error
        self._abilities = _Abilities()

    def _make_client(self, credentials: Credentials) -> genai.Client:
        return genai.Client(
            api_key=credentials.key,
            vertexai=False,  # never left to the environment, like the address: that is the operator's
            http_options=types.HttpOptions(
                base_url=credentials.base_url or GEMINI_URL,
                api_version=API_VERSION,
                timeout=max(1, int(credentials.timeout_seconds * 1000)),
                httpx_client=self._http,
                # No retry_options: the SDK then asks once, and the Job is put off instead.
            ),
        )

    def ask(self, question: Question) -> Reply:
        """Return the model's reply, or raise ProviderError."""
        with at_most(self.credentials.timeout_seconds):
            while True:
                abilities = self._abilities
                try:
                    with _our_errors():
                        return _reply(self._generate(question, abilities), self.credentials.model)
                except _Unsupported as unsupported:
                    less = _without(abilities, unsupported)
                    # Another thread may have found out the same meanwhile, or more.
                    self._abilities = _Abilities(
                        self._abilities.enforces_schema and less.enforces_schema,
                        self._abilities.takes_instruction and less.takes_instruction,
                    )

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._client.close()
        self._http.close()  # ours, so the SDK leaves it open

    def check(self) -> None:
        """Prove with a tiny real request that key, endpoint and model work, or raise ProviderError."""
        question = Question(
            system="Answer in JSON.", user="Say that you are ready.", answer=_Ready, max_output_tokens=200
        )
        if not self.ask(question).text.strip():
            raise ProviderError("The model gave an empty answer. Choose another model.", permanent=True, about="model")

    def _generate(self, question: Question, abilities: _Abilities) -> str:
        schema = gemini_schema(question.answer)
        system, user = question.system, question.user
        config: dict[str, Any] = {}
        if abilities.enforces_schema:
            config |= {"response_mime_type": "application/json", "response_json_schema": schema}
        else:
            system += (
                f"\n\nAnswer with one JSON object and nothing else. It must fit this schema:\n{json.dumps(schema)}"
            )
        if abilities.takes_instruction:
            config["system_instruction"] = types.Content(parts=[types.Part(text=system)])
        else:
            user = f"{system}\n\n{user}"
        contents = [_said("user", user)]
        for turn in question.earlier:
            contents += [_said("model", turn.answer), _said("user", turn.objection)]
        response = self._client.models.generate_content(
            model=self.credentials.model,
            contents=list(contents),
            config=types.GenerateContentConfig(
                max_output_tokens=question.max_output_tokens + ROOM_FOR_THOUGHT_TOKENS,
                automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
                should_return_http_response=True,  # the raw body: the SDK's own reading takes any shape for granted
                **config,
            ),
        )
        answer = response.sdk_http_response
        return (answer.body if answer is not None else None) or ""


def gemini_schema(answer: type[BaseModel]) -> dict[str, Any]:
    """Return an answer's shape in the keywords that Gemini knows; our own validation checks the others."""
    schema: dict[str, Any] = _known(strict_schema(answer))
    return schema


def _known(node: Any) -> Any:
    if isinstance(node, list):
        return [_known(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    known: dict[str, Any] = {}
    for key, value in node.items():
        if key in {"properties", "$defs"}:
            known[key] = {name: _known(entry) for name, entry in value.items()}
        elif key == "const":
            known["enum"] = [value]
        elif key in SCHEMA_KEYWORDS:
            known[key] = _known(value)
    return known


def _said(role: str, text: str) -> types.Content:
    return types.Content(role=role, parts=[types.Part(text=text or "(nothing)")])  # an empty part is refused


class _Unsupported(Exception):
    """The model does not know a part of the API."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


def _without(abilities: _Abilities, unsupported: _Unsupported) -> _Abilities:
    if unsupported.part == "schema" and abilities.enforces_schema:
        return replace(abilities, enforces_schema=False)
    if unsupported.part == "instruction" and abilities.takes_instruction:
        return replace(abilities, takes_instruction=False)
    raise ProviderError(f"The provider refuses the request (400): {str(unsupported)[:250]}", permanent=True)


# --- Reading an answer ------------------------------------------------------------------------------------------------


class _Part(BaseModel):
    text: str = ""
    thought: bool = False


class _Content(BaseModel):
    parts: list[_Part] = []


class _Candidate(BaseModel):
    content: _Content = _Content()
    finishReason: str = ""  # noqa: N815  (Google's name)


class _Feedback(BaseModel):
    blockReason: str = ""  # noqa: N815


class _Usage(BaseModel):
    promptTokenCount: int = Field(default=0, ge=0, le=2**31 - 1)  # noqa: N815
    candidatesTokenCount: int = Field(default=0, ge=0, le=2**31 - 1)  # noqa: N815
    thoughtsTokenCount: int = Field(default=0, ge=0, le=2**31 - 1)  # noqa: N815


class _Response(BaseModel):
    """The part of a response that is read."""

    candidates: list[_Candidate] = []
    promptFeedback: _Feedback = _Feedback()  # noqa: N815
    usageMetadata: _Usage | None = None  # noqa: N815
    modelVersion: str = ""  # noqa: N815


def _reply(body: str, model: str) -> Reply:
    try:
        response = _Response.model_validate_json(body)
    except ValidationError as error:
        raise ProviderError(UNREADABLE, permanent=False) from error
    if response.promptFeedback.blockReason:
        raise ProviderError(
            f"The provider's filter refused the question ({response.promptFeedback.blockReason[:40]}).",
            permanent=True,
            refused=True,
        )
    if not response.candidates:
        raise ProviderError("The provider answered without any candidate.", permanent=False)
    candidate = response.candidates[0]
    if candidate.finishReason in REFUSALS:
        raise ProviderError(
            f"The provider's filter withheld the answer ({candidate.finishReason}).", permanent=True, refused=True
        )
    usage = response.usageMetadata or _Usage()
    return Reply(
        text="".join(part.text for part in candidate.content.parts if not part.thought),
        model=response.modelVersion or model,
        input_tokens=usage.promptTokenCount,
        output_tokens=usage.candidatesTokenCount + usage.thoughtsTokenCount,  # thoughts are paid as output
        is_cut_off=candidate.finishReason == "MAX_TOKENS",
    )


# --- The vendor's errors in our words ---------------------------------------------------------------------------------


class _Detail(BaseModel):
    """One of google.rpc's details: RetryInfo has a delay, ErrorInfo a reason."""

    retryDelay: str = ""  # noqa: N815
    reason: str = ""
    violations: list[dict[str, Any]] = []


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except AnswerTooLong as error:
        raise ProviderError(str(error), permanent=False) from error
    except OutboundError as error:
        raise refusal(error) from error
    except errors.APIError as error:
        raise _from_status(error) from error
    except httpx2.TimeoutException as error:
        raise ProviderError("The provider did not answer in time.", permanent=False, about="base_url") from error
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        raise ProviderError(
            "The provider's address cannot be used. Check it.", permanent=True, about="base_url"
        ) from error
    except UnicodeEncodeError as error:
        raise ProviderError("The key has characters that cannot be sent.", permanent=True, about="key") from error
    except httpx2.HTTPError as error:
        raise ProviderError(
            f"The provider cannot be reached: {error}"[:300], permanent=False, about="base_url"
        ) from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        # The SDK takes the shape of an error's body for granted.
        raise ProviderError(UNREADABLE, permanent=False) from error


def _from_status(error: errors.APIError) -> ProviderError | _Unsupported:
    message = str(error.message or "")
    details = _details(error)
    if error.code == 429:  # noqa: PLR2004  (too many requests)
        return _too_much(message, details)
    if error.code == 400:  # noqa: PLR2004  (bad request)
        return _bad_request(message, details)
    if error.code < 400:  # noqa: PLR2004  (a redirect)
        return ProviderError(
            f"The provider sends us on to another address ({error.code}), which is not followed.",
            permanent=True,
            about="base_url",
        )
    match error.code:
        case 401:
            return ProviderError("Google refuses the API key (401). Check the key.", permanent=True, about="key")
        case 403:
            return ProviderError(
                "The key may not use the Gemini API (403). Check in Google AI Studio that it was not withdrawn, and in"
                " its project that the Generative Language API is enabled and the key not restricted to others.",
                permanent=True,
                about="key",
            )
        case 404:
            return ProviderError(
                "Google knows no such model for this key (404). Check the model's name.", permanent=True, about="model"
            )
    if error.code < 500:  # noqa: PLR2004  (ours to change)
        return ProviderError(f"The provider refuses the request ({error.code}).", permanent=True)
    return ProviderError(
        f"The provider failed ({error.code}).", permanent=False, retry_after_seconds=_retry_after(details)
    )


def _bad_request(message: str, details: list[_Detail]) -> ProviderError | _Unsupported:
    lower = message.lower()
    if any(detail.reason == "API_KEY_INVALID" for detail in details) or "api key" in lower:
        return ProviderError(
            "Google refuses the API key (400): it is not valid, or has expired. Check the key.",
            permanent=True,
            about="key",
        )
    if "location is not supported" in lower:
        return ProviderError(
            "Google does not offer the Gemini API where this server stands (400).", permanent=True, about="base_url"
        )
    if "token count" in lower and "exceeds" in lower:
        return ProviderError("The question is too long for the model.", permanent=True, refused=True)
    if "instruction is not enabled" in lower:
        return _Unsupported("instruction", message)
    if any(sign in lower for sign in ("schema", "json mode", "response_mime_type", "constraint")):
        return _Unsupported("schema", message)
    return ProviderError(f"The provider refuses the request (400): {message[:250]}", permanent=True)


def _too_much(message: str, details: list[_Detail]) -> ProviderError:
    lower = message.lower()
    # A limit of nothing is no matter of waiting: the project is not paid for, or its credit has run out.
    if re.search(r"\blimit: 0\b", lower) or "credits are depleted" in lower or "spending cap" in lower:
        return ProviderError(
            "The project of this key has no quota for this model (429). Check its billing in Google AI Studio.",
            permanent=True,
            about="key",
        )
    return ProviderError(
        "The provider limits the rate (429).",
        permanent=False,
        retry_after_seconds=_retry_after(details),
        is_rate_limit=True,
    )


def _details(error: errors.APIError) -> list[_Detail]:
    body = error.details
    inner = body.get("error") if isinstance(body, dict) else None
    listed = inner.get("details") if isinstance(inner, dict) else None
    found = []
    for entry in listed if isinstance(listed, list) else []:
        try:
            found.append(_Detail.model_validate(entry))
        except ValidationError:
            continue  # a detail of another kind
    return found


def _retry_after(details: list[_Detail]) -> float | None:
    for detail in details:
        delay = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)s", detail.retryDelay)
        if delay and float(delay[1]) > 0:
            return min(float(delay[1]), LONGEST_RETRY_AFTER_SECONDS)
    return None
