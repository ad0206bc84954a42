"""The same guard for libraries that speak through `requests`: what they send goes out by lib.http.client."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.response import HTTPResponse

from lib.http.client import send
from lib.http.policy import OutboundError, Policy
from lib.http.ways import STRAIGHT, Way

MOST_BYTES = 32 * 1024 * 1024
ENCODING = "accept-encoding"  # ours holds: requests' own asks for compressed answers, which are refused


class GuardedAdapter(BaseAdapter):
    """Carries requests to typed hosts; redirects come back here one by one, and each is checked."""

    def __init__(
        self,
        *,
        timeout_seconds: float,
        most_bytes: int = MOST_BYTES,
        policy: Policy | None = None,
        way: Way = STRAIGHT,
    ) -> None:
        super().__init__()
        self._timeout_seconds = timeout_seconds
        self._most_bytes = most_bytes
        self._policy = policy
        self._way = way

    def send(  # noqa: PLR0917  (the signature of requests)
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the answer, or raise requests' ConnectionError, whose cause is an OutboundError."""
        body = request.body or b""
        if not isinstance(body, bytes | str):
            raise TypeError("only bodies that are held in memory are sent to typed hosts")
        try:
            answer = send(
                str(request.url),
                method=str(request.method),
                headers={
                    str(name): _text(value) for name, value in request.headers.items() if name.lower() != ENCODING
                },
                body=body.encode() if isinstance(body, str) else body,
                timeout_seconds=timeout if isinstance(timeout, int | float) else self._timeout_seconds,
                most_bytes=self._most_bytes,
                policy=self._policy,
                way=self._way,
            )
        except OutboundError as error:
            raise requests.ConnectionError(str(error), request=request) from error
        raw = HTTPResponse(
            body=BytesIO(answer.body),
            headers=dict(answer.headers),
            status=answer.status,
            preload_content=False,
            request_method=str(request.method),  # an answer to HEAD tells the length of a body that does not come
        )
        response = HTTPAdapter().build_response(request, raw)
        response.content  # noqa: B018  (read now, so that nothing stays open)
        return response

    def close(self) -> None:
        """Keep nothing open."""


def guarded_session(*, timeout_seconds: float, policy: Policy | None = None, way: Way = STRAIGHT) -> requests.Session:
    """Return a session that reaches only what the operator's policy allows, by no proxy but that of `way`, no netrc."""
    session = requests.Session()
    session.trust_env = False
    adapter = GuardedAdapter(timeout_seconds=timeout_seconds, policy=policy, way=way)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
