"""Choosing a provider by mouse and keyboard: fields follow the choice, and a refusal loses nothing that was typed."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import rows
from tests.browser.conftest import OpenWindow

NEW = f"/orgs/{rows.EMPTY}/settings/provider/new/"


@pytest.mark.parametrize("has_scripts", [True, False])
def test_fields_follow_the_choice(window: OpenWindow, has_scripts: bool) -> None:
    page = window(rows.ALICE, java_script_enabled=has_scripts)
    page.goto(NEW)

    page.get_by_label("OpenAI with your own key").press("ArrowDown")

    expect(page.get_by_label("Azure OpenAI", exact=True)).to_be_checked()
    expect(page.get_by_label("Target URI")).to_be_visible()
    expect(page.get_by_label("Region")).to_be_hidden()


def test_a_refusal_is_told_beside_its_field_and_the_key_need_not_be_typed_again(window: OpenWindow) -> None:
    page = window(rows.ALICE)
    page.goto(NEW)
    page.get_by_label("Azure OpenAI", exact=True).check()
    page.get_by_label("Target URI").fill("https://acme.openai.azure.com")
    key = page.locator("#id_azure_openai-key")
    key.fill("a-key-that-was-typed")

    page.get_by_role("button", name="Try and save").click()

    expect(page.locator("#id_azure_openai-target_uri_error")).to_contain_text("the deployment is missing")
    expect(key).to_have_value("a-key-that-was-typed")
    assert "a-key-that-was-typed" not in page.content()


def test_built_in_is_chosen_without_scripts(window: OpenWindow) -> None:
    page = window(rows.ALICE, java_script_enabled=False)
    page.goto(NEW)

    page.get_by_label("Built-in (no model)").check()
    page.get_by_role("button", name="Try and save").click()

    expect(page.get_by_text("Saved: Built-in (no model).")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("link", name="Choose a provider")).to_be_visible()
