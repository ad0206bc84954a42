"""The settings of an organization and of a project: by mouse, by keyboard, and refused."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from tests.browser import rows
from tests.browser.conftest import Axe, OpenWindow

DEPLOYMENT = f"/orgs/{rows.EMPTY}/settings/deployment/"


def opened(window: OpenWindow, *, expects: tuple[int, ...] = ()) -> Page:
    page = window(rows.ALICE, expects=expects)
    page.goto(DEPLOYMENT)
    return page


def test_a_switch_is_saved_at_once_and_says_so(window: OpenWindow) -> None:
    page = opened(window)
    switch = page.get_by_label("Analyse every severity in full scans")

    switch.check()

    said = "Saved. Analyse every severity in full scans: on."
    expect(page.get_by_role("status").filter(has_text=said)).to_be_visible()
    expect(page.locator("#setting-analyses_all_severities .setting-saved")).to_be_visible()
    page.reload()
    expect(switch).to_be_checked()


def test_what_goes_with_a_switch_appears_and_vanishes_with_it_by_keyboard(window: OpenWindow, axe: Axe) -> None:
    page = opened(window)
    switch = page.get_by_label("Noise filter for Code PR/MR comments")
    choices = page.get_by_role("group", name="On a likely false positive")
    expect(choices).to_have_count(0)

    switch.focus()
    page.keyboard.press("Space")
    expect(choices).to_be_visible()
    expect(switch).to_be_focused()
    appeared = axe(page)
    # Next are the link that explains the switch, and the chosen one of the choices.
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(choices.get_by_label("Don't leave a PR/MR comment")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#setting-noise_filter_mode .setting-saved")).to_be_visible()
    expect(choices.get_by_label("Include a notification in the PR/MR comment")).to_be_focused()
    switch.focus()
    page.keyboard.press("Space")

    expect(choices).to_have_count(0)
    expect(switch).to_be_focused()
    assert appeared == []


def test_a_number_out_of_bounds_goes_back_and_says_why(window: OpenWindow) -> None:
    page = opened(window, expects=(422,))
    field = page.get_by_label("Findings analysed for one pull request")
    field.evaluate("field => field.removeAttribute('max')")

    field.fill("501")
    field.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("from 0 to 500")
    expect(field).to_have_value("10")


def test_a_switch_goes_back_when_the_server_is_not_reached(window: OpenWindow) -> None:
    page = opened(window, expects=(503,))
    switch = page.get_by_label("Weekly priority emails")

    def cut(route: Route) -> None:
        route.fulfill(status=503)

    page.route("**/settings/deployment/save/", cut)
    switch.click()

    expect(page.get_by_role("status").filter(has_text="That did not work (503)")).to_be_visible()
    expect(switch).to_be_checked()


def test_a_cwe_is_added_and_taken_out(window: OpenWindow, axe: Axe) -> None:
    page = opened(window)
    entries = page.get_by_role("group", name="Weaknesses to be careful with").get_by_role("listitem")

    page.get_by_label("Add a CWE").fill("79")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(entries.filter(has_text="CWE-79")).to_be_visible()
    changed = axe(page)
    page.get_by_role("button", name="Restore the preset").click()

    expect(entries).to_have_count(5)
    assert changed == []


def test_a_project_differs_and_goes_back(window: OpenWindow, ids: dict[str, int], axe: Axe) -> None:
    page = window(rows.ADMIN)
    page.goto(f"/orgs/{rows.DEMO}/projects/{ids['copperleaf_project']}/")
    page.get_by_role("link", name="Settings", exact=True).last.click()

    page.get_by_label("PR/MR comments", exact=True).select_option("off")
    expect(page.get_by_text("Set for this project")).to_be_visible()
    changed = axe(page)
    page.get_by_role("button", name="Reset to organization for PR/MR comments").click()

    expect(page.get_by_text("Set for this project")).to_have_count(0)
    expect(page.get_by_label("PR/MR comments", exact=True)).to_have_value("")
    expect(page.get_by_label("PR/MR comments", exact=True)).to_be_focused()
    assert changed == []


def test_without_javascript_each_setting_has_its_button(window: OpenWindow) -> None:
    page = window(rows.ALICE, java_script_enabled=False)
    page.goto(DEPLOYMENT)

    page.get_by_label("Customize with memories").uncheck()
    page.get_by_role("button", name="Save Customize with memories").click()

    expect(page.get_by_text("Saved: Customize with memories.")).to_be_visible()
    expect(page.get_by_label("Customize with memories")).not_to_be_checked()


def test_a_member_sees_no_settings_but_memories_and_is_told_who_changes_them(window: OpenWindow) -> None:
    page = window(rows.MEMBER, expects=(403,))

    page.goto(f"/orgs/{rows.DEMO}/settings/deployment/")

    expect(page.get_by_text("These roles may: Admin.")).to_be_visible()
    expect(page.get_by_role("link", name="Settings")).to_have_attribute("href", re.compile("/memories/$"))
