"""The same work in a browser without JavaScript: links and forms carry it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser import rows
from tests.browser.conftest import OpenWindow
from tests.browser.site import Site

LIST = f"/orgs/{rows.DEMO}/findings/"


def without_javascript(window: OpenWindow, **options: Any) -> Page:
    return window(rows.MEMBER, java_script_enabled=False, **options)


def test_filters_are_sent_by_their_button(window: OpenWindow) -> None:
    page = without_javascript(window)
    page.goto(LIST)

    page.get_by_role("group", name="Assistant recommends").get_by_label("Ignore").check()
    page.get_by_role("button", name="Apply").click()

    expect(page).to_have_url(re.compile("recommendation=ignore"))
    expect(page.locator(".recommends-ignore").first).to_be_visible()
    expect(page.locator(".finding-row").filter(has_not=page.locator(".recommends-ignore"))).to_have_count(0)


def test_counts_are_there_for_the_asking(window: OpenWindow) -> None:
    page = without_javascript(window)
    page.goto(f"{LIST}?status=reviewing")

    page.get_by_role("link", name="Show counts").click()

    expect(page.locator(".filters-head")).to_contain_text("0 findings")


def test_the_list_has_pages(window: OpenWindow) -> None:
    page = without_javascript(window)
    page.goto(LIST)

    page.get_by_role("link", name="Next").click()
    page.get_by_role("link", name="Previous").click()

    expect(page.locator(".finding-row")).to_have_count(50)


def test_filters_and_menu_open_on_a_phone(window: OpenWindow) -> None:
    page = without_javascript(window, viewport={"width": 390, "height": 844})
    page.goto(LIST)

    page.get_by_role("button", name="Filters").click()
    page.get_by_role("group", name="Severity").get_by_label("High").check()
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("button", name="Open the menu").click()
    page.get_by_role("link", name="Scans").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Scans")


def test_agreeing_in_a_row_ignores_and_stays_on_the_list(window: OpenWindow, site: Site) -> None:
    finding = site.finding(recommendation="ignore")
    page = without_javascript(window)
    page.goto(f"{LIST}?recommendation=ignore")
    row = page.locator(f"#finding-{finding.pk}")

    row.get_by_role("button", name="Agree and ignore").click()

    expect(page).to_have_url(re.compile(r"\?recommendation=ignore$"))
    expect(page.get_by_role("status").filter(has_text="now ignored")).to_be_visible()
    expect(row).to_have_count(0)


def test_evidence_leads_to_its_line(window: OpenWindow, ids: dict[str, int]) -> None:
    page = without_javascript(window)
    page.goto(f"{LIST}{ids['likely_false']}/")

    page.locator(".evidence-link").first.click()

    expect(page.locator(".code-line:target")).to_be_in_viewport()


def test_a_finding_is_ignored_from_the_dialog(window: OpenWindow, site: Site) -> None:
    finding = site.finding(recommendation="unsure")
    page = without_javascript(window)
    page.goto(f"{LIST}{finding.pk}/")

    page.get_by_role("button", name="Ignore…").click()
    page.get_by_role("dialog").get_by_label("Duplicate").check()
    page.get_by_role("dialog").get_by_role("button", name="Ignore").click()

    expect(page.locator("#pills")).to_contain_text("Ignored: duplicate")


def test_an_analysis_is_asked_for_and_seen_after_reloading(window: OpenWindow, site: Site) -> None:
    finding = site.finding(recommendation="unsure")
    page = without_javascript(window)
    page.goto(f"{LIST}{finding.pk}/")

    page.get_by_role("button", name="Analyze again").click()
    expect(page.locator("#assistant")).to_contain_text("Waiting for its turn")
    site.work()
    page.reload()

    expect(page.locator("#assistant")).not_to_contain_text("Waiting for its turn")


def test_a_patch_is_downloaded(window: OpenWindow, ids: dict[str, int]) -> None:
    page = without_javascript(window)
    page.goto(f"{LIST}{ids['verified']}/")

    with page.expect_download() as download:
        page.get_by_role("link", name="Download patch").click()

    assert Path(download.value.path()).read_text().startswith("diff --git a/")


def test_buttons_that_need_javascript_are_not_offered(window: OpenWindow, ids: dict[str, int]) -> None:
    page = without_javascript(window)

    page.goto(f"{LIST}{ids['verified']}/")

    expect(page.get_by_role("button", name="Copy patch")).to_be_hidden()
    expect(page.get_by_role("button", name="Switch between light and dark")).to_be_hidden()


def test_a_report_is_uploaded_and_what_comes_of_it_is_seen_after_reloading(
    window: OpenWindow, site: Site, report: Path
) -> None:
    page = without_javascript(window)
    page.goto(f"/orgs/{rows.DEMO}/upload/")

    page.get_by_label("Report", exact=True).set_input_files(report)
    page.get_by_label("Project").fill("without-javascript")
    page.get_by_role("button", name="Upload").click()
    site.work()
    page.reload()

    expect(page.get_by_text("1 reported: 1 new, 0 fixed")).to_be_visible()
