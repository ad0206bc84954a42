"""Typed hosts behind a proxy, and with certificates of an authority that only the Admin knows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lib.http.client import Answer, send
from lib.http.policy import OutboundError, Policy
from lib.http.sessions import guarded_session
from lib.http.ways import STRAIGHT, Way, check_ca_bundle, check_proxy
from tests.vendors.proxy_server import Authority, Proxy

BEHIND = "git.corp.example"  # no name server knows it
LOOPBACK = Policy.of(allowed=["127.0.0.1"], ports=["*"])
STRICT = Policy(ports=None)


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name in the base)
        pass


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def port(authority: Authority, tmp_path: Path) -> Iterator[int]:
    """The port of a server whose certificate holds for 127.0.0.1 and for BEHIND."""
    server = _Quiet(("127.0.0.1", 0), _Hello)
    server.socket = authority.context(tmp_path, BEHIND, "127.0.0.1").wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def proxy(port: int) -> Iterator[Proxy]:
    with ExitStack() as stack:
        yield stack.enter_context(Proxy({BEHIND: port}).running())


def got(url: str, way: Way = STRAIGHT, policy: Policy = LOOPBACK) -> Answer:
    return send(url, method="GET", headers={}, timeout_seconds=5, policy=policy, way=way)


def test_a_certificate_of_the_bundles_authority_is_trusted_and_without_it_is_not(
    port: int, authority: Authority
) -> None:
    answer = got(f"https://127.0.0.1:{port}/hello", Way(ca_bundle=authority.bundle))

    with pytest.raises(OutboundError, match="CERTIFICATE_VERIFY_FAILED"):
        got(f"https://127.0.0.1:{port}/hello")
    assert answer.body == b"/hello"


def test_what_is_no_certificate_is_told_from_one(authority: Authority) -> None:
    check_ca_bundle(f"Für das Büro:\n{authority.bundle * 2}")
    check_ca_bundle(" \n")

    with pytest.raises(OutboundError, match="no list of certificates"):
        check_ca_bundle("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    with pytest.raises(OutboundError, match="no list of certificates"):
        check_ca_bundle("nonsense")


def test_the_proxy_resolves_the_name_and_the_connection_through_it_is_encrypted(
    proxy: Proxy, authority: Authority
) -> None:
    session = guarded_session(timeout_seconds=5, policy=LOOPBACK, way=Way(proxy.url, authority.bundle))

    answer = session.get(f"https://{BEHIND}/hello")

    assert (answer.text, proxy.asked) == ("/hello", [BEHIND])
    with pytest.raises(OutboundError, match="CERTIFICATE_VERIFY_FAILED"):
        got(f"https://{BEHIND}/hello", Way(proxy.url))


def test_a_proxy_may_want_a_name_and_a_password(port: int, authority: Authority) -> None:
    with Proxy({BEHIND: port}, wants="Basic Ym9iOnM6M0B0").running() as proxy:
        address = proxy.url.replace("://", "://bob:s%3A3%40t@")

        answer = got(f"https://{BEHIND}/hello", Way(address, authority.bundle))

        assert answer.status == 200
        with pytest.raises(OutboundError, match=f"proxy does not lead to {BEHIND}: 407"):
            got(f"https://{BEHIND}/hello", Way(proxy.url, authority.bundle))


def test_a_proxy_at_a_private_address_is_for_the_operator_to_allow(proxy: Proxy) -> None:
    with pytest.raises(OutboundError, match="OUTBOUND_ALLOWED_NETWORKS"):
        check_proxy(proxy.url, STRICT)
    with pytest.raises(OutboundError, match="OUTBOUND_ALLOWED_NETWORKS"):
        got(f"https://{BEHIND}/", Way(proxy.url), STRICT)

    assert proxy.asked == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://169.254.169.254/", "private or reserved"),
        (f"http://{BEHIND}/", "Use https://"),
        ("http://93.184.215.14/", "Use https://"),
    ],
)
def test_a_proxy_opens_nothing_that_is_closed_without_one(proxy: Proxy, url: str, words: str) -> None:
    with pytest.raises(OutboundError, match=words):
        got(url, Way(proxy.url))

    assert proxy.asked == []
