"""Keys that seal secrets are changed without anybody entering a secret again."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from assistant_platform.diagnosis import database
from assistant_platform.diagnosis.check import Unwell
from lib.crypto import CannotDecrypt
from providers.models import Connection, Vendor
from providers.sealing import Secrets, open_sealed, seal
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories

SECRETS = Secrets(key="sk-own-0123456789", headers=(("X-Team", "security"),))


def a_connection(position: int = 0) -> Connection:
    return Connection.objects.create(
        vendor=Vendor.OPENAI, model="gpt-5-mini", position=position, sealed_secrets=seal(SECRETS)
    )


def rotated() -> tuple[str, int]:
    """Return what the command says and its exit code."""
    output = StringIO()
    try:
        call_command("rotate_keys", stdout=output)
    except SystemExit as ended:
        return output.getvalue(), int(str(ended.code))
    return output.getvalue(), 0


@pytest.fixture
def other(db: None) -> Organization:
    return factories.an_organization("umbrella", admin=factories.a_person("carol@umbrella.example"))


def test_all_organizations_secrets_are_sealed_with_the_new_key(
    acme: Organization, other: Organization, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["old"]
    with acting_for(acme.pk):
        first = a_connection()
        saved_at = first.saved_at
    with acting_for(other.pk):
        a_connection()
    settings.FIELD_ENCRYPTION_KEYS = ["new", "old"]

    said, code = rotated()
    again, _ = rotated()

    settings.FIELD_ENCRYPTION_KEYS = ["new"]
    with acting_for(acme.pk):
        first.refresh_from_db()
        assert (open_sealed(first.sealed_secrets), first.saved_at) == (SECRETS, saved_at)
    assert (said.startswith("Sealed anew: 2."), code) == (True, 0)
    assert again.startswith("Sealed anew: 0. Sealed with the first key already: 2.")


def test_what_cannot_be_opened_is_named_and_left(in_acme: Organization, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["lost"]
    lost = a_connection()
    settings.FIELD_ENCRYPTION_KEYS = ["old"]
    a_connection(position=1)
    settings.FIELD_ENCRYPTION_KEYS = ["new", "old"]

    said, code = rotated()

    assert (code, f"connection {lost.pk} of organization {in_acme.pk}" in said) == (1, True)
    assert "Sealed anew: 1." in said
    assert Connection.objects.get(pk=lost.pk).sealed_secrets == lost.sealed_secrets
    with pytest.raises(Unwell, match=f"connection {lost.pk} of organization"):
        database.stored_secrets()


def test_secrets_open_only_in_their_organization(in_acme: Organization, other: Organization) -> None:
    sealed = seal(SECRETS)

    with acting_for(other.pk), pytest.raises(CannotDecrypt, match="another organization"):
        open_sealed(sealed)
