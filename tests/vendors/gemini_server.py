"""Gemini's API on loopback: checks each request and reply against Google's own protobuf contract."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.json_format import ParseError
from google.rpc import error_details_pb2, status_pb2

from tests.vendors.server import Body, Exchange, Scripted, VendorServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # of Python 3.11's end, years from now
    from google.ai import generativelanguage_v1beta as contract
    from google.protobuf import json_format

MODEL = "gemini-2.5-flash"
ADDRESS = re.compile(r"/v1beta/models/(?P<model>[^/:]+):generateContent")
# https://ai.google.dev/gemini-api/docs/structured-output#json_schema_support: the contract leaves it open.
SCHEMA_KEYWORDS = {
    *("$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems"),
    *("minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required"),
}
# Written into the details of errors; the names of their kinds must be known to read them.
DETAILS = (error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo, error_details_pb2.QuotaFailure)


class GeminiServer(VendorServer[Exchange]):
    """Google's server, which knows one model."""

    exchange_type = Exchange

    def problems_of(self, exchange: Exchange) -> list[str]:
        """Say in which ways a request is not what Google describes."""
        problems = [] if exchange.headers.get("X-Goog-Api-Key") else ["no API key in the header"]
        if "key=" in exchange.path:
            problems.append("the API key is in the address, where logs would keep it")
        address = ADDRESS.fullmatch(exchange.path)
        if address is None:
            return problems
        try:
            contract.GenerateContentRequest.from_json(
                json.dumps({**exchange.body, "model": f"models/{address['model']}"}), ignore_unknown_fields=False
            )
        except ParseError as error:
            problems.append(str(error)[:300])
        schema = exchange.body.get("generationConfig", {}).get("responseJsonSchema", {})
        return problems + [f"Gemini knows no {keyword}" for keyword in _keywords(schema) - SCHEMA_KEYWORDS]

    def wrong_address(self, exchange: Exchange) -> Scripted | None:
        """Return Google's words for a path or model that it does not have."""
        address = ADDRESS.fullmatch(exchange.path)
        if address is None:
            return Scripted(404, b"<title>Error 404 (Not Found)!!1</title>", {"Content-Type": "text/html"})
        return None


def generated(
    *parts: Mapping[str, Any], finish_reason: str = "STOP", prompt_tokens: int = 900, answer_tokens: int = 100
) -> Scripted:
    """Return a response of these parts, after 20 tokens of thought."""
    return checked(
        {
            "candidates": [
                {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish_reason, "index": 0}
            ],
            "usageMetadata": {
                "promptTokenCount": prompt_tokens,
                "candidatesTokenCount": answer_tokens,
                "thoughtsTokenCount": 20,
                "totalTokenCount": prompt_tokens + answer_tokens + 20,
            },
            "modelVersion": MODEL,
            "responseId": "r1",
        }
    )


def checked(body: Body) -> Scripted:
    """Return a response that Google could have given, or fail."""
    contract.GenerateContentResponse.from_json(json.dumps(body), ignore_unknown_fields=False)
    return Scripted(body=json.dumps(body).encode(), headers={"Content-Type": "application/json; charset=UTF-8"})


def error(code: int, status: str, message: str, *details: Mapping[str, Any]) -> Scripted:
    """Return an error as google.rpc.Status describes it; its details are checked too."""
    assert DETAILS
    body = {"code": code, "message": message, "details": list(details)}
    json_format.ParseDict(body, status_pb2.Status())
    return Scripted(status=code, body=json.dumps({"error": {**body, "status": status}}).encode())


def reason(word: str) -> Body:
    """Return the detail that names an error for machines."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": word,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }


def retry_in(seconds: float) -> Body:
    """Return the detail that says when to try again."""
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds:g}s"}


def _keywords(node: Any) -> set[str]:
    return set(_walk(node))


def _walk(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for entry in node:
            yield from _walk(entry)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from [] if key in {"properties", "$defs"} else [key]
            yield from _walk(list(value.values()) if key in {"properties", "$defs"} else value)
