"""What OpenAI's own descriptions say of a chat completion: the types of its SDK and, where at hand, its OpenAPI file.

The SDK does not check the subset of JSON Schema that strict mode takes; that is done here.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from pydantic import TypeAdapter, ValidationError
from werkzeug.datastructures import Headers, ImmutableMultiDict

ROOT = Path(__file__).resolve().parents[2]
HOST = "https://api.openai.com"
PATH = "/v1/chat/completions"
# https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
STRICT_KEYWORDS = {
    *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs"),
    *("description", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minItems", "maxItems"),
}


def problems_of_request(body: Any, headers: Mapping[str, str]) -> list[str]:
    """Say in which ways a request is not what the vendor describes."""
    problems = [] if headers.get("Authorization", "").startswith("Bearer ") else ["no bearer token"]
    try:
        parameters = _request_type().validate_python(body)
        list(parameters["messages"])  # validated only when it is read
    except ValidationError as error:
        problems += [f"{entry['loc']}: {entry['msg']}" for entry in error.errors()[:5]]
    problems += strict_schema_problems(body)
    return problems + _problems_by_openapi(body)


def problems_of_reply(body: Any) -> list[str]:
    """Say in which ways a reply is not what the vendor describes."""
    try:
        ChatCompletion.model_validate(body)
    except ValidationError as error:
        return [f"{entry['loc']}: {entry['msg']}" for entry in error.errors()[:5]]
    return []


def strict_schema_problems(body: Any) -> list[str]:
    """Say where a schema leaves the subset that strict mode takes."""
    asked = body.get("response_format") or {}
    if asked.get("type") != "json_schema" or not asked["json_schema"].get("strict"):
        return []
    schema = asked["json_schema"].get("schema", {})
    return [*_in_node(schema, "$"), *([] if schema.get("type") == "object" else ["$: the root is no object"])]


def _in_node(node: Mapping[str, Any], place: str) -> Iterator[str]:
    yield from (f"{place}: {keyword} is no keyword of strict mode" for keyword in node.keys() - STRICT_KEYWORDS)
    if "$ref" in node and len(node) > 1:
        yield f"{place}: something stands beside $ref"
    if node.get("type") == "object":
        if node.get("additionalProperties") is not False:
            yield f"{place}: additionalProperties is not false"
        if sorted(node.get("required", [])) != sorted(node.get("properties", {})):
            yield f"{place}: not every property is required"
    for group in ("properties", "$defs"):
        for name, inner in node.get(group, {}).items():
            yield from _in_node(inner, f"{place}.{name}")
    for inner in [node["items"]] if "items" in node else node.get("anyOf", []):
        yield from _in_node(inner, f"{place}[]")


@lru_cache(maxsize=1)
def _request_type() -> TypeAdapter[Any]:
    return TypeAdapter(CompletionCreateParamsNonStreaming)


# --- The whole OpenAPI file, where somebody put it beside the checkout ------------------------------------------------


class _Request:
    """A request as openapi-core wants it."""

    def __init__(self, body: bytes) -> None:
        self.host_url, self.path, self.method = HOST, PATH, "post"
        self.body, self.content_type = body, "application/json"
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(), header=Headers({"Authorization": "Bearer x"}), cookie=ImmutableMultiDict()
        )


def openapi_file() -> Path | None:
    """Return the vendor's description, None where it is not at hand: no registry carries it."""
    places = [ROOT / ".contracts", *(parent / "shared" / "contracts" / "specs" for parent in ROOT.parents)]
    return next((place / "openai.json.gz" for place in places if (place / "openai.json.gz").exists()), None)


def _problems_by_openapi(body: Any) -> list[str]:
    api = _openapi()
    if api is None:
        return []
    try:
        api.validate_request(_Request(json.dumps(body).encode()))
    except Exception as error:  # whatever openapi-core says, it is about this request
        inner = getattr(error.__cause__, "schema_errors", None) or [error]
        return [f"OpenAPI: {entry}"[:300] for entry in list(inner)[:3]]
    return []


@lru_cache(maxsize=1)
def _openapi() -> OpenAPI | None:
    place = openapi_file()
    if place is None:
        return None
    document = json.loads(gzip.decompress(place.read_bytes()))
    document["paths"] = {"/chat/completions": document["paths"]["/chat/completions"]}
    _strip_discriminators(document)
    # The description of the description is not checked: it takes long and is not ours to mend.
    return OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))  # type: ignore[arg-type]  # None is allowed


def _strip_discriminators(node: Any) -> None:
    """Leave out what openapi-core stumbles over; `oneOf` still holds."""
    if isinstance(node, dict):
        if isinstance(node.get("discriminator"), dict):
            del node["discriminator"]
        for inner in node.values():
            _strip_discriminators(inner)
    elif isinstance(node, list):
        for inner in node:
            _strip_discriminators(inner)
