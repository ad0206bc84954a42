"""Making an account: who may, and that an address is proved before it opens anything."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from pytest_django.fixtures import Settings

from notifications.mail import MailNotSent
from tests.factories import PASSWORD
from tests.integration.people.conftest import LinkOf

SIGN_UP, SIGN_IN, RESET = "/accounts/signup/", "/accounts/login/", "/accounts/password/reset/"
DANA = {"email": "Dana@Example.com", "name": "Dana Doe", "password1": "seven quiet harbours"}


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_an_account_opens_when_its_address_is_proved(
    client: Client, db: None, settings: Settings, link_to: LinkOf
) -> None:
    settings.SIGN_UP = "open"

    sent = client.post(SIGN_UP, DANA)
    before = is_signed_in(client)
    confirmed = client.post(link_to("dana@example.com"))

    assert (sent.headers["Location"], before) == ("/accounts/confirm-email/", False)
    assert (confirmed.status_code, is_signed_in(client)) == (302, True)
    assert User.objects.get().get_full_name() == "Dana Doe"
    assert b"You are in no organization yet" in client.get("/").content


def test_an_unproved_address_does_not_sign_in(client: Client, db: None, settings: Settings) -> None:
    settings.SIGN_UP = "open"
    client.post(SIGN_UP, DANA)

    response = Client().post(SIGN_IN, {"login": "dana@example.com", "password": DANA["password1"]})

    assert response.headers["Location"] == "/accounts/confirm-email/"
    assert not is_signed_in(client)


@pytest.mark.parametrize(("choice", "words"), [("invited", b"Managers and Admins"), ("closed", b"whoever runs this")])
def test_the_operator_decides_who_may_sign_up(
    client: Client, db: None, settings: Settings, choice: str, words: bytes
) -> None:
    settings.SIGN_UP = choice

    page, refused = client.get(SIGN_UP), client.post(SIGN_UP, DANA)

    assert words in page.content
    assert words in refused.content
    assert not User.objects.exists()


def test_signing_up_with_a_taken_address_looks_the_same_and_makes_nobody(
    client: Client, alice: User, settings: Settings
) -> None:
    settings.SIGN_UP = "open"

    taken = client.post(SIGN_UP, {**DANA, "email": alice.email})
    free = Client().post(SIGN_UP, DANA)

    assert (taken.status_code, taken.headers["Location"]) == (free.status_code, free.headers["Location"])
    assert User.objects.filter(email=alice.email).count() == 1
    assert mail.outbox[0].subject == "You have an account already"


def test_a_password_everybody_knows_is_refused(client: Client, db: None, settings: Settings) -> None:
    settings.SIGN_UP = "open"

    response = client.post(SIGN_UP, {**DANA, "password1": "password123"})

    assert b"too common" in response.content
    assert not User.objects.exists()


def test_a_forgotten_password_is_chosen_anew(client: Client, alice: User, link_to: LinkOf) -> None:
    client.post(RESET, {"email": alice.email})
    form = client.get(link_to(alice.email), follow=True)
    address = form.redirect_chain[-1][0]

    client.post(address, {"password1": "seven quiet harbours", "password2": "seven quiet harbours"})
    client.post(SIGN_IN, {"login": alice.email, "password": "seven quiet harbours"})

    assert is_signed_in(client)
    assert b"This link has ended" in Client().get(link_to_first(alice.email)).content


def link_to_first(address: str) -> str:
    first = next(message for message in mail.outbox if message.to == [address])
    return next(word for word in str(first.body).split() if "/password/reset/key/" in word).partition("testserver")[2]


def test_a_forgotten_password_tells_nobody_which_addresses_have_accounts(client: Client, alice: User) -> None:
    known = client.post(RESET, {"email": alice.email}, follow=True)
    unknown = client.post(RESET, {"email": "nobody@acme.example"}, follow=True)

    assert known.content == unknown.content
    assert [message.to for message in mail.outbox] == [[alice.email], ["nobody@acme.example"]]


def test_a_mail_server_that_is_away_is_told_of_for_every_address_alike(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(message: object) -> None:
        raise MailNotSent("away", is_permanent=False)

    monkeypatch.setattr("notifications.mail.send", refuse)

    known = client.post(RESET, {"email": alice.email}, follow=True)
    unknown = client.post(RESET, {"email": "nobody@acme.example"}, follow=True)

    assert known.content == unknown.content
    assert b"The mail could not be sent" in known.content


def test_a_new_address_is_proved_before_it_is_used_and_needs_the_password_again(
    client: Client, alice: User, link_to: LinkOf
) -> None:
    client.force_login(alice)
    asked = client.post("/accounts/email/", {"action_add": "1", "email": "alice@home.example"})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"action_add": "1", "email": "alice@home.example"})
    unproved = EmailAddress.objects.get(email="alice@home.example").verified

    client.post(link_to("alice@home.example"))

    assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
    assert (unproved, EmailAddress.objects.get(email="alice@home.example").verified) == (False, True)


def test_setting_up_a_second_factor_asks_for_the_password(client: Client, alice: User) -> None:
    client.force_login(alice)

    response = client.get("/accounts/second-factor/app/on/")

    assert response.headers["Location"].startswith("/accounts/reauthenticate/")


def test_a_changed_password_ends_the_other_sessions_and_is_told_by_mail(client: Client, alice: User) -> None:
    elsewhere = Client()
    for browser in (client, elsewhere):
        browser.post(SIGN_IN, {"login": alice.email, "password": PASSWORD})

    new = {"password1": "seven quiet harbours", "password2": "seven quiet harbours"}
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, **new})

    assert client.get("/accounts/").status_code == 200
    assert elsewhere.get("/accounts/").status_code == 302
    assert mail.outbox[-1].subject == "Your password was changed"


def test_other_sessions_are_listed_and_ended(client: Client, alice: User) -> None:
    elsewhere = Client(headers={"user-agent": "Browser of the library"})
    for browser in (client, elsewhere):
        browser.post(SIGN_IN, {"login": alice.email, "password": PASSWORD})

    listed = client.get("/accounts/sessions/")
    client.post("/accounts/sessions/")

    assert b"Browser of the library" in listed.content
    assert (client.get("/accounts/").status_code, elsewhere.get("/accounts/").status_code) == (200, 302)
