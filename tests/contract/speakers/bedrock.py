"""Bedrock's replies."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from providers.adapters.base import Credentials
from tests.contract.speakers.base import SECRET, Asked, Speaker
from tests.vendors.bedrock_server import MODEL, REGION, BedrockServer, Identity, conversed, error, used_tool
from tests.vendors.server import Scripted

ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"


class BedrockSpeaker(Speaker):
    """Bedrock, by access key."""

    adapter: ClassVar[str] = "bedrock"
    quota_is_permanent: ClassVar[bool] = False  # a day's tokens come back with the next day
    can_say_when: ClassVar[bool] = False

    @classmethod
    def make_server(cls) -> BedrockServer:
        return BedrockServer(Identity(ACCESS_KEY, SECRET))

    def credentials(self, *, origin: str = "", **changes: Any) -> Credentials:
        values = {"key": ACCESS_KEY, "secret_key": SECRET, "model": MODEL, "region": REGION}
        return Credentials(**{**values, "base_url": origin or self.server.origin, "timeout_seconds": 5, **changes})

    def asked(self) -> Asked:
        body = self.server.exchanges[-1].body
        names = {"user": "us", "assistant": "model"}
        return Asked(
            system=body["system"][0]["text"],
            turns=tuple((names[turn["role"]], turn["content"][0]["text"]) for turn in body["messages"]),
            schema=body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"],
        )

    def answered(self, text: str, *, is_cut_off: bool = False) -> Scripted:
        try:
            return used_tool(json.loads(text), stop_reason="max_tokens" if is_cut_off else "tool_use")
        except ValueError:
            return conversed({"text": text}, stop_reason="max_tokens" if is_cut_off else "end_turn")

    def wrong_key(self) -> Scripted:
        return error(403, "UnrecognizedClientException", "The security token included in the request is invalid.")

    def revoked_key(self) -> Scripted:
        return error(403, "AccessDeniedException", "User is not authorized to perform: bedrock:InvokeModel")

    def unknown_model(self) -> Scripted:
        return error(400, "ValidationException", "The provided model identifier is invalid.")

    def rate_limited(self, seconds: int | None) -> Scripted:
        return error(429, "ThrottlingException", "Too many requests, please wait before trying again.")

    def quota_used_up(self) -> Scripted:
        return error(429, "ThrottlingException", "Too many tokens per day, please wait before trying again.")

    def too_long(self) -> Scripted:
        return error(400, "ValidationException", "Input is too long for requested model.")

    def failed(self, status: int) -> Scripted:
        code = {500: "InternalServerException", 503: "ServiceUnavailableException"}[status]
        return error(status, code, "Try again.")

    def refused(self) -> Scripted:
        return conversed({"text": "Sorry."}, stop_reason="guardrail_intervened")

    def empty(self) -> Scripted:
        return conversed({"text": ""})
