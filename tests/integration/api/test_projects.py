"""Deployments and projects at Semgrep's addresses."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from events.models import Event
from orgs.permissions import Scope
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.api.conftest import Caller

PROJECTS = "/api/v1/deployments/acme/projects"


@pytest.fixture
def manager(caller: Caller, acme: Organization) -> Client:
    with acting_for(acme.pk):
        for name in ("shop", "team/desk", "api/v1/tags"):
            factories.a_project(name)
    return caller(Scope.API_WRITE)


def sent(client: Client, method: str, address: str, **body: Any) -> Any:
    return getattr(client, method)(address, data=body, content_type="application/json")


def test_a_token_sees_its_deployment(reader: Client, acme: Organization) -> None:
    answer = reader.get("/api/v1/deployments").json()

    address = "http://testserver/api/v1/deployments/acme/findings"
    assert answer == {"deployments": [{"id": acme.pk, "slug": "acme", "name": "Acme", "findings": {"url": address}}]}


def test_projects_are_listed_by_name(manager: Client) -> None:
    first = manager.get(PROJECTS, {"page_size": 2}).json()
    numbered = manager.get(PROJECTS, {"page_size": 2, "page": 1}).json()

    assert [project["name"] for project in first["projects"]] == ["api/v1/tags", "shop"]
    assert [project["name"] for project in manager.get(first["next"]).json()["projects"]] == ["team/desk"]
    assert [project["name"] for project in numbered["projects"]] == ["team/desk"]


@pytest.mark.parametrize("name", ["team/desk", "team%2Fdesk"])
def test_a_name_may_hold_slashes(manager: Client, name: str) -> None:
    assert manager.get(f"{PROJECTS}/{name}").json()["project"]["name"] == "team/desk"


def test_a_project_is_changed(manager: Client, acme: Organization) -> None:
    changes = {"primary_branch": "trunk", "tags": ["web", "web"], "ignored_paths": ["tests/", "*.min.js"]}

    project = sent(manager, "patch", f"{PROJECTS}/shop", **changes).json()["project"]

    assert (project["primary_branch"], project["default_branch"]) == ("trunk", "trunk")
    assert (project["tags"], project["ignored_paths"]) == (["web"], ["tests/", "*.min.js"])
    with acting_for(acme.pk):
        assert Event.objects.filter(kind="project_changed").count() == 1


def test_tags_are_added_and_taken_away(manager: Client) -> None:
    sent(manager, "put", f"{PROJECTS}/team/desk/tags", tags=["web", "old"])

    answer = sent(manager, "delete", f"{PROJECTS}/team/desk/tags", tags=["old", "never-there"])

    assert answer.json()["project"]["tags"] == ["web"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"primary_branch": "a\nb"}, 400),
        ({"tags": ["a,b"]}, 400),
        ({"tags": [str(number) for number in range(51)]}, 400),
        ({"ignored_paths": ["a\nb"]}, 400),
        ({"tags": "web"}, 400),
    ],
)
def test_a_change_that_does_not_fit_is_refused(manager: Client, changes: dict[str, Any], status: int) -> None:
    assert sent(manager, "patch", f"{PROJECTS}/shop", **changes).status_code == status
