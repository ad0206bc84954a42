"""A repository, a pull request that changes its line 20, and an App that is installed there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scm.adapters import new_adapter
from scm.adapters.base import ScmAdapter
from tests.integration.scm.github.steps import LINES, access_of
from tests.vendors.github.state import App, Installation, Pull, Repository
from tests.vendors.github_server import GitHubServer


@pytest.fixture
def shop(github: GitHubServer) -> Repository:
    return github.add_repository("acme/shop", {"app.py": LINES})


@pytest.fixture
def pull(github: GitHubServer, shop: Repository) -> Pull:
    shop.commit({"app.py": LINES.replace("line 20\n", "line 20, changed\n")}, branch="feature")
    return github.open_pull(shop, branch="feature")


@pytest.fixture
def app(github: GitHubServer) -> App:
    return github.add_app("assistant")


@pytest.fixture
def installation(github: GitHubServer, app: App) -> Installation:
    return github.install(app)


@pytest.fixture
def adapter(github: GitHubServer, shop: Repository, installation: Installation) -> Iterator[ScmAdapter]:
    made = new_adapter("github", access_of(github, installation))
    yield made
    made.close()
