"""Working without a mouse: everything is reached by Tab, and one sees where one is."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page, ViewportSize, expect

from tests.browser import rows
from tests.browser.conftest import OpenWindow

FINDINGS = f"/orgs/{rows.DEMO}/findings/"
MOST_STOPS = 120
FOCUSED = """() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const name = element.getAttribute("aria-label") || element.labels?.[0]?.innerText || element.innerText || "";
    const isSeen = style.outlineStyle !== "none" && style.outlineWidth !== "0px" || style.boxShadow !== "none";
    return { tag: element.tagName, name: name.trim().split("\\n")[0], isSeen };
}"""


@dataclass(frozen=True)
class Stop:
    """An element that Tab came to."""

    tag: str
    name: str
    is_seen: bool


def stops(page: Page) -> list[Stop]:
    """Press Tab from the top of the page to its end, and return where it stopped."""
    found: list[Stop] = []
    while len(found) < MOST_STOPS:
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["tag"] == "BODY":
            break
        found.append(Stop(focused["tag"], focused["name"], focused["isSeen"]))
    return found


def test_the_skip_link_leads_past_the_menu(window: OpenWindow) -> None:
    page = window(rows.ADMIN)
    page.goto(FINDINGS)

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")

    expect(page.locator("#main")).to_be_focused()


def test_every_action_on_a_finding_is_reached(window: OpenWindow, ids: dict[str, int]) -> None:
    page = window(rows.MEMBER)
    page.goto(f"{FINDINGS}{ids['verified']}/")

    names = {stop.name for stop in stops(page)}

    assert names >= {
        "Analyze again", "Mark as reviewing", "Mark as to fix", "Ignore…", "Agree", "Disagree", "Copy patch",
        "Download patch", "New note", "Write note", "How was this decided?", "Switch between light and dark",
    }  # fmt: skip


def test_every_action_on_the_list_is_reached(window: OpenWindow) -> None:
    page = window(rows.MEMBER)
    page.goto(f"{FINDINGS}?recommendation=ignore")
    expect(page.locator("[hx-trigger=load]")).to_have_count(0)

    names = {stop.name for stop in stops(page)}

    assert names >= {"Severity", "High", "Apply", "Clear", "Upload a scan", "Agree and ignore", "Disagree", "Clear all"}
    assert page.locator(".cell-finding a").first.inner_text() in names


def test_one_sees_where_one_is(window: OpenWindow, ids: dict[str, int]) -> None:
    page = window(rows.MEMBER)
    page.goto(f"{FINDINGS}{ids['verified']}/")

    assert [stop for stop in stops(page) if not stop.is_seen] == []


def test_the_menu_of_a_phone_opens_and_closes_and_gives_the_focus_back(window: OpenWindow) -> None:
    page = window(rows.ADMIN, viewport=ViewportSize(width=390, height=844))
    page.goto(FINDINGS)
    button = page.get_by_role("button", name="Open the menu")
    button.focus()

    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(button).to_be_focused()


def test_the_ignore_dialog_is_filled_in_by_keyboard(window: OpenWindow, ids: dict[str, int]) -> None:
    page = window(rows.MEMBER)
    page.goto(f"{FINDINGS}{ids['unsure']}/")
    page.get_by_role("button", name="Ignore…").focus()

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")

    expect(page.get_by_role("dialog").get_by_role("radio", name="Acceptable risk")).to_be_checked()


def test_a_menu_of_the_header_closes_by_escape_and_by_a_click_elsewhere(window: OpenWindow) -> None:
    page = window(rows.ADMIN)
    page.goto(FINDINGS)
    sign_out = page.get_by_role("button", name="Sign out")

    page.locator("summary").filter(has_text="Your account").click()
    expect(sign_out).to_be_visible()
    page.keyboard.press("Escape")
    expect(sign_out).to_be_hidden()
    page.locator("summary").filter(has_text="Your account").click()
    page.get_by_role("heading", level=1).click()

    expect(sign_out).to_be_hidden()
