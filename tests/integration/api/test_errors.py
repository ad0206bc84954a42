"""Every refusal is problem details with `detail`, and with the names of the fields that are wrong; never a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

import findings.selectors
import findings.services

SCANS = "/api/v1/deployments/acme/scans"
FINDINGS = "/api/v1/deployments/acme/findings"


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/nothing",
        "/api/v2/deployments/acme/scans",
        "/api/",
        "/api/v1/deployments/acme/findings/abc",
        "/api/v1/deployments/acme%2F..%2Fumbrella/scans/1",
        f"{FINDINGS}/9223372036854775807",
        f"{FINDINGS}/9223372036854775808",
        f"{FINDINGS}/{'9' * 400}",
        f"{SCANS}/{'9' * 400}/",
    ],
)
def test_what_is_not_there_is_not_found_in_json(reader: Client, address: str) -> None:
    response = reader.get(address)

    assert response.status_code == 404
    assert response.json()["detail"]


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda client: client.get("/api/v1/nothing"), 404),
        (lambda client: client.get(f"{FINDINGS}/1"), 404),
        (lambda client: client.delete(f"{FINDINGS}?x=1"), 403),
        (lambda client: client.get(f"{FINDINGS}?severty=high"), 400),
        (lambda client: client.get(FINDINGS, headers={"authorization": "Bearer x"}), 401),
    ],
)
def test_every_refusal_has_one_shape(reader: Client, ask: Callable[[Client], Any], status: int) -> None:
    response = ask(reader)

    body = response.json()
    assert (response.status_code, body["status"]) == (status, status)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (body["type"], bool(body["title"]), bool(body["detail"])) == ("about:blank", True, True)


def test_the_protocol_of_semgreps_client_keeps_its_plain_json(client: Client) -> None:
    response = client.get("/api/agent/deployments/current")

    assert (response.headers["Content-Type"], list(response.json())) == ("application/json", ["detail"])


def test_a_parameter_that_is_not_there_is_refused_rather_than_ignored(reader: Client) -> None:
    errors = reader.get(f"{FINDINGS}?severty=high&status=open").json()["errors"]

    assert list(errors) == ["severty"]


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_a_method_that_is_not_offered_is_refused_in_json(reader: Client, method: str) -> None:
    response = getattr(reader, method)(f"{FINDINGS}/1")

    assert response.status_code in {403, 405}
    assert response.json()["detail"]


@pytest.mark.parametrize("override", ["x-http-method-override", "x-method-override", "x-http-method"])
def test_a_header_does_not_change_the_method(reader: Client, override: str) -> None:
    response = reader.get(f"{FINDINGS}/1", headers={override: "DELETE"})

    assert response.status_code == 404


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"report": "x"}', "application/json"),
        (b"<report/>", "application/xml"),
        (b"report=x", "application/x-www-form-urlencoded"),
        (b"x", "text/plain"),
        (b"x", "multipart/mixed; boundary=x"),
    ],
)
def test_a_body_of_another_kind_is_refused_in_json(ci: Client, body: bytes, content_type: str) -> None:
    response = ci.post(SCANS, data=body, content_type=content_type)

    assert response.status_code == 415
    assert response.json()["detail"]


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=" + "b" * 300, "multipart/form-data; boundary="],
)
def test_a_multipart_body_that_is_none_is_refused_in_json(ci: Client, content_type: str) -> None:
    response = ci.post(SCANS, data=b"--x--", content_type=content_type)

    assert response.status_code in {400, 415}
    assert response.json()["detail"]


def test_too_many_fields_are_refused_in_json(ci: Client) -> None:
    response = ci.post(SCANS, data={f"field{number}": "x" for number in range(2000)})

    assert response.status_code == 400
    assert response.json()["detail"]


def test_a_report_that_is_none_is_refused_in_words(ci: Client) -> None:
    response = ci.post(SCANS, data={"report": SimpleUploadedFile("report.json", b"hello")})

    assert response.status_code == 400
    assert response.json()["detail"]


@pytest.mark.parametrize(
    "fields",
    [
        {"project": "shop\0"},
        {"project": "a\nb"},
        {"project": "x" * 201},
        {"branch": "main\0"},
        {"branch": "b" * 256},
        {"commit": "HEAD"},
        {"pull_request_id": "../1"},
        {"is_full_scan": "perhaps"},
        {"format": "csv"},
    ],
)
def test_a_wrong_field_is_refused_by_its_name(ci: Client, fields: dict[str, str]) -> None:
    report = SimpleUploadedFile("report.json", b'{"version": "1", "results": [], "errors": [], "paths": {}}')

    response = ci.post(SCANS, data={"report": report, **fields})

    assert response.status_code == 400
    assert list(response.json()["errors"]) == list(fields)


def test_a_host_that_is_not_ours_is_refused_in_json(reader: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]

    response = reader.get(f"{FINDINGS}/1", headers={"host": "evil.example"})

    assert response.status_code == 400
    assert response.json()["detail"]


def test_a_defect_of_ours_is_told_in_json_and_gives_nothing_away(
    reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings.selectors, "visible_to", _failing)

    response = reader.get(f"{FINDINGS}/1")

    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert set(response.json()) == {"type", "title", "status", "detail"}
    assert "secret words" not in response.content.decode()


def test_a_defect_of_ours_is_not_told_where_it_is_not_ours(client: Client) -> None:
    response = client.get("/nothing-of-the-api")

    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get(f"{FINDINGS}/1"),
        lambda client: client.get("/api/nothing"),
        lambda client: client.post(SCANS, data=b"{}", content_type="application/json"),
        lambda client: client.get(f"{FINDINGS}/1", headers={"host": "evil.example"}),
    ],
)
def test_every_answer_carries_the_security_headers(
    reader: Client, settings: Settings, ask: Callable[[Client], HttpResponse]
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]

    headers = ask(reader).headers

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def _failing(*_: object) -> None:
    raise RuntimeError("secret words")
