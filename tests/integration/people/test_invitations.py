"""Invitations: from the textarea by mail to membership, and every way that must not lead there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

import orgs.joining
from events.draining import drain
from events.models import Event, Job
from orgs.membership import Refused
from orgs.models import Invitation, Membership
from orgs.permissions import Role
from orgs.selectors import memberships_of
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.people.conftest import LinkOf, MemberAs

PEOPLE, INVITE = "/orgs/acme/settings/people/", "/orgs/acme/settings/people/invite/"
DANA = "dana@example.com"

ClientFor = Callable[[User], Client]


@pytest.fixture
def by_alice(alice: User, acme: Organization, client_for: ClientFor) -> Client:
    return client_for(alice)


@pytest.fixture
def danas_link(by_alice: Client, link_to: LinkOf) -> str:
    """The link that Dana got by mail."""
    by_alice.post(INVITE, {"addresses": DANA, "role": "member"})
    drain()
    return link_to(DANA)


def invitation_of(address: str, acme: Organization) -> Invitation:
    with acting_for(acme.pk):
        return Invitation.objects.get(email=address)


def roles_of(person: User) -> dict[str, str]:
    return {entry.organization.slug: entry.role for entry in memberships_of(person.pk)}


def test_somebody_new_joins_by_the_link_without_proving_the_address_again(
    danas_link: str, client: Client, settings: Settings
) -> None:
    settings.SIGN_UP = "invited"

    page = client.get(danas_link)
    signed_up = client.post(
        f"/accounts/signup/?next={danas_link}", {"email": DANA, "password1": "seven quiet harbours"}
    )
    joined = client.post(signed_up.headers["Location"])

    assert b"Make an account" in page.content
    assert (signed_up.headers["Location"], joined.headers["Location"]) == (danas_link, "/orgs/acme/findings/")
    assert roles_of(User.objects.get(email=DANA)) == {"acme": "member"}


def test_the_mail_says_who_invites_where_to_and_as_what_in_text_and_html(danas_link: str) -> None:
    (message,) = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    ((html, kind),) = message.alternatives

    assert message.subject == "alice@acme.example invites you to Acme"
    assert "as Member" in str(message.body)
    assert (danas_link in str(html), kind) == (True, "text/html")


def test_a_name_is_no_markup_in_a_mail(by_alice: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(first_name="<b>A & B</b>\nBcc: x@example.com")

    by_alice.post(INVITE, {"addresses": DANA, "role": "member"})
    drain()

    (message,) = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    assert message.subject.startswith("<b>A & B</b> Bcc: x@example.com invites")
    assert message.recipients() == [DANA]
    assert "<b>" not in str(message.alternatives[0][0])


def test_an_account_with_the_address_joins(danas_link: str, client_for: ClientFor) -> None:
    dana = factories.a_person(DANA)

    client_for(dana).post(danas_link)

    assert roles_of(dana) == {"acme": "member"}


def test_another_account_does_not_join_by_it(danas_link: str, charlie: User, client_for: ClientFor) -> None:
    client = client_for(charlie)

    page = client.get(danas_link)
    client.post(danas_link)

    assert b"the invitation belongs to <strong>dana@example.com</strong>" in page.content
    assert "acme" not in roles_of(charlie)


def test_an_address_that_is_not_proved_does_not_join(danas_link: str, charlie: User, client_for: ClientFor) -> None:
    EmailAddress.objects.create(user=charlie, email=DANA, verified=False, primary=False)

    client_for(charlie).post(danas_link)

    assert "acme" not in roles_of(charlie)


def test_a_second_address_of_an_account_joins(danas_link: str, charlie: User, client_for: ClientFor) -> None:
    EmailAddress.objects.create(user=charlie, email=DANA, verified=True, primary=False)

    client_for(charlie).post(danas_link)

    assert roles_of(charlie)["acme"] == "member"


def test_signing_up_by_an_invitation_is_for_its_address_alone(
    danas_link: str, client: Client, settings: Settings
) -> None:
    settings.SIGN_UP = "invited"
    client.get(danas_link)

    response = client.post("/accounts/signup/", {"email": "eve@example.com", "password1": "seven quiet harbours"})

    assert b"belongs to dana@example.com" in response.content
    assert not User.objects.filter(email="eve@example.com").exists()


def test_a_link_works_once(danas_link: str, acme: Organization, client_for: ClientFor) -> None:
    dana = factories.a_person(DANA)
    client = client_for(dana)
    client.post(danas_link)
    with acting_for(acme.pk):
        Membership.objects.filter(user=dana).delete()

    again = client.post(danas_link)

    assert (again.status_code, roles_of(dana)) == (404, {})


def test_a_link_ends_after_seven_days(danas_link: str, client_for: ClientFor) -> None:
    client = client_for(factories.a_person(DANA))

    with time_machine.travel(timezone.now() + timedelta(days=6, hours=23)):
        before = client.get(danas_link).status_code
    with time_machine.travel(timezone.now() + timedelta(days=7, hours=1)):
        after = client.get(danas_link).status_code

    assert (before, after) == (200, 404)


def test_a_revoked_link_opens_nothing(danas_link: str, by_alice: Client, acme: Organization, client: Client) -> None:
    invitation = invitation_of(DANA, acme)

    by_alice.post(f"{PEOPLE}invitations/{invitation.pk}/revoke/")

    assert client.get(danas_link).status_code == 404


def test_sending_again_replaces_the_link(
    danas_link: str, by_alice: Client, acme: Organization, client: Client, link_to: LinkOf
) -> None:
    invitation = invitation_of(DANA, acme)

    by_alice.post(f"{PEOPLE}invitations/{invitation.pk}/send-again/")
    drain()

    assert (client.get(danas_link).status_code, client.get(link_to(DANA)).status_code) == (404, 200)


def test_who_is_a_member_already_keeps_the_role(danas_link: str, member_as: MemberAs, client_for: ClientFor) -> None:
    dana = member_as(DANA, Role.ADMIN).user

    client_for(dana).post(danas_link)

    assert roles_of(dana) == {"acme": "admin"}


def test_one_bad_address_does_not_keep_the_others(by_alice: Client, bob: User, acme: Organization) -> None:
    sent = f"{DANA}, not-an-address\n{bob.email}; Erin@Example.com dana@EXAMPLE.com"

    response = by_alice.post(INVITE, {"addresses": sent, "role": "read_only"})

    page = response.content.decode()
    with acting_for(acme.pk):
        invited = set(Invitation.objects.values_list("email", flat=True))
    assert invited == {DANA, "erin@example.com"}
    assert "<strong>not-an-address</strong>: This is no e-mail address." in page
    assert f"<strong>{bob.email}</strong>: Is a member already." in page


def test_more_than_twenty_at_a_time_are_refused(by_alice: Client, acme: Organization) -> None:
    addresses = " ".join(f"person{number}@example.com" for number in range(21))

    response = by_alice.post(INVITE, {"addresses": addresses, "role": "member"})

    assert b"At most 20 addresses" in response.content
    with acting_for(acme.pk):
        assert not Invitation.objects.exists()


def test_an_open_invitation_is_not_made_twice_but_an_expired_one_anew(by_alice: Client, danas_link: str) -> None:
    twice = by_alice.post(INVITE, {"addresses": DANA, "role": "member"})
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        anew = by_alice.post(INVITE, {"addresses": DANA, "role": "manager"})

    assert (twice.status_code, anew.status_code) == (422, 302)
    assert b"Has an open invitation already" in twice.content


def test_an_organization_is_no_way_to_write_to_strangers(alices: Membership, alice: User) -> None:
    actor = orgs.services.actor_of(alice)

    def invite_twenty(batch: int) -> None:
        addresses = [f"person{batch}-{number}@example.com" for number in range(20)]
        with acting_for(alices.organization_id):
            orgs.joining.invite(addresses=addresses, role=Role.MEMBER, by=alices, actor=actor)

    for batch in range(10):
        invite_twenty(batch)
    with pytest.raises(Refused, match="200 invitations a day"):
        invite_twenty(10)


def test_no_secret_is_stored_with_the_invitation_its_job_or_its_events(danas_link: str, acme: Organization) -> None:
    value = danas_link.split("/")[2]

    with acting_for(acme.pk):
        stored = [*Invitation.objects.values_list(), *Job.objects.values_list(), *Event.objects.values_list()]

    assert not any(value in str(row) for row in stored)


def test_what_a_person_is_invited_to_waits_on_the_first_page(danas_link: str, client_for: ClientFor) -> None:
    page = client_for(factories.a_person(DANA)).get("/")

    assert danas_link.encode() in page.content


def test_a_stranger_guesses_no_link(acme: Organization, client: Client) -> None:
    assert client.get("/invitations/" + "A" * 43 + "/").status_code == 404
