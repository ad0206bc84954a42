from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

import findings.tasks
from events.models import Job
from findings.models import Analysis, Scan, ScanState
from orgs.models import Project
from tenancy.models import Organization
from tests import factories

ClientFor = Callable[[User], Client]

REPORT = {"version": "1.100.0", "results": [], "errors": [], "paths": {"scanned": ["app/orders.py"]}}


@pytest.fixture
def browser(in_acme: Organization, alice: User, client_for: ClientFor) -> Client:
    """Alice's."""
    return client_for(alice)


def upload(browser: Client, *, report: bytes = json.dumps(REPORT).encode(), **fields: str) -> Any:
    file = SimpleUploadedFile("report.json", report)
    return browser.post("/orgs/acme/upload/", {"report": file, "project": "shop", **fields})


def test_an_uploaded_report_becomes_a_scan_with_work_owed(browser: Client) -> None:
    response = upload(browser, branch="main", commit="4f1c0de2ab")

    scan = Scan.objects.get()
    assert response["Location"] == f"/orgs/acme/scans/{scan.pk}/"
    assert (scan.project.name, scan.branch, scan.commit, scan.is_full) == ("shop", "main", "4f1c0de2ab", True)
    assert [job.task for job in Job.objects.all()] == [findings.tasks.ingest_scan.name]


def test_a_scan_of_a_pull_request_is_diff_aware(browser: Client) -> None:
    upload(browser, pull_request_id="128")

    assert not Scan.objects.get().is_full


def test_the_same_report_twice_is_one_scan(browser: Client) -> None:
    first = upload(browser)
    second = upload(browser)

    assert first["Location"] == second["Location"]
    assert Scan.objects.count() == 1


@pytest.mark.parametrize("report", [b"<xml/>", b'{"what": "else"}', b"\x00\x01"])
def test_what_is_no_report_is_refused_in_words_and_makes_nothing(report: bytes, browser: Client) -> None:
    response = upload(browser, report=report)

    assert response.status_code == 422
    assert b'id="report-error"' in response.content
    assert not Scan.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"project": ""}, {"commit": "not a hash"}, {"pull_request_id": "PR 12"}, {"branch": "with space"}]
)
def test_a_wrong_field_is_named_and_makes_nothing(fields: dict[str, str], browser: Client) -> None:
    response = upload(browser, **fields)  # type: ignore[arg-type]  # no field is called report

    assert response.status_code == 422
    assert b"field-error" in response.content
    assert not Project.objects.exists()


def test_a_report_over_the_limit_is_refused_with_what_to_do(browser: Client, settings: Any) -> None:
    settings.MAX_REPORT_BYTES = 10

    response = upload(browser)

    assert response.status_code == 422
    assert b"MAX_REPORT_MEGABYTES" in response.content


def test_a_scan_shows_how_far_its_analysis_is(browser: Client) -> None:
    scan = factories.a_scan(new_count=2, found_count=2)
    for state in ("judged", "waiting"):
        Analysis.objects.create(scan=scan, finding=factories.a_finding(scan=scan), state=state)

    page = browser.get(f"/orgs/acme/scans/{scan.pk}/").content

    assert b"Analysed 1 of 2" in page
    assert b'hx-trigger="every 3s"' in page


def test_a_scan_that_is_done_asks_no_more(browser: Client) -> None:
    scan = factories.a_scan(state=ScanState.SETTLED)

    assert b"every 3s" not in browser.get(f"/orgs/acme/scans/{scan.pk}/").content


def test_a_failed_scan_says_why(browser: Client) -> None:
    scan = factories.a_scan(state=ScanState.FAILED, failure="The file ends in the middle of <results>.")

    page = browser.get(f"/orgs/acme/scans/{scan.pk}/").content

    assert b"ends in the middle of &lt;results&gt;" in page


def test_scans_are_listed_newest_first_page_by_page(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant_platform.web.scans.PAGE_SIZE", 2)
    made = [factories.a_scan() for _ in range(3)]

    first = browser.get("/orgs/acme/scans/").content.decode()
    older = browser.get(f"/orgs/acme/scans/?after={made[1].pk}").content.decode()

    assert first.index(f">#{made[2].pk}<") < first.index(f">#{made[1].pk}<")
    assert f">#{made[0].pk}<" not in first
    assert f">#{made[0].pk}<" in older


def test_a_project_shows_what_is_open_in_it(browser: Client) -> None:
    project = factories.a_project("billing")
    factories.a_finding(project=project, severity=4)
    factories.a_finding(project=project, severity=4, is_present=False)

    page = browser.get(f"/orgs/acme/projects/{project.pk}/").content.decode()

    assert f"?project={project.pk}&amp;severity=critical" in page
    assert "<strong>1</strong>" in page
