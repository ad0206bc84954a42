"""A token's value is shown once: not by Back, not by Reload, not without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect

from tests.browser import rows
from tests.browser.conftest import OpenWindow


def test_a_token_is_copied_once_and_back_does_not_show_it_again(window: OpenWindow) -> None:
    page = window(rows.ALICE, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/orgs/{rows.EMPTY}/settings/tokens/")
    page.get_by_label("Name").fill("nightly")
    page.get_by_label("Hand in scans").check()
    page.get_by_role("button", name="Make the token").click()
    value = page.locator("#token-value").inner_text()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")

    page.get_by_role("link", name="I have it").click()
    expect(page.get_by_role("heading", name="API tokens")).to_be_visible()
    shown_in_the_list = value in page.content()
    # The browser kept no copy of that page; it asks whether to send the form again instead, which makes no token.
    with pytest.raises(PlaywrightError, match="ERR_CACHE_MISS"):
        page.go_back()

    assert copied == value
    assert not shown_in_the_list
    expect(page.get_by_text(value)).to_have_count(0)  # waits for whichever page the browser shows instead
