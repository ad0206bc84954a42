"""Reviews, check runs, commits and pull requests."""

from __future__ import annotations

import pytest

from scm.adapters.base import NotAllowed, NotThere, Refused, ScmAdapter, ScmError
from scm.adapters.values import (
    Commit,
    NotPosted,
    PostedComment,
    Proposal,
    StatusDraft,
    StatusState,
)
from tests.integration.scm.github.steps import (
    a_status,
    by_token,
    draft,
    posted,
    posted_one,
)
from tests.vendors.github.routing import (
    invalid,
    secondary_limit,
    unprocessable,
)
from tests.vendors.github.state import Installation, Pull, Repository
from tests.vendors.github_server import GitHubServer


def test_all_comments_on_lines_are_one_review(github: GitHubServer, adapter: ScmAdapter, pull: Pull) -> None:
    drafts = [draft(f"n{line}", line) for line in range(17, 24)]

    done = posted(adapter, pull, *drafts)

    assert len(pull.repository.reviews) == 1
    assert len(github.asked("POST", ".*/reviews")) == 1
    assert all(isinstance(each, PostedComment) and each.thread_id for each in done)


@pytest.mark.parametrize(
    "words",
    [
        "Line could not be resolved",
        "Path could not be resolved",
        "Pull request review thread line must be part of the diff and diff hunk can't be blank",
        "Pull request review thread path is invalid",
    ],
)
def test_githubs_words_for_a_wrong_place_are_known(
    github: GitHubServer, adapter: ScmAdapter, pull: Pull, words: str
) -> None:
    github.fail_next(unprocessable(words), path="/reviews$")

    (done,) = posted(adapter, pull, draft())

    assert done == NotPosted("a", f"Unprocessable Entity; {words}", is_place_refused=True)


def test_what_no_place_would_help_is_refused_as_a_whole(github: GitHubServer, adapter: ScmAdapter, pull: Pull) -> None:
    github.fail_next(unprocessable("User can only have one pending review per pull request"), path="/reviews$")

    with pytest.raises(Refused, match="pending review"):
        posted(adapter, pull, draft("a"), draft("b", 21))

    assert len(github.asked("POST", ".*/reviews")) == 1


def test_a_thread_that_could_not_be_told_at_once_is_found_when_it_is_resolved(
    github: GitHubServer, adapter: ScmAdapter, pull: Pull
) -> None:
    github.fail_next(secondary_limit(), path="^/graphql")

    comment = posted_one(adapter, pull)
    adapter.resolve("acme/shop", "1", comment, is_resolved=True)

    assert comment.thread_id == ""
    assert pull.repository.review_comments[0].is_resolved


def test_resolving_says_which_permission_it_wants(
    github: GitHubServer, adapter: ScmAdapter, pull: Pull, installation: Installation
) -> None:
    comment = posted_one(adapter, pull)
    installation.permissions["contents"] = "read"

    with pytest.raises(NotAllowed, match="contents=write") as raised:
        adapter.resolve("acme/shop", "1", comment, is_resolved=True)

    assert raised.value.missing == "contents=write"
    with pytest.raises(NotThere):
        adapter.resolve("acme/shop", "1", PostedComment("a", "1", "PRRT_1", ""), is_resolved=True)


def test_answers_outlive_the_comment_that_they_answered(github: GitHubServer, adapter: ScmAdapter, pull: Pull) -> None:
    first = github.comment_on_line(pull, author="bob", body="First", path="app.py", line=20)
    github.answer_below(pull.repository, first, author="carol", body="Second")
    github.answer_below(pull.repository, first, author="bob", body="Third")
    pull.repository.review_comments.remove(first)

    (comment,) = adapter.comments("acme/shop", "1")

    assert (comment.body, [reply.author for reply in comment.replies]) == ("Second", ["bob"])


# --- Check runs, commits, pull requests -------------------------------------------------------------------------------


def test_other_remarks_are_shown_by_a_new_run_for_github_takes_none_away(shop: Repository, adapter: ScmAdapter) -> None:
    first = adapter.show_status("acme/shop", shop.head, a_status("one", "two"), external_id="")
    same = adapter.show_status("acme/shop", shop.head, a_status("two", "one"), external_id=first)
    other = adapter.show_status("acme/shop", shop.head, a_status("two"), external_id=same)

    assert first == same != other
    assert [[each["message"] for each in run.annotations] for run in shop.check_runs] == [["one", "two"], ["two"]]


def test_a_commit_status_is_kept_short(github: GitHubServer, shop: Repository) -> None:
    adapter = by_token(github, github.add_token("robot"))
    long = StatusDraft("Assistant", StatusState.NEUTRAL, "word " * 60, "All", "")

    adapter.show_status("acme/shop", shop.head, long, external_id="")

    (status,) = shop.statuses
    assert (status.state, status.target_url) == ("success", None)
    assert len(status.description or "") == 140


def test_a_pull_request_is_no_draft_where_there_are_none(shop: Repository, adapter: ScmAdapter) -> None:
    shop.allows_drafts = False
    shop.commit({"app.py": "fixed\n"}, branch="fix")

    opened = adapter.open_pull_request("acme/shop", Proposal("fix", "main", "Fix", "Why"))

    assert not opened.is_draft
    assert len(shop.pulls) == 1


def test_a_branch_that_cannot_be_proposed_is_refused(github: GitHubServer, adapter: ScmAdapter) -> None:
    github.fail_next(invalid("PullRequest", "No commits between main and fix"), method="POST", path="/pulls$")

    with pytest.raises(Refused, match="No commits between main and fix"):
        adapter.open_pull_request("acme/shop", Proposal("fix", "main", "Fix", "Why"))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"app.py/inside.py": "x"}, "no folder"),
        ({"none.py": None}, "not there"),
    ],
)
def test_a_commit_that_cannot_be_made_leaves_no_branch(
    shop: Repository, adapter: ScmAdapter, files: dict[str, str | None], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        adapter.commit("acme/shop", Commit("fix", shop.head, "Fix", files))

    assert list(shop.branches) == ["main"]


def test_a_crash_after_the_branch_was_made_is_seen_as_a_branch_that_is_there(
    github: GitHubServer, shop: Repository, adapter: ScmAdapter
) -> None:
    wanted = Commit("fix", shop.head, "Fix", {"app.py": "fixed\n"})
    github.cut_next(method="POST", path="/git/refs$")

    with pytest.raises(ScmError) as raised:
        adapter.commit("acme/shop", wanted)

    assert not raised.value.permanent
    assert adapter.branch_sha("acme/shop", "fix") == shop.branches["fix"]
    with pytest.raises(Refused):
        adapter.commit("acme/shop", wanted)
