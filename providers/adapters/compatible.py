"""Any server that speaks OpenAI's chat completions at an address somebody typed: vLLM, Ollama, a gateway."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import openai

from providers.adapters.base import Credentials
from providers.adapters.openai import OpenAIAdapter


class CompatibleAdapter(OpenAIAdapter):
    """Chat completions with headers of one's own; without a key no Authorization is sent."""

    key: ClassVar[str] = "compatible"
    label: ClassVar[str] = "OpenAI-compatible endpoint"

    def _make_client(self, credentials: Credentials) -> openai.OpenAI:
        # The SDK wants a key; `headers_of_request` says what is sent.
        return super()._make_client(credentials if credentials.key else replace(credentials, key="none"))

    def headers_of_request(self) -> dict[str, str | openai.Omit]:
        """Return the organization's own headers; they may replace the one with the key."""
        headers: dict[str, str | openai.Omit] = dict(self.credentials.headers)
        if not self.credentials.key and not any(name.lower() == "authorization" for name in headers):
            headers["Authorization"] = openai.Omit()
        return headers
