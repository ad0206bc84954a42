"""Apps and their tokens, what a credential may do, manifests, proxies and certificates."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lib.http.policy import Policy, in_force
from scm.adapters import close_adapters, new_adapter
from scm.adapters.base import NotAllowed, NotThere, ScmAdapter, ScmError, WrongCredentials
from scm.adapters.github.manifest import exchange_code, form_address, manifest
from scm.adapters.values import (
    HostAccess,
)
from tests.integration.scm.github.steps import (
    LINES,
    LOOPBACK,
    a_status,
    access_of,
    by_token,
    granted,
    posted_one,
)
from tests.vendors.github.routing import (
    bad_credentials,
    not_found,
)
from tests.vendors.github.state import App, Installation, Pull, Repository, now
from tests.vendors.github_server import GitHubServer
from tests.vendors.proxy_server import Authority, Proxy


def test_threads_share_one_token_and_never_each_others_answers(
    github: GitHubServer, shop: Repository, adapter: ScmAdapter
) -> None:
    shop.commit({f"file{number}.py": f"I am {number}\n" for number in range(24)})

    with ThreadPoolExecutor(12) as pool:
        texts = list(pool.map(lambda number: adapter.read_file("acme/shop", f"file{number}.py", "main"), range(24)))

    assert texts == [f"I am {number}\n" for number in range(24)]
    assert len(github.asked("POST", "/app/installations/.*/access_tokens")) == 1


def test_a_token_is_renewed_before_it_ends(github: GitHubServer, adapter: ScmAdapter) -> None:
    github.token_seconds = 240

    adapter.repository("acme/shop")
    github.token_seconds = 3600
    adapter.repository("acme/shop")
    adapter.repository("acme/shop")

    assert len(github.asked("POST", "/app/installations/.*/access_tokens")) == 2


def test_a_token_that_was_revoked_is_renewed_once(github: GitHubServer, adapter: ScmAdapter, pull: Pull) -> None:
    adapter.repository("acme/shop")
    github.tokens.clear()

    assert posted_one(adapter, pull).key == "a"

    github.fail_next(bad_credentials(), path="^/repos", times=2)
    with pytest.raises(WrongCredentials):
        adapter.repository("acme/shop")


def test_a_key_that_is_none_or_of_another_app_is_told(github: GitHubServer, installation: Installation) -> None:
    access = access_of(github, installation)
    other = github.add_app("other")

    with pytest.raises(WrongCredentials, match="no PEM"):
        new_adapter("github", HostAccess(base_url=github.url, app_id="1", private_key="nonsense"))
    with pytest.raises(NotThere):
        new_adapter(
            "github",
            HostAccess(
                base_url=github.url,
                app_id=str(other.id),
                private_key=other.private_key,
                installation_id=access.installation_id,
            ),
        ).repository("acme/shop")
    del github.apps[installation.app.id]
    with pytest.raises(WrongCredentials, match="JSON web token could not be decoded"):
        new_adapter("github", access).repository("acme/shop")


def test_a_suspended_installation_says_so(
    github: GitHubServer, adapter: ScmAdapter, installation: Installation
) -> None:
    installation.suspended_at = now()

    with pytest.raises(NotAllowed, match="suspended"):
        adapter.repository("acme/shop")


def test_the_app_tells_where_it_is_installed(github: GitHubServer, app: App, installation: Installation) -> None:
    umbrella = github.install(app, "umbrella", permissions={"metadata": "read"})
    umbrella.suspended_at = now()
    alone = new_adapter("github", HostAccess(base_url=github.url, app_id=str(app.id), private_key=app.private_key))

    found = {each.account: each for each in alone.installations()}

    assert set(found) == {"acme", "umbrella"}
    assert found["acme"].external_id == str(installation.id)
    assert found["acme"].permissions["contents"] == "write"
    assert (found["acme"].is_suspended, found["umbrella"].is_suspended) == (False, True)
    assert alone.whoami().account == "assistant[bot]"
    with pytest.raises(ScmError, match="installation"):
        next(iter(alone.repositories()))


def test_an_installation_sees_the_repositories_that_were_chosen_for_it(
    github: GitHubServer, shop: Repository, app: App
) -> None:
    github.add_repository("acme/secret")
    chosen = github.install(app, repositories=[shop])

    seen = new_adapter("github", access_of(github, chosen))

    assert [each.full_name for each in seen.repositories()] == ["acme/shop"]
    with pytest.raises(NotThere):
        seen.repository("acme/secret")


# --- Permissions ------------------------------------------------------------------------------------------------------


def test_what_an_installation_lacks_is_told_by_name(github: GitHubServer, shop: Repository, app: App) -> None:
    reader = github.install(app, permissions={"metadata": "read", "contents": "read", "pull_requests": "write"})

    adapter = new_adapter("github", access_of(github, reader))

    assert granted(adapter) == {
        "metadata: read": True,
        "contents: read": True,
        "contents: write": False,
        "pull_requests: write": True,
        "checks: write": False,
    }
    with pytest.raises(NotAllowed, match="checks=write") as raised:
        adapter.show_status("acme/shop", shop.head, a_status(), external_id="")
    assert raised.value.missing == "checks=write"


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [
        (("repo",), set()),
        (("public_repo",), set()),
        (("repo:status",), {"metadata: read", "contents: read", "contents: write", "pull_requests: write",
                            "repository_hooks: write"}),
        (("admin:repo_hook", "gist"), {"metadata: read", "contents: read", "contents: write", "pull_requests: write",
                                       "statuses: write"}),
    ],
)  # fmt: skip
def test_a_classic_token_is_judged_by_its_scopes(
    github: GitHubServer, scopes: tuple[str, ...], missing: set[str]
) -> None:
    checks = granted(by_token(github, github.add_token("robot", scopes=scopes)))

    assert {name for name, is_granted in checks.items() if not is_granted} == missing


def test_a_fine_grained_token_is_tried_without_leaving_anything_behind(github: GitHubServer, shop: Repository) -> None:
    permissions = {"contents": "write", "pull_requests": "read", "statuses": "write"}
    adapter = by_token(github, github.add_token("robot", permissions=permissions))
    shop.collaborators["robot"] = "write"

    assert granted(adapter) == {
        "metadata: read": True,
        "contents: read": True,
        "contents: write": True,
        "pull_requests: write": False,
        "statuses: write": True,
        "repository_hooks: write": False,
    }
    assert (list(shop.branches), shop.pulls, shop.statuses, shop.hooks) == (["main"], {}, [], [])


def test_a_fine_grained_token_without_repositories_cannot_be_tried(github: GitHubServer) -> None:
    adapter = by_token(github, github.add_token("robot", permissions={"contents": "write"}))

    assert set(granted(adapter).values()) == {None}


def test_a_token_that_github_does_not_know_is_told(github: GitHubServer) -> None:
    with pytest.raises(WrongCredentials, match="Bad credentials"):
        by_token(github, "ghp_unknown").check()
    with pytest.raises(WrongCredentials, match="Enter one"):
        by_token(github, " ")


# --- Manifests, proxies, certificates ---------------------------------------------------------------------------------


def test_an_app_made_from_our_manifest_is_taken_once(github: GitHubServer) -> None:
    wanted = manifest(
        name="Semgrep Assistant of a long-named organization",
        public_url="https://assistant.example",
        hook_url="https://assistant.example/hooks/1",
        redirect_url="https://assistant.example/settings/code-hosts/github",
    )
    made = github.add_app("assistant", permissions=wanted["default_permissions"], webhook_secret="from-github")
    code = github.expect_manifest(made)
    access = HostAccess(base_url=github.url)

    created = exchange_code(access, code)

    assert (created.app_id, created.slug, created.client_id) == (str(made.id), "assistant", made.client_id)
    assert (created.private_key, created.webhook_secret) == (made.private_key, "from-github")
    assert made.private_key not in repr(created)
    assert len(wanted["name"]) <= 34
    assert wanted["public"] is False
    assert form_address(f"{github.url}/", organization="acme") == f"{github.url}/organizations/acme/settings/apps/new"
    with pytest.raises(NotThere, match="once"):
        exchange_code(access, code)
    with pytest.raises(NotThere):
        exchange_code(access, "../user")
    checked = new_adapter(
        "github", HostAccess(base_url=github.url, app_id=created.app_id, private_key=created.private_key)
    )
    assert set(granted(checked).values()) == {True}


def test_a_host_behind_a_proxy_with_its_own_certificates_is_reached(tmp_path: Path) -> None:
    authority = Authority()
    behind = GitHubServer(tls=authority.context(tmp_path, "git.corp.example"))
    with behind.running(), Proxy({"git.corp.example": behind.port}).running() as proxy, in_force(LOOPBACK):
        behind.add_repository("acme/shop", {"app.py": LINES})
        access = HostAccess(
            base_url="https://git.corp.example",
            token=behind.add_token("robot"),
            proxy_url=proxy.url,
            ca_bundle=authority.bundle,
        )

        text = new_adapter("github", access).read_file("acme/shop", "app.py", "main")

    assert text == LINES
    assert set(proxy.asked) == {"git.corp.example"}
    assert behind.violations == []


def test_a_private_address_is_for_the_operator_to_allow(github: GitHubServer, installation: Installation) -> None:
    close_adapters()
    with in_force(Policy(ports=None)), pytest.raises(ScmError, match="OUTBOUND_ALLOWED_NETWORKS") as raised:
        new_adapter("github", access_of(github, installation)).repository("acme/shop")

    assert raised.value.permanent
    assert github.requests == []


def test_a_repository_that_is_hidden_is_not_taken_for_a_missing_file(github: GitHubServer, adapter: ScmAdapter) -> None:
    github.fail_next(not_found(), path="^/repos/acme/shop", times=2)

    with pytest.raises(NotThere):
        adapter.read_file("acme/shop", "app.py", "main")
