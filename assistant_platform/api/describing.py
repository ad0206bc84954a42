"""How an endpoint is described in the OpenAPI document: what it takes after the `?`, and how it may refuse.

Apart from the views, since Django REST framework loads this while it loads its own views.
"""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "about:blank"},
        "title": {"type": "string", "description": "HTTP's words for the status"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do, in words"},
        "errors": {"type": "object", "additionalProperties": True, "description": "What is wrong, by field"},
    },
}
REFUSALS = {
    "400": "Something in the request is wrong: `errors` says what, by field or parameter",
    "401": "No token, or one that is not known",
    "403": "The token's scopes do not allow it",
    "404": "There is no such thing in this deployment",
    "429": "Too many requests; `Retry-After` says when to ask again",
}
REFUSALS_OF_WRITES = {
    "409": "It does not fit what is there now, or the same request is still being carried out",
    "413": "The body is too large",
    "422": "It cannot be meant, or its Idempotency-Key came with another request before",
}
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Your own word for this request. Sent again within 24 hours, it is answered the same and done once.",
)


def _is_ours(view: Any) -> bool:
    return hasattr(view, "query_of_writes")


class ApiSchema(AutoSchema):
    """How an endpoint of ours is described: its query from the view itself, the common refusals with each."""

    def get_override_parameters(self) -> list[Any]:
        """Return what the endpoint takes after the `?`, and the key of a write."""
        view: Any = self.view
        if not _is_ours(view):
            return []
        return list(view.query) if self.method == "GET" else [*view.query_of_writes, IDEMPOTENCY_KEY]

    def get_tags(self) -> list[str]:
        """Return the resource that the address is about."""
        parts = [part for part in self.path.split("/") if part and not part.startswith("{")]
        own = parts[3:] if parts[:3] == ["api", "v1", "deployments"] else parts[2:]
        return [own[0] if own else "deployments"]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if _is_ours(self.view):
            refusals = REFUSALS if self.method == "GET" else {**REFUSALS, **REFUSALS_OF_WRITES}
            for code, words in refusals.items():
                told = bodies.get(code, {}).get("description") or words
                bodies[code] = {
                    "description": told,
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
        return bodies


def add_problem(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the shape of every refusal to the document (drf-spectacular's hook after it is made)."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    return result
