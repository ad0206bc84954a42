"""OpenAI, and every server that speaks its chat completions API (own base URL)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import httpx2
import openai
from pydantic import BaseModel, Field, ValidationError

from lib.http.policy import OutboundError
from providers.adapters.base import Credentials, ProviderAdapter, ProviderError, Question, Reply
from providers.adapters.connection import make_http_client, refusal
from providers.adapters.deadline import AnswerTooLong, at_most
from providers.adapters.schema import strict_schema

OPENAI_URL = "https://api.openai.com/v1"
LONGEST_RETRY_AFTER_SECONDS = 3600.0

UNSENDABLE = "The key or the base URL has characters that cannot be sent."
PERMANENT_STATUS = {
    401: "The provider refuses the API key (401). Check the key.",
    403: "The key may not use this model (403). Check its project and rights.",
    404: "The provider knows no such model or address (404). Check the model's name and the base URL.",
}
ABOUT_STATUS = {401: "key", 403: "key", 404: "model"}

# A model that thinks before it answers counts its thoughts as output; the limit must not end it before the answer.
# Servers of one's own often know small limits only, and refuse larger ones.
ROOM_FOR_THOUGHT_TOKENS = 8000


class _Ready(BaseModel):
    ready: bool


@dataclass(frozen=True)
class _Abilities:
    """What the server was found to know of the API."""

    enforces_schema: bool = True
    knows_completion_tokens: bool = True
    has_room_for_thought: bool = True


class OpenAIAdapter(ProviderAdapter):
    """Chat completions with a JSON schema; what a server cannot do is found out once and left away from then on."""

    key: ClassVar[str] = "openai"
    label: ClassVar[str] = "OpenAI"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(credentials)
        try:
            self._client = self._make_client(credentials)
        except (ValueError, httpx2.InvalidURL) as error:
            raise ProviderError(
                "The provider's address cannot be used. Check the base URL.", permanent=True, about="base_url"
            ) from error
        self._abilities = _Abilities()

    def _make_client(self, credentials: Credentials) -> openai.OpenAI:
        return openai.OpenAI(
            api_key=credentials.key,
            # Never left to OPENAI_BASE_URL: that is the operator's server, and this may be somebody's own key.
            base_url=credentials.base_url or OPENAI_URL,
            max_retries=0,  # the Job is put off instead, so that no thread sleeps
            http_client=self._make_http_client(credentials),
        )

    def _make_http_client(self, credentials: Credentials) -> httpx2.Client:
        return make_http_client(credentials)

    def ask(self, question: Question) -> Reply:
        """Return the model's reply, or raise ProviderError."""
        with at_most(self.credentials.timeout_seconds):
            while True:
                abilities = self._abilities
                try:
                    with _our_errors(self.words_for):
                        return _reply(self._create(question, abilities))
                except _Unsupported as unsupported:
                    # Another thread may have found out the same meanwhile, or more.
                    less = _without(abilities, unsupported)
                    self._abilities = _Abilities(
                        self._abilities.enforces_schema and less.enforces_schema,
                        self._abilities.knows_completion_tokens and less.knows_completion_tokens,
                        self._abilities.has_room_for_thought and less.has_room_for_thought,
                    )

    def schema_of(self, answer: type[BaseModel]) -> dict[str, Any]:
        """Return an answer's shape in the keywords that the server takes."""
        return strict_schema(answer)

    def room_for_thought(self) -> int:
        """Return how many tokens are allowed beyond the answer's own."""
        return 0 if self.credentials.base_url else ROOM_FOR_THOUGHT_TOKENS

    def headers_of_request(self) -> dict[str, str | openai.Omit]:
        """Return headers that go with every request beside the SDK's own."""
        return {}

    def words_for(self, error: openai.APIStatusError) -> ProviderError | None:
        """Return what an error status means where this server means something of its own by it, else None."""
        return None

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._client.close()

    def check(self) -> None:
        """Prove with a tiny real request that key, endpoint and model work, or raise ProviderError."""
        question = Question(
            system="Answer in JSON.", user="Say that you are ready.", answer=_Ready, max_output_tokens=200
        )
        reply = self.ask(question)
        if not reply.text.strip():
            raise ProviderError("The model gave an empty answer. Choose another model.", permanent=True)

    def _create(self, question: Question, abilities: _Abilities) -> bytes:
        schema = self.schema_of(question.answer)
        system = question.system
        room = self.room_for_thought() if abilities.has_room_for_thought else 0
        limit = "max_completion_tokens" if abilities.knows_completion_tokens else "max_tokens"
        extra: dict[str, Any] = {limit: question.max_output_tokens + room}
        if abilities.enforces_schema:
            # As part of the body: the SDK would look through all of the schema at each request.
            json_schema = {"name": question.answer.__name__, "strict": True, "schema": schema}
            extra["extra_body"] = {"response_format": {"type": "json_schema", "json_schema": json_schema}}
        else:
            system += (
                f"\n\nAnswer with one JSON object and nothing else. It must fit this schema:\n{json.dumps(schema)}"
            )
        messages: list[Any] = [{"role": "system", "content": system}, {"role": "user", "content": question.user}]
        for turn in question.earlier:
            messages += [
                {"role": "assistant", "content": turn.answer},
                {"role": "user", "content": turn.objection},
            ]
        # The raw body: the SDK's own reading takes any shape for granted.
        raw = self._client.chat.completions.with_raw_response.create(
            model=self.credentials.model, messages=messages, extra_headers=self.headers_of_request(), **extra
        )
        return raw.http_response.content


