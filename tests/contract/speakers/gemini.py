"""Gemini's replies."""

from __future__ import annotations

from typing import Any, ClassVar

from providers.adapters.base import Credentials
from tests.contract.speakers.base import SECRET, Asked, Speaker
from tests.vendors.gemini_server import GeminiServer, error, generated, reason, retry_in
from tests.vendors.server import Scripted


class GeminiSpeaker(Speaker):
    """Gemini, by API key."""

    adapter: ClassVar[str] = "gemini"

    @classmethod
    def make_server(cls) -> GeminiServer:
        return GeminiServer()

    def credentials(self, *, origin: str = "", **changes: Any) -> Credentials:
        values = {"key": SECRET, "model": "gemini-2.5-flash", "base_url": origin or self.server.origin}
        return Credentials(**{**values, "timeout_seconds": 5, **changes})

    def asked(self) -> Asked:
        body = self.server.exchanges[-1].body
        names = {"user": "us", "model": "model"}
        return Asked(
            system=body["systemInstruction"]["parts"][0]["text"],
            turns=tuple((names[turn["role"]], turn["parts"][0]["text"]) for turn in body["contents"]),
            schema=body["generationConfig"]["responseJsonSchema"],
        )

    def answered(self, text: str, *, is_cut_off: bool = False) -> Scripted:
        half = len(text) // 2
        thought = {"text": "Let me see.", "thought": True}
        return generated(
            thought, {"text": text[:half]}, {"text": text[half:]}, finish_reason="MAX_TOKENS" if is_cut_off else "STOP"
        )

    def wrong_key(self) -> Scripted:
        message = "API key not valid. Please pass a valid API key."
        return error(400, "INVALID_ARGUMENT", message, reason("API_KEY_INVALID"))

    def revoked_key(self) -> Scripted:
        return error(403, "PERMISSION_DENIED", f"Your API key {SECRET} was reported as leaked.")

    def unknown_model(self) -> Scripted:
        return error(404, "NOT_FOUND", "models/gemini-none is not found for API version v1beta")

    def rate_limited(self, seconds: int | None) -> Scripted:
        details = [retry_in(seconds)] if seconds is not None else []
        return error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, ... limit: 15, model: x", *details)

    def quota_used_up(self) -> Scripted:
        return error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, ... limit: 0, model: x", retry_in(9))

    def too_long(self) -> Scripted:
        message = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
        return error(400, "INVALID_ARGUMENT", message)

    def failed(self, status: int) -> Scripted:
        return error(status, {500: "INTERNAL", 503: "UNAVAILABLE"}[status], "The model is overloaded.")

    def refused(self) -> Scripted:
        return generated(finish_reason="SAFETY", answer_tokens=0)

    def empty(self) -> Scripted:
        return generated({"text": ""})
