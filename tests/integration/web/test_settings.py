"""Settings > Deployment and Project > Settings: each change by itself, with or without htmx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

import orgs.selectors
import orgs.services
from assistant_platform.web.rendering.manual import manual_page
from events.kinds import SYSTEM
from events.models import Event
from orgs.models import CAREFUL_CWES, AssistantSettings, Project
from orgs.settings.catalogue import PER_PROJECT, SETTINGS
from tenancy.models import Organization
from tests import factories

ClientFor = Callable[[User], Client]

ADDRESS = "/orgs/acme/settings/deployment/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(in_acme: Organization, alice: User, client_for: ClientFor) -> Client:
    """Alice's."""
    return client_for(alice)


@pytest.fixture
def shop(in_acme: Organization) -> Project:
    return factories.a_project("shop")


def save(browser: Client, setting: str, headers: dict[str, str] | None = None, **sent: str) -> Any:
    return browser.post(f"{ADDRESS}save/", {"setting": setting, **sent}, headers=headers)


def save_of(browser: Client, project: Project, setting: str, headers: dict[str, str] | None = None, **sent: str) -> Any:
    address = f"/orgs/acme/projects/{project.pk}/settings/save/"
    return browser.post(address, {"setting": setting, **sent}, headers=headers)


# --- The organization -------------------------------------------------------------------------------------------------


def test_a_switch_is_saved_by_itself_and_answers_with_its_row(browser: Client) -> None:
    response = save(browser, "auto_triage", HTMX)

    saved = orgs.selectors.settings_of_organization()
    assert (saved.auto_triage, saved.remediation, saved.is_enabled) == (False, True, True)
    assert b'id="setting-auto_triage"' in response.content
    assert b"<html" not in response.content
    assert "Saved. Auto-triage for Code: off." in response["HX-Trigger"]
    assert Event.objects.get(kind="settings_changed").subject == {"changes": "auto_triage: on → off"}


def test_what_goes_with_a_switch_comes_and_goes_with_it(browser: Client) -> None:
    switched_off = save(browser, "auto_triage", HTMX).content
    switched_on = save(browser, "auto_triage", HTMX, value="on").content

    assert b"setting-auto_triage_in_slack" not in switched_off
    assert b"setting-auto_triage_in_slack" in switched_on
    assert b"setting-auto_triage_in_comments" in switched_on


def test_without_htmx_the_page_comes_back_and_says_so(browser: Client) -> None:
    response = browser.post(f"{ADDRESS}save/", {"setting": "fix_confidence", "value": "high"}, follow=True)

    assert response.redirect_chain == [(ADDRESS, 302)]
    assert b"Saved: Show code changes from this confidence up." in response.content
    assert orgs.selectors.settings_of_organization().fix_confidence == "high"


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("fix_confidence", "huge", b"Choose one of: low, medium, high."),
        ("pull_request_cap", "-1", b"Give a whole number from 0 to 500."),
        ("pull_request_cap", "many", b"Give a whole number from 0 to 500."),
        ("pull_request_cap", "501", b"Give a whole number from 0 to 500."),
        ("verdict_wait_seconds", "1801", b"Give a whole number from 0 to 1800."),
        ("noise_filter_mode", "", b"Choose one of: hide, notify."),
    ],
)
@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_a_wrong_value_saves_nothing_and_says_what_would_be_right(
    setting: str, value: str, said: bytes, headers: dict[str, str], browser: Client
) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"noise_filter": True})
    before = orgs.selectors.settings_of_organization()

    response = save(browser, setting, headers, value=value)

    assert response.status_code == 422
    assert said in response.content or setting == "noise_filter_mode"
    assert orgs.selectors.settings_of_organization() == before


@pytest.mark.parametrize("setting", ["", "consented_at", "retention_days", "id"])
def test_what_is_no_setting_is_refused(setting: str, browser: Client) -> None:
    response = save(browser, setting, value="on")

    assert response.status_code == 422
    assert b"the form named no setting" in response.content


def test_cwes_are_added_removed_and_restored(browser: Client) -> None:
    added = save(browser, "careful_cwes", HTMX, add="79")
    removed = save(browser, "careful_cwes", HTMX, remove="CWE-614")
    kept = AssistantSettings.objects.get().careful_cwes
    restored = save(browser, "careful_cwes", HTMX, restore="preset")

    assert b"Remove CWE-79" in added.content
    assert b"Remove CWE-614" not in removed.content
    assert kept == "CWE-78 CWE-79 CWE-327 CWE-328 CWE-501"
    assert b"Restore the preset" not in restored.content
    assert AssistantSettings.objects.get().careful_cwes == CAREFUL_CWES


@pytest.mark.parametrize("wrong", ["injection", "CWE-", "CWE-0", "CWE-123456", "<b>"])
def test_what_is_no_cwe_is_refused(wrong: str, browser: Client) -> None:
    response = save(browser, "careful_cwes", HTMX, add=wrong)

    assert (response.status_code, b"is no CWE" in response.content) == (422, True)
    assert AssistantSettings.objects.get().careful_cwes == CAREFUL_CWES


def test_each_setting_leads_to_its_own_explanation(browser: Client, settings: Any) -> None:
    page = browser.get(ADDRESS).content.decode()

    anchors = {anchor for _, anchor, _ in manual_page(settings.BASE_DIR / "docs" / "settings.md").headings}
    assert [entry.name for entry in SETTINGS if entry.anchor not in anchors] == []
    missing = [
        entry.name
        for entry in SETTINGS
        if entry.parent != "noise_filter" and f"{reverse('help-settings')}#{entry.anchor}" not in page
    ]
    assert missing == []


