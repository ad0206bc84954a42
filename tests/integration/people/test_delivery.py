"""Invitations on their way by a real mail server: taken, refused, and while it is away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

import orgs.joining
from assistant_platform.diagnosis import outside
from assistant_platform.diagnosis.check import Unwell
from assistant_platform.embedded.ports import any_free_port
from events.draining import drain
from events.models import Job, Queue
from orgs.models import Invitation, Membership
from orgs.permissions import Role
from orgs.services import actor_of
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests.vendors.smtp import PASSWORD, USER, MailServer, mail_server

DANA = "dana@example.com"


@pytest.fixture
def smtp(settings: Settings) -> Settings:
    """The settings of an operator who has a mail server."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", any_free_port()
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, PASSWORD
    settings.DEFAULT_FROM_EMAIL = "Assistant <assistant@acme.example>"
    settings.IS_MAIL_SET_UP = True
    settings.PUBLIC_URL = "https://assistant.acme.example/"
    return settings


@pytest.fixture
def server(smtp: Settings) -> Iterator[MailServer]:
    """A mail server that answers."""
    with mail_server(smtp.EMAIL_PORT) as running:
        yield running


@pytest.fixture
def invitation(alices: Membership, alice: User, acme: Organization) -> Invitation:
    """Dana's invitation, of which the mail is owed."""
    with acting_for(acme.pk):
        result = orgs.joining.invite(addresses=[DANA], role=Role.MEMBER, by=alices, actor=actor_of(alice))
    return result.invitations[0]


def again(invitation: Invitation) -> Invitation:
    with acting_for(invitation.organization_id):
        return Invitation.objects.get(pk=invitation.pk)


def test_a_mail_arrives_with_the_link(server: MailServer, invitation: Invitation) -> None:
    drain()

    (mail,) = server.received
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    link = f"https://assistant.acme.example/invitations/{orgs.joining.token_of(invitation)}/"
    assert (mail["To"], mail["From"]) == (DANA, "Assistant <assistant@acme.example>")
    assert (link in text.get_content(), f'<a href="{link}"' in html.get_content()) == (True, True)
    assert again(invitation).sent_at is not None


def test_nobody_waits_behind_a_mail(invitation: Invitation) -> None:
    with acting_for(invitation.organization_id):
        assert Job.objects.get().queue == Queue.DELIVER


def test_what_a_dead_server_held_up_is_sent_when_it_answers(smtp: Settings, invitation: Invitation) -> None:
    drain()
    meanwhile = again(invitation)

    with mail_server(smtp.EMAIL_PORT) as server, time_machine.travel(timezone.now() + timedelta(minutes=1)):
        drain()
        arrived = [mail["To"] for mail in server.received]

    assert (meanwhile.sent_at, meanwhile.delivery_error[:37]) == (None, "the mail server cannot be reached: [E")
    assert arrived == [DANA]
    assert (again(invitation).delivery_error, again(invitation).sent_at is not None) == ("", True)


def test_an_address_that_the_server_refuses_is_told_and_not_tried_again(
    server: MailServer, invitation: Invitation, alice: User, client: Client
) -> None:
    server.answer = "550 5.1.1 no such user"
    drain()
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        tried_again = drain()
    client.force_login(alice)

    page = client.get("/orgs/acme/settings/people/").content.decode()

    assert tried_again == 0
    assert "Not sent: the mail server answered 550 5.1.1 no such user" in page


def test_a_full_mailbox_is_tried_again(server: MailServer, invitation: Invitation) -> None:
    server.answer = "452 4.2.2 mailbox full"
    drain()

    server.answer = "250 OK"
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        drain()

    assert len(server.received) == 1


def test_what_was_revoked_before_it_left_is_not_sent(
    server: MailServer, invitation: Invitation, alices: Membership, alice: User
) -> None:
    with acting_for(invitation.organization_id):
        orgs.joining.revoke(invitation=invitation, by=alices, actor=actor_of(alice))

    drain()

    assert server.received == []


def test_the_doctor_proves_the_mail_server(server: MailServer) -> None:
    assert outside.mail_server().startswith("127.0.0.1:")


def test_the_doctor_says_what_is_wrong_with_mail(server: MailServer, smtp: Settings) -> None:
    smtp.EMAIL_HOST_PASSWORD = "wrong"

    with pytest.raises(Unwell, match="Authentication credentials invalid"):
        outside.mail_server()
