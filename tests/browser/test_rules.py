"""Changing what rules may do: tick, preview, confirm, undo; by keyboard and without JavaScript alike."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import rows
from tests.browser.conftest import Axe, OpenWindow
from tests.browser.test_every_page import PHONE

RULES = f"/orgs/{rows.DEMO}/rules/"


@pytest.mark.parametrize("has_javascript", [True, False], ids=["javascript", "none"])
def test_rules_are_ticked_previewed_changed_and_put_back(window: OpenWindow, axe: Axe, has_javascript: bool) -> None:
    page = window(rows.ADMIN, java_script_enabled=has_javascript)
    page.goto(f"{RULES}?mode=monitor")
    page.locator("input[name=rule]").first.focus()
    page.keyboard.press("Space")
    name = page.locator(".rules-table tbody tr").first.locator(".cell-rule a").inner_text()
    page.get_by_label("New mode").select_option("block")
    page.get_by_role("button", name="Preview the change").click()

    expect(page.get_by_role("heading", name="Set 1 rule to Block?")).to_be_visible()
    page.get_by_role("button", name="Set 1 to Block").click()
    expect(page.get_by_text("1 rule changed")).to_be_visible()
    expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back: 1 rule as before.")).to_be_visible()
    expect(page.get_by_role("link", name=name, exact=True)).to_have_count(1)


def test_the_preview_passes_axe_and_fits_in_both_themes_and_widths(window: OpenWindow, axe: Axe) -> None:
    page = window(rows.ALICE)
    page.goto(f"/orgs/{rows.ACME}/rules/")
    page.get_by_label("All 4 rules").check()
    page.get_by_label("New mode").select_option("block")
    page.get_by_role("button", name="Preview the change").click()
    expect(page.get_by_role("heading", name="to Block?")).to_be_visible()

    light = axe(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(PHONE)
    dark = axe(page, "color-contrast")

    assert (light, dark) == ([], [])
    assert page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth") == 0


def test_a_filter_is_answered_in_place_and_is_the_address(window: OpenWindow) -> None:
    page = window(rows.ADMIN)
    page.goto(RULES)
    page.get_by_label("Name begins with").fill("python.flask")
    page.get_by_label("Name begins with").press("Tab")

    expect(page.get_by_text("Name begins with: python.flask")).to_be_visible()
    expect(page).to_have_url(re.compile(r"q=python\.flask"))
    expect(page.locator(".rules-table tbody tr").first).to_contain_text("python.flask")
