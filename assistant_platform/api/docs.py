"""The API's documentation as a page: made from the OpenAPI document, so that the two say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 5
TITLES = {
    "deployments": "Deployments",
    "findings": "Findings",
    "triage": "Triage of many findings",
    "projects": "Projects",
    "scans": "Scans",
    "policies": "Policies",
    "rules": "Rules",
    "memories": "Memories",
    "settings": "Settings",
    "provider": "AI provider",
    "usage": "Usage",
    "budget": "Budget",
}


@dataclass(frozen=True)
class Field:
    """A parameter or a field of a body: `depth` is how far inside of others it lies."""

    name: str
    type: str
    words: str
    is_required: bool
    values: tuple[str, ...] = ()
    depth: int = 0


@dataclass(frozen=True)
class Operation:
    """One operation, as the page shows it; `key` is its anchor."""

    key: str
    method: str
    path: str
    words: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answer: tuple[Field, ...]
    answer_code: str
    answer_type: str
    curl: str


@dataclass(frozen=True)
class Resource:
    """The operations about one thing."""

    key: str
    title: str
    operations: tuple[Operation, ...]


@require_safe
def docs_page(request: HttpRequest) -> HttpResponse:
    """Show every operation of the API, for anybody: it holds no organization's data."""
    refusals = sorted(_refusals(_document()).items())
    return render(request, "api/docs.html", {"resources": _resources(), "refusals": refusals})


@cache  # made from the code, so it changes with the process only
def _document() -> dict[str, Any]:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


@cache
def _resources() -> tuple[Resource, ...]:
    document = _document()
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                operation = methods[method]
                found.setdefault(operation["tags"][0], []).append(_operation(document, path, method, operation))
    order = {key: place for place, key in enumerate(TITLES)}
    keys = sorted(found, key=lambda key: (order.get(key, len(order)), key))
    return tuple(Resource(key, TITLES.get(key, key.capitalize()), tuple(found[key])) for key in keys)


def _refusals(document: Mapping[str, Any]) -> dict[str, str]:
    told: dict[str, str] = {}
    for methods in document["paths"].values():
        for operation in methods.values():
            for code, response in operation["responses"].items():
                if code.startswith("4"):
                    told.setdefault(code, response["description"].replace("`", ""))
    return told


def _operation(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Operation:
    code, response = next((code, entry) for code, entry in operation["responses"].items() if code.startswith("2"))
    media_type, answered = _content(response)
    sent_type, sent = _content(operation.get("requestBody", {}))
    return Operation(
        key=operation["operationId"],
        method=method.upper(),
        path=path,
        words=operation.get("description", "").replace("`", ""),
        parameters=tuple(_parameter(entry) for entry in operation.get("parameters", [])),
        body=tuple(_fields(document, sent)),
        answer=tuple(_fields(document, answered)),
        answer_code=code,
        answer_type=media_type,
        curl=_curl(document, path, method, sent_type, sent),
    )


def _content(described: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the media type and the schema of a body or an answer, both empty where there is none."""
    for media_type, content in described.get("content", {}).items():
        return media_type, content.get("schema", {})
    return "", {}


def _parameter(entry: Mapping[str, Any]) -> Field:
    schema = entry["schema"]
    inner = schema.get("items", schema)
    return Field(
        name=entry["name"],
        type=f"{entry['in']}, {_type_of(schema)}",
        words=entry.get("description", "").replace("`", ""),
        is_required=entry.get("required", False),
        values=tuple(str(value) for value in inner.get("enum", [])),
    )


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema without references: what it points to, with what stands beside."""
    for part in (schema, *schema.get("allOf", [])[:1], *schema.get("oneOf", [])[:1], *schema.get("anyOf", [])[:1]):
        if "$ref" in part:
            return {**schema, **document["components"]["schemas"][part["$ref"].rsplit("/", 1)[-1]]}
    return schema


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> Iterator[Field]:
    schema = _resolved(document, schema)
    required = schema.get("required", [])
    for name, entry in schema.get("properties", {}).items():
        own = _resolved(document, entry)
        inner = _resolved(document, own.get("items", own))
        yield Field(
            name=name,
            type=_type_of(own) + (" or null" if _may_be_null(entry) else ""),
            words=_words(entry, inner),
            is_required=name in required,
            values=tuple(str(value) for value in inner.get("enum", []) if value not in (None, "")),
            depth=depth,
        )
        if depth < DEEPEST and "properties" in inner:
            yield from _fields(document, inner, depth + 1)


def _words(entry: Mapping[str, Any], inner: Mapping[str, Any]) -> str:
    # The description of a choice lists the values, which stand beside already.
    words: str = entry.get("description") or (inner.get("description", "") if "enum" not in inner else "")
    return words.replace("`", "")


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    choices = [schema, *schema.get("oneOf", []), *schema.get("anyOf", [])]
    return any("null" in _types(entry) or entry.get("$ref", "").endswith("NullEnum") for entry in choices)


def _types(schema: Mapping[str, Any]) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = next((entry for entry in _types(schema) if entry != "null"), "object")
    return "list" if kind == "array" else str(schema.get("format") or kind)


_SAMPLES = {"integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}, "string": "…"}


def _sample(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the least that a body must hold."""
    schema = _resolved(document, schema)
    sample = {}
    # A PATCH needs nothing; one field shows how.
    for name in schema.get("required", []) or list(schema.get("properties", {}))[:1]:
        own = _resolved(document, schema["properties"][name])
        sample[name] = (
            own["enum"][0] if "enum" in own else _SAMPLES.get(_types(own)[0] if _types(own) else "object", "…")
        )
    return sample


def _curl(document: Mapping[str, Any], path: str, method: str, sent_type: str, schema: Mapping[str, Any]) -> str:
    lines = ["curl" if method == "get" else f"curl --request {method.upper()}"]
    lines[0] += f" {settings.PUBLIC_URL}{path.replace('{slug}', 'ORGANIZATION').replace('{', '').replace('}', '')}"
    lines.append('--header "Authorization: Bearer $TOKEN"')
    if sent_type == "application/json":
        lines.append("--json '" + json.dumps(_sample(document, schema)) + "'")
    elif sent_type:
        required = _resolved(document, schema).get("required", [])
        lines += [f"--form {name}=@FILE" for name in required]
    return " \\\n  ".join(lines)
