"""Who gets in: tokens, their scopes, their organization."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

import orgs.services
from events.kinds import SYSTEM
from orgs.models import ApiToken
from orgs.permissions import Scope
from orgs.selectors import memberships_of
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.api.conftest import Caller

SCANS = "/api/v1/deployments/acme/scans"


@pytest.fixture
def finding_address(acme: Organization) -> str:
    with acting_for(acme.pk):
        return f"/api/v1/deployments/acme/findings/{factories.a_finding().pk}"


def test_a_finding_is_read_with_a_token(reader: Client, finding_address: str) -> None:
    response = reader.get(finding_address)

    assert response.status_code == 200
    assert response.json()["path"] == "app/orders.py"


def test_a_verdict_is_read_with_its_finding(reader: Client, acme: Organization) -> None:
    with acting_for(acme.pk):
        finding = factories.a_finding()
        factories.a_verdict(finding, "true_positive")

    answer = reader.get(f"/api/v1/deployments/acme/findings/{finding.pk}").json()

    assert (answer["recommendation"], answer["verdict"]["value"]) == ("fix", "true_positive")


@pytest.mark.parametrize(
    "header",
    [
        "Bearer wrong",
        "Bearer",
        "Bearer a b",
        "Basic YWxpY2VAYWNtZS5leGFtcGxlOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==",
        "Token abc",
        "Bearer " + "x" * 100_000,
        "Bearer äöü",
        "Bearer \x01",
    ],
)
def test_a_wrong_authorization_is_refused_in_json(finding_address: str, header: str) -> None:
    response = Client(headers={"authorization": header}).get(finding_address)

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert response.json()["detail"]


def test_no_token_is_refused_in_json(finding_address: str) -> None:
    response = Client().get(finding_address)

    assert response.status_code == 401
    assert response.json()["detail"]


def test_signing_in_is_no_way_into_the_api(alice: User, finding_address: str) -> None:
    client = Client()
    client.force_login(alice)

    assert client.get(finding_address).status_code == 401


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_the_scheme_is_read_in_any_case(reader: Client, finding_address: str, scheme: str) -> None:
    token = reader.defaults["HTTP_AUTHORIZATION"].split()[1]

    assert Client(headers={"authorization": f"{scheme} {token}"}).get(finding_address).status_code == 200


def test_a_token_in_the_address_is_not_read(reader: Client, finding_address: str) -> None:
    token = reader.defaults["HTTP_AUTHORIZATION"].split()[1]

    assert Client().get(finding_address, {"token": token, "access_token": token}).status_code == 401


def test_a_revoked_token_is_refused(reader: Client, acme: Organization, finding_address: str) -> None:
    with acting_for(acme.pk):
        orgs.services.revoke_token(token=ApiToken.objects.get(), actor=SYSTEM)

    assert reader.get(finding_address).status_code == 401


def test_a_token_may_do_only_what_its_scope_says(ci: Client, reader: Client, finding_address: str) -> None:
    assert ci.get(finding_address).status_code == 403
    assert reader.post(SCANS).status_code == 403


def test_the_refusal_names_the_scope_that_is_missing(reader: Client) -> None:
    assert "ci" in reader.post(SCANS).json()["detail"]


def test_a_write_scope_may_read_as_well(caller: Caller, finding_address: str) -> None:
    assert caller(Scope.API_WRITE).get(finding_address).status_code == 200


def test_another_organization_and_one_that_is_not_there_look_the_same(reader: Client, charlie: User) -> None:
    umbrella = memberships_of(charlie.pk)[0].organization
    with acting_for(umbrella.pk):
        finding = factories.a_finding()

    theirs = reader.get(f"/api/v1/deployments/umbrella/findings/{finding.pk}")
    nobodys = reader.get(f"/api/v1/deployments/nobody/findings/{finding.pk}")

    assert (theirs.status_code, theirs.json()) == (404, nobodys.json())


def test_an_id_of_another_organization_is_not_found_under_the_own_address(reader: Client, charlie: User) -> None:
    umbrella = memberships_of(charlie.pk)[0].organization
    with acting_for(umbrella.pk):
        finding = factories.a_finding()

    assert reader.get(f"/api/v1/deployments/acme/findings/{finding.pk}").status_code == 404


def test_an_uploaded_scan_is_not_seen_by_another_organization(ci: Client, acme: Organization, charlie: User) -> None:
    umbrella = memberships_of(charlie.pk)[0].organization
    with acting_for(acme.pk):
        scan = factories.a_scan()
    with acting_for(umbrella.pk):
        _, value = orgs.services.create_token(name="ci", scopes=[Scope.CI], created_by=charlie, actor=SYSTEM)

    stranger = Client(headers={"authorization": f"Bearer {value}"})

    assert ci.get(f"{SCANS}/{scan.pk}").status_code == 200
    assert stranger.get(f"/api/v1/deployments/umbrella/scans/{scan.pk}").status_code == 404


def test_use_of_a_token_is_noted(reader: Client, acme: Organization, finding_address: str) -> None:
    reader.get(finding_address)

    with acting_for(acme.pk):
        assert ApiToken.objects.get().last_used_at is not None
