"""Handing scans in through the API: what is taken, and what is said of an upload that is no report."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

import orgs.services
from events.kinds import SYSTEM
from events.models import Job
from findings.models import Scan, UploadChunk
from orgs.permissions import Scope
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests.integration.findings.importing import LOANS, context_of, matches, report_of

LOANS_JSON = (LOANS / "report.json").read_bytes()
RESULT = matches("park/gate.py", "gate.open()", "gate.open()")[0]
ALL_IN_ONE = json.dumps(report_of(RESULT))


@pytest.fixture
def upload(acme: Organization, alice: User) -> Callable[..., HttpResponse]:
    """Return a function that uploads to Acme with a token that may."""
    with acting_for(acme.pk):
        token = orgs.services.create_token(name="CI", scopes=[Scope.CI], created_by=alice, actor=SYSTEM)[1]

    def send(report: bytes = LOANS_JSON, **fields: Any) -> Any:
        return Client().post(
            reverse("api-scans", kwargs={"slug": "acme"}),
            {"report": io.BytesIO(report), **fields},
            headers={"Authorization": f"Bearer {token}"},
        )

    return send


def scans_of(organization: Organization) -> int:
    with acting_for(organization.pk):
        return Scan.objects.count() + UploadChunk.objects.count() + Job.objects.count()


def test_an_upload_is_taken_and_owed(upload: Callable[..., Any], acme: Organization) -> None:
    response = upload(branch="main", commit="abcdef1", project="shop")

    assert response.status_code == 202
    assert {name: response.json()[name] for name in ("state", "project", "branch", "is_full")} == {
        "state": "received",
        "project": "shop",
        "branch": "main",
        "is_full": True,
    }
    with acting_for(acme.pk):
        assert Job.objects.get().task == "findings.tasks.ingest_scan"


def test_the_same_upload_is_the_same_scan(upload: Callable[..., Any]) -> None:
    assert upload().json()["id"] == upload().json()["id"]


def test_a_pull_request_is_no_full_scan_unless_said(upload: Callable[..., Any]) -> None:
    assert upload(pull_request_id="7").json()["is_full"] is False
    assert upload(pull_request_id="7", is_full_scan="true").json()["is_full"] is True


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (b"   \n ", "empty"),
        (b"hello", "not JSON"),
        (b"<?xml version='1.0'?><x/>", "XML"),
        (b"[]", "JSON list"),
        (b"{}", "neither Semgrep's nor SARIF"),
        (b'{"vulnerabilities": []}', "GitLab"),
        (b'{"SchemaVersion": 2}', "Trivy"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not JSON"),
        (b"PK\x03\x04", "ZIP archive"),
        (b"\x1f\x8bbroken", "gzip"),
        (gzip.compress(b" " * 30_000_000), "times its size"),
        (gzip.compress(ALL_IN_ONE.encode())[:-20], "cut off"),
        (ALL_IN_ONE[:60].encode(), "cut off"),
        (ALL_IN_ONE[:-5].encode(), "cut off"),
        (b'{"results": [' + b"9" * 5_000 + b"]}", "integer overflow"),
        (b'{"results": [{"check_id": "\xff"}]}', "invalid bytes in UTF8"),
    ],
    ids=lambda value: "upload" if isinstance(value, bytes) else None,  # gzip writes the time down
)
def test_what_is_no_report_is_refused_in_words(
    upload: Callable[..., Any], acme: Organization, report: bytes, words: str
) -> None:
    response = upload(report)

    assert response.status_code == 400
    assert words in response.json()["detail"]
    assert scans_of(acme) == 0


def test_an_empty_file_is_refused(upload: Callable[..., Any]) -> None:
    response = upload(b"")

    assert (response.status_code, response.json()["errors"]) == (400, {"report": ["The submitted file is empty."]})


def test_a_report_over_the_limit_is_refused(upload: Callable[..., Any], acme: Organization, settings: Settings) -> None:
    settings.MAX_REPORT_BYTES = 2_000

    plain, packed = upload(LOANS_JSON), upload(gzip.compress(LOANS_JSON))

    assert (plain.status_code, packed.status_code) == (400, 400)
    assert "at most" in plain.json()["detail"]
    assert "larger than" in packed.json()["detail"]
    assert scans_of(acme) == 0


def test_the_announced_format_must_be_the_one(upload: Callable[..., Any]) -> None:
    response = upload(format="sarif")

    assert response.status_code == 400
    assert response.json()["detail"].startswith("The report was announced as sarif but is semgrep.")


def test_a_context_that_escapes_is_refused(upload: Callable[..., Any], acme: Organization) -> None:
    response = upload(context=context_of({"../outside.py": "x"}))

    assert (response.status_code, "no path inside" in response.json()["detail"]) == (400, True)
    assert scans_of(acme) == 0


@pytest.mark.parametrize("report", [b'{"results": ' + b"[" * 200_000, b'{"a": ' * 100_000], ids=["lists", "objects"])
def test_deep_nesting_is_refused(upload: Callable[..., Any], report: bytes) -> None:
    assert upload(report).status_code == 400


@pytest.mark.parametrize("branch", ["a\nb", "main\x7f", "\u202emain"])
def test_a_branch_that_cannot_be_printed_is_refused(upload: Callable[..., Any], branch: str) -> None:
    response = upload(branch=branch)

    assert (response.status_code, list(response.json()["errors"])) == (400, ["branch"])
