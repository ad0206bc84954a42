"""OpenAI's API on loopback: checks each request and each of its own replies against the vendor's description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.vendors.openai_contract import problems_of_reply, problems_of_request
from tests.vendors.server import Body, Scripted, VendorServer, cut, raw, trickled
from tests.vendors.server import Exchange as AnyExchange

__all__ = [
    "MODEL",
    "Exchange",
    "OpenAIServer",
    "Scripted",
    "checked",
    "completion",
    "cut",
    "error",
    "no_choices",
    "raw",
    "trickled",
]

MODEL = "gpt-5-mini-2026-08-07"


@dataclass(frozen=True)
class Exchange(AnyExchange):
    """What was asked."""

    @property
    def system(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        return str(self.body["messages"][1]["content"])


# --- Replies ----------------------------------------------------------------------------------------------------------


def completion(
    content: object,
    *,
    finish_reason: str = "stop",
    refusal: str | None = None,
    model: str = MODEL,
    headers: Mapping[str, str] | None = None,
) -> Scripted:
    """Return a completion: `content` is text, None, or what becomes JSON."""
    text = content if isinstance(content, str | None) else json.dumps(content)
    message = {"role": "assistant", "content": text, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
    return checked({**_envelope(model), "choices": [choice]}, headers=headers)


def no_choices() -> Scripted:
    """Return a completion without any choice, which the vendor's schema allows."""
    return checked({**_envelope(MODEL), "choices": []})


def error(
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Scripted:
    """Return an error in the vendor's shape."""
    body = {"error": {"message": message, "type": code or "invalid_request_error", "param": param, "code": code}}
    return Scripted(status=status, body=json.dumps(body).encode(), headers=headers or {})


def checked(body: Body, *, headers: Mapping[str, str] | None = None) -> Scripted:
    """Return a reply that the vendor could have given, or fail."""
    problems = problems_of_reply(body)
    assert not problems, f"the test scripts a reply that the vendor would not give: {problems}"
    return Scripted(body=json.dumps(body).encode(), headers=headers or {})


def _envelope(model: str) -> Body:
    usage = {"prompt_tokens": 900, "completion_tokens": 120, "total_tokens": 1020}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000, "model": model, "usage": usage}


# --- The server -------------------------------------------------------------------------------------------------------


class OpenAIServer(VendorServer[Exchange]):
    """A running server; `url` is what goes into OPENAI_BASE_URL."""

    exchange_type = Exchange

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    def problems_of(self, exchange: Exchange) -> list[str]:
        """Say in which ways a request is not what the vendor describes."""
        return problems_of_request(exchange.body, exchange.headers)

    def wrong_address(self, exchange: Exchange) -> Scripted | None:
        """Return what an address gets that the vendor does not have, None for a right one."""
        if exchange.path == "/v1/chat/completions":
            return None
        return error(404, f"Invalid URL (POST {exchange.path})")
