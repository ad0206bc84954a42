"""A worker process killed while a code host does what it asked for: the next one finds it done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.db import transaction

import notifications.tasks
from events.models import Event
from events.services import owe_many
from notifications.models import Comment, CommitStatus
from rules.models import Mode
from scm.models import CodeHost, PullRequest, Repository
from tenancy.models import Organization
from tenancy.scope import acting_for
from tenancy.sealing import seal_secrets
from tests import factories
from tests.system.house import PATIENCE_SECONDS, House, house_of, kill
from tests.vendors.github.routing import Asked, Reply
from tests.vendors.github.state import Repository as Shop
from tests.vendors.github_server import GitHubServer

PATH = "app.py"
FOUND = 3


@dataclass
class SlowGitHub:
    """A GitHub that has posted comments long before anybody gets its answer."""

    server: GitHubServer
    shop: Shop
    is_done: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        answer = self.server.answer

        def slowly(asked: Asked) -> Reply | None:
            reply = answer(asked)
            if asked.method == "POST" and asked.path.endswith("/reviews"):
                self.is_done.set()
                self.may_answer.wait(PATIENCE_SECONDS)
            return reply

        self.server.answer = slowly  # type: ignore[method-assign]


@pytest.fixture
def github_there(github: GitHubServer) -> SlowGitHub:
    shop = github.add_repository("acme/shop", {PATH: "x = 0\n"})
    shop.commit({PATH: "".join(f"x = {number}\n" for number in range(FOUND))}, branch="feature")
    github.open_pull(shop, branch="feature")
    return SlowGitHub(github, shop)


@pytest.fixture
def organization(committed: None) -> Organization:
    return factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))


@pytest.fixture
def house(organization: Organization, github_there: SlowGitHub, tmp_path: Path) -> Iterator[House]:
    """A pull request that is to be commented on, with nobody at work yet."""
    environment = {"OUTBOUND_ALLOWED_NETWORKS": "127.0.0.1", "OUTBOUND_ALLOWED_PORTS": "*"}
    with ExitStack() as stack:
        house = stack.enter_context(house_of(organization, tmp_path, environment))
        stack.callback(github_there.may_answer.set)
        with acting_for(organization.pk), transaction.atomic():
            pull_request = a_scanned_pull_request(github_there)
            owe_many(notifications.tasks.comment_on_pull_request, [{"pull_request_id": pull_request.pk}])
        yield house


def a_scanned_pull_request(there: SlowGitHub) -> PullRequest:
    shop = there.shop
    secrets = seal_secrets({"token": there.server.add_token("acme")})
    host = CodeHost.objects.create(kind="github", base_url=there.server.url, hook_key="k", sealed_secrets=secrets)
    project = factories.a_project("acme/shop")
    Repository.objects.create(project=project, host=host, external_id=str(shop.id), full_name="acme/shop")
    factories.a_rule(mode=Mode.COMMENT)
    scan = factories.a_scan(project, branch="", pull_request_id="1", is_full=False, state="settled")
    for line in range(1, FOUND + 1):
        factories.a_finding(
            scan=scan, path=PATH, start_line=line, end_line=line, message=f"Number {line}", not_analysed=""
        )
    return PullRequest.objects.create(project=project, number="1", state="open", head_sha=shop.pulls[1].head_sha)


def test_a_worker_killed_while_the_host_posts_its_comments(
    house: House, github_there: SlowGitHub, organization: Organization
) -> None:
    first = house.start_worker()
    assert github_there.is_done.wait(PATIENCE_SECONDS), (house.folder / "log").read_text()[-3000:]

    kill(first)
    github_there.may_answer.set()
    house.start_worker()
    house.wait_until(lambda: CommitStatus.objects.exclude(digest=None).exists())

    with acting_for(organization.pk), transaction.atomic():
        assert Event.objects.filter(kind="comment_posted").count() == FOUND
        known = set(Comment.objects.values_list("comment_id", flat=True))
    there = github_there.shop
    assert {str(comment.id) for comment in there.review_comments} == known
    assert len(there.review_comments) == FOUND
