"""What a newcomer does after `make run`: sign in and look around."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser import rows
from tests.browser.conftest import OpenWindow


def test_signing_in_leads_to_the_dashboard_and_from_there_to_judged_findings(window: OpenWindow) -> None:
    page = window()
    page.goto("/")

    page.get_by_label("E-mail address").fill(rows.ADMIN)
    page.get_by_label("Password").fill(rows.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page).to_have_url(re.compile(rf"/orgs/{rows.DEMO}/dashboard/$"))
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Findings").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Findings")
    expect(page.locator(".finding-row")).to_have_count(50)
    expect(page.locator(".recommends-fix").first).to_be_visible()


def test_a_wrong_password_is_told(window: OpenWindow) -> None:
    page = window()
    page.goto("/accounts/login/")

    page.get_by_label("E-mail address").fill(rows.ADMIN)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("not correct")
