"""Roles: who may give, take and leave; through the pages, as the table of the product says."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.test import Client

import orgs.membership
from events.kinds import Kind
from events.models import Event
from orgs.membership import Refused
from orgs.models import Invitation, Membership
from orgs.permissions import Role
from orgs.services import actor_of
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.people.conftest import MemberAs

PEOPLE = "/orgs/acme/settings/people/"

ClientFor = Callable[[User], Client]


def role_of(membership: Membership) -> str:
    with acting_for(membership.organization_id):
        return Membership.objects.get(pk=membership.pk).role


@pytest.mark.parametrize(
    ("role", "may_give"),
    [
        (Role.READ_ONLY, []),
        (Role.MEMBER, []),
        (Role.MANAGER, [Role.READ_ONLY, Role.MEMBER, Role.MANAGER]),
        (Role.ADMIN, list(Role)),
    ],
)
def test_a_role_invites_up_to_itself_from_manager_on(
    role: Role, may_give: list[Role], member_as: MemberAs, acme: Organization, client_for: ClientFor
) -> None:
    client = client_for(member_as("mo@acme.example", role).user)

    for given in Role:
        client.post(f"{PEOPLE}invite/", {"addresses": f"{given}@example.com", "role": given})

    with acting_for(acme.pk):
        assert {invitation.role for invitation in Invitation.objects.all()} == set(may_give)


@pytest.mark.parametrize(
    ("role", "sees", "changes"),
    [(Role.READ_ONLY, 403, 403), (Role.MEMBER, 403, 403), (Role.MANAGER, 200, 403), (Role.ADMIN, 200, 302)],
)
def test_a_role_sees_and_changes_people(
    role: Role, sees: int, changes: int, member_as: MemberAs, client_for: ClientFor
) -> None:
    client = client_for(member_as("mo@acme.example", role).user)
    bob = member_as("bob@acme.example", Role.MEMBER)

    page = client.get(PEOPLE)
    changed = client.post(f"{PEOPLE}{bob.pk}/role/", {"role": "manager"})
    removed = client.post(f"{PEOPLE}{bob.pk}/remove/")

    assert (page.status_code, changed.status_code, removed.status_code) == (sees, changes, changes)


@pytest.mark.parametrize(
    ("role", "address", "able"),
    [
        (Role.MEMBER, f"{PEOPLE}invite/", b"These roles may: Manager, Admin."),
        (Role.MANAGER, f"{PEOPLE}1/role/", b"These roles may: Admin."),
        (Role.MANAGER, "/orgs/acme/settings/organization/save/", b"These roles may: Admin."),
    ],
)
def test_a_refusal_names_the_roles_that_can(
    role: Role, address: str, able: bytes, member_as: MemberAs, client_for: ClientFor
) -> None:
    client = client_for(member_as("mo@acme.example", role).user)

    assert able in client.post(address).content


def test_a_manager_is_offered_no_role_above_and_no_change_of_roles(member_as: MemberAs, client_for: ClientFor) -> None:
    client = client_for(member_as("mo@acme.example", Role.MANAGER).user)

    page = client.get(PEOPLE).content

    assert b'<option value="admin"' not in page
    assert b"Roles are changed and people removed by: Admin." in page


def test_a_manager_leaves_an_admins_invitation_alone(
    alices: Membership, member_as: MemberAs, acme: Organization, alice: User, client_for: ClientFor
) -> None:
    client_for(alice).post(f"{PEOPLE}invite/", {"addresses": "new@example.com", "role": "admin"})
    client = client_for(member_as("mo@acme.example", Role.MANAGER).user)
    with acting_for(acme.pk):
        invitation = Invitation.objects.get()

    page = client.post(f"{PEOPLE}invitations/{invitation.pk}/revoke/", follow=True)

    assert b"A Manager cannot invite anybody as Admin. These roles can: Admin." in page.content
    with acting_for(acme.pk):
        assert Invitation.objects.get().revoked_at is None


def test_a_member_sees_no_settings(bob: User, client_for: ClientFor) -> None:
    assert b"/settings/" not in client_for(bob).get("/orgs/acme/findings/").content


@pytest.mark.parametrize("path", ["role/", "remove/"])
def test_nobody_changes_or_removes_themselves(
    path: str, alices: Membership, member_as: MemberAs, alice: User, client_for: ClientFor
) -> None:
    member_as("ann@acme.example", Role.ADMIN)

    page = client_for(alice).post(f"{PEOPLE}{alices.pk}/{path}", {"role": "member"}, follow=True)

    assert b"Nobody " in page.content
    assert role_of(alices) == Role.ADMIN


def test_the_last_admin_stays_and_may_leave_when_there_is_another(
    alices: Membership, alice: User, bob: User, member_as: MemberAs, client_for: ClientFor
) -> None:
    client = client_for(alice)

    refused = client.post("/orgs/acme/leave/", follow=True)
    member_as("ann@acme.example", Role.ADMIN)
    left = client.post("/orgs/acme/leave/", follow=True)

    assert b"You are the only Admin" in refused.content
    assert b"You have left Acme" in left.content
    assert client.get("/orgs/acme/findings/").status_code == 404


def test_who_is_removed_sees_nothing_from_the_next_click_on(
    alice: User, bob: User, acme: Organization, client_for: ClientFor
) -> None:
    with acting_for(acme.pk):
        membership = Membership.objects.get(user=bob)
    bobs = client_for(bob)

    client_for(alice).post(f"{PEOPLE}{membership.pk}/remove/")

    assert bobs.get("/orgs/acme/findings/").status_code == 404


def test_each_change_is_one_line_of_the_log(
    alices: Membership, alice: User, bob: User, acme: Organization, client_for: ClientFor
) -> None:
    client = client_for(alice)
    with acting_for(acme.pk):
        membership = Membership.objects.get(user=bob)
        before = Event.objects.count()

    client.post(f"{PEOPLE}{membership.pk}/role/", {"role": "manager"})
    client.post(f"{PEOPLE}{membership.pk}/role/", {"role": "manager"})
    client.post(f"{PEOPLE}{membership.pk}/remove/")

    with acting_for(acme.pk):
        events = list(Event.objects.order_by("pk")[before:])
    assert [event.kind for event in events] == [Kind.ROLE_CHANGED, Kind.MEMBER_REMOVED]
    assert events[0].subject == {"email": bob.email, "role": "manager", "before": "member"}


def test_two_admins_who_demote_each_other_at_once_leave_one(committed: None) -> None:
    alice, ann = factories.a_person("alice@acme.example"), factories.a_person("ann@acme.example")
    acme = factories.an_organization("acme", admin=alice)
    with acting_for(acme.pk), transaction.atomic():
        factories.a_member(ann, Role.ADMIN)
        first, second = Membership.objects.select_related("user").order_by("pk")
    together = threading.Barrier(2)
    refusals: list[str] = []

    def demote(membership: Membership, by: Membership) -> None:
        together.wait()
        try:
            with acting_for(acme.pk):
                orgs.membership.change_role(membership=membership, role=Role.MEMBER, by=by, actor=actor_of(by.user))
        except Refused as refusal:
            refusals.append(str(refusal))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=demote, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with acting_for(acme.pk), transaction.atomic():
        assert Membership.objects.filter(role=Role.ADMIN).count() == 1
    assert refusals == [orgs.membership.ONLY_ADMINS]


def test_second_factor_and_last_sign_in_are_shown(alice: User, bob: User, client_for: ClientFor) -> None:
    bob.authenticator_set.create(type="totp", data={})  # type: ignore[attr-defined]  # allauth's own relation

    page = client_for(alice).get(PEOPLE).content.decode()

    assert page.count("second factor on") == 1
    assert page.count("no second factor") == 1


def test_the_list_asks_the_same_number_of_questions_for_any_number_of_people(
    alice: User, member_as: MemberAs, client_for: ClientFor, django_assert_max_num_queries: Callable[..., object]
) -> None:
    client = client_for(alice)
    for number in range(15):
        member_as(f"person{number}@acme.example", Role.MEMBER)

    with django_assert_max_num_queries(16):  # type: ignore[attr-defined]  # a context manager
        client.get(PEOPLE)


def open_invitations(acme: Organization) -> set[str]:
    with acting_for(acme.pk):
        return {entry.email for entry in Invitation.objects.filter(accepted_at=None, revoked_at=None)}


@pytest.mark.parametrize("role", [Role.MANAGER, Role.ADMIN])
def test_nobody_who_was_removed_comes_back_by_an_invitation_of_their_own(
    role: Role, member_as: MemberAs, alices: Membership, acme: Organization, client_for: ClientFor
) -> None:
    mo = member_as("mo@acme.example", role)
    EmailAddress.objects.create(user=mo.user, email="mo@home.example", verified=True)
    client_for(mo.user).post(f"{PEOPLE}invite/", {"addresses": "mo@home.example other@home.example", "role": role})
    client_for(alices.user).post(f"{PEOPLE}invite/", {"addresses": "dana@example.com", "role": "member"})

    client_for(alices.user).post(f"{PEOPLE}{mo.pk}/remove/")

    assert open_invitations(acme) == {"dana@example.com"}
    with acting_for(acme.pk):
        assert Event.objects.filter(kind=Kind.INVITATION_REVOKED).count() == 2


def test_what_somebody_may_not_give_any_more_ends_with_the_role(
    member_as: MemberAs, alices: Membership, acme: Organization, client_for: ClientFor
) -> None:
    mo = member_as("mo@acme.example", Role.ADMIN)
    for role in (Role.ADMIN, Role.MEMBER):
        client_for(mo.user).post(f"{PEOPLE}invite/", {"addresses": f"{role}@home.example", "role": role})

    client_for(alices.user).post(f"{PEOPLE}{mo.pk}/role/", {"role": "manager"})

    assert open_invitations(acme) == {"member@home.example"}
