from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

import orgs.selectors
from events.models import Event
from tenancy.models import Organization

ClientFor = Callable[[User], Client]

ADDRESS = "/orgs/acme/settings/deployment/"
SENT = {"is_enabled": "on", "fix_confidence": "high", "pull_request_cap": "25", "test_paths_decide": "on"}


@pytest.fixture
def browser(in_acme: Organization, alice: User, client_for: ClientFor) -> Client:
    """Alice's."""
    return client_for(alice)


def test_an_admin_saves_the_settings_and_the_log_names_them(browser: Client) -> None:
    browser.post(f"{ADDRESS}save/", SENT)

    saved = orgs.selectors.assistant_settings()
    assert (saved.fix_confidence, saved.pull_request_cap, saved.test_paths_decide) == ("high", 25, True)
    assert (saved.is_enabled, saved.auto_triage, saved.remediation) == (True, False, False)
    assert "pull_request_cap: 25" in Event.objects.get(kind="settings_changed").subject["changes"]


@pytest.mark.parametrize(
    "wrong", [{"fix_confidence": "huge"}, {"pull_request_cap": "-1"}, {"pull_request_cap": "many"}]
)
def test_a_wrong_value_saves_nothing(wrong: dict[str, str], browser: Client) -> None:
    response = browser.post(f"{ADDRESS}save/", {**SENT, **wrong})

    assert response.status_code == 422
    assert orgs.selectors.assistant_settings().pull_request_cap == 10


def test_without_a_platform_provider_the_page_says_that_built_in_answers(browser: Client, settings: Any) -> None:
    settings.OPENAI_API_KEY = ""

    page = browser.get(ADDRESS).content

    assert b"Built-in (no model) answers" in page
    assert b"OPENAI_API_KEY" in page


def test_a_platform_provider_answers_only_once_accepted(browser: Client, settings: Any) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_MODEL, settings.OPENAI_BASE_URL = "sk-test", "gpt-5-mini", ""

    before = browser.get(ADDRESS).content
    browser.post(f"{ADDRESS}consent/", {"consent": "give"})
    after = browser.get(ADDRESS).content
    browser.post(f"{ADDRESS}consent/", {"consent": "withdraw"})
    withdrawn = browser.get(ADDRESS).content

    assert b"Built-in (no model) answers" in before
    assert b"OpenAI (gpt-5-mini) answers" in after
    assert b"Accepted by <strong>alice@acme.example</strong>" in after
    assert b"Built-in (no model) answers" in withdrawn


def test_the_key_is_never_shown(browser: Client, settings: Any) -> None:
    settings.OPENAI_API_KEY = "sk-very-secret"

    assert b"sk-very-secret" not in browser.get(ADDRESS).content
