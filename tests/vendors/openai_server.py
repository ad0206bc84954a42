"""OpenAI's API on loopback: checks each request and each of its own replies against the vendor's description.

Scripted replies come first, one a request; then the rule answers. A request or reply that breaks the contract is
kept in `violations`, and the fixture fails the test that caused it.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.vendors.openai_contract import problems_of_reply, problems_of_request

Body = dict[str, Any]
MODEL = "gpt-5-mini-2026-08-07"


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
    """What was asked."""

    path: str
    headers: Mapping[str, str]
    body: Body

    @property
    def system(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        return str(self.body["messages"][1]["content"])


# --- Replies ----------------------------------------------------------------------------------------------------------


def completion(
    content: object,
    *,
    finish_reason: str = "stop",
    refusal: str | None = None,
    model: str = MODEL,
    headers: Mapping[str, str] | None = None,
) -> Scripted:
    """Return a completion: `content` is text, None, or what becomes JSON."""
    text = content if isinstance(content, str | None) else json.dumps(content)
    message = {"role": "assistant", "content": text, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
    return checked({**_envelope(model), "choices": [choice]}, headers=headers)


def no_choices() -> Scripted:
    """Return a completion without any choice, which the vendor's schema allows."""
    return checked({**_envelope(MODEL), "choices": []})


def error(
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Scripted:
    """Return an error in the vendor's shape."""
    body = {"error": {"message": message, "type": code or "invalid_request_error", "param": param, "code": code}}
    return Scripted(status=status, body=json.dumps(body).encode(), headers=headers or {})


def raw(body: bytes, *, status: int = 200, content_type: str = "application/json") -> Scripted:
    """Return bytes that are no reply of the vendor's."""
    return Scripted(status=status, body=body, headers={"Content-Type": content_type})


def trickled(reply: Scripted, *, seconds_between_bytes: float) -> Scripted:
    """Return the same reply, sent byte by byte."""
    return Scripted(reply.status, reply.body, reply.headers, seconds_between_bytes=seconds_between_bytes)


def cut(reply: Scripted) -> Scripted:
    """Return the same reply, its connection reset in the middle."""
    return Scripted(reply.status, reply.body, reply.headers, is_cut=True)


def checked(body: Body, *, headers: Mapping[str, str] | None = None) -> Scripted:
    """Return a reply that the vendor could have given, or fail."""
    problems = problems_of_reply(body)
    assert not problems, f"the test scripts a reply that the vendor would not give: {problems}"
    return Scripted(body=json.dumps(body).encode(), headers=headers or {})


def _envelope(model: str) -> Body:
    usage = {"prompt_tokens": 900, "completion_tokens": 120, "total_tokens": 1020}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000, "model": model, "usage": usage}


# --- The server -------------------------------------------------------------------------------------------------------


class _Quiet(ThreadingHTTPServer):
    """Says nothing where a client hangs up, which is what some tests are about."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class OpenAIServer:
    """A running server; `url` is what goes into OPENAI_BASE_URL."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.violations: list[str] = []
        self.rule: Callable[[Exchange], Scripted] | None = None
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
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

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
    def running(self) -> Iterator[OpenAIServer]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def problems_of(self, exchange: Exchange) -> list[str]:
        """Say in which ways a request is not what the vendor describes."""
        return problems_of_request(exchange.body, exchange.headers)

    def wrong_address(self, exchange: Exchange) -> Scripted | None:
        """Return what an address gets that the vendor does not have, None for a right one."""
        if exchange.path == "/v1/chat/completions":
            return None
        return error(404, f"Invalid URL (POST {exchange.path})")

    def _reply_to(self, exchange: Exchange) -> Scripted:
        problems = self.problems_of(exchange)
        with self._lock:
            self.exchanges.append(exchange)
            self.violations += problems
            scripted = self._scripted.popleft() if self._scripted else None
        self.before_answering()
        if (wrong := self.wrong_address(exchange)) is not None:
            return wrong
        if scripted is not None:
            return scripted
        if self.rule is not None:
            return self.rule(exchange)
        self.violations.append("nothing was scripted for this request")
        return error(500, "nothing was scripted for this request")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reply = server._reply_to(
                    Exchange(self.path, {name.title(): value for name, value in self.headers.items()}, body)
                )
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
