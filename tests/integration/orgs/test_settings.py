"""The Assistant's settings and the consent to send code: what one person does, another does not undo by accident."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

import orgs.services
from events.kinds import SYSTEM, Kind
from events.models import Event
from orgs.models import AssistantSettings
from orgs.selectors import EffectiveSettings, assistant_settings, has_consent, settings_for, settings_of_organization
from orgs.settings.catalogue import SETTINGS, WrongValue
from orgs.settings.consent import CONSENT_TEXT_VERSION, OLDEST_SUFFICIENT_TEXT
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories, servers


@pytest.fixture
def kept(committed: None) -> Organization:
    """An organization that other connections see too."""
    return factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))


def in_another_thread(organization: Organization, work: Callable[[], object], pool: ThreadPoolExecutor) -> Future[None]:
    def run() -> None:
        try:
            with acting_for(organization.pk):
                work()
        finally:
            connection.close()

    return pool.submit(run)


def wait_until_one_waits_for_a_lock(name: str) -> None:
    with psycopg.connect(os.environ[servers.ADMIN_URL], autocommit=True) as admin:
        while not admin.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", [name]
        ).fetchone():
            pass


def test_a_withdrawn_consent_stays_withdrawn_when_settings_are_saved_at_the_same_time(kept: Organization) -> None:
    with acting_for(kept.pk):
        orgs.services.give_consent(actor=SYSTEM)

    with ThreadPoolExecutor(1) as pool:
        with acting_for(kept.pk), transaction.atomic():
            orgs.services.withdraw_consent(actor=SYSTEM)
            saving = in_another_thread(
                kept, lambda: orgs.services.change_settings(actor=SYSTEM, changes={"pull_request_cap": 3}), pool
            )
            wait_until_one_waits_for_a_lock(connection.settings_dict["NAME"])
        saving.result(10)

    with acting_for(kept.pk):
        with transaction.atomic():
            assert assistant_settings().pull_request_cap == 3
        assert not has_consent()


def test_only_what_differs_is_told(in_acme: Organization) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"auto_triage": False, "pull_request_cap": 10})

    told = Event.objects.get(kind=Kind.SETTINGS_CHANGED)
    assert told.subject == {"changes": "auto_triage: on → off"}


def test_saving_what_is_set_already_tells_nothing(in_acme: Organization) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"auto_triage": True})

    assert not Event.objects.filter(kind=Kind.SETTINGS_CHANGED).exists()


@pytest.mark.parametrize("name", ["consented_at", "organization_id", "id", "pk", "has_consent", "save"])
def test_only_settings_can_be_changed_as_settings(in_acme: Organization, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        orgs.services.change_settings(actor=SYSTEM, changes={name: 1})


def test_an_organization_without_saved_settings_has_the_defaults_and_can_save(in_acme: Organization) -> None:
    AssistantSettings.objects.all().delete()

    orgs.services.change_settings(actor=SYSTEM, changes={"auto_triage": False})

    assert (assistant_settings().auto_triage, assistant_settings().is_enabled) == (False, True)


def test_consent_says_who_and_to_which_text(in_acme: Organization) -> None:
    orgs.services.give_consent(actor=SYSTEM)

    saved = assistant_settings()
    assert (saved.has_consent, saved.consented_by) == (True, SYSTEM.name)
    assert saved.consent_text_version == orgs.services.CONSENT_TEXT_VERSION


def test_a_consent_to_a_text_that_allowed_less_no_longer_holds(in_acme: Organization) -> None:
    orgs.services.give_consent(actor=SYSTEM)
    held = has_consent()

    AssistantSettings.objects.update(consent_text_version=OLDEST_SUFFICIENT_TEXT - 1)

    assert (held, has_consent()) == (True, False)


def test_each_setting_has_its_effective_value() -> None:
    values = {field.name for field in fields(EffectiveSettings)} - {"own"}

    assert values == {setting.name for setting in SETTINGS}


def test_a_text_that_was_changed_has_a_version_of_its_own() -> None:
    text = (settings.BASE_DIR / "templates" / "settings" / "_consent_text.html").read_bytes()

    # Changed the text? Raise CONSENT_TEXT_VERSION (orgs/settings/consent.py says when more), then change both here.
    assert (CONSENT_TEXT_VERSION, hashlib.sha256(text).hexdigest()[:16]) == (2, "0e71e39a8362c326")


def test_two_admins_who_change_a_projects_settings_at_once_take_back_nothing(kept: Organization) -> None:
    with acting_for(kept.pk), transaction.atomic():
        project = factories.a_project()

    with ThreadPoolExecutor(1) as pool:
        with acting_for(kept.pk), transaction.atomic():
            orgs.services.change_project_settings(project=project, actor=SYSTEM, changes={"auto_triage": False})
            other = in_another_thread(
                kept,
                lambda: orgs.services.change_project_settings(
                    project=project, actor=SYSTEM, changes={"remediation": False}
                ),
                pool,
            )
            wait_until_one_waits_for_a_lock(connection.settings_dict["NAME"])
        other.result(10)

    with acting_for(kept.pk), transaction.atomic():
        settings_now = settings_for(project.pk)
    assert (settings_now.auto_triage, settings_now.remediation) == (False, False)


def test_a_cwe_that_two_admins_add_at_once_is_not_lost(kept: Organization) -> None:
    with ThreadPoolExecutor(1) as pool:
        with acting_for(kept.pk), transaction.atomic():
            orgs.services.change_careful_cwes(actor=SYSTEM, add="CWE-79")
            other = in_another_thread(kept, lambda: orgs.services.change_careful_cwes(actor=SYSTEM, add="CWE-89"), pool)
            wait_until_one_waits_for_a_lock(connection.settings_dict["NAME"])
        other.result(10)

    with acting_for(kept.pk), transaction.atomic():
        assert assistant_settings().careful_cwes.split()[:3] == ["CWE-78", "CWE-79", "CWE-89"]


def test_a_project_without_settings_of_its_own_follows_also_without_saved_ones(in_acme: Organization) -> None:
    AssistantSettings.objects.all().delete()
    project = factories.a_project()
    orgs.services.change_project_settings(project=project, actor=SYSTEM, changes={"pull_request_cap": 3})

    own, other = settings_for(project.pk), settings_for(factories.a_project("other").pk)

    assert (own.pull_request_cap, own.own) == (3, frozenset({"pull_request_cap"}))
    assert (other.pull_request_cap, other.own) == (10, frozenset())


@pytest.mark.parametrize("name", ["weekly_priority_emails", "careful_cwes", "project_id", "own"])
def test_only_settings_of_projects_can_be_changed_as_such(in_acme: Organization, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        orgs.services.change_project_settings(project=factories.a_project(), actor=SYSTEM, changes={name: True})


@pytest.mark.parametrize(
    ("name", "value"),
    [("auto_triage", 1), ("auto_triage", "on"), ("pull_request_cap", True), ("pull_request_cap", 501),
     ("fix_confidence", "huge"), ("careful_cwes", "CWE-x"), ("careful_cwes", 78),
     ("careful_cwes", [f"CWE-{number}" for number in range(1, 102)])],
)  # fmt: skip
def test_a_value_that_is_none_changes_nothing(in_acme: Organization, name: str, value: object) -> None:
    before = settings_of_organization()

    with pytest.raises(WrongValue):
        orgs.services.change_settings(actor=SYSTEM, changes={"remediation": False, name: value})  # type: ignore[dict-item]

    assert settings_of_organization() == before
