"""OpenAI, and every server that speaks its chat completions API (own base URL)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import openai
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

from providers.adapters.base import Credentials, ProviderAdapter, ProviderError, Question, Reply
from providers.adapters.schema import strict_schema

CONNECT_SECONDS = 10.0
LONGEST_RETRY_AFTER_SECONDS = 3600.0


class _Ready(BaseModel):
    ready: bool


class OpenAIAdapter(ProviderAdapter):
    """Chat completions with a JSON schema; what a server cannot do is found out once and left away from then on."""

    key: ClassVar[str] = "openai"
    label: ClassVar[str] = "OpenAI"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(credentials)
        self._client = self._make_client(credentials)
        self._enforces_schema = True
        self._tokens_parameter = "max_completion_tokens"

    def _make_client(self, credentials: Credentials) -> openai.OpenAI:
        return openai.OpenAI(
            api_key=credentials.key,
            base_url=credentials.base_url or None,
            timeout=openai.Timeout(credentials.timeout_seconds, connect=CONNECT_SECONDS),
            max_retries=0,  # the Job is put off instead, so that no thread sleeps
        )

    def ask(self, question: Question) -> Reply:
        """Return the model's reply, or raise ProviderError."""
        while True:
            try:
                with _our_errors():
                    completion = self._create(question)
                return _reply(completion)
            except _Unsupported as unsupported:
                self._do_without(unsupported)

    def check(self) -> None:
        """Prove with a tiny real request that key, endpoint and model work, or raise ProviderError."""
        self.ask(
            Question(system="Answer in JSON.", user="Say that you are ready.", answer=_Ready, max_output_tokens=200)
        )

    def _create(self, question: Question) -> ChatCompletion:
        schema = strict_schema(question.answer)
        system = question.system
        extra: dict[str, Any] = {self._tokens_parameter: question.max_output_tokens}
        if self._enforces_schema:
            extra["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": question.answer.__name__, "strict": True, "schema": schema},
            }
        else:
            system += (
                f"\n\nAnswer with one JSON object and nothing else. It must fit this JSON schema:\n{json.dumps(schema)}"
            )
        messages: list[Any] = [{"role": "system", "content": system}, {"role": "user", "content": question.user}]
        for turn in question.earlier:
            messages += [
                {"role": "assistant", "content": turn.answer},
                {"role": "user", "content": turn.objection},
            ]
        return self._client.chat.completions.create(model=self.credentials.model, messages=messages, **extra)

    def _do_without(self, unsupported: _Unsupported) -> None:
        if unsupported.parameter == "response_format" and self._enforces_schema:
            self._enforces_schema = False
        elif unsupported.parameter == "max_completion_tokens" and self._tokens_parameter == "max_completion_tokens":
            self._tokens_parameter = "max_tokens"
        else:
            raise ProviderError(f"The provider refuses the request: {unsupported}", permanent=True)


class _Unsupported(Exception):
    """The server does not know a parameter that the API has."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def _reply(completion: ChatCompletion) -> Reply:
    if not completion.choices:
        raise ProviderError("The provider answered without any choice.", permanent=False)
    choice = completion.choices[0]
    if choice.message.refusal:
        raise ProviderError(f"The model refused: {choice.message.refusal[:300]}", permanent=True, refused=True)
    if choice.finish_reason == "content_filter":
        raise ProviderError("The provider's content filter withheld the answer.", permanent=True, refused=True)
    usage = completion.usage
    return Reply(
        text=choice.message.content or "",
        model=completion.model,
        input_tokens=usage.prompt_tokens if usage else 0,
        output_tokens=usage.completion_tokens if usage else 0,
    )


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except openai.APITimeoutError as error:
        raise ProviderError("The provider did not answer in time.", permanent=False) from error
    except openai.APIConnectionError as error:
        cause = error.__cause__ or error
        raise ProviderError(f"The provider cannot be reached: {cause}"[:300], permanent=False) from error
    except openai.AuthenticationError as error:
        raise ProviderError("The provider refuses the API key (401). Check the key.", permanent=True) from error
    except openai.PermissionDeniedError as error:
        raise ProviderError(
            "The key may not use this model (403). Check its project and rights.", permanent=True
        ) from error
    except openai.NotFoundError as error:
        raise ProviderError(
            "The provider knows no such model or address (404). Check the model's name and the base URL.",
            permanent=True,
        ) from error
    except openai.RateLimitError as error:
        raise _rate_limited(error) from error
    except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
        raise _bad_request(error) from error
    except openai.APIStatusError as error:
        raise ProviderError(
            f"The provider failed ({error.status_code}).",
            permanent=False,
            retry_after_seconds=_retry_after(error),
        ) from error
    except openai.APIError as error:
        raise ProviderError(f"The provider's answer cannot be read: {error}"[:300], permanent=False) from error


def _rate_limited(error: openai.RateLimitError) -> ProviderError:
    if error.code == "insufficient_quota":
        return ProviderError("The provider's quota is used up (429). Add credit or raise the limit.", permanent=True)
    return ProviderError(
        "The provider limits the rate (429).", permanent=False, retry_after_seconds=_retry_after(error)
    )


def _bad_request(error: openai.APIStatusError) -> ProviderError | _Unsupported:
    message = str(error.message)
    for parameter, words in (
        ("response_format", ("response_format", "json_schema")),
        ("max_completion_tokens", ("max_completion_tokens",)),
    ):
        if any(word in message for word in words):
            return _Unsupported(parameter, message)
    if error.code == "content_filter":
        return ProviderError("The provider's content filter refused the question.", permanent=True, refused=True)
    if error.code == "context_length_exceeded":
        return ProviderError("The question is too long for the model.", permanent=True, refused=True)
    return ProviderError(f"The provider refuses the request (400): {message[:250]}", permanent=True)


def _retry_after(error: openai.APIStatusError) -> float | None:
    for header, divisor in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = error.response.headers.get(header, "")
        if value.replace(".", "", 1).isdigit():
            return min(float(value) / divisor, LONGEST_RETRY_AFTER_SECONDS)
    return None
