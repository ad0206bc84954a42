"""A deadline for a whole request, and a limit to its answer, whatever the server does with its bytes.

An HTTP client's time-outs hold for each read alone: a server that sends a byte a second keeps a thread for ever.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore2
import httpx2


class AnswerTooLong(Exception):
    """The server sent more than any answer can need."""


class _Allowance:
    """What one request has left."""

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self.until = time.monotonic() + seconds
        self.bytes_left = most_bytes

    def seconds_left(self, wanted: float | None) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the deadline of the whole request has passed")
        return left if wanted is None else min(left, wanted)


_allowance: ContextVar[_Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def at_most(*, seconds: float, most_bytes: int) -> Iterator[None]:
    """Let the requests inside, taken together, last that long and bring that much (on the wire) at most."""
    token = _allowance.set(_Allowance(seconds, most_bytes))
    try:
        yield
    finally:
        _allowance.reset(token)


def bind(client: httpx2.Client) -> httpx2.Client:
    """Return the client, its connections bound to the deadline in force.

    There is no public way to hand a network backend to a client that also follows the machine's proxy settings, so
    the pools' own attribute is replaced; a test with a trickling server fails should its name ever change.
    """
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx2.HTTPTransport):
            pool: Any = transport._pool
            pool._network_backend = _Backend(pool._network_backend)
    return client


class _Backend(httpcore2.NetworkBackend):
    """Opens connections that know the deadline."""

    def __init__(self, inner: httpcore2.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.connect_tcp(host, port, _left(timeout), local_address, socket_options))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.connect_unix_socket(path, _left(timeout), socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(_left(seconds) or 0)


class _Stream(httpcore2.NetworkStream):
    """A connection that reads no longer, and no more, than the request may."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        read = self._inner.read(max_bytes, _left(timeout))
        allowance = _allowance.get()
        if allowance is not None:
            allowance.bytes_left -= len(read)
            if allowance.bytes_left < 0:
                raise AnswerTooLong("The answer is longer than any answer can be.")
        return read

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None) -> float | None:
    allowance = _allowance.get()
    return timeout if allowance is None else allowance.seconds_left(timeout)
