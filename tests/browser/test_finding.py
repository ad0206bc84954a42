"""A finding's page in a browser: evidence, fix, and what people decide there."""

from __future__ import annotations

import subprocess
from pathlib import Path

from playwright.sync_api import expect

from findings.models import Finding
from tests.browser import rows
from tests.browser.conftest import OpenWindow
from tests.browser.site import Site


def address(finding: Finding) -> str:
    return f"/orgs/{rows.DEMO}/findings/{finding.pk}/"


def test_a_row_leads_to_the_finding(window: OpenWindow) -> None:
    page = window(rows.ADMIN)
    page.goto(f"/orgs/{rows.DEMO}/findings/?recommendation=fix")
    link = page.locator(".cell-finding a").first
    name = link.inner_text()

    link.click()

    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator(".verdict-true_positive")).to_be_visible()
    expect(page.locator(".code-line.is-match").first).to_be_visible()


def test_evidence_leads_to_its_lines_and_lights_them(window: OpenWindow, ids: dict[str, int]) -> None:
    page = window(rows.ALICE)
    page.goto(f"/orgs/{rows.ACME}/findings/{ids['by_model']}/")

    page.locator(".evidence-link").nth(1).click()

    expect(page.locator(".code-line.is-pointed .code-number")).to_have_text(["9", "10", "11"])
    expect(page.locator(".code-line.is-pointed").first).to_be_in_viewport()


def test_evidence_of_the_demo_leads_to_lines_that_are_shown(window: OpenWindow, ids: dict[str, int]) -> None:
    page = window(rows.ADMIN)
    page.goto(f"/orgs/{rows.DEMO}/findings/{ids['likely_false']}/")
    link = page.locator(".evidence-link").first
    quote = page.locator(".quote").first.inner_text().splitlines()[0].strip()

    link.click()

    expect(page.locator(".code-line:target")).to_contain_text(quote)
    expect(page.locator(".code-line:target")).to_be_in_viewport()


def test_a_verified_fix_shows_every_check_as_passed(window: OpenWindow, ids: dict[str, int]) -> None:
    page = window(rows.ADMIN)

    page.goto(f"/orgs/{rows.DEMO}/findings/{ids['verified']}/")

    expect(page.locator("#fix .fix-verified")).to_have_text("Verified")
    expect(page.locator(".gates li")).to_have_count(6)
    expect(page.locator(".gates .gate-word")).to_have_text(["Passed"] * 6)


