"""A system of a customer that takes our webhooks: it verifies each by hand, as the specification's page says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OLDEST_SECONDS = 300
Reply = Callable[[BaseHTTPRequestHandler], None]


def answered(status: int, body: bytes = b"", **headers: str) -> Reply:
    """Return a reply with a status."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


@dataclass
class Received:
    """One request as it came."""

    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> dict[str, Any]:
        """What it says."""
        body: dict[str, Any] = json.loads(self.content)
        return body

    @property
    def id(self) -> str:
        """The message that it is, for whoever has it already."""
        return self.headers["webhook-id"]

    def is_signed_by(self, secret: str, *, now: float | None = None) -> bool:
        """Tell whether somebody with the secret sent it, within the last five minutes."""
        timestamp = self.headers["webhook-timestamp"]
        if abs((now or time.time()) - int(timestamp)) > OLDEST_SECONDS:
            return False
        key = base64.b64decode(secret.split("_", 1)[1])
        text = b".".join([self.id.encode(), timestamp.encode(), self.content])
        expected = base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()
        given = [each.split(",", 1) for each in self.headers["webhook-signature"].split(" ")]
        return any(version == "v1" and hmac.compare_digest(value, expected) for version, value in given)


@dataclass
class Receiver:
    """What came, and what is answered next; with nothing said, 204."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)

    @property
    def kinds(self) -> list[str]:
        """The kinds of what came, in order."""
        return [each.body["type"] for each in self.received]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Yield a receiver on a port of loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received({k.lower(): v for k, v in self.headers.items()}, content))
            receiver.came.set()
            reply = receiver.replies.pop(0) if receiver.replies else answered(204)
            try:
                reply(self)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name in the base)
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
