from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client

from orgs.permissions import Role
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories

ClientFor = Callable[[User], Client]


def test_signing_in_leads_to_the_dashboard_of_the_only_organization(bob: User, client: Client) -> None:
    response = client.post(
        "/accounts/login/", {"login": "bob@acme.example", "password": factories.PASSWORD}, follow=True
    )

    assert response.redirect_chain[-1][0] == "/orgs/acme/dashboard/"


def test_a_wrong_password_is_refused_in_words(bob: User, client: Client) -> None:
    response = client.post("/accounts/login/", {"login": "bob@acme.example", "password": "wrong"})

    assert response.status_code == 200
    assert b"not correct" in response.content


def test_signing_out_ends_the_session(bob: User, client_for: ClientFor) -> None:
    client = client_for(bob)

    client.post("/accounts/logout/")

    assert client.get("/orgs/acme/findings/").status_code == 302


def test_a_person_in_several_organizations_chooses(bob: User, client_for: ClientFor) -> None:
    other = factories.an_organization("globex", admin=factories.a_person("gina@globex.example"))
    with acting_for(other.pk):
        factories.a_member(bob, Role.MEMBER)

    page = client_for(bob).get("/").content

    assert b"/orgs/acme/dashboard/" in page
    assert b"/orgs/globex/dashboard/" in page


def test_a_person_in_no_organization_is_told_what_to_do(acme: Organization, client_for: ClientFor) -> None:
    nobody = factories.a_person("nobody@acme.example")

    response = client_for(nobody).get("/")

    assert response.status_code == 200
    assert b"You are in no organization yet" in response.content


def test_the_switcher_lists_only_a_persons_own_organizations(bob: User, charlie: User, client_for: ClientFor) -> None:
    page = client_for(bob).get("/orgs/acme/findings/").content

    assert b"/orgs/acme/findings/" in page
    assert b"umbrella" not in page


def test_a_page_runs_under_a_policy_without_inline_scripts(bob: User, client_for: ClientFor) -> None:
    response = client_for(bob).get("/orgs/acme/findings/")

    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert b"<style" not in response.content
    assert b" style=" not in response.content
