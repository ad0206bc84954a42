"""Azure's way of saying what OpenAI says: another address, another header, some errors of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from providers.adapters.base import Credentials
from tests.contract.speakers.base import SECRET
from tests.contract.speakers.openai import OpenAISpeaker
from tests.vendors.azure_openai_server import API_VERSION, DEPLOYMENT, AzureOpenAIServer
from tests.vendors.openai_server import error
from tests.vendors.server import Scripted


class AzureOpenAISpeaker(OpenAISpeaker):
    """A deployment."""

    adapter: ClassVar[str] = "azure_openai"

    @classmethod
    def make_server(cls) -> AzureOpenAIServer:
        return AzureOpenAIServer()

    def credentials(self, *, origin: str = "", **changes: Any) -> Credentials:
        values = {"key": SECRET, "model": DEPLOYMENT, "base_url": origin or self.server.origin}
        return Credentials(**{**values, "api_version": API_VERSION, "timeout_seconds": 5, **changes})

    def wrong_key(self) -> Scripted:
        return error(401, "Access denied due to invalid subscription key or wrong API endpoint.", code="401")

    def unknown_model(self) -> Scripted:
        return error(404, "The API deployment for this resource does not exist.", code="DeploymentNotFound")

    def rate_limited(self, seconds: int | None) -> Scripted:
        headers = {"Retry-After": str(seconds)} if seconds is not None else {}
        return error(429, "Requests have exceeded token rate limit.", code="RateLimitReached", headers=headers)
