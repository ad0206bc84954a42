"""The Assistant's settings and the consent to send code: what one person does, another does not undo by accident."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection, transaction

import orgs.services
from events.kinds import SYSTEM, Kind
from events.models import Event
from orgs.models import AssistantSettings
from orgs.selectors import assistant_settings, has_consent
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

    settings = assistant_settings()
    assert (settings.has_consent, settings.consented_by) == (True, SYSTEM.name)
    assert settings.consent_text_version == orgs.services.CONSENT_TEXT_VERSION
