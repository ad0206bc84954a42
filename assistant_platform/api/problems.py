"""Every refusal in one shape: problem details (RFC 9457), with `detail` in words and `errors` by field."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail
from rest_framework.response import Response
from rest_framework.views import exception_handler

MEDIA_TYPE = "application/problem+json"


class TooLarge(APIException):
    """The body is larger than this endpoint takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is larger than this endpoint takes."


class Conflict(APIException):
    """What is asked for does not fit what is there now."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "This does not fit what is there now."


class Unprocessable(APIException):
    """The request can be read, and says something that cannot be meant."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "This cannot be meant."


def problem(code: int, detail: str, errors: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return problem details: title and status of HTTP, our words, and what is wrong by field where fields are."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "detail": detail,
    }
    return {**body, "errors": dict(errors)} if errors else body


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of an endpoint as problem details (REST framework's hook); None for a defect of ours."""
    response = exception_handler(error, context)
    if response is None:
        return None
    detail, errors = _words(response.data)
    headers = {name: value for name, value in response.items() if name.lower() != "content-type"}
    response = Response(
        problem(response.status_code, detail, errors),
        status=response.status_code,
        headers=headers,
        content_type=MEDIA_TYPE,
    )
    response.exception = True
    return response


def _words(sent: Any) -> tuple[str, dict[str, Any] | None]:
    """Return the sentence and the problems by field of what REST framework would have answered."""
    if isinstance(sent, Mapping) and set(sent) == {"detail"}:
        detail = sent["detail"]
        return (" ".join(map(str, detail)) if isinstance(detail, list) else str(detail)), None
    if isinstance(sent, Mapping):
        errors = {str(name): _sentences(value) for name, value in sent.items() if name != "non_field_errors"}
        general = _flat(sent.get("non_field_errors", []))
        return " ".join([*general, *([f"Look at: {', '.join(errors)}."] if errors else [])]), errors or None
    return " ".join(_flat(sent)), None


def _sentences(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _sentences(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_sentences(entry) if isinstance(entry, Mapping | list) else str(entry) for entry in value]
    return [str(value)]


def _flat(value: Any) -> list[str]:
    if isinstance(value, list):
        return [word for entry in value for word in _flat(entry)]
    return [str(value)] if isinstance(value, str | ErrorDetail) else []
