"""The settings of an organization and of its projects, by machines."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from events.models import Event
from orgs.permissions import Scope
from orgs.settings.catalogue import SETTINGS
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.api.conftest import Caller

ADDRESS = "/api/v1/deployments/acme/settings"


@pytest.fixture
def writer(caller: Caller) -> Client:
    """A machine that may change settings."""
    return caller(Scope.API_WRITE)


@pytest.fixture
def of_shop(acme: Organization) -> str:
    """The address of a project's settings."""
    with acting_for(acme.pk):
        return f"/api/v1/deployments/acme/projects/{factories.a_project('shop').pk}/settings"


def patch(client: Client, address: str, sent: object) -> Any:
    return client.patch(address, sent, content_type="application/json")


def test_every_setting_is_told_with_its_origin(reader: Client) -> None:
    answer = reader.get(ADDRESS).json()

    assert list(answer) == [setting.name for setting in SETTINGS]
    assert answer["fix_confidence"] == {"value": "low", "origin": "organization"}
    assert answer["careful_cwes"]["value"] == ["CWE-78", "CWE-327", "CWE-328", "CWE-501", "CWE-614"]


def test_a_machine_changes_several_at_once_and_the_log_names_it(writer: Client, acme: Organization) -> None:
    answer = patch(writer, ADDRESS, {"pull_request_cap": 3, "careful_cwes": ["CWE-89", "79"], "auto_triage": True})

    assert answer.status_code == 200
    assert answer.json()["careful_cwes"]["value"] == ["CWE-79", "CWE-89"]
    with acting_for(acme.pk):
        told = Event.objects.get(kind="settings_changed")
    assert (told.actor_kind, told.actor_name) == ("token", "ci")
    assert told.subject["changes"].startswith("pull_request_cap: 10 → 3, careful_cwes: CWE-78 ")


def test_a_project_differs_and_goes_back(writer: Client, of_shop: str) -> None:
    own = patch(writer, of_shop, {"remediation": False}).json()
    back = patch(writer, of_shop, {"remediation": None}).json()

    assert own["remediation"] == {"value": False, "origin": "project"}
    assert own["auto_triage"] == {"value": True, "origin": "organization"}
    assert back["remediation"] == {"value": True, "origin": "organization"}


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"auto_triage": "no"}, "auto_triage"),
        ({"auto_triage": None}, "auto_triage"),
        ({"pull_request_cap": 1.5}, "pull_request_cap"),
        ({"fix_confidence": "huge"}, "fix_confidence"),
        ({"consented_at": "2026-01-01"}, "consented_at"),
        ({"careful_cwes": ["CWE-79", {}]}, "careful_cwes"),
    ],
)
def test_one_wrong_value_changes_nothing_at_all(sent: dict[str, Any], wrong: str, writer: Client) -> None:
    answer = patch(writer, ADDRESS, {"remediation": False, **sent})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [wrong])
    assert writer.get(ADDRESS).json()["remediation"]["value"] is True


def test_what_is_no_object_is_refused(writer: Client) -> None:
    assert patch(writer, ADDRESS, ["auto_triage"]).status_code == 400


def test_what_holds_for_the_organization_only_is_not_a_projects(writer: Client, of_shop: str) -> None:
    answer = patch(writer, of_shop, {"weekly_priority_emails": False})

    assert answer.json()["errors"] == {"weekly_priority_emails": ["This holds for the organization only."]}


def test_a_machine_that_reads_does_not_change(reader: Client, of_shop: str) -> None:
    assert [patch(reader, address, {}).status_code for address in (ADDRESS, of_shop)] == [403, 403]
