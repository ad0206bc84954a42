"""An answer's shape as the JSON schema that providers can enforce."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import BaseModel

# Keywords outside the subset of strict mode; our own validation still checks them all.
# https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
_NOT_STRICT = {"default", "title", "minLength", "maxLength", "format"}
_LIMITS = {
    *("pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains"),
    *("minProperties", "maxProperties", "patternProperties", "propertyNames"),
}


@lru_cache(maxsize=64)  # of a handful of answer types; making it takes milliseconds of each call
def strict_schema(answer: type[BaseModel]) -> dict[str, Any]:
    """Return the schema with every property required, no other allowed, and only keywords of the strict subset."""
    schema: dict[str, Any] = _strict(answer.model_json_schema())
    return schema


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    result: dict[str, Any] = {}
    for key, value in node.items():
        if key in {"properties", "$defs"}:
            result[key] = {name: _strict(entry) for name, entry in value.items()}
        elif key not in _NOT_STRICT:
            result[key] = _strict(value)
    if "$ref" in result:
        return {"$ref": result["$ref"]}  # strict mode allows nothing beside a reference
    if result.get("type") == "object":
        result["additionalProperties"] = False
        result["required"] = list(result.get("properties", {}))
    return result


def schema_without_limits(answer: type[BaseModel]) -> dict[str, Any]:
    """Return the strict schema less the keywords that bound lengths and numbers, which some servers refuse.

    Azure's list: https://learn.microsoft.com/azure/ai-services/openai/how-to/structured-outputs
    """
    schema: dict[str, Any] = _without(strict_schema(answer), _LIMITS)
    return schema


def _without(node: Any, keywords: set[str]) -> Any:
    if isinstance(node, list):
        return [_without(entry, keywords) for entry in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _without(entry, keywords) for name, entry in value.items()}
        if key in {"properties", "$defs"}
        else _without(value, keywords)
        for key, value in node.items()
        if key not in keywords
    }
