"""The findings list in a browser: filtering, going back, paging, and answering from a row."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser import rows
from tests.browser.conftest import OpenWindow
from tests.browser.site import Site

LIST = f"/orgs/{rows.DEMO}/findings/"


def open_list(page: Page) -> None:
    """Open the list and wait for the counts, which come after it and bring the filters anew."""
    page.goto(LIST)
    expect(page.locator(".facet-count").first).to_be_attached()


def rows_of(page: Page) -> list[str]:
    return list(page.locator(".finding-row").evaluate_all("found => found.map(row => row.id)"))


def test_a_recommendation_filters_and_is_in_the_address(window: OpenWindow) -> None:
    page = window(rows.ADMIN)
    open_list(page)

    page.get_by_role("group", name="Assistant recommends").get_by_label("Fix").check()

    expect(page).to_have_url(re.compile(r"\?recommendation=fix$"))
    expect(page.locator(".finding-row").filter(has_not=page.locator(".recommends-fix"))).to_have_count(0)
    expect(page.locator(".recommends-fix").first).to_be_visible()


def test_filters_add_up_and_each_can_be_taken_away(window: OpenWindow) -> None:
    page = window(rows.ADMIN)
    page.goto(f"{LIST}?recommendation=fix")

    page.get_by_role("group", name="Severity").get_by_label("High").check()
    expect(page).to_have_url(re.compile(r"recommendation=fix&severity=high$"))
    expect(page.locator(".finding-row").filter(has_not=page.locator(".severity-3"))).to_have_count(0)
    page.get_by_role("link", name="Assistant recommends: Fix").click()

    expect(page).to_have_url(re.compile(r"\?severity=high$"))
    expect(page.locator(".recommends-unsure").first).to_be_visible()


def test_a_component_filters_and_shows_how_many_it_has(window: OpenWindow) -> None:
    page = window(rows.ADMIN)
    open_list(page)
    page.get_by_text("Component", exact=True).first.click()
    group = page.get_by_role("group", name="Component", exact=True)
    option = group.locator(".facet-option").first
    label, count = option.locator(".facet-label").inner_text(), option.locator(".facet-count").inner_text()

    option.get_by_role("checkbox").check()

    expect(page.locator(".chip")).to_contain_text([f"Component: {label}"])
    expect(page.locator(".finding-row")).to_have_count(int(count))


def test_back_undoes_a_filter(window: OpenWindow) -> None:
    page = window(rows.ADMIN)
    open_list(page)
    everything = rows_of(page)
    page.get_by_role("group", name="Severity").get_by_label("Low").check()
    expect(page).to_have_url(re.compile("severity=low"))

    page.go_back()

    expect(page).to_have_url(re.compile(r"/findings/$"))
    expect(page.locator(".chip")).to_have_count(0)
    expect(page.get_by_role("group", name="Severity").get_by_label("Low")).not_to_be_checked()
    assert rows_of(page) == everything


def test_the_second_page_shows_the_rest_and_leads_back(window: OpenWindow) -> None:
    page = window(rows.ADMIN)
    open_list(page)
    first = rows_of(page)

    page.get_by_role("link", name="Next").click()
    page.wait_for_url(re.compile("after="))
    second = rows_of(page)
    page.get_by_role("link", name="Previous").click()
    page.wait_for_url(re.compile("before="))

    assert second
    assert not set(first) & set(second)
    assert rows_of(page) == first


def test_a_page_of_a_filter_stays_in_the_filter(window: OpenWindow) -> None:
    page = window(rows.ADMIN)
    page.goto(f"{LIST}?backlog=production")

    page.get_by_role("link", name="Next").click()

    expect(page).to_have_url(re.compile(r"\?backlog=production&after="))
    expect(page.locator(".chip")).to_have_text([re.compile("Production")])


def test_nothing_matching_says_how_to_get_out(window: OpenWindow) -> None:
    page = window(rows.ADMIN)
    page.goto(f"{LIST}?backlog=pre_production")

    expect(page.get_by_role("heading", name="Nothing matches these filters")).to_be_visible()
    page.get_by_role("link", name="clear all of them").click()

    expect(page.locator(".finding-row").first).to_be_visible()


def test_agreeing_in_a_row_ignores_and_says_so_in_its_place(window: OpenWindow, site: Site) -> None:
    finding = site.finding(recommendation="ignore")
    page = window(rows.MEMBER)
    page.goto(f"{LIST}?recommendation=ignore")
    row = page.locator(f"#finding-{finding.pk}")

    row.get_by_role("button", name="Agree and ignore").click()

    expect(row).to_contain_text("Agreed, now ignored")
    expect(row.locator(".cell-status")).to_have_text("Ignored")
    page.reload()
    expect(row).to_have_count(0)


def test_disagreeing_in_a_row_leaves_it_open(window: OpenWindow, site: Site) -> None:
    finding = site.finding(recommendation="ignore")
    page = window(rows.MEMBER)
    page.goto(f"{LIST}?recommendation=ignore")
    row = page.locator(f"#finding-{finding.pk}")

    row.get_by_role("button", name="Disagree").click()

    expect(row).to_contain_text("Disagreed, stays open")
    page.reload()
    expect(row.locator(".cell-status")).to_have_text("Open")


def test_a_reader_is_not_asked_to_agree(window: OpenWindow) -> None:
    page = window(rows.READER)

    page.goto(f"{LIST}?recommendation=ignore")

    expect(page.locator(".recommends-ignore").first).to_be_visible()
    expect(page.get_by_role("button", name="Agree and ignore")).to_have_count(0)


def test_the_filters_open_over_the_list_on_a_phone(window: OpenWindow) -> None:
    page = window(rows.ADMIN, viewport={"width": 390, "height": 844})
    open_list(page)
    page.get_by_role("button", name="Filters").click()

    page.get_by_role("group", name="Severity").get_by_label("High").check()

    expect(page).to_have_url(re.compile("severity=high"))
    expect(page.locator(".finding-row").filter(has_not=page.locator(".severity-3"))).to_have_count(0)
