"""What GitLab says no with, in its own shapes and words."""

from __future__ import annotations

import json
from typing import Any

from tests.vendors.server import Scripted


class Said(Exception):
    """An answer that ends a request."""

    def __init__(self, reply: Scripted) -> None:
        super().__init__(reply.status)
        self.reply = reply


def json_reply(status: int, body: Any, **headers: str) -> Scripted:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Scripted(status, json.dumps(body).encode(), {"Content-Type": "application/json", **named})


def message(status: int, text: Any, **headers: str) -> Scripted:
    return json_reply(status, {"message": text}, **headers)


def unauthorized() -> Scripted:
    return message(401, "401 Unauthorized")


def insufficient_scope(scope: str = "api") -> Scripted:
    return json_reply(
        403,
        {
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": scope,
        },
    )


def forbidden() -> Scripted:
    return message(403, "403 Forbidden")


def not_found(what: str = "") -> Scripted:
    return message(404, f"404 {what} Not Found" if what else "404 Not Found")


def bad_request(text: Any) -> Scripted:
    return message(400, text)


def conflict(text: Any) -> Scripted:
    return message(409, text)


def gone() -> Scripted:
    return json_reply(410, {"error": "410 Gone"})


def moved() -> Scripted:
    """Return what a request that changes something gets at a project's old name."""
    return message(405, "405 Method Not Allowed - Non GET methods are not allowed for moved projects")


def rate_limited(*, retry_after: int | None = 7, reset_at: int = 1_790_000_060) -> Scripted:
    headers = {
        "Content-Type": "text/plain", "RateLimit-Limit": "60", "RateLimit-Name": "throttle_authenticated_api",
        "RateLimit-Observed": "67", "RateLimit-Remaining": "0", "RateLimit-Reset": str(reset_at),
    }  # fmt: skip
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Scripted(429, b"Retry later\n", headers)


def broken(status: int = 502) -> Scripted:
    return Scripted(status, b"<html><title>GitLab is not responding</title></html>", {"Content-Type": "text/html"})


def page(status: int = 200) -> Scripted:
    """Return what something other than GitLab's API answers with: a page for people."""
    return Scripted(status, b"<!DOCTYPE html><title>Sign in</title>", {"Content-Type": "text/html; charset=utf-8"})


def redirect(to: str) -> Scripted:
    return Scripted(301, b"", {"Location": to, "Content-Type": "text/plain"})


CUT = Scripted(200, b'{"half of an answer', is_cut=True)
