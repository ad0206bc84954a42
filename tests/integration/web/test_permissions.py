from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.checks import every_address_declares_its_permission, undeclared
from findings.models import Finding, Triage
from orgs.permissions import Permission, Role
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories

ClientFor = Callable[[User], Client]

PAGES = ["findings/", "findings/filters/", "projects/", "scans/", "upload/", "settings/deployment/"]


def without_tokens(page: bytes) -> bytes:
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]*"', b"", page)


@pytest.fixture
def rita(acme: Organization) -> User:
    """A Read-only person of Acme."""
    person = factories.a_person("rita@acme.example")
    with acting_for(acme.pk):
        factories.a_member(person, Role.READ_ONLY)
    return person


@pytest.fixture
def finding(acme: Organization) -> Finding:
    with acting_for(acme.pk):
        return factories.a_finding()


@pytest.mark.parametrize("page", PAGES)
def test_an_admin_opens_every_page(page: str, acme: Organization, alice: User, client_for: ClientFor) -> None:
    response = client_for(alice).get(f"/orgs/acme/{page}")

    assert response.status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_somebody_who_is_not_signed_in_is_asked_to(page: str, acme: Organization, client: Client) -> None:
    response = client.get(f"/orgs/acme/{page}")

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=/orgs/acme/")


def test_a_fragment_sends_the_whole_window_to_sign_in(acme: Organization, client: Client) -> None:
    response = client.get("/orgs/acme/findings/filters/", headers={"HX-Request": "true"})

    assert response["HX-Redirect"].startswith("/accounts/login/")


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_sees_no_more_than_of_an_organization_that_is_not_there(
    page: str, acme: Organization, charlie: User, client_for: ClientFor
) -> None:
    client = client_for(charlie)

    of_acme = client.get(f"/orgs/acme/{page}")
    of_nobody = client.get(f"/orgs/nobody/{page}")

    assert of_acme.status_code == of_nobody.status_code == 404
    assert without_tokens(of_acme.content) == without_tokens(of_nobody.content)


def test_a_finding_of_another_organization_is_not_there(finding: Finding, charlie: User, client_for: ClientFor) -> None:
    client = client_for(charlie)

    assert client.get(f"/orgs/acme/findings/{finding.pk}/").status_code == 404
    assert client.get(f"/orgs/umbrella/findings/{finding.pk}/").status_code == 404
    assert client.post(f"/orgs/umbrella/findings/{finding.pk}/ignore/", {"reason": "no_time"}).status_code == 404


def test_a_refusal_says_which_roles_may(rita: User, client_for: ClientFor) -> None:
    response = client_for(rita).get("/orgs/acme/upload/")

    assert response.status_code == 403
    assert b"Your role in Acme is <strong>Read-only</strong>" in response.content
    assert b"Member, Manager, Admin" in response.content


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("ignore/", {"reason": "no_time"}),
        ("triage/", {"triage": "to_fix"}),
        ("notes/", {"text": "Mine."}),
        ("feedback/", {"agrees": "yes"}),
        ("analyze/", {}),
    ],
)
def test_a_reader_changes_nothing_of_a_finding(
    address: str, sent: dict[str, str], finding: Finding, rita: User, client_for: ClientFor
) -> None:
    response = client_for(rita).post(f"/orgs/acme/findings/{finding.pk}/{address}", sent)

    assert response.status_code == 403
    with acting_for(finding.organization_id):
        unchanged = Finding.objects.get(pk=finding.pk)
    assert (unchanged.triage, unchanged.triage_change) == (Triage.OPEN, 0)


def test_a_reader_is_offered_no_button_that_changes(finding: Finding, rita: User, client_for: ClientFor) -> None:
    page = client_for(rita).get(f"/orgs/acme/findings/{finding.pk}/").content

    assert b"Ignore" not in page
    assert b"/notes/" not in page
    assert b"/analyze/" not in page


def test_a_member_may_not_change_settings(bob: User, client_for: ClientFor) -> None:
    client = client_for(bob)

    page = client.get("/orgs/acme/settings/deployment/")
    refused = client.post("/orgs/acme/settings/deployment/save/", {"is_enabled": ""})

    assert (page.status_code, b"Admin" in page.content) == (403, True)
    assert refused.status_code == 403


def test_a_form_without_its_token_changes_nothing(finding: Finding, alice: User, acme: Organization) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    response = client.post(f"/orgs/acme/findings/{finding.pk}/ignore/", {"reason": "no_time"})

    assert response.status_code == 403
    assert b"This form has expired" in response.content


def test_what_changes_things_cannot_be_reached_by_a_link(finding: Finding, alice: User, client_for: ClientFor) -> None:
    response = client_for(alice).get(f"/orgs/acme/findings/{finding.pk}/ignore/")

    assert response.status_code == 405


def test_every_address_declares_who_may_use_it() -> None:
    assert every_address_declares_its_permission(None) == []


def test_an_address_that_declares_nothing_is_an_error() -> None:
    def forgotten(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    problems = undeclared([path("somewhere/", forgotten, name="somewhere")])

    assert [problem.id for problem in problems] == ["assistant.E001"]


def test_a_declared_address_is_no_error() -> None:
    @org_page(Permission.FINDINGS_VIEW)
    def page(request: OrgRequest) -> HttpResponse:
        return HttpResponse()

    assert undeclared([path("somewhere/", page, name="somewhere")]) == []
