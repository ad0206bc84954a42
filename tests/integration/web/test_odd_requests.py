"""Addresses and forms that no page of ours sends: refused or passed over, never a defect."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from findings.models import Finding, Note
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories

ODD = [
    "\0",
    "²",
    "٣",
    "-1",
    "0",
    "9" * 400,
    "1e9",
    "NaN",
    "%",
    "'",
    "\\",
    "\ud800",
    "a" * 10_000,
    "🔥",
    "1,2",
    "[]",
    "",
]
WORDS = [
    "after", "before", "status", "severity", "recommendation", "backlog", "fix", "risk", "component", "project", "rule",
    "ref", "scan", "counts", "q", "sort",
]  # fmt: skip
PAGES = ["findings/", "findings/filters/", "scans/", "projects/", "upload/"]


@pytest.fixture
def finding(acme: Organization) -> Finding:
    with acting_for(acme.pk):
        finding = factories.a_finding()
        factories.a_verdict(finding)
    return finding


@pytest.fixture
def signed_in(alice: User, acme: Organization) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("word", WORDS)
def test_an_odd_filter_is_no_defect(signed_in: Client, finding: Finding, page: str, word: str) -> None:
    answers = {odd[:20]: signed_in.get(f"/orgs/acme/{page}?{word}={_quoted(odd)}").status_code for odd in ODD}

    assert {odd: status for odd, status in answers.items() if status >= 500} == {}


@pytest.mark.parametrize("number", ["9" * 400, "9223372036854775808", "0"])
@pytest.mark.parametrize("page", ["findings", "scans", "projects", "model-calls"])
def test_an_id_that_no_row_has_is_not_found(signed_in: Client, page: str, number: str) -> None:
    assert signed_in.get(f"/orgs/acme/{page}/{number}/").status_code == 404


@pytest.mark.parametrize("slug", ["ACME", "acme%00", "acme%0a", "acme%2f", "acm%C3%A9", "-", "a" * 500])
def test_a_slug_that_no_organization_has_is_not_found(signed_in: Client, slug: str) -> None:
    assert signed_in.get(f"/orgs/{slug}/findings/").status_code == 404


@pytest.mark.parametrize("target", ["nonsense", "finding", "home", "a" * 5000, "\0", "../..", "?", "#", "%"])
def test_an_odd_place_to_go_back_to_is_no_defect(signed_in: Client, finding: Finding, target: str) -> None:
    response = signed_in.post(f"/orgs/acme/findings/{finding.pk}/notes/", {"text": "seen", "next": target})

    assert response.status_code == 302
    with acting_for(finding.organization_id):
        assert Note.objects.count() == 1


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\thttps://evil.example"],
)
def test_a_form_leads_back_to_us_only(signed_in: Client, finding: Finding, target: str) -> None:
    response = signed_in.post(f"/orgs/acme/findings/{finding.pk}/notes/", {"text": "seen", "next": target})

    assert response.headers["Location"] == f"/orgs/acme/findings/{finding.pk}/"


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    ("form", "field"),
    [
        ("notes", "text"), ("ignore", "reason"), ("ignore", "comment"), ("triage", "triage"), ("feedback", "agrees"),
        ("feedback", "reason"),
    ],
)  # fmt: skip
def test_an_odd_word_in_a_form_is_no_defect(
    signed_in: Client, finding: Finding, form: str, field: str, odd: str
) -> None:
    valid = {"agrees": "yes", "reason": "no_time" if form == "ignore" else "seen", "triage": "open", "text": "seen"}

    response = signed_in.post(
        f"/orgs/acme/findings/{finding.pk}/{form}/",
        "&".join(f"{name}={_quoted(value)}" for name, value in {**valid, field: odd}.items()),
        content_type="application/x-www-form-urlencoded",
    )

    assert response.status_code < 500
