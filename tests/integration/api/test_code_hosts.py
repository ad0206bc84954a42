"""Code hosts through the API: the same rules as on the pages; secrets go in and never come out."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

import orgs.selectors
import scm.services
from events.kinds import SYSTEM
from orgs.permissions import Scope
from scm.drafts import HostDraft
from scm.models import CodeHost, HostKind, Repository
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests.integration.api.conftest import Caller
from tests.vendors.gitlab.state import MAINTAINER, Project
from tests.vendors.gitlab_server import GitLabServer

ADDRESS = "/api/v1/deployments/acme/code-hosts"
TOKEN = "glpat-zebra-7716-token"


@pytest.fixture
def shop(gitlab: GitLabServer) -> Project:
    """A project of a GitLab whose token is known."""
    cache.clear()
    assistant = gitlab.gitlab.add_user("group_12_bot")
    gitlab.gitlab.add_token(TOKEN, assistant)
    project = gitlab.gitlab.add_project("acme/shop", files={"app.py": "x = 1\n"})
    project.members[assistant.id] = MAINTAINER
    return project


@pytest.fixture
def writer(caller: Caller) -> Client:
    return caller(Scope.API_WRITE)


def post(client: Client, address: str, body: dict[str, Any]) -> Any:
    return client.post(f"{ADDRESS}{address}", body, content_type="application/json")


def connect(client: Client, gitlab: GitLabServer, **changes: Any) -> Any:
    return post(client, "", {"kind": "gitlab", "base_url": gitlab.url, "token": TOKEN, **changes})


def test_a_host_is_connected_tested_and_removed(writer: Client, gitlab: GitLabServer, shop: Project) -> None:
    made = connect(writer, gitlab, proxy_url="")
    host = made.json()["id"]
    listed = writer.get(ADDRESS).json()["code_hosts"]
    checked = post(writer, f"/{host}/check", {})
    removed = writer.delete(f"{ADDRESS}/{host}")

    assert (made.status_code, removed.status_code) == (201, 204)
    assert [each["account"] for each in listed] == ["group_12_bot"]
    assert (checked.json()["lets_us_in"], checked.json()["code_host"]["problem"]) == (True, "")
    assert {"name", "needed_for", "granted", "detail"} == set(listed[0]["checks"][0])
    assert not [answer for answer in (made, checked) if "zebra" in answer.content.decode()]
    assert writer.get(ADDRESS).json() == {"code_hosts": []}


def test_a_repository_is_listed_connected_and_disconnected(
    writer: Client, gitlab: GitLabServer, shop: Project, acme: Organization
) -> None:
    host = connect(writer, gitlab).json()["id"]

    before = writer.get(f"{ADDRESS}/{host}/repositories?search=shop").json()
    connected = post(writer, f"/{host}/repositories", {"repository": before["repositories"][0]["external_id"]})
    after = writer.get(f"{ADDRESS}/{host}/repositories").json()
    gone = writer.delete(f"{ADDRESS}/{host}/repositories/{connected.json()['repository']['id']}")

    assert (before["total"], before["repositories"][0]["chosen"]) == (1, None)
    assert connected.status_code == 201
    assert connected.json()["is_new_project"] is True
    assert connected.json()["webhook_problem"] == ""
    assert connected.json()["repository"]["project"] == "acme/shop"
    assert after["repositories"][0]["chosen"]["is_webhook_set_up"] is True
    assert gone.json() == {"webhook_problem": ""}
    with acting_for(acme.pk):
        assert not Repository.objects.exists()


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"token": "glpat-zebra-wrong"}, "token"),
        ({"base_url": "https://10.0.0.7"}, "base_url"),
        ({"base_url": "ftp://example.com"}, "base_url"),
        ({"ca_bundle": "none"}, "ca_bundle"),
        ({"kind": "bitbucket"}, "kind"),
    ],
)
def test_what_is_refused_is_said_by_field(
    writer: Client, gitlab: GitLabServer, acme: Organization, changes: dict[str, str], field: str
) -> None:
    refused = connect(writer, gitlab, **changes)

    assert refused.status_code == 400
    assert list(refused.json()["errors"]) == [field]
    assert "zebra" not in refused.content.decode()
    with acting_for(acme.pk):
        assert not CodeHost.objects.exists()


def test_a_repository_that_is_not_there_or_taken_is_refused(
    writer: Client, gitlab: GitLabServer, shop: Project
) -> None:
    host = connect(writer, gitlab).json()["id"]
    post(writer, f"/{host}/repositories", {"repository": "acme/shop"})

    missing = post(writer, f"/{host}/repositories", {"repository": "acme/nothing"})
    nobodys = post(writer, f"/{host}/repositories", {"repository": "acme/shop", "project": "nothing"})

    assert (missing.status_code, list(missing.json()["errors"])) == (400, ["repository"])
    assert (nobodys.status_code, list(nobodys.json()["errors"])) == (400, ["project"])


def test_reading_takes_the_same_right_as_writing(reader: Client) -> None:
    assert reader.get(ADDRESS).status_code == 403


def test_a_host_of_another_organization_is_not_there(
    writer: Client, gitlab: GitLabServer, shop: Project, charlie: User
) -> None:
    elsewhere = orgs.selectors.memberships_of(charlie.pk)[0].organization
    with acting_for(elsewhere.pk):
        draft = HostDraft(HostKind.GITLAB, gitlab.url, token=TOKEN)
        host = scm.services.connect_host(draft=draft, actor=SYSTEM)

    codes = [writer.get(f"{ADDRESS}/{host.pk}").status_code, writer.delete(f"{ADDRESS}/{host.pk}").status_code]
    codes += [post(writer, f"/{host.pk}/check", {}).status_code]

    assert codes == [404, 404, 404]
