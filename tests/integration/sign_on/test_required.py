"""Where single sign-on is required, and who finds which way in."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

import orgs.sign_on.services
from events.kinds import SYSTEM
from events.models import Event
from orgs.models import SignOn
from orgs.sign_on.services import NotPossible
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.sign_on.conftest import Visitor, words_of

SIGN_IN = "/accounts/login/"


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    """No wrong passwords of other tests."""
    cache.clear()


@pytest.fixture
def required(in_acme: Organization) -> SignOn:
    """Acme's sign-on, required for acme.example."""
    return factories.a_sign_on(tested_at=timezone.now(), is_enforced=True)


def sign_in(client: Client, address: str, password: str = factories.PASSWORD) -> str:
    """Return what the page says; nothing when it lets the person in."""
    response = client.post(SIGN_IN, {"login": address, "password": password})
    return words_of(response) if response.status_code == 200 else ""


def test_a_password_is_refused_in_words_right_or_wrong(required: SignOn, alice: User, client: Client) -> None:
    right, wrong = sign_in(client, alice.email), sign_in(client, alice.email, "wrong")

    assert "Acme requires single sign-on for this address" in right
    assert "Acme requires single sign-on for this address" in wrong
    assert "_auth_user_id" not in client.session


def test_another_way_in_is_refused_too(required: SignOn, client: Client) -> None:
    """A link to a new password stands for passkeys and codes: all end in the same step."""
    person = factories.a_person("eve@elsewhere.example")
    User.objects.filter(pk=person.pk).update(email="eve@acme.example")
    EmailAddress.objects.filter(user=person).update(email="eve@elsewhere.example", verified=True)

    response = client.post(SIGN_IN, {"login": "eve@elsewhere.example", "password": factories.PASSWORD}, follow=True)

    assert "requires single sign-on" in words_of(response)
    assert "_auth_user_id" not in client.session


def test_people_of_other_domains_keep_their_passwords(required: SignOn, charlie: User, client: Client) -> None:
    assert sign_in(client, charlie.email) == ""
    assert "_auth_user_id" in client.session


def test_the_required_way_lets_in(by_openid: SignOn, visitor: Visitor) -> None:
    with acting_for(by_openid.organization_id):
        SignOn.objects.update(tested_at=timezone.now(), is_enforced=True)

    visitor.sign_in_by_openid(by_openid)

    assert visitor.email == "dana@acme.example"


def test_it_cannot_be_required_before_a_test(in_acme: Organization) -> None:
    sign_on = factories.a_sign_on()

    with pytest.raises(NotPossible, match="Test the sign-in first"):
        orgs.sign_on.services.enforce(sign_on=sign_on, actor=SYSTEM)


def test_the_operator_opens_the_other_ways_again(
    required: SignOn, alice: User, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sign_on", "acme", "--optional")

    assert sign_in(client, alice.email) == ""
    assert "Acme Login: OpenID Connect, optional" in capsys.readouterr().out
    assert Event.objects.filter(kind="sign_on_changed", subject__change="optional").exists()


def test_an_address_of_the_domain_is_led_to_its_organization(in_acme: Organization, client: Client) -> None:
    sign_on = factories.a_sign_on()

    page = words_of(client.post("/accounts/sign-on/", {"login": "Anybody@Acme.Example"}))
    beside = words_of(client.post("/accounts/sign-on/hint/", {"login": "anybody@acme.example"}))

    assert "Continue with Acme Login" in page
    assert f'href="/accounts/sign-on/{sign_on.key}/"' in beside


def test_an_address_of_another_domain_is_led_nowhere(in_acme: Organization, client: Client) -> None:
    factories.a_sign_on()

    page = words_of(client.post("/accounts/sign-on/", {"login": "anybody@umbrella.example"}))

    assert "No organization here has single sign-on for anybody@umbrella.example" in page


def test_an_unproved_domain_leads_nowhere_and_requires_nothing(required: SignOn, alice: User, client: Client) -> None:
    required.domains.update(proved_at=None)

    assert "Continue with" not in words_of(client.post("/accounts/sign-on/", {"login": alice.email}))
    assert sign_in(client, alice.email) == ""


def test_another_main_address_does_not_lead_out(required: SignOn, alice: User, client: Client) -> None:
    EmailAddress.objects.create(user=alice, email="alice@home.example", verified=True)
    client.force_login(alice)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": timezone.now().timestamp()}]
    session.save()

    page = client.post("/accounts/email/", {"action_primary": "1", "email": "alice@home.example"}, follow=True)

    assert "it stays your main address" in words_of(page)
    assert User.objects.get(pk=alice.pk).email == alice.email


def test_a_domain_written_in_its_own_letters_is_the_same_domain(in_acme: Organization, client: Client) -> None:
    factories.a_sign_on(domain="xn--bcher-kva.example", tested_at=timezone.now(), is_enforced=True)
    factories.a_person("anna@bücher.example")

    assert "requires single sign-on" in sign_in(client, "anna@bücher.example")


@pytest.mark.parametrize("path", ["/accounts/sign-on/", "/accounts/sign-on/hint/"])
def test_an_address_that_none_can_have_is_led_nowhere(path: str, db: None, client: Client) -> None:
    assert client.post(path, {"login": "a@acme\0.example"}).status_code == 200
