"""Where a typed host may lead, how long it may take and how much it may say: on real sockets of this machine."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from django.apps import apps
from pytest_django.fixtures import Settings

from lib.environment import SettingError
from lib.http.client import fetch
from lib.http.policy import (
    OutboundError,
    Policy,
    check_reachable,
    check_url,
    in_force,
    policy_in_force,
    system_resolver,
)
from lib.http.sessions import guarded_session

Reply = Callable[[BaseHTTPRequestHandler], None]
PUBLIC = "93.184.215.14"


class Server:
    """A server on loopback that answers each path as it was told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.replies: dict[str, Reply] = {}
        self.client_left = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
                try:
                    server.replies.get(self.path, said(b"hello"))(self)
                except OSError:
                    server.client_left.set()

            do_POST = do_HEAD = do_GET  # noqa: N815  (names of the base)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name in the base)
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_port

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


def said(body: bytes, *, status: int = 200, **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    return reply


def compressed_for_whom_asks(body: bytes) -> Reply:
    """Answer as the web server in front of GitLab or GitHub Enterprise does."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        if "gzip" in handler.headers.get("Accept-Encoding", ""):
            said(gzip.compress(body), Content_Encoding="gzip")(handler)
        else:
            said(body)(handler)

    return reply


def trickled(handler: BaseHTTPRequestHandler, *, until: threading.Event) -> None:
    """Send a header that never ends, a byte now and then."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not until.wait(0.02):
        handler.wfile.write(b"a")


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield running
    running.http.shutdown()
    running.http.server_close()
    thread.join()


def allowing(*allowed: str, resolve: Callable[[str, int], list[str]] = system_resolver) -> Policy:
    return Policy.of(allowed=allowed, ports=["*"], resolve=resolve)


def refused(url: str, policy: Policy) -> str:
    with pytest.raises(OutboundError) as raised:
        fetch(url, policy=policy)
    assert raised.value.permanent
    return str(raised.value)


# --- Addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "169.254.1.1", "100.64.0.1"),
        *("0.0.0.0", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
        *("168.63.129.16", "100.100.100.200", "192.0.0.192", "192.88.99.1"),
        *(
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fe80::1%25eth0]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[ff02::1]",
            "[2001:db8::1]",
        ),
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]"),
        *("[2002:7f00:1::]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[::7f00:1]", "[fec0::1]", "[3fff::1]"),
    ],
)
def test_an_address_that_is_not_of_the_open_internet_is_refused(host: str) -> None:
    with pytest.raises(OutboundError, match="OUTBOUND_ALLOWED_NETWORKS") as raised:
        check_url(f"https://{host}/", Policy())

    assert raised.value.permanent


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "127.0.0.1.", "1", "a.0x"]
)
def test_an_address_in_an_unusual_spelling_is_refused(host: str) -> None:
    with pytest.raises(OutboundError):
        check_url(f"https://{host}/", Policy())


@pytest.mark.parametrize("host", [PUBLIC, "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]", "[64:ff9b::5db8:d70e]"])
def test_a_public_address_is_allowed(host: str) -> None:
    assert check_reachable(f"https://{host}/", Policy()).port == 443


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.org/", "must begin with https://"),
        ("file:///etc/passwd", "must begin with https://"),
        ("//example.org/", "must begin with https://"),
        ("https://", "name a host"),
        ("https://alice:secret@example.org/", "user name and password"),
        ("https://@example.org/", "user name and password"),
        ("https://example.org:22/", "Port 22 is not allowed"),
        ("https://example.org:0/", "Port 0 is not allowed"),
        ("https://example.org:70000/", "no address"),
        ("https://[::1/", "no address"),
        ("https://exa mple.org/", "characters"),
        ("https://example.org\\@127.0.0.1/", "characters|user name"),
        ("https://example.org/" + "a" * 2000, "too long"),
        ("https://xn--\u00fc.example/", "no name of a host"),
    ],
)
def test_what_is_no_plain_address_is_refused(url: str, words: str) -> None:
    with pytest.raises(OutboundError, match=words) as raised:
        check_url(url, Policy())

    assert "secret" not in str(raised.value)


