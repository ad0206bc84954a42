"""A vendor on loopback: gives scripted replies first, one a request; then its rule answers.

A request or reply that breaks the vendor's contract is kept in `violations`, and the fixture fails the test that
caused it. What the contract is, each vendor's own module says.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Generic, Self, TypeVar

Body = dict[str, Any]


@dataclass(frozen=True)
class Scripted:
    """One reply: what is sent, and how."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds_between_bytes: float = 0.0
    is_cut: bool = False  # the connection is reset in the middle


@dataclass(frozen=True)
class Exchange:
    """What was asked; `body` is empty where the content is no JSON object."""

    path: str
    headers: Mapping[str, str]
    body: Body
    content: bytes = b""


ExchangeT = TypeVar("ExchangeT", bound=Exchange)


def raw(body: bytes, *, status: int = 200, content_type: str = "application/json") -> Scripted:
    """Return bytes that are no reply of the vendor's."""
    return Scripted(status=status, body=body, headers={"Content-Type": content_type})


def trickled(reply: Scripted, *, seconds_between_bytes: float) -> Scripted:
    """Return the same reply, sent byte by byte."""
    return Scripted(reply.status, reply.body, reply.headers, seconds_between_bytes=seconds_between_bytes)


def cut(reply: Scripted) -> Scripted:
    """Return the same reply, its connection reset in the middle."""
    return Scripted(reply.status, reply.body, reply.headers, is_cut=True)


class _Quiet(ThreadingHTTPServer):
    """Says nothing where a client hangs up, which is what some tests are about."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class VendorServer(ABC, Generic[ExchangeT]):
    """A running server."""

    exchange_type: type[ExchangeT]

    def __init__(self) -> None:
        self.exchanges: list[ExchangeT] = []
        self.violations: list[str] = []
        self.rule: Callable[[ExchangeT], Scripted] | None = None
        self.before_answering: Callable[[], object] = lambda: None
        self._scripted: deque[Scripted] = deque()
        self._lock = threading.Lock()
        self._http = _Quiet(("127.0.0.1", 0), self._handler(), bind_and_activate=False)
        self._http.request_queue_size = 128
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._http.server_bind()
        self._http.server_activate()

    @property
    def origin(self) -> str:
        """The server's address without a path."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def asked(self) -> int:
        """How many requests have come."""
        return len(self.exchanges)

    def answer(self, *replies: Scripted) -> None:
        """Give these replies next, one a request."""
        self._scripted.extend(replies)

    def answer_always(self, reply: Scripted) -> None:
        """Give this reply once the script has run out."""
        self.rule = lambda _: reply

    @contextmanager
    def running(self) -> Iterator[Self]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    @abstractmethod
    def problems_of(self, exchange: ExchangeT) -> list[str]:
        """Say in which ways a request is not what the vendor describes."""

    @abstractmethod
    def wrong_address(self, exchange: ExchangeT) -> Scripted | None:
        """Return what an address gets that the vendor does not have, None for a right one."""

    def _reply_to(self, exchange: ExchangeT) -> Scripted:
        problems = self.problems_of(exchange)
        with self._lock:
            self.exchanges.append(exchange)
            self.violations += problems
        self.before_answering()
        if (wrong := self.wrong_address(exchange)) is not None:
            return wrong
        with self._lock:
            scripted = self._scripted.popleft() if self._scripted else None
        if scripted is not None:
            return scripted
        if self.rule is not None:
            return self.rule(exchange)
        self.violations.append("nothing was scripted for this request")
        return raw(b"nothing was scripted for this request", status=500, content_type="text/plain")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.title(): value for name, value in self.headers.items()}
                reply = server._reply_to(server.exchange_type(self.path, headers, _object(content), content))
                try:
                    self._send(reply)
                except OSError:
                    self.close_connection = True  # the client had enough

            def _send(self, reply: Scripted) -> None:
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                if reply.is_cut:
                    self.wfile.write(reply.body[: len(reply.body) // 2])
                    self.wfile.flush()
                    self._reset()
                elif reply.seconds_between_bytes:
                    for byte in reply.body:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(reply.seconds_between_bytes)
                else:
                    self.wfile.write(reply.body)

            def _reset(self) -> None:
                # Lingering for no time makes close() send RST instead of FIN.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name in the base)
                pass

        return Handler


def _object(content: bytes) -> Body:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
