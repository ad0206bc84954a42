"""The site that browsers visit: a real web server over a database of its own, with the demo in it.

Loading the demo takes the engine some seconds, so it is done once a test run, whatever the number of xdist's processes;
each copies the database. Jobs run when a test says so (`Site.work`), so that the states in between can be seen.
"""

from __future__ import annotations

import fcntl
import http.client
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections, transaction
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from assistant_platform.embedded.children import Children
from assistant_platform.embedded.errors import last_lines
from assistant_platform.embedded.ports import LOOPBACK, any_free_port
from events.draining import drain
from findings.models import Finding, Triage
from tenancy.directory import organization_by_slug
from tenancy.scope import acting_for
from tests import servers
from tests.browser import rows

CHECKOUT = Path(__file__).resolve().parent.parent.parent
DEMO_DATABASE = "assistant_browser_demo"
# Beside the other tests' 0, so that no count that they cached is shown here.
REDIS_DATABASE = 15
START_SECONDS = 60.0
POLL_SECONDS = 0.05
THREADS_AT_THE_DEMO = 3

T = TypeVar("T")


@dataclass
class Site:
    """Where the site is, and what happens behind its pages."""

    url: str
    blocker: DjangoDbBlocker
    thread: ThreadPoolExecutor
    handed_out: set[int] = field(default_factory=set)

    def behind(self, act: Callable[[], T]) -> T:
        """Do something with the site's database, in a thread of its own: Playwright's holds an event loop."""
        with self.blocker.unblock():
            return self.thread.submit(act).result()

    def work(self, slug: str = rows.DEMO) -> None:
        """Run the jobs that an organization owes, as a worker would."""
        self.behind(lambda: _work(slug))

    def session_of(self, email: str) -> str:
        """Return the cookie of a person who has signed in."""

        def sign_in() -> str:
            client = Client()
            client.force_login(User.objects.get(email=email))
            return client.cookies[settings.SESSION_COOKIE_NAME].value

        return self.behind(sign_in)

    def finding(self, **wanted: object) -> Finding:
        """Return an open finding of the demo that no other test was given."""

        def choose() -> Finding:
            with acting_for(_id_of(rows.DEMO)), transaction.atomic():
                found = Finding.objects.filter(triage=Triage.OPEN, **wanted).exclude(pk__in=self.handed_out)
                return found.select_related("rule").order_by("pk")[0]

        finding = self.behind(choose)
        self.handed_out.add(finding.pk)
        return finding


@contextmanager
def site_with_the_demo(*, blocker: DjangoDbBlocker, shared: Path, name: str) -> Iterator[Site]:
    """Serve a copy of the demo's database under that name; `shared` is a folder that all processes of the run see."""
    static = shared / "browser-static"
    with blocker.unblock():
        _once(shared / "browser-site-is-made", lambda: _make(static))
    address = servers.clone_template(name, template=DEMO_DATABASE)
    log = shared / f"{name}.log"
    children = Children()
    try:
        port = any_free_port()
        server = children.start(
            [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", LOOPBACK, "--port", str(port),
             "--blocking-threads", "4", "--no-ws", "--log-level", "warning", "assistant_platform.wsgi:application"],
            log=log,
            environment=_environment(STATIC_ROOT=str(static), DATABASE_URL=address, DATABASE_POOL_SIZE="4"),
            folder=CHECKOUT,
        )  # fmt: skip
        _wait_for(port, server, log)
        with ThreadPoolExecutor(1, initializer=_use_database, initargs=(name,)) as thread:
            site = Site(url=f"http://{LOOPBACK}:{port}", blocker=blocker, thread=thread)
            yield site
            site.behind(connections.close_all)
        children.stop(server)
    finally:
        children.close()
        servers.drop_database(name)


# --- Once a test run --------------------------------------------------------------------------------------------------


def _once(marker: Path, make: Callable[[], None]) -> None:
    with marker.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists():
            make()
            marker.touch()


def _make(static: Path) -> None:
    """Gather the static files as production serves them, and load the demo meanwhile."""
    gathering = subprocess.Popen(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"],
        env=_environment(STATIC_ROOT=str(static)),
        cwd=CHECKOUT,
    )
    servers.clone_template(DEMO_DATABASE)
    at_the_demo = ThreadPoolExecutor(THREADS_AT_THE_DEMO, initializer=_use_database, initargs=(DEMO_DATABASE,))
    with at_the_demo as threads:
        threads.submit(_load_demo).result()
        for done in [threads.submit(_work_and_leave, rows.DEMO) for _ in range(THREADS_AT_THE_DEMO)]:
            done.result()
        threads.submit(_fill).result()
    assert gathering.wait() == 0


def _load_demo() -> None:
    os.environ.update(DEMO_EMAIL=rows.ADMIN, DEMO_PASSWORD=rows.PASSWORD)
    call_command("demo", stdout=io.StringIO())
    with acting_for(_id_of(rows.DEMO)):
        drain(limit=2)  # reading the report and planning come before there is work for several
    connections.close_all()


def _fill() -> None:
    rows.fill()
    connections.close_all()


def _work_and_leave(slug: str) -> None:
    _work(slug)
    connections.close_all()


def _work(slug: str) -> None:
    with acting_for(_id_of(slug)):
        drain()


# --- Surroundings -----------------------------------------------------------------------------------------------------


def _use_database(name: str) -> None:
    """Have this thread's connections, and no other's, lead to a database of that name."""
    for alias in connections:
        connection = connections[alias]
        connection.settings_dict = {**connection.settings_dict, "NAME": name}


def _environment(**more: str) -> dict[str, str]:
    """Return what a process of the site is told: as `make run` tells it, with the test run's servers and secret."""
    redis = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{REDIS_DATABASE}")
    return {**os.environ, "ASSISTANT_MODE": "evaluation", "REDIS_URL": urlunsplit(redis), **more}


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while not _answers(port):
        assert server.poll() is None, last_lines(log)
        assert time.monotonic() < give_up_at, last_lines(log)
        time.sleep(POLL_SECONDS)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _id_of(slug: str) -> int:
    organization = organization_by_slug(slug)
    assert organization is not None
    return organization.pk