def test_a_name_is_compared_as_name_servers_know_it() -> None:
    assert check_url("https://Bücher.Example.:8443/", Policy()).host == "xn--bcher-kva.example"


def test_a_name_in_wide_letters_is_the_address_it_stands_for() -> None:
    with pytest.raises(OutboundError):
        check_url("https://１２７.0.0.1/", Policy())


# --- Names ------------------------------------------------------------------------------------------------------------


def test_loopback_is_refused_unless_the_operator_allows_it(server: Server) -> None:
    assert "OUTBOUND_ALLOWED_NETWORKS" in refused(server.url(host="localhost"), allowing())
    assert server.asked == []

    assert fetch(server.url(host="localhost"), policy=allowing("127.0.0.0/8", "::1")).body == b"hello"


def test_a_host_that_the_operator_names_may_be_private(server: Server) -> None:
    policy = allowing(".corp.example", resolve=lambda *_: ["127.0.0.1"])

    assert fetch(server.url(host="git.corp.example"), policy=policy).body == b"hello"
    refused(server.url(host="gitcorp.example"), policy)


def test_one_private_answer_among_public_ones_refuses_the_host(server: Server) -> None:
    policy = Policy(ports=None, resolve=lambda *_: [PUBLIC, "127.0.0.1"])

    refused(f"https://mixed.example:{server.port}/", policy)

    assert server.asked == []


def test_the_connection_goes_to_the_address_that_was_checked(server: Server) -> None:
    answers = [["127.0.0.1"], ["127.0.0.2"], ["169.254.169.254"]]
    policy = allowing("127.0.0.1", resolve=lambda *_: answers.pop(0))

    assert fetch(server.url(host="rebinding.example"), policy=policy).body == b"hello"

    assert answers == [["127.0.0.2"], ["169.254.169.254"]]  # asked once
    refused(server.url(host="rebinding.example"), policy)


def test_a_wide_network_does_not_open_the_clouds_secrets() -> None:
    with pytest.raises(OutboundError):
        check_url("http://169.254.169.254/latest/meta-data/", allowing("0.0.0.0/0"))

    assert check_url("http://169.254.169.254/", allowing("169.254.169.254")).host == "169.254.169.254"


def test_plain_http_is_for_what_the_operator_allows() -> None:
    policy = Policy(resolve=lambda *_: [PUBLIC])

    assert "Use https://" in refused("http://example.org/", policy)


def test_a_name_without_an_address_may_have_one_later() -> None:
    with pytest.raises(OutboundError) as raised:
        fetch("https://nowhere.invalid/", policy=Policy())

    assert not raised.value.permanent


def test_the_environments_proxy_is_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert fetch(server.url(), policy=allowing("127.0.0.1")).body == b"hello"
    assert guarded_session(timeout_seconds=5, policy=allowing("127.0.0.1")).get(server.url()).text == "hello"


# --- Redirects --------------------------------------------------------------------------------------------------------


def test_a_redirect_is_checked_like_the_first_address(server: Server) -> None:
    server.replies["/"] = said(b"", status=302, Location="http://169.254.169.254/latest/meta-data/")

    refused(server.url(), allowing("127.0.0.0/8"))


def test_a_secret_is_not_carried_to_another_host(server: Server) -> None:
    server.replies["/"] = said(b"", status=307, Location=server.url("/there", host="localhost"))

    fetch(
        server.url(), headers={"Authorization": "Bearer x", "Accept": "text/plain"}, policy=allowing("127.0.0.1", "::1")
    )

    (_, _, first), (_, _, second) = server.asked
    assert first["authorization"] == "Bearer x"
    assert "authorization" not in second
    assert second["accept"] == "text/plain"


