"""A fix pull request by the real libraries on a GitHub and a GitLab that remember: every byte and mode as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

import findings.code
import remediation.tasks
from events.draining import drain
from findings.models import Finding
from lib.http.policy import Policy, in_force
from orgs.models import Project
from orgs.services import actor_of
from remediation import gates, pull_requests
from remediation.models import Autofix, FixPullRequest
from scm.adapters import close_adapters
from scm.adapters.base import Refused
from scm.adapters.encoding import encoded
from scm.models import CodeHost, HostKind, Repository
from tenancy.sealing import seal_secrets
from tests import factories
from tests.vendors.github.git import Entry
from tests.vendors.github_server import GitHubServer
from tests.vendors.gitlab.git import File
from tests.vendors.gitlab.state import DEVELOPER
from tests.vendors.gitlab_server import GitLabServer
from triage.models import Source

pytestmark = pytest.mark.usefixtures("in_acme")

PATH = "tools/load data.py"
BEFORE = b"\xef\xbb\xbf#!/usr/bin/env python\r\nimport yaml\r\n\r\nprint(yaml.load(open('caf\xc3\xa9')))"
AFTER = BEFORE.replace(b"yaml.load(", b"yaml.safe_load(")
LATIN = b"# caf\xe9\nLIMIT = 1\n"
EDITS = [
    {"path": PATH, "old": "print(yaml.load(", "new": "print(yaml.safe_load("},
    {"path": "latin.py", "old": "LIMIT = 1", "new": "LIMIT = 2"},
]


@dataclass
class Place:
    """A repository on one of the hosts, as a test looks at it."""

    kind: str
    base_url: str
    token: str
    external_id: str
    head: str
    content: Callable[[str, str], bytes]  # (branch, path)
    is_executable: Callable[[str], bool]  # of PATH on a branch
    drafts: Callable[[], list[tuple[str, str]]]  # (branch, base branch) of each open draft
    merge: Callable[[], None]


@pytest.fixture
def on_github(github: GitHubServer) -> Place:
    # Its store takes a mode with what it has stored.
    repository = github.add_repository("acme/shop", {"latin.py": LATIN})
    repository.commit({PATH: Entry("100755", repository.objects.blob(BEFORE))})
    repository.collaborators["assistant"] = "write"

    def content(branch: str, path: str) -> bytes:
        return repository.objects.blobs[repository.files(branch)[path].sha]

    return Place(
        HostKind.GITHUB,
        github.url,
        github.add_token("assistant"),
        str(repository.id),
        repository.head,
        content,
        lambda branch: repository.mode(PATH, ref=branch) == "100755",
        lambda: [(each.head_branch, each.base_branch) for each in repository.pulls.values() if each.is_draft],
        lambda: github.close_pull(repository.pulls[1], is_merged=True),
    )


@pytest.fixture
def on_gitlab() -> Iterator[Place]:
    with GitLabServer().running() as server, in_force(Policy.of(allowed=["127.0.0.1"], ports=["*"])):
        known = server.gitlab
        assistant = known.add_user("assistant")
        known.add_token("glpat-of-the-assistant", assistant)
        project = known.add_project(
            "acme/shop", files={PATH: File(BEFORE, is_executable=True), "latin.py": File(LATIN)}
        )
        project.members[assistant.id] = DEVELOPER

        def file(branch: str, path: str) -> File:
            return project.git.commits[project.git.branches[branch]].tree[path]

        def merge() -> None:
            project.merge_requests[0].state = "merged"

        yield Place(
            HostKind.GITLAB,
            server.url,
            "glpat-of-the-assistant",
            str(project.id),
            project.git.branches["main"],
            lambda branch, path: file(branch, path).content,
            lambda branch: file(branch, PATH).is_executable,
            lambda: [(each.source_branch, each.target_branch) for each in project.merge_requests if each.is_draft],
            merge,
        )
        close_adapters()
    assert server.violations == []


@pytest.fixture(params=["on_github", "on_gitlab"])
def place(request: pytest.FixtureRequest) -> Place:
    cache.clear()
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def finding(place: Place) -> Finding:
    """A finding on the main branch of the repository, with a verified fix of two files."""
    project: Project = factories.a_project()
    host = CodeHost.objects.create(
        kind=place.kind, base_url=place.base_url, hook_key="hook", sealed_secrets=seal_secrets({"token": place.token})
    )
    Repository.objects.create(project=project, host=host, external_id=place.external_id, full_name="acme/shop")
    finding = factories.a_finding(
        scan=factories.a_scan(project, commit=place.head), path=PATH, start_line=4, end_line=4
    )
    factories.a_verdict(finding, "true_positive")
    Autofix.objects.create(
        finding=finding,
        edits=EDITS,
        diff="--- a\n+++ b\n",
        gates=[{"gate": gate, "outcome": "passed", "explanation": "Good."} for gate in gates.Gate],
        confidence="high",
        is_shown=True,
        is_verified=True,
        revision=finding.revision,
        source=Source.BUILT_IN,
    )
    return finding


def test_a_fix_is_read_committed_proposed_and_followed(finding: Finding, place: Place, alice: User) -> None:
    assert findings.code.fetch(finding)
    pull_requests.request(finding=finding, actor=actor_of(alice))
    drain()

    asked = FixPullRequest.objects.get()
    assert (asked.state, asked.problem) == ("opened", "")
    assert place.drafts() == [(asked.branch, "main")]
    assert place.content(asked.branch, PATH) == AFTER
    assert place.content(asked.branch, "latin.py") == LATIN.replace(b"LIMIT = 1", b"LIMIT = 2")
    assert place.is_executable(asked.branch)
    assert place.content("main", PATH) == BEFORE

    place.merge()
    remediation.tasks.check_fix_pull_requests.function()

    asked.refresh_from_db()
    assert asked.state == "merged"


def test_a_character_that_the_file_cannot_hold_is_refused() -> None:
    with pytest.raises(Refused, match="its encoding has no €"):
        encoded("# café €", LATIN, "latin.py")
