"""Azure OpenAI: the same chat completions behind another address, another header, and errors of Azure's own."""

from __future__ import annotations

from typing import Any, ClassVar

import openai
from pydantic import BaseModel

from providers.adapters.base import Credentials, ProviderError
from providers.adapters.openai import ROOM_FOR_THOUGHT_TOKENS, OpenAIAdapter, retry_after
from providers.adapters.schema import schema_without_limits

MORE_TOKENS = (
    "In Azure, open Deployments, choose this deployment, Edit, and raise its Tokens per Minute Rate Limit; where it is"
    " at its maximum already, ask Azure for more quota."
)


class AzureOpenAIAdapter(OpenAIAdapter):
    """Chat completions of one deployment; `base_url` is the resource's endpoint, `model` the deployment."""

    key: ClassVar[str] = "azure_openai"
    label: ClassVar[str] = "Azure OpenAI"

    def _make_client(self, credentials: Credentials) -> openai.OpenAI:
        if not credentials.api_version:
            # The newer /openai/v1 address is spoken to as OpenAI itself.
            return super()._make_client(credentials)
        return openai.AzureOpenAI(
            api_key=credentials.key,
            azure_endpoint=credentials.base_url,
            azure_deployment=credentials.model,
            api_version=credentials.api_version,
            max_retries=0,  # the Job is put off instead, so that no thread sleeps
            http_client=self._make_http_client(credentials),
        )

    def schema_of(self, answer: type[BaseModel]) -> dict[str, Any]:
        """Return the shape without the limits that Azure refuses."""
        return schema_without_limits(answer)

    def room_for_thought(self) -> int:
        """Return OpenAI's own room: the models are theirs."""
        return ROOM_FOR_THOUGHT_TOKENS

    def words_for(self, error: openai.APIStatusError) -> ProviderError | None:
        """Return Azure's meaning of a status, with what to do about it there."""
        message = str(error.message).lower()
        if error.status_code == 429:  # noqa: PLR2004  (too many requests)
            return self._too_much(error, message)
        about, words = _meaning(error, message, deployment=self.credentials.model)
        return ProviderError(words, permanent=True, about=about) if words else None

    def _too_much(self, error: openai.APIStatusError, message: str) -> ProviderError | None:
        if "insufficient_quota" in {error.code, error.type}:
            return None
        if not any(sign in message for sign in ("token", "max tokens exceeded")):
            return None
        return ProviderError(
            f"Azure limits the tokens per minute of this deployment (429). {MORE_TOKENS}",
            permanent=False,
            retry_after_seconds=retry_after(error),
            is_rate_limit=True,
        )


def _meaning(error: openai.APIStatusError, message: str, *, deployment: str) -> tuple[str, str]:
    """Return the field that an error is about and what it means; two empty texts where Azure means nothing special."""
    match error.status_code:
        case 401:
            return "key", (
                "Azure refuses the key (401). Copy KEY 1 or KEY 2 of the very resource that the Target URI names."
            )
        case 403 if any(
            sign in message for sign in ("virtual network", "firewall", "public access", "private endpoint")
        ):
            return "base_url", (
                "Azure lets this server's address not in (403). Allow it under Networking of the resource."
            )
        case 404 if error.code == "DeploymentNotFound" or "deployment" in message:
            return "base_url", (
                f"Azure knows no deployment “{deployment}” in this resource (404). Check its name under Deployments;"
                " one made in the last five minutes may need a moment."
            )
        case 404:
            return "base_url", "Azure knows no such address (404). Check the Target URI, with its api-version."
        case 400 if error.code == "OperationNotSupported" or "does not work with the specified model" in message:
            return "base_url", "This deployment's model does no chat completions (400). Choose another deployment."
        case 400 if "api version" in message and "not supported" in message:
            return "base_url", "Azure does not know this api-version (400). Copy the Target URI again."
    return "", ""
