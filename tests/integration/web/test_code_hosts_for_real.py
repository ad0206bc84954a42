"""Settings > Code hosts with the real adapters, against a GitHub and a GitLab that remember."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

import orgs.selectors
import scm.selectors
import scm.services
from events.kinds import SYSTEM
from lib.http.policy import Policy, in_force
from orgs.services import actor_of
from scm.models import CodeHost, Installation, Repository
from tenancy.models import Organization
from tenancy.sealing import open_secrets
from tests import factories
from tests.vendors.github.routing import not_found
from tests.vendors.github_server import GitHubServer
from tests.vendors.gitlab.state import DEVELOPER, MAINTAINER
from tests.vendors.gitlab_server import GitLabServer

ClientFor = Callable[[User], Client]

ADDRESS = "/orgs/acme/settings/code-hosts/"
TOKEN = "glpat-zebra-7716-token"


@pytest.fixture
def browser(in_acme: Organization, alice: User, client_for: ClientFor) -> Client:
    cache.clear()
    return client_for(alice)


def page_of(response: Any) -> str:
    return unescape(str(response.content.decode()))


# --- GitLab by token --------------------------------------------------------------------------------------------------


def send(browser: Client, server: GitLabServer, **fields: str) -> Any:
    sent = {"base_url": server.url, "token": TOKEN, **fields}
    return browser.post(f"{ADDRESS}new/?choice=gitlab-server", sent)


def test_gitlab_is_connected_and_a_project_chosen(browser: Client, gitlab: GitLabServer) -> None:
    known = gitlab.gitlab
    assistant = known.add_user("group_12_bot")
    known.add_token(TOKEN, assistant)
    shop = known.add_project("acme/web/shop", files={"app.py": "x = 1\n"})
    shop.members[assistant.id] = MAINTAINER

    send(browser, gitlab)
    host = CodeHost.objects.get()
    listed = page_of(browser.get(f"{ADDRESS}{host.pk}/repositories/"))
    browser.post(f"{ADDRESS}{host.pk}/repositories/connect/", {"repository": str(shop.id)})

    repository = Repository.objects.select_related("project").get()
    assert host.account == "group_12_bot"
    assert "acme/web/shop" in listed
    assert (repository.full_name, repository.project.name) == ("acme/web/shop", "acme/web/shop")
    assert repository.hook_id
    assert [hook["url"] for hook in _hooks(shop)] == [scm.selectors.hook_url(host)]


def _hooks(project: Any) -> list[dict[str, Any]]:
    return [hook if isinstance(hook, dict) else vars(hook) for hook in project.hooks.values()]


def test_a_developer_is_told_to_set_the_webhook_up_by_hand(browser: Client, gitlab: GitLabServer) -> None:
    known = gitlab.gitlab
    assistant = known.add_user("dev")
    known.add_token(TOKEN, assistant)
    shop = known.add_project("acme/shop", files={"app.py": "x = 1\n"})
    shop.members[assistant.id] = DEVELOPER

    saved = page_of(
        browser.post(f"{ADDRESS}new/?choice=gitlab-server", {"base_url": gitlab.url, "token": TOKEN}, follow=True)
    )
    host = CodeHost.objects.get()
    connected = page_of(browser.post(f"{ADDRESS}{host.pk}/repositories/connect/", {"repository": "acme/shop"}))

    assert "Missing there: Maintainer" in saved
    assert Repository.objects.get().hook_id == ""
    assert open_secrets(host.sealed_secrets)["webhook_secret"] in connected


@pytest.mark.parametrize(
    ("scopes", "token", "words"),
    [
        (("api",), "glpat-another", "401"),
        (("read_api",), TOKEN, "does not let it read code. Missing: api"),
    ],
)
def test_what_gitlab_refuses_is_worded_beside_its_field_and_not_saved(
    browser: Client, gitlab: GitLabServer, scopes: tuple[str, ...], token: str, words: str
) -> None:
    assistant = gitlab.gitlab.add_user("group_12_bot")
    gitlab.gitlab.add_token(TOKEN, assistant, scopes=scopes)

    response = send(browser, gitlab, token=token)

    assert response.status_code == 422
    assert words in page_of(response).split('id="id_token-error"')[1][:400]
    assert TOKEN not in page_of(response)
    assert not CodeHost.objects.exists()


def test_an_address_without_a_gitlab_is_told_beside_its_field(browser: Client, gitlab: GitLabServer) -> None:
    response = send(browser, gitlab, base_url=f"{gitlab.url}/nowhere")

    assert 'id="id_base_url-error"' in page_of(response)
    assert not CodeHost.objects.exists()
    assert gitlab.violations.pop() == "GitLab has no GET /nowhere/api/v4/user"


def test_where_nobody_listens_nothing_is_saved(browser: Client, gitlab: GitLabServer) -> None:
    response = send(browser, gitlab, base_url="http://127.0.0.1:9")

    assert response.status_code == 422
    assert 'id="id_base_url-error"' in page_of(response)
    assert not CodeHost.objects.exists()


def test_a_server_inside_is_not_asked_without_the_operators_leave(browser: Client, gitlab: GitLabServer) -> None:
    with in_force(Policy.of(allowed=[], ports=["*"])):
        response = send(browser, gitlab)

    assert "private or reserved address" in page_of(response)
    assert gitlab.asked("") == []


# --- Making a GitHub App ----------------------------------------------------------------------------------------------


def begun(browser: Client, github: GitHubServer, slug: str = "acme") -> tuple[str, dict[str, Any], str]:
    """Begin an App; return the state, the manifest and the policy of the page that leads to GitHub."""
    fields = {"base_url": github.url, "account": "acme", "app_name": "Assistant of Acme"}
    response = browser.post(f"/orgs/{slug}/settings/code-hosts/new/?choice=github-server-app", fields)
    page = page_of(response)
    found = re.search(r'action="([^"]*/settings/apps/new[^"]*)"', page)
    assert found is not None, page
    manifest = re.search(r"name=\"manifest\" value=\"(.*)\">", page)
    assert manifest is not None
    assert urlsplit(found[1]).path == "/organizations/acme/settings/apps/new"
    return parse_qs(urlsplit(found[1]).query)["state"][0], json.loads(manifest[1]), response["Content-Security-Policy"]


def made(browser: Client, state: str, code: str, slug: str = "acme") -> str:
    """Come back from GitHub; return what is said then."""
    address = f"/orgs/{slug}/settings/code-hosts/app-made/?code={code}&state={state}"
    return page_of(browser.get(address, follow=True))


def test_an_app_is_made_installed_and_its_repository_chosen(browser: Client, github: GitHubServer) -> None:
    app = github.add_app("assistant-of-acme", webhook_secret="from github")
    shop = github.add_repository("acme/shop")

    state, manifest, policy = begun(browser, github)
    made(browser, state, github.expect_manifest(app))
    host = CodeHost.objects.get()
    github.install(app, "acme")
    listed = page_of(browser.get(f"{ADDRESS}app-installed/?installation_id=666&setup_action=install", follow=True))
    browser.post(f"{ADDRESS}{host.pk}/repositories/connect/", {"repository": str(shop.id)})

    repository = Repository.objects.select_related("installation").get()
    assert github.url in policy.split("form-action")[1].split(";")[0]
    assert manifest["hook_attributes"]["url"] == scm.selectors.hook_url(host)
    assert manifest["redirect_url"].endswith(f"{ADDRESS}app-made/")
    assert (host.is_app, host.app_id, host.app_slug, host.problem) == (True, str(app.id), "assistant-of-acme", "")
    assert open_secrets(host.sealed_secrets)["webhook_secret"] == "from github"
    assert [row.account for row in Installation.objects.all()] == ["acme"]
    assert "acme/shop" in listed
    assert (repository.full_name, repository.installation) == ("acme/shop", Installation.objects.get())


def test_an_answer_of_github_counts_once(browser: Client, github: GitHubServer) -> None:
    app = github.add_app()
    state, _, _ = begun(browser, github)
    made(browser, state, github.expect_manifest(app))

    again = made(browser, state, github.expect_manifest(app))

    assert "belongs to no App that was begun here, or came twice" in again
    assert CodeHost.objects.count() == 1


def test_an_answer_of_github_counts_in_its_own_session_and_organization_only(
    browser: Client, github: GitHubServer, alice: User, client_for: ClientFor
) -> None:
    factories.an_organization("umbrella", admin=alice)
    app = github.add_app()
    state, _, _ = begun(browser, github)
    code = github.expect_manifest(app)

    of_another_session = made(client_for(alice), state, code)
    of_another_organization = made(browser, state, code, slug="umbrella")
    without_a_state = made(browser, "", code)

    assert all("Nothing was saved." in said for said in (of_another_session, of_another_organization, without_a_state))
    assert not CodeHost.objects.exists()
    assert github.asked("POST", "/app-manifests") == []


def test_a_code_that_github_does_not_know_saves_nothing(browser: Client, github: GitHubServer) -> None:
    state, _, _ = begun(browser, github)

    said = made(browser, state, "0" * 40)

    assert "could not be taken over" in said
    assert not CodeHost.objects.exists()


def test_an_app_that_does_not_answer_yet_is_kept_with_its_key(browser: Client, github: GitHubServer) -> None:
    app = github.add_app()
    state, _, _ = begun(browser, github)
    github.fail_next(not_found(), method="GET", path="/app")

    made(browser, state, github.expect_manifest(app))

    host = CodeHost.objects.get()
    assert host.problem
    assert open_secrets(host.sealed_secrets)["private_key"] == app.private_key
    assert scm.services.check_host(host=host) == ""
    assert CodeHost.objects.get().problem == ""


def test_github_is_connected_by_token(browser: Client, github: GitHubServer, alice: User) -> None:
    github.add_repository("acme/shop")
    token = github.add_token("acme", scopes=("repo",))

    browser.post(f"{ADDRESS}new/?choice=github-server-token", {"base_url": github.url, "token": token})

    host = CodeHost.objects.get()
    connected = scm.services.connect_repository(host=host, name="acme/shop", actor=actor_of(alice))
    assert connected.webhook_problem == ""
    assert scm.services.disconnect_repository(repository=connected.repository, actor=SYSTEM) == ""
    assert orgs.selectors.project_called("acme/shop") is not None
