from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

import orgs.services
from events.kinds import Kind
from events.models import Event
from findings.models import Finding
from orgs.models import Project
from tests import factories
from tests.integration.findings.importing import imported, matches, report_of

ClientFor = Callable[[User], Client]
PRESENT = report_of(*matches("park/gate.py", "gate.open(visitor)", "gate.open(visitor)"))
ELSEWHERE = report_of(*matches("park/pond.py", "pond.drain(now)", "pond.drain(now)"))

pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.fixture
def browser(alice: User, client_for: ClientFor) -> Client:
    return client_for(alice)


def change(browser: Client, project: Project, **fields: str) -> str:
    said = {"primary_branch": project.primary_branch, "url": "", "tags": ""}
    response = browser.post(f"/orgs/acme/projects/{project.pk}/change/", {**said, **fields}, follow=True)
    project.refresh_from_db()
    return response.content.decode()


def test_what_is_said_of_a_project_is_shown_and_logged(browser: Client) -> None:
    project = factories.a_project()

    page = change(
        browser,
        project,
        url="https://git.example/acme/shop",
        tags=" web, payments ,web",
    )

    assert (project.url, project.tags) == ("https://git.example/acme/shop", ["web", "payments"])
    assert 'href="https://git.example/acme/shop"' in page
    assert Event.objects.get(kind=Kind.PROJECT_CHANGED).subject["changes"] == "url, tags"


def test_another_primary_branch_moves_what_is_in_production(browser: Client) -> None:
    imported(PRESENT, branch="main")
    imported(ELSEWHERE, branch="develop")
    project = Project.objects.get()

    page = change(browser, project, primary_branch="develop")

    assert dict(Finding.objects.values_list("path", "is_production")) == {"park/gate.py": False, "park/pond.py": True}
    assert "What is in production was worked out anew." in page
    assert Event.objects.get(kind=Kind.PROJECT_CHANGED).subject["changes"] == "primary_branch: main → develop"


def test_another_primary_branch_that_says_it_is_fixed_is_believed(browser: Client) -> None:
    imported(PRESENT, branch="main")
    imported(PRESENT, branch="develop")
    imported(report_of(paths={"scanned": ["park/gate.py"]}), branch="develop")

    change(browser, Project.objects.get(), primary_branch="develop")

    assert (Finding.objects.get().status, Finding.objects.get().is_production) == ("Fixed", False)


def test_tags_of_the_repository_s_own_file_stand_above_the_page(browser: Client) -> None:
    project = factories.a_project()
    orgs.services.describe_project(project=project, url="", tags=("core",))

    page = change(browser, project, tags="mine")

    assert (project.tags, ".semgrepconfig.yml" in page) == (["core"], True)


@pytest.mark.parametrize(
    "fields",
    [{"url": "javascript:alert(1)"}, {"primary_branch": "two words"}, {"tags": "x" * 61}],
    ids=["address", "branch", "tag"],
)
def test_what_cannot_be_is_refused_and_changes_nothing(browser: Client, fields: dict[str, str]) -> None:
    project = factories.a_project()

    change(browser, project, **fields)

    assert (project.url, project.primary_branch, project.tags) == ("", "main", [])


def test_a_member_sees_a_project_and_does_not_change_it(bob: User, client_for: ClientFor) -> None:
    project = factories.a_project()

    page = client_for(bob).get(f"/orgs/acme/projects/{project.pk}/").content.decode()
    change(client_for(bob), project, url="https://git.example/")

    assert ("project-change" in page, "/change/" in page, project.url) == (False, False, "")
