"""GitLab on loopback, which remembers what it was told: `/api/v4` as python-gitlab and GitLab's reference know it.

What breaks the contract, a request or an answer, is kept in `violations`; the fixture of a test asserts that it is
empty. Paths are matched as they came, so that `group%2Fproject` is one name.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.vendors.gitlab import replies
from tests.vendors.gitlab.asking import Asked, who_asks
from tests.vendors.gitlab.contract import Endpoint, endpoint_of, problems_of_reply, problems_of_request
from tests.vendors.gitlab.replies import Said
from tests.vendors.gitlab.routes import ROUTES
from tests.vendors.gitlab.state import GitLab
from tests.vendors.server import Scripted

PER_PAGE, MOST_PER_PAGE = 20, 100
COMPRESSED_FROM_BYTES = 1000


@dataclass(frozen=True)
class Logged:
    """A request as it came: `given` is its query, or its body."""

    method: str
    path: str
    given: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Fault:
    """An answer in place of the right one, once for a request whose line has `on` in it."""

    reply: Scripted
    on: str
    is_applied: bool  # what was asked is done all the same: only the answer is lost


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class GitLabServer:
    """A running GitLab; `gitlab` is what it knows, `url` what an Admin would type."""

    def __init__(self) -> None:
        self.gitlab = GitLab()
        self.log: list[Logged] = []
        self.violations: list[str] = []
        self.most_per_page = MOST_PER_PAGE
        self.names_itself = ""  # where its own links lead, if not to where it is
        self._faults: deque[Fault] = deque()
        self._lock = threading.Lock()
        self._http = _Quiet(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def fail(self, *answers: Scripted, on: str = "", is_applied: bool = False) -> None:
        """Give these answers next, one a request whose `METHOD /path` has `on` in it."""
        self._faults.extend(Fault(answer, on, is_applied) for answer in answers)

    def asked(self, on: str) -> list[Logged]:
        """Return the requests whose `METHOD /path` has `on` in it."""
        return [each for each in self.log if on in str(each)]

    @contextmanager
    def running(self) -> Iterator[GitLabServer]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def answer(self, method: str, target: str, headers: dict[str, str], content: bytes) -> Scripted:
        """Return the answer to one request."""
        path, _, query = target.partition("?")
        asked_by_query = dict(parse_qsl(query, keep_blank_values=True))
        body = json.loads(content) if content else {}
        with self._lock:
            self.log.append(Logged(method, path, {**asked_by_query, **body}))
            fault = self._fault(f"{method} {path}")
            if fault is not None and not fault.is_applied:
                return fault.reply
            answer = self._right_answer(method, target, asked_by_query, body, headers)
            return fault.reply if fault is not None else answer

    def _fault(self, line: str) -> Fault | None:
        fault = next((each for each in self._faults if each.on in line), None)
        if fault is not None:
            self._faults.remove(fault)
        return fault

    def _right_answer(
        self, method: str, target: str, query: dict[str, str], body: dict[str, Any], headers: dict[str, str]
    ) -> Scripted:
        path = target.partition("?")[0]
        found = endpoint_of(method, path)
        if found is None:
            self.violations.append(f"GitLab has no {method} {path}")
            return replies.json_reply(404, {"error": "404 Not Found"})
        endpoint, names = found
        given: dict[str, Any] = {**query, **body}
        self.violations += problems_of_request(endpoint, given)
        try:
            token = who_asks(self.gitlab, headers, endpoint.scopes)
            answer = ROUTES[endpoint.method, endpoint.path](
                Asked(self.gitlab, self.url, method, target, names, given, token)
            )
        except Said as said:
            return said.reply
        if method == "HEAD":
            return Scripted(200, b"", {"X-Gitlab-Size": str(answer["size"]), "X-Gitlab-Blob-Id": answer["blob_id"]})
        if endpoint.success == 204:
            return Scripted(204)
        self.violations += problems_of_reply(endpoint, answer)
        if endpoint.is_list:
            return self._page(endpoint, path, query, answer)
        return replies.json_reply(endpoint.success, answer)

    def _page(self, endpoint: Endpoint, path: str, query: dict[str, str], entries: list[Any]) -> Scripted:
        per_page = min(int(query.get("per_page", PER_PAGE)), self.most_per_page)
        if query.get("pagination") == "keyset":
            return self._keyset_page(path, query, entries, per_page)
        number = int(query.get("page", 1))
        pages = max(1, -(-len(entries) // per_page))
        more = number < pages
        headers = {
            "X-Page": str(number), "X-Per-Page": str(per_page), "X-Next-Page": str(number + 1) if more else "",
            "X-Prev-Page": str(number - 1) if number > 1 else "", "X-Total": str(len(entries)),
            "X-Total-Pages": str(pages),
        }  # fmt: skip
        if more:
            headers["Link"] = self._link(path, {**query, "page": str(number + 1), "per_page": str(per_page)})
        return replies.json_reply(200, entries[(number - 1) * per_page : number * per_page], **headers)

    def _keyset_page(self, path: str, query: dict[str, str], entries: list[Any], per_page: int) -> Scripted:
        if (query.get("order_by"), query.get("sort")) != ("id", "asc"):
            self.violations.append(f"{path}: this keyset pagination goes by order_by=id and sort=asc")
        after = int(query.get("id_after", 0))
        left = [entry for entry in entries if entry["id"] > after]
        headers = {}
        if len(left) > per_page:
            headers["Link"] = self._link(path, {**query, "id_after": str(left[per_page - 1]["id"])})
        return replies.json_reply(200, left[:per_page], **headers)

    def _link(self, path: str, query: dict[str, str]) -> str:
        return f'<{self.names_itself or self.url}{path}?{urlencode(query)}>; rel="next"'

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _do(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.title(): value for name, value in self.headers.items()}
                try:
                    reply = server.answer(self.command, self.path, headers, content)
                    self._send(_compressed(reply) if "gzip" in headers.get("Accept-Encoding", "") else reply)
                except OSError:
                    self.close_connection = True  # the client had enough
                except Exception as error:
                    server.violations.append(f"{self.command} {self.path}: {error!r}")
                    self._send(replies.broken(500))

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _do  # noqa: N815  (names of the base class)

            def _send(self, reply: Scripted) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status != 204:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                if self.command == "HEAD":
                    return
                if reply.is_cut:
                    self.wfile.write(reply.body[: len(reply.body) // 2])
                    self.wfile.flush()
                    # Lingering for no time makes close() send RST instead of FIN.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    self.close_connection = True
                else:
                    self.wfile.write(reply.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name in the base)
                pass

        return Handler


def _compressed(reply: Scripted) -> Scripted:
    """Return an answer as the web server in front of GitLab sends longer ones."""
    if reply.is_cut or len(reply.body) < COMPRESSED_FROM_BYTES:
        return reply
    return Scripted(reply.status, gzip.compress(reply.body), {**reply.headers, "Content-Encoding": "gzip"})
