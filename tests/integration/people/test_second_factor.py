"""Codes of an authenticator app and recovery codes."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.test import Client

from tests.factories import PASSWORD

SIGN_IN, PROVE = "/accounts/login/", "/accounts/reauthenticate/"
ACTIVATE, SECOND_STEP = "/accounts/second-factor/app/on/", "/accounts/second-factor/authenticate/"
SECONDS_OF_A_CODE = 30


def code_of(secret: str) -> str:
    """Return what an authenticator app shows now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // SECONDS_OF_A_CODE)))


def sign_in(client: Client, person: User) -> str:
    return str(client.post(SIGN_IN, {"login": person.email, "password": PASSWORD}).headers["Location"])


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def secret(alice: User) -> str:
    """The secret in Alice's authenticator app, set up by her a day ago."""
    client = Client()
    with time_machine.travel(datetime.now(UTC) - timedelta(days=1)):
        sign_in(client, alice)
        client.post(PROVE, {"password": PASSWORD})
        page = client.get(ACTIVATE).content.decode()
        shown = re.search(r'id="totp-secret">([A-Z2-7]+)<', page)
        assert shown is not None
        client.post(ACTIVATE, {"code": code_of(shown[1])})
    return shown[1]


def test_signing_in_asks_for_the_code(client: Client, alice: User, secret: str) -> None:
    where = sign_in(client, alice)
    before = is_signed_in(client)

    client.post(SECOND_STEP, {"code": code_of(secret)})

    assert (where, before, is_signed_in(client)) == (SECOND_STEP, False, True)


def test_a_wrong_code_does_not_sign_in(client: Client, alice: User, secret: str) -> None:
    sign_in(client, alice)

    response = client.post(SECOND_STEP, {"code": "000000"})

    assert b"Incorrect code" in response.content
    assert not is_signed_in(client)


def test_a_code_works_once(client: Client, alice: User, secret: str) -> None:
    code = code_of(secret)
    sign_in(client, alice)
    client.post(SECOND_STEP, {"code": code})

    eavesdropper = Client()
    sign_in(eavesdropper, alice)
    eavesdropper.post(SECOND_STEP, {"code": code})

    assert not is_signed_in(eavesdropper)


def test_guessing_codes_is_stopped(client: Client, alice: User, secret: str) -> None:
    sign_in(client, alice)
    for guess in range(12):
        client.post(SECOND_STEP, {"code": f"{guess:06}"})

    client.post(SECOND_STEP, {"code": code_of(secret)})

    assert not is_signed_in(client)


def test_a_recovery_code_stands_in_and_works_once(client: Client, alice: User, secret: str) -> None:
    codes = Authenticator.objects.get(user=alice, type="recovery_codes").wrap().get_unused_codes()

    sign_in(client, alice)
    client.post(SECOND_STEP, {"code": codes[0]})
    again = Client()
    sign_in(again, alice)
    again.post(SECOND_STEP, {"code": codes[0]})

    assert (is_signed_in(client), is_signed_in(again)) == (True, False)


def test_the_secret_is_sealed_where_it_is_stored(alice: User, secret: str) -> None:
    stored = Authenticator.objects.get(user=alice, type="totp").data["secret"]

    assert secret not in stored


def test_switching_off_is_told_by_mail(client: Client, alice: User, secret: str) -> None:
    sign_in(client, alice)
    client.post(SECOND_STEP, {"code": code_of(secret)})

    client.post(PROVE, {"password": PASSWORD})
    client.post("/accounts/second-factor/app/off/")

    assert mail.outbox[-1].subject == "Authenticator app switched off"
    assert not Authenticator.objects.filter(user=alice).exists()


def test_recovery_codes_are_shown_to_their_owner_alone(client: Client, alice: User, bob: User, secret: str) -> None:
    client.force_login(bob)

    assert client.get("/accounts/second-factor/codes/").status_code == 404
    assert client.get("/accounts/second-factor/codes/download/").status_code == 404


def test_the_operator_takes_a_lost_second_factor_away(client: Client, alice: User, secret: str) -> None:
    call_command("reset_second_factor", "Alice@acme.example")

    assert (sign_in(client, alice), is_signed_in(client)) == ("/", True)
