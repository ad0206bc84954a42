"""Handing in a scan on the upload page."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser import rows
from tests.browser.conftest import OpenWindow
from tests.browser.site import Site

UPLOAD = f"/orgs/{rows.DEMO}/upload/"


def test_a_chosen_report_becomes_a_scan_that_is_seen_being_read(window: OpenWindow, site: Site, report: Path) -> None:
    page = window(rows.MEMBER)
    page.clock.install()
    page.goto(UPLOAD)

    page.get_by_label("Report", exact=True).set_input_files(report)
    expect(page.locator("[data-drop-name]")).to_have_text("report.json")
    page.get_by_label("Project").fill("chosen")
    page.get_by_label("Branch").fill("main")
    page.get_by_role("button", name="Upload").click()
    expect(page).to_have_url(re.compile(r"/scans/\d+/$"))
    expect(page.get_by_role("status").filter(has_text="it is read next")).to_be_visible()
    site.work()
    page.clock.fast_forward("00:10")

    expect(page.get_by_text("1 reported: 1 new, 0 fixed")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("New findings"))).to_be_visible()


def test_a_dropped_report_is_taken(window: OpenWindow, site: Site, report: Path) -> None:
    page = window(rows.MEMBER)
    page.goto(UPLOAD)
    carried = page.evaluate_handle(
        """text => {
            const carried = new DataTransfer();
            carried.items.add(new File([text], "dropped.json", { type: "application/json" }));
            return carried;
        }""",
        report.read_text(),
    )

    page.dispatch_event("[data-drop-for]", "drop", {"dataTransfer": carried})
    expect(page.locator("[data-drop-name]")).to_have_text("dropped.json")
    page.get_by_label("Project").fill("dropped")
    page.get_by_role("button", name="Upload").click()
    site.work()
    page.reload()

    expect(page.get_by_text("1 reported: 1 new, 0 fixed")).to_be_visible()


def test_a_file_that_is_no_report_is_refused_in_words(window: OpenWindow, tmp_path: Path) -> None:
    letter = tmp_path / "letter.json"
    letter.write_text("Dear scanner,")
    page = window(rows.MEMBER, expects=(422,))
    page.goto(UPLOAD)

    page.get_by_label("Report", exact=True).set_input_files(letter)
    page.get_by_label("Project").fill("refused")
    page.get_by_role("button", name="Upload").click()

    expect(page.locator("#report-error")).to_contain_text("JSON")
    expect(page.get_by_label("Project")).to_have_value("refused")


def test_a_report_that_breaks_off_is_refused_in_words(window: OpenWindow, report: Path) -> None:
    report.write_text(report.read_text()[:-60])
    page = window(rows.MEMBER, expects=(422,))
    page.goto(UPLOAD)

    page.get_by_label("Report", exact=True).set_input_files(report)
    page.get_by_label("Project").fill("broken-off")
    page.get_by_role("button", name="Upload").click()

    expect(page.locator("#report-error")).to_contain_text("The report is cut off")


def test_affected_files_that_are_no_archive_are_refused_where_they_were_chosen(
    window: OpenWindow, report: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "context.zip"
    archive.write_text("This only has the name of one.")
    page = window(rows.MEMBER, expects=(422,))
    page.goto(UPLOAD)

    page.get_by_label("Report", exact=True).set_input_files(report)
    page.get_by_label("Project").fill("no-archive")
    page.get_by_label("Affected files").set_input_files(archive)
    page.get_by_role("button", name="Upload").click()

    field = page.locator(".field", has=page.get_by_label("Affected files")).last
    expect(field.get_by_role("alert")).to_contain_text("Send a ZIP")
