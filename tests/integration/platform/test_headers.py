"""What every page carries, also where something went wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.http.response import HttpResponseBase
from django.test import Client
from pytest_django.fixtures import Settings

import findings.selectors

Ask = Callable[[Client], HttpResponseBase]
PAGES: dict[str, Ask] = {
    "signing in": lambda client: client.get("/accounts/login/"),
    "the list": lambda client: client.get("/orgs/acme/findings/"),
    "not found": lambda client: client.get("/nothing"),
    "a stranger's organization": lambda client: client.get("/orgs/umbrella/findings/"),
    "not allowed": lambda client: client.post("/orgs/acme/settings/deployment/save/"),
    "another method": lambda client: client.post("/orgs/acme/findings/"),
    "another host": lambda client: client.get("/", headers={"host": "evil.example"}),
    "a defect of ours": lambda client: client.get("/orgs/acme/scans/1/"),
    "alive": lambda client: client.get("/healthz"),
}


@pytest.fixture
def signed_in(bob: User, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Client:
    settings.ALLOWED_HOSTS = ["testserver"]
    monkeypatch.setattr(findings.selectors, "scans_visible_to", _failing)
    client = Client(raise_request_exception=False)
    client.force_login(bob)
    return client


def _failing(*_: object) -> None:
    raise RuntimeError("secret words")


@pytest.mark.parametrize("page", PAGES)
def test_no_page_may_be_framed_or_run_what_others_put_into_it(signed_in: Client, page: str) -> None:
    headers = PAGES[page](signed_in).headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["X-Frame-Options"], headers["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert headers["Referrer-Policy"] == "same-origin"


def test_a_defect_of_ours_gives_nothing_away(signed_in: Client) -> None:
    response = signed_in.get("/orgs/acme/scans/1/")

    assert response.status_code == 500
    assert "secret words" not in response.content.decode()


def test_another_host_is_refused(signed_in: Client) -> None:
    assert PAGES["another host"](signed_in).status_code == 400


def test_an_encrypted_site_asks_browsers_to_stay(client: Client, settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000

    response = client.get("/healthz", secure=True)

    assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize("address", ["feedback/", "ignore/", "triage/", "notes/", "analyze/"])
def test_what_changes_something_needs_the_token_of_its_form(bob: User, address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)

    assert client.post(f"/orgs/acme/findings/1/{address}").status_code == 403


@pytest.mark.parametrize("address", ["feedback/", "ignore/", "triage/", "notes/", "analyze/"])
def test_a_link_changes_nothing(bob: User, client: Client, address: str) -> None:
    client.force_login(bob)

    assert client.get(f"/orgs/acme/findings/1/{address}").status_code == 405
