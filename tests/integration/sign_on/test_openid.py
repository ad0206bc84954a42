"""Signing in through an OpenID Connect provider (Authlib's server), and what a lying one achieves: nothing."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.conf import settings
from django.contrib.auth.models import User

import orgs.joining
from events.kinds import SYSTEM
from orgs.models import Membership, SignOn
from orgs.permissions import Role
from orgs.selectors import memberships_of
from tenancy.models import Organization
from tests import factories
from tests.integration.sign_on.conftest import Visitor, words_of
from tests.vendors.openid_server import OpenIdServer


def test_a_new_person_joins_the_organization_in_the_default_role(
    by_openid: SignOn, visitor: Visitor, acme: Organization
) -> None:
    response = visitor.sign_in_by_openid(by_openid)

    assert response.status_code == 302
    assert visitor.email == "dana@acme.example"
    (member,) = memberships_of(User.objects.get(email="dana@acme.example").pk)
    assert (member.organization, member.role) == (acme, Role.MEMBER)
    assert member.user.get_full_name() == "Dana Ito"


def test_whoever_comes_again_is_the_same_person(by_openid: SignOn, visitor: Visitor) -> None:
    visitor.sign_in_by_openid(by_openid)

    again = Visitor()
    again.sign_in_by_openid(by_openid)

    assert again.email == "dana@acme.example"
    assert SocialAccount.objects.count() == 1
    assert SocialAccount.objects.get().extra_data == {}


def test_no_secret_is_kept_outside_the_organizations_row(by_openid: SignOn) -> None:
    assert "a secret" not in by_openid.sealed_secret
    assert not SocialApp.objects.exists()


def test_the_request_carries_state_nonce_and_a_challenge(by_openid: SignOn, visitor: Visitor) -> None:
    asked = parse_qs(urlsplit(visitor.get(f"/accounts/sign-on/{by_openid.key}/")["Location"]).query)

    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{settings.PUBLIC_URL}/accounts/sign-on/{by_openid.key}/callback/"]


@pytest.mark.parametrize(
    ("lies", "said"),
    [
        ({"nonce": "of another sign-in"}, "nonce"),
        ({"iss": "https://other.example"}, "issuer"),
        ({"aud": ["another client"]}, "udience"),
        ({"exp": 1_600_000_000}, "expired"),
        ({"azp": "another client"}, "azp"),
        ({"email": "victim@umbrella.example"}, "umbrella.example is no proved domain"),
        ({"email": "dana@sub.acme.example"}, "sub.acme.example is no proved domain"),
        ({"email": "dana@acme.example@umbrella.example"}, "no e-mail address"),
        ({"email_verified": False}, "not verified"),
        ({"email_verified": "false"}, "not verified"),
        ({"email": ""}, "no e-mail address"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_a_lie_lets_nobody_in(
    by_openid: SignOn, openid: OpenIdServer, visitor: Visitor, lies: dict[str, Any], said: str
) -> None:
    openid.lies = lies

    response = visitor.sign_in_by_openid(by_openid)

    assert (response.status_code, visitor.email) == (403, "")
    assert said in words_of(response)
    assert not User.objects.filter(email__contains="dana").exists()


def test_a_token_signed_by_somebody_else_lets_nobody_in(
    by_openid: SignOn, openid: OpenIdServer, visitor: Visitor
) -> None:
    openid.signs_with_unknown_key = True

    response = visitor.sign_in_by_openid(by_openid)

    assert (response.status_code, visitor.email) == (403, "")


def test_an_answer_of_another_browser_lets_nobody_in(by_openid: SignOn, visitor: Visitor) -> None:
    address = visitor.go_to_openid(by_openid)

    response = Visitor().get(address)

    assert response.status_code == 403
    assert "not begun in this browser" in words_of(response)


def test_an_answer_counts_once(by_openid: SignOn, visitor: Visitor) -> None:
    address = visitor.go_to_openid(by_openid)
    visitor.get(address)

    assert visitor.get(address).status_code == 403


def test_a_provider_opens_no_account_with_an_address_elsewhere(
    by_openid: SignOn, openid: OpenIdServer, visitor: Visitor, charlie: User
) -> None:
    visitor.sign_in_by_openid(by_openid)
    User.objects.filter(email="dana@acme.example").update(email="dana@umbrella.example")

    response = Visitor().sign_in_by_openid(by_openid)

    assert response.status_code == 403
    assert "has an address elsewhere" in words_of(response)


def test_an_existing_account_of_the_domain_is_linked_and_keeps_its_role(
    by_openid: SignOn, openid: OpenIdServer, visitor: Visitor, alice: User, acme: Organization
) -> None:
    openid.person["email"] = "Alice@ACME.example"

    visitor.sign_in_by_openid(by_openid)

    assert visitor.email == alice.email
    assert [member.role for member in memberships_of(alice.pk)] == [Role.ADMIN]


def test_whoever_only_claimed_the_address_is_shut_out(
    by_openid: SignOn, openid: OpenIdServer, visitor: Visitor
) -> None:
    squatter = factories.a_person("dana@acme.example")
    EmailAddress.objects.filter(user=squatter).update(verified=False)

    visitor.sign_in_by_openid(by_openid)

    squatter.refresh_from_db()
    assert not squatter.has_usable_password()


def test_whoever_was_removed_does_not_come_back_by_themselves(
    by_openid: SignOn, visitor: Visitor, in_acme: Organization
) -> None:
    visitor.sign_in_by_openid(by_openid)
    Membership.objects.get(user__email="dana@acme.example").delete()

    response = Visitor().sign_in_by_openid(by_openid)

    assert response.status_code == 403
    assert "You were removed from Acme" in words_of(response)


def test_whoever_was_removed_comes_back_when_an_admin_invites_them(
    by_openid: SignOn, visitor: Visitor, in_acme: Organization, alice: User
) -> None:
    visitor.sign_in_by_openid(by_openid)
    Membership.objects.get(user__email="dana@acme.example").delete()
    admin = Membership.objects.get(user=alice)
    orgs.joining.invite(addresses=["dana@acme.example"], role=Role.MANAGER, by=admin, actor=SYSTEM)

    again = Visitor()
    again.sign_in_by_openid(by_openid)

    assert again.email == "dana@acme.example"
    assert Membership.objects.get(user__email="dana@acme.example").role == Role.MANAGER
