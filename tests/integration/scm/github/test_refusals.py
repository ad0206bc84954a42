"""Limits, refusals, renames: what GitHub says instead of doing it."""

from __future__ import annotations

import pytest

from scm.adapters.base import NotAllowed, RateLimited, Refused, ScmAdapter, ScmError
from tests.integration.scm.github.steps import (
    posted_one,
)
from tests.vendors.github.routing import (
    Reply,
    moved,
    primary_limit,
    said,
    secondary_limit,
)
from tests.vendors.github.state import Pull, Repository
from tests.vendors.github_server import GitHubServer


@pytest.mark.parametrize(
    ("reply", "at_least", "at_most"),
    [
        (primary_limit(reset_in_seconds=3600), 3000, 3601),
        (primary_limit(reset_in_seconds=3600, status=429), 3000, 3601),
        (primary_limit(reset_in_seconds=-5), 1, 1),
        (secondary_limit(retry_after_seconds=7), 7, 7),
        (secondary_limit(retry_after_seconds=None), 60, 60),
        (said(429, "Slow down"), 60, 60),
        (secondary_limit(retry_after_seconds=10**18), 7200, 7200),
    ],
)
def test_limits_say_when_to_ask_again(
    github: GitHubServer, adapter: ScmAdapter, reply: Reply, at_least: float, at_most: float
) -> None:
    github.fail_next(reply, path="^/repos")

    with pytest.raises(RateLimited) as raised:
        adapter.repository("acme/shop")

    assert at_least <= (raised.value.retry_after_seconds or 0) <= at_most


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (said(403, "Nope", headers={"X-GitHub-SSO": "required; url=https://github.com/sso"}), NotAllowed, "sign-on"),
        (
            said(403, "Must have admin rights", headers={"X-Accepted-OAuth-Scopes": "repo", "X-OAuth-Scopes": "gist"}),
            NotAllowed,
            "missing is repo",
        ),
        (said(409, "Git Repository is empty."), Refused, "empty"),
        (said(451, "Repository access blocked"), ScmError, "451"),
        (Reply(502, "<html>nginx</html>"), ScmError, "problem of its own"),
        (Reply(200, ["nonsense"]), ScmError, "lacks"),
    ],
)
def test_answers_of_every_kind_become_words_for_an_admin(
    github: GitHubServer, adapter: ScmAdapter, reply: Reply, kind: type[ScmError], words: str
) -> None:
    github.fail_next(reply, path="^/repos")

    with pytest.raises(kind, match=words):
        adapter.repository("acme/shop")

    github.violations.clear()  # what is told here, GitHub never would


def test_a_renamed_repository_takes_what_is_written_too(
    github: GitHubServer, shop: Repository, adapter: ScmAdapter, pull: Pull
) -> None:
    github.rename(shop, "store")

    comment = posted_one(adapter, pull)
    adapter.resolve("acme/shop", "1", comment, is_resolved=True)

    assert [each.body for each in shop.review_comments] == ["About a"]
    assert adapter.comments("acme/shop", "1")[0].is_resolved
    assert [each.is_resolved for each in adapter.comments(str(shop.id), "1")] == [True]


def test_our_token_is_carried_to_no_other_host(github: GitHubServer, adapter: ScmAdapter) -> None:
    with GitHubServer().running() as other:
        github.fail_next(moved(f"{other.url}/api/v3/repositories/1", "GET"), path="^/repos")

        with pytest.raises(ScmError, match="another address"):
            adapter.repository("acme/shop")

        assert other.requests == []
