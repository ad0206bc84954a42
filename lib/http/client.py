"""The client for our own requests to hosts that people typed: webhooks, an identity provider's description.

The environment's proxies are not used: behind one, where a name leads is decided by the proxy, and nothing could be
checked here. A host may have a proxy of its own (lib.http.ways), which an Admin typed for it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx2

from lib.http.deadline import AnswerTooLong, at_most, bind
from lib.http.guard import guard
from lib.http.policy import OutboundError, Policy, check_url
from lib.http.ways import STRAIGHT, Way, transport_for

MOST_BYTES = 2 * 1024 * 1024
MOST_REDIRECTS = 3
CONNECT_SECONDS = 10.0
FOLLOWED_METHODS = {"GET", "HEAD"}
# What a caller may say to anybody; the rest is for the host that it was meant for.
HEADERS_FOR_ANYBODY = {"accept", "user-agent"}


@dataclass(frozen=True)
class Answer:
    """What a server said; `url` is where it was said, after redirects. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def is_success(self) -> bool:
        """Whether the status is one of the 200s."""
        return 200 <= self.status < 300  # noqa: PLR2004

    def json(self) -> Any:
        """Return what the body says, or raise OutboundError where it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise OutboundError("The server's answer is no JSON.", permanent=False) from error


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    timeout_seconds: float = 15.0,
    most_bytes: int = MOST_BYTES,
    most_redirects: int = MOST_REDIRECTS,
    policy: Policy | None = None,
) -> Answer:
    """Return the answer of one request, whatever its status, or raise OutboundError.

    `timeout_seconds` and `most_bytes` hold for everything together. Redirects are followed for reading requests only,
    each checked like the first; one from https to http is refused.
    """
    sent = dict(headers or {})
    until = time.monotonic() + timeout_seconds
    for _ in range(most_redirects + 1):
        left = max(until - time.monotonic(), 0.001)
        answer = send(
            url, method=method, headers=sent, body=body, timeout_seconds=left, most_bytes=most_bytes, policy=policy
        )
        location = answer.headers.get("location")
        if answer.status not in {301, 302, 303, 307, 308} or not location or method not in FOLLOWED_METHODS:
            return answer
        before, url = check_url(url, policy), urljoin(url, location)
        after = check_url(url, policy)
        if after.is_plain and not before.is_plain:
            raise OutboundError(
                "The server sends us on from https:// to http://, which is not followed.", permanent=True
            )
        if after != before:
            sent = {name: value for name, value in sent.items() if name.lower() in HEADERS_FOR_ANYBODY}
    raise OutboundError("The server sends us on again and again. Give the last address.", permanent=True)


def send(
    url: str,
    *,
    method: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    timeout_seconds: float,
    most_bytes: int = MOST_BYTES,
    policy: Policy | None = None,
    way: Way = STRAIGHT,
) -> Answer:
    """Return the answer of one request, a redirect as it is, or raise OutboundError."""
    with (
        _our_errors(url, policy),
        at_most(seconds=timeout_seconds, most_bytes=most_bytes),
        _client_for(url, timeout_seconds=timeout_seconds, policy=policy, way=way) as client,
    ):
        response = client.request(method, url, headers=dict(headers), content=body or None)
        return Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=response.content,
            url=url,
        )


def skim(
    url: str,
    *,
    method: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    timeout_seconds: float,
    kept_bytes: int,
    policy: Policy | None = None,
) -> Answer:
    """Return the answer of one request with the first `kept_bytes` of its body, a redirect as it is, or OutboundError.

    For whom the status matters and not what is said: the rest of the body is not waited for, however long or slow.
    """
    with (
        _our_errors(url, policy),
        at_most(seconds=timeout_seconds, most_bytes=MOST_BYTES),
        _client_for(url, timeout_seconds=timeout_seconds, policy=policy, way=STRAIGHT) as client,
        client.stream(method, url, headers=dict(headers), content=body or None) as response,
    ):
        return Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=_beginning(response, kept_bytes),
            url=url,
        )


def _beginning(response: httpx2.Response, kept_bytes: int) -> bytes:
    kept = b""
    try:
        for piece in response.iter_raw():
            kept += piece
            if len(kept) >= kept_bytes:
                break
    except httpx2.HTTPError:
        pass  # the status has come; what there is of the body is all there will be
    return kept[:kept_bytes]


def _client_for(url: str, *, timeout_seconds: float, policy: Policy | None, way: Way) -> httpx2.Client:
    timeout = httpx2.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds))
    transport = transport_for(url, way, policy)
    client = httpx2.Client(timeout=timeout, transport=transport, trust_env=False, follow_redirects=False)
    return guard(bind(client), url, policy=policy)


@contextmanager
def _our_errors(url: str, policy: Policy | None) -> Iterator[None]:
    try:
        yield
    except AnswerTooLong as error:
        raise OutboundError("The server's answer is too long.", permanent=True) from error
    except httpx2.TimeoutException as error:
        raise OutboundError(f"{_host(url, policy)} did not answer in time.", permanent=False) from error
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError) as error:
        raise OutboundError("The address, or a header, has characters that cannot be sent.", permanent=True) from error
    except httpx2.ProxyError as error:
        raise OutboundError(
            f"The proxy does not lead to {_host(url, policy)}: {error}"[:300], permanent=False
        ) from error
    except httpx2.HTTPError as error:
        raise OutboundError(f"{_host(url, policy)} cannot be reached: {error}"[:300], permanent=False) from error


def _host(url: str, policy: Policy | None) -> str:
    return check_url(url, policy).host[:100]