def test_what_was_written_is_not_sent_on(server: Server) -> None:
    server.replies["/"] = said(b"", status=307, Location="/there")

    answer = fetch(server.url(), method="POST", body=b"{}", policy=allowing("127.0.0.1"))

    assert (answer.status, len(server.asked)) == (307, 1)


def test_redirects_without_end_are_given_up(server: Server) -> None:
    server.replies["/"] = said(b"", status=302, Location="/")

    assert "again and again" in refused(server.url(), allowing("127.0.0.1"))
    assert len(server.asked) == 4


# --- Time and size ----------------------------------------------------------------------------------------------------


def test_an_answer_that_trickles_is_given_up(server: Server) -> None:
    server.replies["/"] = lambda handler: trickled(handler, until=server.client_left)

    with pytest.raises(OutboundError, match="in time") as raised:
        fetch(server.url(), timeout_seconds=0.5, policy=allowing("127.0.0.1"))

    assert not raised.value.permanent
    server.client_left.set()


def test_an_answer_that_is_too_long_is_given_up(server: Server) -> None:
    server.replies["/"] = said(b"a" * 200_000)

    with pytest.raises(OutboundError, match="too long"):
        fetch(server.url(), most_bytes=100_000, policy=allowing("127.0.0.1"))


def test_a_compressed_answer_is_not_unfolded(server: Server) -> None:
    server.replies["/"] = said(gzip.compress(b"a" * 50_000_000), Content_Encoding="gzip")

    with pytest.raises(OutboundError, match="compressed"):
        fetch(server.url(), policy=allowing("127.0.0.1"))


# --- Libraries that speak through requests ----------------------------------------------------------------------------


def test_a_session_is_guarded_at_every_redirect(server: Server) -> None:
    server.replies["/"] = said(b"", status=302, Location="http://169.254.169.254/")
    server.replies["/near"] = said(b"", status=302, Location="/data")
    server.replies["/data"] = said(b'{"a": 1}', Content_Type="application/json")
    session = guarded_session(timeout_seconds=5, policy=allowing("127.0.0.1"))

    assert session.get(server.url("/near")).json() == {"a": 1}
    assert session.post(server.url("/echo"), json={"b": 2}).status_code == 200
    with pytest.raises(requests.ConnectionError, match="OUTBOUND_ALLOWED_NETWORKS"):
        session.get(server.url("/"))


def test_a_session_asks_for_no_compression_that_it_would_refuse(server: Server) -> None:
    server.replies["/"] = compressed_for_whom_asks(b"a" * 5000)
    session = guarded_session(timeout_seconds=5, policy=allowing("127.0.0.1"))

    assert session.get(server.url()).text == "a" * 5000


def test_a_session_asks_how_long_an_answer_would_be(server: Server) -> None:
    session = guarded_session(timeout_seconds=5, policy=allowing("127.0.0.1"))

    answer = session.head(server.url())

    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "5", b"")


# --- The operator's words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "ports"), [(["10.0.0.0/99"], []), (["http://a"], []), (["1.2.3"], []), ([], ["x"]), ([], ["0"])]
)
def test_a_setting_that_cannot_be_understood_stops_the_start(allowed: list[str], ports: list[str]) -> None:
    with pytest.raises(SettingError, match="OUTBOUND_ALLOWED"):
        Policy.of(allowed=allowed, ports=ports)


def test_the_operators_settings_are_in_force_from_the_start(settings: Settings) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["10.0.0.0/8", "git.corp.example"]
    settings.OUTBOUND_ALLOWED_PORTS = ["443"]

    with in_force(Policy()):
        apps.get_app_config("assistant_platform").ready()
        found = policy_in_force()

    assert (found.allows_host("git.corp.example"), found.ports) == (True, frozenset({443}))
    assert check_url("https://10.1.2.3/", found).host == "10.1.2.3"
