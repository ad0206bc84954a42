"""People and tokens: made once, found again, ended."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

import orgs.services
from events.kinds import SYSTEM
from orgs.models import ApiToken, Membership
from orgs.permissions import Permission, Role, Scope
from orgs.selectors import memberships_of, token_by_value
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories


def test_a_person_is_the_same_however_the_address_is_written(db: None) -> None:
    first = orgs.services.person("Dana@Example.COM")

    assert orgs.services.person(" dana@example.com ") == first


def test_a_person_who_is_named_again_keeps_the_password(db: None) -> None:
    orgs.services.person("dana@example.com", password="correct horse battery")

    assert orgs.services.person("dana@example.com").check_password("correct horse battery")


def test_a_person_made_without_a_password_cannot_sign_in(db: None) -> None:
    assert not orgs.services.person("dana@example.com").has_usable_password()


def test_two_long_addresses_are_two_people(db: None) -> None:
    long = "d" * 60 + "@" + "e" * 60 + "." + "e" * 60 + ".example"

    assert orgs.services.person(f"{long}.one") != orgs.services.person(f"{long}.two")


@pytest.mark.parametrize("address", ["", "dana", "dana@", "a b@example.com", "dana@example.com\n<script>"])
def test_what_is_no_address_makes_nobody(db: None, address: str) -> None:
    with pytest.raises(ValidationError):
        orgs.services.person(address)

    assert not User.objects.exists()


@pytest.mark.parametrize("slug", ["", "-acme", "acme-", "Acme", "a/b", "..", "a" * 64, "acme\n", "ac me", "é"])
def test_a_slug_that_cannot_stand_in_an_address_makes_no_organization(alice: User, slug: str) -> None:
    with pytest.raises(ValidationError):
        orgs.services.create_organization(slug=slug, name="Acme", admin=alice)


def test_a_slug_is_taken_once(acme: Organization, charlie: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        orgs.services.create_organization(slug="acme", name="Acme again", admin=charlie)

    assert [member.organization.slug for member in memberships_of(charlie.pk)] == ["umbrella"]


def test_a_person_is_a_member_once(in_acme: Organization, alice: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.a_member(alice, Role.READ_ONLY)

    assert Membership.objects.get(user=alice).role == Role.ADMIN


def test_a_token_is_stored_as_a_digest_only(in_acme: Organization, alice: User) -> None:
    _, value = orgs.services.create_token(name="ci", scopes=[Scope.CI], created_by=alice, actor=SYSTEM)

    with connection.cursor() as cursor:
        cursor.execute("SELECT orgs_apitoken::text FROM orgs_apitoken")
        stored = cursor.fetchone()[0]
    assert value not in stored
    assert value[10:] not in stored


def test_a_token_is_found_by_its_value_alone(in_acme: Organization, alice: User) -> None:
    token, value = orgs.services.create_token(name="ci", scopes=[Scope.CI], created_by=alice, actor=SYSTEM)

    assert token_by_value(value) == token
    assert [token_by_value(wrong) for wrong in (value.upper(), value + " ", value[:-1], token.digest, "")] == [None] * 5


def test_a_token_outlives_its_maker(in_acme: Organization) -> None:
    person = factories.a_person("leaver@acme.example")
    _, value = orgs.services.create_token(name="ci", scopes=[Scope.CI], created_by=person, actor=SYSTEM)

    person.delete()

    assert token_by_value(value) is not None


def test_a_revoked_token_is_not_found(in_acme: Organization, alice: User) -> None:
    token, value = orgs.services.create_token(name="ci", scopes=[Scope.CI], created_by=alice, actor=SYSTEM)

    orgs.services.revoke_token(token=token, actor=SYSTEM)

    assert token_by_value(value) is None


def test_a_token_for_uploads_may_ask_what_became_of_them_and_read_nothing_else(acme: Organization) -> None:
    with acting_for(acme.pk):
        token = ApiToken(scopes=[Scope.CI])

    assert {permission for permission in Permission if token.may(permission)} == {
        Permission.SCANS_UPLOAD,
        Permission.SCANS_VIEW,
    }


@pytest.mark.parametrize(
    ("role", "count"), [(Role.READ_ONLY, 3), (Role.MEMBER, 9), (Role.MANAGER, 12), (Role.ADMIN, len(Permission))]
)
def test_each_role_may_what_the_weaker_one_may_and_more(acme: Organization, role: Role, count: int) -> None:
    with acting_for(acme.pk):
        member = Membership(role=role)

    assert len([permission for permission in Permission if member.may(permission)]) == count
