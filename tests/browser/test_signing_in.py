"""Second factors and invitations in a real browser; the passkey is of a virtual device."""

from __future__ import annotations

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.db import transaction
from playwright.sync_api import Page, expect

import orgs.joining
from orgs.models import Membership
from orgs.permissions import Role
from orgs.services import actor_of
from tenancy.directory import organization_by_slug
from tenancy.scope import acting_for
from tests.browser import rows
from tests.browser.conftest import Axe, OpenWindow
from tests.browser.site import Site

ONE_SECOND_FACTOR = "/accounts/second-factor/"


@pytest.fixture
def named(site: Site) -> str:
    """The site by a name: browsers allow no passkeys at an IP address."""
    return site.url.replace("127.0.0.1", "localhost")


def sign_in(page: Page, person: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill(person)
    page.get_by_label("Password").fill(rows.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def prove(page: Page) -> None:
    page.get_by_label("Password").fill(rows.PASSWORD)
    page.get_by_role("button", name="Go on").click()


def sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.locator("main").get_by_role("button", name="Sign out").click()


def with_a_device(page: Page) -> None:
    """Give the browser a device that knows its owner, such as a laptop with a finger reader."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": device})


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def test_a_passkey_is_added_and_signs_in_alone(window: OpenWindow, axe: Axe, named: str) -> None:
    page = window(base_url=named)
    with_a_device(page)
    sign_in(page, rows.KIM)
    page.goto(f"{ONE_SECOND_FACTOR}keys/add/")
    prove(page)
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label("As a passkey").check()
    complaints = axe(page)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    expect(page.locator(".codes li")).to_have_count(10)

    sign_out(page)
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page).to_have_url(re.compile(rf"/orgs/{rows.ACME}/dashboard/$"))
    page.goto(f"{ONE_SECOND_FACTOR}keys/")
    expect(page.get_by_text("Laptop").first).to_be_visible()
    assert complaints == []


def test_at_an_ip_address_the_page_says_why_a_passkey_cannot_be(window: OpenWindow) -> None:
    page = window()
    with_a_device(page)
    page.goto("/accounts/login/")

    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page.get_by_role("alert")).to_contain_text("not at an IP address")


def test_an_authenticator_app_is_set_up_and_asked_for_and_a_recovery_code_stands_in(
    window: OpenWindow, axe: Axe
) -> None:
    page = window()
    sign_in(page, rows.TOM)
    page.goto(f"{ONE_SECOND_FACTOR}app/on/")
    prove(page)
    secret = page.locator("#totp-secret").inner_text()
    complaints = axe(page)
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    recovery_code = page.locator(".codes li").first.inner_text()

    sign_out(page)
    sign_in(page, rows.TOM)
    complaints += axe(page)
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile(rf"/orgs/{rows.ACME}/dashboard/$"))
    sign_out(page)
    sign_in(page, rows.TOM)
    page.get_by_label("Code").fill(recovery_code)
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page).to_have_url(re.compile(rf"/orgs/{rows.ACME}/dashboard/$"))
    assert complaints == []


def test_an_invited_person_signs_up_and_joins(window: OpenWindow, axe: Axe, site: Site) -> None:
    link = site.behind(_invitation_of_fay)
    page = window()
    page.goto(link)
    complaints = axe(page)
    page.get_by_role("link", name="Make an account").click()
    expect(page.get_by_label("E-mail address")).to_have_value("fay@example.com")
    complaints += axe(page)
    page.get_by_label("Password").fill("seven quiet harbours")
    page.get_by_role("button", name="Make the account").click()
    page.get_by_role("button", name="Join").click()

    expect(page.get_by_role("status").filter(has_text="You are in")).to_be_visible()
    # Of the settings, a Member sees the memories only.
    expect(page.get_by_role("link", name="Settings")).to_have_attribute("href", re.compile("/memories/$"))
    assert complaints == []


def _invitation_of_fay() -> str:
    organization = organization_by_slug(rows.EMPTY)
    assert organization is not None
    with acting_for(organization.pk), transaction.atomic():
        admin = Membership.objects.select_related("user").get(role=Role.ADMIN)
        invited = orgs.joining.invite(
            addresses=["fay@example.com"], role=Role.MEMBER, by=admin, actor=actor_of(admin.user)
        )
    return f"/invitations/{orgs.joining.token_of(invited.invitations[0])}/"
