"""The Assistant's settings, for those who may change them and those who may not."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser import rows
from tests.browser.conftest import OpenWindow


def test_an_admin_switches_something_and_sees_it_saved(window: OpenWindow) -> None:
    page = window(rows.ALICE)
    page.goto(f"/orgs/{rows.EMPTY}/settings/deployment/")
    switch = page.get_by_label("Remediation")
    expect(switch).to_be_checked()

    switch.uncheck()
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    expect(switch).not_to_be_checked()
    page.reload()
    expect(switch).not_to_be_checked()


def test_a_member_sees_no_settings_and_is_told_who_changes_them(window: OpenWindow) -> None:
    page = window(rows.MEMBER, expects=(403,))

    page.goto(f"/orgs/{rows.DEMO}/settings/deployment/")

    expect(page.get_by_text("These roles may: Admin.")).to_be_visible()
    expect(page.get_by_role("link", name="Settings")).to_have_count(0)


def test_a_number_out_of_bounds_is_refused(window: OpenWindow) -> None:
    page = window(rows.ALICE, expects=(422,))
    page.goto(f"/orgs/{rows.EMPTY}/settings/deployment/")
    field = page.get_by_label("Findings analysed for one pull request")

    field.evaluate("field => field.removeAttribute('max')")
    field.fill("501")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("alert")).to_contain_text("500")
