"""The table of roles, through the pages: who may do what, and who is told to ask whom."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

import orgs.services
import orgs.teams
from events.kinds import SYSTEM
from findings.models import Finding
from orgs.permissions import PERMISSIONS_OF_SCOPE, Permission, Role, Scope
from tenancy.models import Organization
from tests import factories

ClientFor = Callable[[User], Client]

READ_ONLY, MEMBER, MANAGER, ADMIN = Role
SEES = {
    "the findings": "findings/",
    "a finding": "findings/{finding}/",
    "the projects": "projects/",
    "the scans": "scans/",
}
# What can be done, at which address, and the weakest role that may.
TABLE = {
    **{f"see {what}": ("get", address, READ_ONLY) for what, address in SEES.items()},
    "triage a finding": ("post", "findings/{finding}/triage/", MEMBER),
    "ignore a finding": ("post", "findings/{finding}/ignore/", MEMBER),
    "give feedback": ("post", "findings/{finding}/feedback/", MEMBER),
    "write a note": ("post", "findings/{finding}/notes/", MEMBER),
    "have a finding analysed": ("post", "findings/{finding}/analyze/", MEMBER),
    "upload a scan": ("get", "upload/", MEMBER),
    "see the teams": ("get", "settings/teams/", MANAGER),
    "make a team": ("post", "settings/teams/create/", MANAGER),
    "rename a team": ("post", "settings/teams/{team}/name/", MANAGER),
    "put people into a team": ("post", "settings/teams/{team}/people/", MANAGER),
    "give a team projects": ("post", "settings/teams/{team}/projects/", MANAGER),
    "limit a person to teams": ("post", "settings/teams/limits/", MANAGER),
    "delete a team": ("post", "settings/teams/{team}/delete/", MANAGER),
    "see the tokens": ("get", "settings/tokens/", ADMIN),
    "make a token": ("post", "settings/tokens/create/", ADMIN),
    "revoke a token": ("post", "settings/tokens/{token}/revoke/", ADMIN),
    "see the audit log": ("get", "settings/audit-log/", ADMIN),
    "export the audit log": ("post", "settings/audit-log/export/", ADMIN),
    "accept that code is sent": ("post", "settings/deployment/consent/", ADMIN),
}


@pytest.fixture
def things(in_acme: Organization, alice: User) -> dict[str, int]:
    finding = factories.a_finding()
    token, _ = orgs.services.create_token(name="ci", scopes=[Scope.CI], created_by=alice, actor=SYSTEM)
    team = orgs.teams.create_team(name="Payments", actor=SYSTEM)
    return {"finding": finding.pk, "token": token.pk, "team": team.pk}


def may(role: Role, weakest: Role) -> bool:
    return list(Role).index(role) >= list(Role).index(weakest)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("what", TABLE)
def test_a_role_does_what_the_table_says_and_is_told_who_else_does_the_rest(
    what: str, role: Role, things: dict[str, int], client_for: ClientFor
) -> None:
    method, address, weakest = TABLE[what]
    person = factories.a_person(f"{role}@acme.example")
    factories.a_member(person, role)

    response = getattr(client_for(person), method)(f"/orgs/acme/{address.format(**things)}")

    refusal = re.search(r"These roles may: ([^.]*)\.", b"".join(response).decode())
    who = ", ".join(other.label for other in Role if may(other, weakest))
    expected = (False, None) if may(role, weakest) else (True, who)
    assert (response.status_code in {401, 403, 404, 405}, refusal and refusal[1]) == expected


@pytest.mark.parametrize(
    ("method", "address"),
    [("get", "findings/{finding}"), ("get", "scans/{scan}"), ("post", "scans")],
)
@pytest.mark.parametrize("scope", Scope)
def test_a_token_is_told_which_scope_it_lacks(
    method: str, address: str, scope: Scope, things: dict[str, int], alice: User
) -> None:
    scan = Finding.objects.get(pk=things["finding"]).first_scan_id
    _, value = orgs.services.create_token(name="one", scopes=[scope], created_by=alice, actor=SYSTEM)
    needed = {
        "findings/{finding}": Permission.FINDINGS_VIEW,
        "scans/{scan}": Permission.SCANS_VIEW,
        "scans": Permission.SCANS_UPLOAD,
    }[address]

    client = Client(headers={"authorization": f"Bearer {value}"})
    response = getattr(client, method)(f"/api/v1/deployments/acme/{address.format(**things, scan=scan)}")

    enough = [entry for entry, allowed in PERMISSIONS_OF_SCOPE.items() if needed in allowed]
    detail = response.json().get("detail", "")
    refused = f"The token lacks the scope for this: it needs {' or '.join(enough)}."
    assert (response.status_code == 403, detail == refused) == (scope not in enough, scope not in enough)
