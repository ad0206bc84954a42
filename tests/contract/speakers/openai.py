"""OpenAI's replies."""

from __future__ import annotations

from typing import Any, ClassVar

from providers.adapters.base import Credentials
from tests.contract.speakers.base import SECRET, Asked, Speaker
from tests.vendors.openai_server import OpenAIServer, completion, error
from tests.vendors.server import Scripted


class OpenAISpeaker(Speaker):
    """OpenAI, by its own base URL."""

    adapter: ClassVar[str] = "openai"
    takes_empty_turns: ClassVar[bool] = True

    @classmethod
    def make_server(cls) -> OpenAIServer:
        return OpenAIServer()

    def credentials(self, *, origin: str = "", **changes: Any) -> Credentials:
        values = {"key": SECRET, "model": "gpt-5-mini", "base_url": f"{origin or self.server.origin}/v1"}
        return Credentials(**{**values, "timeout_seconds": 5, **changes})

    def asked(self) -> Asked:
        body = self.server.exchanges[-1].body
        (system, *turns) = body["messages"]
        names = {"user": "us", "assistant": "model"}
        return Asked(
            system=system["content"],
            turns=tuple((names[turn["role"]], turn["content"]) for turn in turns),
            schema=body["response_format"]["json_schema"]["schema"],
        )

    def answered(self, text: str, *, is_cut_off: bool = False) -> Scripted:
        return completion(text, finish_reason="length" if is_cut_off else "stop")

    def wrong_key(self) -> Scripted:
        return error(401, f"Incorrect API key provided: {SECRET}", code="invalid_api_key")

    def revoked_key(self) -> Scripted:
        return error(403, "You are not allowed to sample from this model")

    def unknown_model(self) -> Scripted:
        return error(404, "The model `gpt-none` does not exist", code="model_not_found")

    def rate_limited(self, seconds: int | None) -> Scripted:
        headers = {"Retry-After": str(seconds)} if seconds is not None else {}
        return error(429, "Rate limit reached", code="rate_limit_exceeded", headers=headers)

    def quota_used_up(self) -> Scripted:
        return error(429, "You exceeded your current quota", code="insufficient_quota")

    def too_long(self) -> Scripted:
        return error(400, "This model's maximum context length is 8192 tokens", code="context_length_exceeded")

    def failed(self, status: int) -> Scripted:
        return error(status, "The server had an error", code="server_error")

    def refused(self) -> Scripted:
        return completion(None, refusal="I cannot help with that.")

    def empty(self) -> Scripted:
        return completion("")