def test_the_page_asks_the_database_as_often_however_many_projects_differ(
    browser: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        project = factories.a_project(f"project-{number}")
        orgs.services.change_project_settings(project=project, actor=SYSTEM, changes={"auto_triage": False})

    with django_assert_max_num_queries(24):
        page = browser.get(ADDRESS).content

    assert b"12 projects with a value of their own" in page
    assert b"project-11" in page


# --- A project --------------------------------------------------------------------------------------------------------


def test_a_project_says_where_each_value_comes_from(browser: Client, shop: Project) -> None:
    own = save_of(browser, shop, "remediation", HTMX, value="off").content
    page = browser.get(f"/orgs/acme/projects/{shop.pk}/settings/").content

    assert b"Set for this project" in own
    assert b"As the organization (on)" in own
    assert b"setting-fix_confidence" not in own
    assert page.count(b"Set for this project") == 1
    assert page.count(b"From the organization") == len(PER_PROJECT) - 3  # what goes with two switches is not shown


def test_a_project_goes_back_to_its_organization(browser: Client, shop: Project) -> None:
    save_of(browser, shop, "pull_request_cap", value="3")
    set_by_project = orgs.selectors.settings_for(shop.pk)

    response = save_of(browser, shop, "pull_request_cap", HTMX, value="")

    effective = orgs.selectors.settings_for(shop.pk)
    assert (set_by_project.pull_request_cap, set_by_project.own) == (3, frozenset({"pull_request_cap"}))
    assert (effective.pull_request_cap, effective.own) == (10, frozenset())
    assert b"From the organization" in response.content
    assert [
        event.subject["changes"] for event in Event.objects.filter(kind="project_settings_changed").order_by("pk")
    ] == [
        "pull_request_cap: as the organization → 3",
        "pull_request_cap: 3 → as the organization",
    ]


@pytest.mark.parametrize("setting", ["weekly_priority_emails", "careful_cwes", "verdict_wait_seconds", "consented_at"])
def test_what_holds_for_the_organization_only_is_not_a_projects(setting: str, browser: Client, shop: Project) -> None:
    assert save_of(browser, shop, setting, value="on").status_code == 422


def test_a_wrong_value_of_a_project_saves_nothing(browser: Client, shop: Project) -> None:
    response = save_of(browser, shop, "pull_request_cap", HTMX, value="9999")

    assert (response.status_code, orgs.selectors.settings_for(shop.pk).own) == (422, frozenset())


def test_a_member_is_not_led_to_settings_of_a_project(
    shop: Project, bob: User, alice: User, client_for: ClientFor
) -> None:
    link = f"/projects/{shop.pk}/settings/".encode()

    assert link not in client_for(bob).get(f"/orgs/acme/projects/{shop.pk}/").content
    assert link in client_for(alice).get(f"/orgs/acme/projects/{shop.pk}/").content


# --- Consent ----------------------------------------------------------------------------------------------------------


def test_without_a_platform_provider_the_page_says_that_built_in_answers(browser: Client, settings: Any) -> None:
    settings.OPENAI_API_KEY = ""

    page = browser.get(ADDRESS).content

    assert b"<strong>Built-in (no model)</strong> answers" in page
    assert b"sends nothing anywhere" in page
    assert b'href="/orgs/acme/settings/provider/"' in page
    assert b"What is accepted" not in page


def test_a_platform_provider_answers_only_once_accepted(browser: Client, settings: Any) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_MODEL, settings.OPENAI_BASE_URL = "sk-test", "gpt-5-mini", ""

    before = browser.get(ADDRESS).content
    browser.post(f"{ADDRESS}consent/", {"consent": "give"})
    after = browser.get(ADDRESS).content
    browser.post(f"{ADDRESS}consent/", {"consent": "withdraw"})
    withdrawn = browser.get(ADDRESS).content

    assert b"<strong>Built-in (no model)</strong> answers now" in before
    assert b"<strong>OpenAI (gpt-5-mini)</strong> answers now" in after
    assert b"accepted by <strong>alice@acme.example</strong>" in after
    assert b"<strong>Built-in (no model)</strong> answers now" in withdrawn


def test_who_accepted_an_older_text_is_asked_again(browser: Client, settings: Any) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_MODEL, settings.OPENAI_BASE_URL = "sk-test", "gpt-5-mini", ""
    orgs.services.give_consent(actor=SYSTEM)
    AssistantSettings.objects.update(consent_text_version=1)

    page = browser.get(ADDRESS).content

    assert b"The text has changed" in page
    assert b"<strong>Built-in (no model)</strong> answers now" in page
    assert not orgs.selectors.has_consent()


def test_the_text_says_how_long_what_was_sent_is_kept(browser: Client, settings: Any) -> None:
    settings.OPENAI_API_KEY = "sk-very-secret"
    AssistantSettings.objects.update(retention_days=30)

    page = browser.get(ADDRESS).content

    assert b"keeps them for 30 days" in page
    assert b"sk-very-secret" not in page


# --- Help -------------------------------------------------------------------------------------------------------------


def test_anybody_reads_what_the_settings_do(db: None, client: Client) -> None:
    page = client.get("/help/settings/").content

    assert b'<h3 id="auto-triage-for-code">Auto-triage for Code</h3>' in page
    assert b'href="#auto-triage-for-code"' in page
