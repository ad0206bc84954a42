"""Azure OpenAI on loopback: OpenAI's contract behind a deployment's path, with Azure's header, version and keywords."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.vendors.openai_contract import problems_of_request
from tests.vendors.openai_server import Exchange, OpenAIServer, Scripted, error

DEPLOYMENT = "triage"
API_VERSION = "2024-10-21"
# https://learn.microsoft.com/azure/ai-services/openai/how-to/structured-outputs#unsupported-type-specific-keywords
REFUSED_KEYWORDS = {
    *("minLength", "maxLength", "pattern", "format", "minimum", "maximum", "multipleOf", "patternProperties"),
    *("unevaluatedProperties", "propertyNames", "minProperties", "maxProperties", "unevaluatedItems", "contains"),
    *("minContains", "maxContains", "minItems", "maxItems", "uniqueItems"),
}


class AzureOpenAIServer(OpenAIServer):
    """A resource with one deployment; `target_uri` is what Azure would show for it."""

    @property
    def endpoint(self) -> str:
        return self.origin

    @property
    def target_uri(self) -> str:
        return f"{self.endpoint}/openai/deployments/{DEPLOYMENT}/chat/completions?api-version={API_VERSION}"

    def problems_of(self, exchange: Exchange) -> list[str]:
        """Say in which ways a request is not what OpenAI and Azure describe."""
        as_openai = dict(exchange.headers)
        problems = [] if as_openai.get("Api-Key") else ["no api-key header"]
        if "Authorization" in as_openai:
            problems.append("a bearer token beside the api-key")
        as_openai["Authorization"] = f"Bearer {as_openai.get('Api-Key', '')}"
        schema = exchange.body.get("response_format", {}).get("json_schema", {}).get("schema", {})
        problems += [f"Azure knows no {keyword}" for keyword in _keywords(schema) if keyword in REFUSED_KEYWORDS]
        return problems + problems_of_request(exchange.body, as_openai)

    def wrong_address(self, exchange: Exchange) -> Scripted | None:
        """Refuse what is not the deployment, in Azure's words."""
        parts = urlsplit(exchange.path)
        if not parse_qs(parts.query).get("api-version") or not parts.path.startswith("/openai/deployments/"):
            return error(404, "Resource not found", code="404")
        if parts.path != f"/openai/deployments/{DEPLOYMENT}/chat/completions":
            return error(
                404,
                "The API deployment for this resource does not exist. If you created the deployment within the last 5"
                " minutes, please wait a moment and try again.",
                code="DeploymentNotFound",
            )
        return None


def _keywords(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for entry in node:
            yield from _keywords(entry)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            if key in {"properties", "$defs"}:
                yield from _keywords(list(value.values()))
            else:
                yield key
                yield from _keywords(value)
