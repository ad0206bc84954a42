"""A GitHub Enterprise Server on loopback that remembers: REST under /api/v3, GraphQL at /api/graphql.

Each request and each answer is checked against GitHub's own descriptions, where they were fetched (in CI they must
be); what breaks them is kept in `violations`, and the fixture fails the test that caused it. Tests arrange by the
methods of `World` and `Repository`, assert on the state, and script what goes wrong by `fail_next` and
`cut_next`; the words of GitHub's refusals are in tests/vendors/github/routing.py.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import jwt
from cryptography.hazmat.primitives import serialization

from tests.vendors.github import graphql as graphql_answers
from tests.vendors.github import routes_apps, routes_code, routes_pulls  # noqa: F401  (each adds its routes)
from tests.vendors.github.contract import check_that_ci_has_them, contract_for
from tests.vendors.github.routing import (
    ROUTES,
    Asked,
    Refusal,
    Reply,
    Route,
    bad_credentials,
    forbidden,
    is_over,
    not_found,
    said,
    suspended,
)
from tests.vendors.github.shapes import Shapes
from tests.vendors.github.state import App
from tests.vendors.github.world import World

LEVELS = {"read": 1, "write": 2, "admin": 3}
TEMPLATES = tuple(dict.fromkeys(route.template for route in ROUTES))


@dataclass(frozen=True)
class Request:
    """What was asked, and the status that it got (0 where the connection was cut)."""

    method: str
    path: str  # below /api/v3
    query: str
    headers: Mapping[str, str]
    body: Any
    status: int


@dataclass
class _Fault:
    method: str
    pattern: re.Pattern[str]
    reply: Reply | None  # None: the connection is cut once the change was made
    times: int


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where a client hangs up, which is what some tests are about."""