def test_a_copied_patch_is_one_that_git_applies(window: OpenWindow, ids: dict[str, int], shop: Path) -> None:
    page = window(rows.ADMIN, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/orgs/{rows.DEMO}/findings/{ids['verified']}/")

    page.get_by_role("button", name="Copy patch").click()
    expect(page.get_by_role("status").filter(has_text="Patch copied")).to_be_visible()
    patch = page.evaluate("navigator.clipboard.readText()")

    checked = subprocess.run(
        ["git", "apply", "--check", "-"], cwd=shop, input=patch, text=True, capture_output=True, check=False
    )
    assert checked.stderr == ""
    assert checked.returncode == 0


def test_a_downloaded_patch_is_the_same(window: OpenWindow, ids: dict[str, int], shop: Path) -> None:
    page = window(rows.ADMIN)
    page.goto(f"/orgs/{rows.DEMO}/findings/{ids['verified']}/")

    with page.expect_download() as download:
        page.get_by_role("link", name="Download patch").click()

    assert download.value.suggested_filename == f"finding-{ids['verified']}.patch"
    subprocess.run(["git", "apply", "--check", download.value.path()], cwd=shop, check=True)


def test_agreeing_with_a_false_positive_ignores_it_and_says_who(window: OpenWindow, site: Site) -> None:
    finding = site.finding(recommendation="ignore")
    page = window(rows.MEMBER)
    page.goto(address(finding))

    page.get_by_role("button", name="Agree and ignore").click()

    expect(page.locator("#pills")).to_contain_text("Ignored: false positive")
    expect(page.locator("#timeline")).to_contain_text(f"{rows.MEMBER} agreed with the Assistant")
    expect(page.locator("#timeline")).to_contain_text(f"{rows.MEMBER} ignored this: false positive")
    page.goto(f"/orgs/{rows.DEMO}/findings/?recommendation=ignore")
    expect(page.locator(f"#finding-{finding.pk}")).to_have_count(0)


def test_disagreeing_keeps_it_open_with_the_reason(window: OpenWindow, site: Site) -> None:
    finding = site.finding(recommendation="ignore")
    page = window(rows.MEMBER)
    page.goto(address(finding))

    page.locator("#assistant").get_by_text("Say why").click()
    page.get_by_role("textbox", name="Reason").fill("The partner chooses this value.")
    page.get_by_role("button", name="Disagree").click()

    expect(page.locator("#pills")).to_contain_text("Open")
    expect(page.locator("#assistant")).to_contain_text("You disagreed")
    expect(page.locator("#assistant")).to_contain_text("The partner chooses this value.")


def test_agreeing_with_a_true_positive_never_ignores(window: OpenWindow, site: Site) -> None:
    finding = site.finding(recommendation="fix")
    page = window(rows.MEMBER)
    page.goto(address(finding))

    page.get_by_role("button", name="Agree", exact=True).click()

    expect(page.locator("#assistant")).to_contain_text("You agreed")
    expect(page.locator("#pills")).to_contain_text("Open")


def test_ignoring_takes_a_reason_and_a_comment_and_is_undone_by_reopening(window: OpenWindow, site: Site) -> None:
    finding = site.finding(recommendation="unsure")
    page = window(rows.MEMBER)
    page.goto(address(finding))

    page.get_by_role("button", name="Ignore…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Acceptable risk").check()
    dialog.get_by_label("Comment").fill("Only reachable from the office network.")
    dialog.get_by_role("button", name="Ignore").click()

    expect(page.locator("#pills")).to_contain_text("Ignored: acceptable risk")
    expect(page.locator(".activity")).to_contain_text("Only reachable from the office network.")
    page.get_by_role("button", name="Reopen").click()
    expect(page.locator("#pills")).to_contain_text("Open")


def test_the_ignore_dialog_is_left_by_escape_without_ignoring(window: OpenWindow, ids: dict[str, int]) -> None:
    page = window(rows.MEMBER)
    page.goto(f"/orgs/{rows.DEMO}/findings/{ids['unsure']}/")
    page.get_by_role("button", name="Ignore…").click()
    expect(page.get_by_role("dialog")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#pills")).to_contain_text("Open")


def test_analyzing_again_waits_and_then_shows_the_answer_by_itself(window: OpenWindow, site: Site) -> None:
    finding = site.finding(recommendation="unsure")
    page = window(rows.MEMBER)
    page.clock.install()
    page.goto(address(finding))

    page.get_by_role("button", name="Analyze again").click()
    expect(page.locator("#assistant")).to_contain_text("Waiting for its turn")
    site.work()
    page.clock.fast_forward("00:10")

    expect(page.locator("#assistant")).not_to_contain_text("Waiting for its turn")
    expect(page.locator("#timeline")).to_contain_text(f"{rows.MEMBER} asked for an analysis")


def test_a_finding_left_out_says_why_and_is_analysed_on_demand(window: OpenWindow, site: Site) -> None:
    finding = site.finding(recommendation="")
    page = window(rows.MEMBER)
    page.goto(address(finding))
    expect(page.locator("#assistant")).to_contain_text("Not analysed:")

    page.locator("#assistant").get_by_role("button", name="Analyze").click()
    site.work()
    page.reload()

    expect(page.locator("#assistant .verdict-line")).to_be_visible()


def test_a_note_is_shown_as_text_with_its_author(window: OpenWindow, site: Site) -> None:
    finding = site.finding(recommendation="unsure")
    page = window(rows.MEMBER)
    page.goto(address(finding))

    page.get_by_label("New note").fill("Asked the <b>payments</b> team.\nThey look at it on Monday.")
    page.get_by_role("button", name="Write note").click()

    expect(page.locator("#timeline")).to_contain_text(f"{rows.MEMBER} wrote a note")
    expect(page.locator("#timeline .note")).to_contain_text("Asked the <b>payments</b> team.")


def test_text_from_outside_never_becomes_part_of_the_page(window: OpenWindow, ids: dict[str, int]) -> None:
    page = window(rows.ALICE)

    page.goto(f"/orgs/{rows.ACME}/findings/{ids['by_model']}/")

    expect(page.locator("main script")).to_have_count(0)
    expect(page.locator("#assistant")).to_contain_text("<script>alert(1)</script>")
    expect(page.locator("#code")).to_contain_text("<script>document.title")


def test_how_it_was_decided_leads_an_admin_to_prompt_and_answer(window: OpenWindow, ids: dict[str, int]) -> None:
    page = window(rows.ALICE)
    page.goto(f"/orgs/{rows.ACME}/findings/{ids['by_model']}/")

    page.get_by_text("How was this decided?").click()
    page.get_by_role("link", name="See prompt and answer").first.click()

    expect(page.get_by_role("heading", name="What was asked")).to_be_visible()
    expect(page.get_by_label("Answer", exact=True)).to_contain_text("true_positive")
