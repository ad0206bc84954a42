"""Webhooks at the web server that `up` starts: large ones, ones of unknown length, and ones sent at once."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection, transaction

from assistant_platform.embedded.ports import LOOPBACK, any_free_port
from assistant_platform.embedded.startup import web_command
from scm.models import CodeHost, WebhookDelivery
from tenancy.scope import acting_for
from tests import factories, servers
from tests.integration.hooks.conftest import signed

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "hook secret"
LIMIT = 25 * 1024**2


@dataclass
class Web:
    """The running server, and the address of a code host's webhooks there."""

    port: int
    path: str

    def send(self, body: bytes, *, is_chunked: bool = False, secret: str = SECRET) -> int:
        """Send a webhook on a connection of its own; return the status that came back."""
        line = http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)
        try:
            pieces = iter([body[: len(body) // 2], body[len(body) // 2 :]])
            line.request(
                "POST",
                self.path,
                body=pieces if is_chunked else body,
                headers={"Content-Type": "application/json", **signed(body, secret)},
                encode_chunked=is_chunked,
            )
            return line.getresponse().status
        finally:
            line.close()

    def begin(self, framing: str, beginning: bytes = b"") -> bytes:
        """Send a head and the beginning of a body that never ends; return the first line of the answer."""
        with socket.create_connection((LOOPBACK, self.port), timeout=60) as line:
            head = f"POST {self.path} HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n"
            line.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + beginning)
            return line.makefile("rb").readline()


@pytest.fixture
def host(committed: None) -> Iterator[CodeHost]:
    acme = factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))
    with acting_for(acme.pk):
        with transaction.atomic():
            host = factories.a_code_host(webhook_secret=SECRET)
        yield host


@pytest.fixture
def web(host: CodeHost, tmp_path: Path) -> Iterator[Web]:
    port = any_free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": servers.database_named(os.environ["DATABASE_URL"], connection.settings_dict["NAME"]),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
    }
    with (tmp_path / "web.log").open("wb") as log:
        command = [sys.executable, "-m", *web_command(host=LOOPBACK, port=port)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        wait_for(port)
        yield Web(port, f"/hooks/github/{host.hook_key}")
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    give_up_at = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        else:
            return


def a_body(length: int) -> bytes:
    """Return JSON of an exact length in bytes."""
    empty = len(json.dumps({"a": ""}))
    return json.dumps({"a": "x" * (length - empty)}).encode()


def test_webhooks_of_all_lengths(web: Web) -> None:
    taken = [web.send(a_body(500)), web.send(a_body(500), is_chunked=True), web.send(a_body(LIMIT))]
    forged = web.send(a_body(500), secret="a guess")
    too_large = [
        web.begin(f"Content-Length: {LIMIT + 1}"),
        web.begin("Transfer-Encoding: chunked", f"{LIMIT + 2:x}\r\n".encode() + b"x" * (LIMIT + 1)),
    ]

    assert (taken, forged) == ([202, 202, 202], 401)
    assert [line[:12] for line in too_large] == [b"HTTP/1.1 413"] * 2
    with transaction.atomic():
        lengths = sorted(len(delivery.body) for delivery in WebhookDelivery.objects.all())
    assert lengths == [500, 500, LIMIT]
