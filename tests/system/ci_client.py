"""The unmodified `semgrep ci` client, run over a small repository against a server of ours in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.http.response import HttpResponseBase

from events.draining import drain

SEMGREP = Path(sys.executable).with_name("semgrep")


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  (as the library calls it)
        pass


class _WorkedOff(WSGIHandler):
    """The application, with workers so quick that all is done before the client asks what came of it."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> HttpResponseBase:
        if environ["PATH_INFO"].endswith("/complete"):
            drain()
            connections.close_all()
        return super().__call__(environ, start_response)


@contextmanager
def our_server(*, is_worked_off: bool) -> Iterator[str]:
    """Serve the application on loopback, with quick workers or with none; yields its address."""
    server = _Server(("127.0.0.1", 0), _Quiet)
    server.set_app(_WorkedOff() if is_worked_off else WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Ran:
    """How a run of the client ended."""

    exit_code: int
    output: str


@dataclass
class Checkout:
    """A git repository with an origin, as a CI job has it."""

    folder: Path

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=Dev One", "-c", "user.email=dev@shop.example", *words],
            cwd=self.folder, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str], message: str = "work") -> str:
        """Write files, commit them, and return the commit's hash."""
        for path, text in files.items():
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")


def checkout_in(folder: Path) -> Checkout:
    """Make an empty repository on the branch `main`."""
    folder.mkdir(parents=True)
    checkout = Checkout(folder)
    checkout.git("init", "--quiet", "--initial-branch", "main")
    checkout.git("remote", "add", "origin", "https://git.example/acme/shop.git")
    return checkout


def semgrep_ci(
    checkout: Checkout, url: str, token: str, *arguments: str, works: bool = False, **environment: str
) -> Ran:
    """Run the client to its end, and meanwhile what slow workers would do (`works`)."""
    home = checkout.folder.parent
    told = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "SEMGREP_SETTINGS_FILE": str(home / "semgrep-settings.yml"),
        "SEMGREP_URL": url,
        "SEMGREP_APP_TOKEN": token,
        "SEMGREP_FAIL_OPEN_URL": f"{url}/fail-open",
        "SEMGREP_SEND_METRICS": "off",
        "SEMGREP_ENABLE_VERSION_CHECK": "0",
        "SEMGREP_REPO_NAME": "acme/shop",
        **environment,
    }
    told = {name: value for name, value in told.items() if value}
    log = home / "client.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(SEMGREP), "ci", *arguments], cwd=checkout.folder, env=told, stdout=output, stderr=subprocess.STDOUT
        )
        while True:
            if works:
                drain()
                connections.close_all()
            try:
                exit_code = process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                continue
            return Ran(exit_code=exit_code, output=log.read_text())


def rule(identifier: str, pattern: str, **fields: object) -> str:
    """Return the text of a rule for Python."""
    body = {
        "id": identifier,
        "languages": ["python"],
        "severity": "ERROR",
        "message": f"{identifier} matched",
        "pattern": pattern,
        **fields,
    }
    return json.dumps({"rules": [body]})