class _Unsupported(Exception):
    """The server does not know a parameter that the API has."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def _without(abilities: _Abilities, unsupported: _Unsupported) -> _Abilities:
    if unsupported.parameter == "response_format" and abilities.enforces_schema:
        return replace(abilities, enforces_schema=False)
    if unsupported.parameter == "max_completion_tokens" and abilities.knows_completion_tokens:
        return replace(abilities, knows_completion_tokens=False)
    if unsupported.parameter == "room" and abilities.has_room_for_thought:
        return replace(abilities, has_room_for_thought=False)
    raise ProviderError(f"The provider refuses the request (400): {str(unsupported)[:250]}", permanent=True)


# --- Reading an answer ------------------------------------------------------------------------------------------------


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(default=0, ge=0, le=2**31 - 1)
    completion_tokens: int = Field(default=0, ge=0, le=2**31 - 1)


class _Completion(BaseModel):
    """The part of a completion that is read; servers differ in the rest."""

    model: str = ""
    choices: list[_Choice] = []
    usage: _Usage | None = None


def _reply(body: bytes) -> Reply:
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError as error:
        raise ProviderError(
            "The provider's answer cannot be read: it is no chat completion.", permanent=False
        ) from error
    if not completion.choices:
        raise ProviderError("The provider answered without any choice.", permanent=False)
    choice = completion.choices[0]
    if choice.message.refusal:
        raise ProviderError(f"The model refused: {choice.message.refusal[:300]}", permanent=True, refused=True)
    if choice.finish_reason == "content_filter":
        raise ProviderError("The provider's content filter withheld the answer.", permanent=True, refused=True)
    usage = completion.usage or _Usage()
    return Reply(
        text=choice.message.content or "",
        model=completion.model,
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        is_cut_off=choice.finish_reason == "length",
    )


# --- The vendor's errors in our words ---------------------------------------------------------------------------------


@contextmanager
def _our_errors(own_words: Callable[[openai.APIStatusError], ProviderError | None]) -> Iterator[None]:
    try:
        try:
            yield
        except openai.APIStatusError as error:
            if (worded := own_words(error)) is not None:
                raise worded from error
            raise
    except AnswerTooLong as error:
        raise ProviderError(str(error), permanent=False) from error
    except OutboundError as error:
        raise refusal(error) from error
    except openai.APITimeoutError as error:
        raise ProviderError("The provider did not answer in time.", permanent=False, about="base_url") from error
    except openai.APIConnectionError as error:
        raise _not_reached(error) from error
    except openai.RateLimitError as error:
        raise _rate_limited(error) from error
    except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
        raise _bad_request(error) from error
    except openai.APIStatusError as error:
        raise _other_status(error) from error
    except openai.APIError as error:
        raise ProviderError(f"The provider's answer cannot be read: {error.message}"[:300], permanent=False) from error
    except (UnicodeError, httpx2.InvalidURL) as error:
        raise ProviderError(UNSENDABLE, permanent=True, about="key") from error


def _not_reached(error: openai.APIConnectionError) -> ProviderError:
    cause = error.__cause__
    if isinstance(cause, AnswerTooLong):
        return ProviderError(str(cause), permanent=False)
    if isinstance(cause, UnicodeError | httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return ProviderError(UNSENDABLE, permanent=True, about="key")
    return ProviderError(f"The provider cannot be reached: {cause or error}"[:300], permanent=False, about="base_url")


def _rate_limited(error: openai.RateLimitError) -> ProviderError:
    if "insufficient_quota" in {error.code, error.type}:
        return ProviderError(
            "The provider's quota is used up (429). Add credit or raise the limit.", permanent=True, about="key"
        )
    return ProviderError(
        "The provider limits the rate (429).",
        permanent=False,
        retry_after_seconds=retry_after(error),
        is_rate_limit=True,
    )


def _bad_request(error: openai.APIStatusError) -> ProviderError | _Unsupported:
    message = str(error.message)
    if error.code == "content_filter":
        return ProviderError("The provider's content filter refused the question.", permanent=True, refused=True)
    if error.code == "context_length_exceeded" or "maximum context length" in message:
        return ProviderError("The question is too long for the model.", permanent=True, refused=True)
    if error.param == "response_format" or "response_format" in message or "json_schema" in message:
        return _Unsupported("response_format", message)
    if "max_completion_tokens" in message or "max_tokens" in message:
        is_too_much = any(word in message for word in ("too large", "at most", "maximum"))
        if is_too_much or "max_completion_tokens" in message:
            return _Unsupported("room" if is_too_much else "max_completion_tokens", message)
    return ProviderError(f"The provider refuses the request ({error.status_code}): {message[:250]}", permanent=True)


def _other_status(error: openai.APIStatusError) -> ProviderError:
    if error.status_code in PERMANENT_STATUS:
        return ProviderError(PERMANENT_STATUS[error.status_code], permanent=True, about=ABOUT_STATUS[error.status_code])
    if error.status_code < 400:  # noqa: PLR2004  (a redirect)
        return ProviderError(
            f"The provider sends us on to another address ({error.status_code}). Give that one as the base URL.",
            permanent=True,
            about="base_url",
        )
    return ProviderError(
        f"The provider failed ({error.status_code}).", permanent=False, retry_after_seconds=retry_after(error)
    )


def retry_after(error: openai.APIStatusError) -> float | None:
    """Return how long the provider wants us to wait: in milliseconds, in seconds, or until a date."""
    headers = error.response.headers
    seconds: float | None = None
    for value, divisor in ((headers.get("retry-after-ms", ""), 1000.0), (headers.get("retry-after", ""), 1.0)):
        if seconds is None and value.strip():
            seconds = _seconds_in(value, divisor)
    return min(seconds, LONGEST_RETRY_AFTER_SECONDS) if seconds is not None and seconds > 0 else None


def _seconds_in(value: str, divisor: float) -> float | None:
    try:
        return float(value) / divisor
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except ValueError:
        return None