class GitHubServer(World):
    """A running GitHub; `url` is what an Admin enters as the host's address."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.most_per_page = 100
        self.token_seconds = 3600  # how long an installation's token lives
        self._faults: list[_Fault] = []
        self._lock = threading.RLock()
        self._http = _Quiet(("127.0.0.1", 0), _handler(self))
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self.shapes = Shapes(self.url)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return self._http.server_port

    @contextmanager
    def running(self) -> Iterator[GitHubServer]:
        check_that_ci_has_them()
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    # --- What goes wrong

    def fail_next(self, reply: Reply, *, method: str = "", path: str = "", times: int = 1) -> None:
        """Answer the next requests whose path (below /api/v3) matches with this, and do nothing else."""
        self._faults.append(_Fault(method, re.compile(path), reply, times))

    def cut_next(self, *, method: str = "POST", path: str = "", times: int = 1) -> None:
        """Do what the next matching requests ask for, and cut the connection before any answer."""
        self._faults.append(_Fault(method, re.compile(path), None, times))

    def asked(self, method: str, path: str) -> list[Request]:
        """Return the requests so far whose method is this and whose path matches wholly."""
        return [each for each in self.requests if each.method == method and re.fullmatch(path, each.path)]

    # --- Answering

    def allows(self, asked: Asked, permission: str, level: str) -> bool:
        """Tell whether whoever asks has a permission; a classic token with `repo` has them all."""
        token = asked.token
        if token is None:
            return False
        if token.scopes is not None:
            is_hook = permission == "repository_hooks"
            return "repo" in token.scopes or (is_hook and "admin:repo_hook" in token.scopes) or level == "read"
        granted = (token.permissions or {}).get(permission, "read" if permission == "metadata" else "")
        return LEVELS.get(granted, 0) >= LEVELS[level]

    def answer(self, asked: Asked) -> Reply | None:
        """Return the answer to a request, None where the connection is to be cut."""
        with self._lock:
            fault = next((each for each in self._faults if _is_meant(each, asked)), None)
            if fault is not None:
                fault.times -= 1
                if fault.reply is not None:
                    return fault.reply
            try:
                reply = self._routed(asked)
            except Refusal as refusal:
                reply = refusal.reply
            return None if fault is not None else reply

    def _routed(self, asked: Asked) -> Reply:
        if asked.path == "/graphql":
            self._authenticate(asked, is_by_app=False)
            return graphql_answers.answer(asked)
        if match := re.match(r"/repositories/(\d+)(.*)", asked.path):
            repository = self.repositories.get(int(match[1]))
            if repository is None:
                return not_found()
            asked.path = f"/repos/{repository.full_name}{match[2]}"
        for route in ROUTES:
            if route.method == asked.method and (found := route.pattern.match(asked.path)):
                asked.parts = {name: unquote(part) for name, part in found.groupdict().items()}
                self._check(asked, route)
                return route.answer(asked)
        self.violations.append(f"{asked.method} {asked.path} is not served by tests/vendors/github")
        return not_found()

    def _check(self, asked: Asked, route: Route) -> None:
        if not route.template.startswith("/app-manifests/"):
            self._authenticate(asked, is_by_app=route.is_by_app)
        if route.needs is None:
            return
        assert asked.token is not None
        if asked.token.installation is not None and asked.token.installation.suspended_at is not None:
            raise Refusal(suspended())
        permission, level = route.needs
        if "owner" in asked.parts:
            asked.repository  # noqa: B018  (hidden, it is not there, whatever is allowed)
        if not self.allows(asked, permission, level):
            by = "integration" if asked.token.installation else "personal access token"
            raise Refusal(forbidden(f"{permission}={level}", by=by))

    def _authenticate(self, asked: Asked, *, is_by_app: bool) -> None:
        kind, _, credential = asked.headers.get("Authorization", "").partition(" ")
        if kind.lower() not in {"bearer", "token"}:
            raise Refusal(said(401, "Requires authentication"))
        if is_by_app:
            asked.app = self._app_of(credential)
            return
        token = self.tokens.get(credential)
        if token is None or is_over(token.expires_at):
            raise Refusal(bad_credentials())
        asked.token = token

    def _app_of(self, credential: str) -> App:
        try:
            issuer = jwt.decode(credential, options={"verify_signature": False})["iss"]
            app = self.apps[int(issuer)]
            key = serialization.load_pem_private_key(app.private_key.encode(), None)
            claims = jwt.decode(credential, key.public_key(), algorithms=["RS256"], options={"require": ["exp", "iat"]})  # type: ignore[arg-type]  # always RSA
        except (jwt.InvalidTokenError, KeyError, ValueError) as error:
            raise Refusal(said(401, "A JSON web token could not be decoded")) from error
        if claims["exp"] - claims["iat"] > 660:
            raise Refusal(said(401, "'Expiration time' claim ('exp') is too far in the future"))
        return app

    def note(self, asked: Asked, reply: Reply | None, answer: bytes) -> None:
        """Keep a request, and what is wrong with it or with its answer."""
        status = reply.status if reply else 0
        parsed = json.loads(asked.content) if asked.content else None
        request = Request(asked.method, asked.path, asked.query, asked.headers, parsed, status)
        problems: list[str] = []
        contract = None if asked.path == "/graphql" else contract_for(TEMPLATES)
        if contract is not None and reply is not None:
            problems = contract.problems(
                method=asked.method,
                path=asked.path,
                query=asked.query,
                headers=asked.headers,
                body=asked.content,
                status=reply.status,
                answer=answer,
            )
        with self._lock:
            self.requests.append(request)
            self.violations += problems


def _is_meant(fault: _Fault, asked: Asked) -> bool:
    return fault.times > 0 and fault.method in {"", asked.method} and bool(fault.pattern.search(asked.path))


def _handler(server: GitHubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            below = path.removeprefix("/api/v3") if path.startswith("/api/v3/") else path.removeprefix("/api")
            headers = {name.title(): value for name, value in self.headers.items()}
            asked = Asked(server, self.command, unquote(below), query, headers, content)
            reply = server.answer(asked)
            body = b"" if reply is None or reply.body is None else json.dumps(reply.body).encode()
            server.note(asked, reply, body)
            if reply is None:
                # Lingering for no time makes close() send RST instead of FIN.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {**self._standing(asked), **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _standing(self, asked: Asked) -> dict[str, str]:
            headers = {"Content-Type": "application/json; charset=utf-8", "X-RateLimit-Remaining": "4999"}
            if asked.token is not None and asked.token.scopes is not None:
                headers["X-OAuth-Scopes"] = ", ".join(asked.token.scopes)
            return headers

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815  (names of the base)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name in the base)
            pass

    return Handler
