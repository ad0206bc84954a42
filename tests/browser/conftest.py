"""Windows of a real browser on a real server; whatever complains in one fails the test that opened it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, Protocol
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)
from pytest_django.plugin import DjangoDbBlocker

from assistant_platform.web.assets import NAMED_ASSETS
from tests.browser import rows
from tests.browser.site import Site, site_with_the_demo

AXE = settings.NODE_MODULES / "axe-core" / "axe.min.js"
WIDE = ViewportSize(width=1400, height=1000)
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Generous, since the machine may be busy; nothing waits this long that works.
PATIENCE_MS = 15_000


class OpenWindow(Protocol):
    """Opens a window of its own cookies and storage."""

    def __call__(self, person: str = "", *, expects: tuple[int, ...] = (), **options: Any) -> Page:
        """Return a blank page, signed in as a person; `expects` are the error statuses that the test is about."""


class Axe(Protocol):
    """Asks axe-core what is wrong with a page, as it is drawn now."""

    def __call__(self, page: Page, *rules: str) -> list[str]:
        """Return the violations: of the named rules, or of all."""


def _cannot_run(reason: str) -> NoReturn:
    # A skip that nobody reads would let pages break; continuous integration has to have what is needed.
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def chromium() -> str:
    """The machine's browser, with what pages and their tests need in place."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        _cannot_run("no Chromium is installed (Debian: apt install chromium)")
    missing = [
        path for path in [AXE, *(settings.NODE_MODULES / name for name in NAMED_ASSETS.values())] if not path.exists()
    ]
    if missing:
        _cannot_run(f"{missing[0]} is missing: `make browser` installs it")
    return program


@pytest.fixture(scope="package")
def site(chromium: str, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, with the demo judged and fixed."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    own_folder = tmp_path_factory.getbasetemp()
    with site_with_the_demo(
        blocker=django_db_blocker,
        shared=own_folder.parent if worker else own_folder,
        name=f"assistant_browser_{worker or 'main'}_{os.getpid()}",
    ) as served:
        yield served


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """The browser. For this package only: while it runs, Django refuses its database in this thread."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def ids(site: Site) -> dict[str, int]:
    """The ids that addresses of pages name."""
    return site.behind(rows.ids)


@pytest.fixture
def window(browser: Browser, site: Site) -> Iterator[OpenWindow]:
    """Open windows; at the end no console may have complained and no other host been asked."""
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def open_window(person: str = "", *, expects: tuple[int, ...] = (), **options: Any) -> Page:
        given = {"base_url": site.url, "viewport": WIDE, "reduced_motion": "reduce", "color_scheme": "light", **options}
        context = browser.new_context(**given)
        opened.append(context)
        context.set_default_timeout(PATIENCE_MS)
        listen(context, complaints, host=urlsplit(given["base_url"]).netloc, expects=expects)
        if person:
            cookie = {"name": settings.SESSION_COOKIE_NAME, "value": site.session_of(person), "url": site.url}
            context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict that is not exported
        return context.new_page()

    yield open_window
    for context in opened:
        context.close()
    assert complaints == []


def listen(context: BrowserContext, complaints: list[str], *, host: str, expects: tuple[int, ...] = ()) -> None:
    """Collect what pages complain of: errors, policy violations, and requests to other hosts."""

    def hear(message: ConsoleMessage) -> None:
        status = re.search(r"(?:responded with a status of|Response Status Error Code) (\d+)", message.text)
        is_expected = status is not None and int(status[1]) in expects
        if message.type in {"error", "warning"} and not is_expected:
            complaints.append(f"{message.type}: {message.text}")

    def watch(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.netloc != host:
            complaints.append(f"asked another host: {request.url}")

    context.on("console", hear)
    context.on("weberror", lambda error: complaints.append(f"uncaught: {error.error}"))
    context.on("request", watch)


@pytest.fixture(scope="package")
def axe() -> Axe:
    """What axe-core finds wrong with a page."""
    source = AXE.read_text()

    def violations(page: Page, *rules: str) -> list[str]:
        # Evaluated by the debugger, so past the page's policy, which lets no foreign script in.
        page.evaluate(f"() => {{ if (!window.axe) {{ {source} }} }}")
        only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
        found = page.evaluate("options => axe.run(document, options)", {"resultTypes": ["violations"], **only})
        return [
            f"{violation['id']}: {node['html'][:160]} ({node['failureSummary']})"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    return violations


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the demo's code, outside of every repository."""
    return Path(shutil.copytree(settings.BASE_DIR / "demo" / "shop", tmp_path / "shop"))


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A Semgrep report with one finding."""
    place: dict[str, Any] = {"start": {"line": 12, "col": 5}, "end": {"line": 12, "col": 40}}
    extra = {"message": "The command contains a value.", "severity": "ERROR", "metadata": {"cwe": ["CWE-78"]}}
    result = {"check_id": "warehouse.shell-command", "path": "tools/label.py", **place, "extra": extra}
    written = tmp_path / "report.json"
    written.write_text(json.dumps({"version": "1.170.0", "results": [result], "errors": [], "paths": {"scanned": []}}))
    return written
