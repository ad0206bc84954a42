"""Statuses, fix pull requests, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scm.adapters.base import (
    NotAllowed,
    RateLimited,
    Refused,
    ScmAdapter,
    ScmError,
    WrongCredentials,
)
from scm.adapters.values import (
    Annotation,
    Commit,
    Proposal,
    StatusDraft,
    StatusState,
)
from tests.contract.scm.conformance import HostUnderTest, Problem
from tests.contract.scm.drafts import CHANGED, VIEWS, on_line


@pytest.mark.parametrize("state", list(StatusState))
def test_a_status_is_shown_at_a_commit(
    host: HostUnderTest, adapter: ScmAdapter, number: str, state: StatusState
) -> None:
    sha = host.head("feature")
    draft = StatusDraft("Assistant", state, "2 to look at", "**Two**", "https://assistant.example/1")

    shown = adapter.show_status(host.repository, sha, draft, external_id="")

    (status,) = host.statuses(sha)
    assert shown
    assert (status.name, status.state) == ("Assistant", host.states[state])
    assert (status.title, status.details_url) == ("2 to look at", "https://assistant.example/1")


def test_a_status_is_changed_as_often_as_need_be(host: HostUnderTest, adapter: ScmAdapter, number: str) -> None:
    sha = host.head("feature")
    remarks = tuple(
        Annotation("app/views.py", line, line, "warning", "Look", f"Remark {line}") for line in range(1, 121)
    )
    running = StatusDraft("Assistant", StatusState.PENDING, "Judging", "", "")
    done = StatusDraft("Assistant", StatusState.FAILURE, "120 to look at", "Many", "", remarks)

    first = adapter.show_status(host.repository, sha, running, external_id="")
    second = adapter.show_status(host.repository, sha, done, external_id=first)
    adapter.show_status(host.repository, sha, done, external_id=second)

    (status,) = host.statuses(sha)
    assert (status.state, status.title) == (host.states["failure"], "120 to look at")
    assert status.annotations == tuple(f"Remark {line}" for line in range(1, 121) if host.has_annotations)


# --- Proposing a change -----------------------------------------------------------------------------------------------


def test_a_commit_changes_exactly_the_files_that_were_given(host: HostUnderTest, adapter: ScmAdapter) -> None:
    before = host.paths("main")
    files = {
        "run.sh": "#!/bin/sh\nexec false\n",
        "app/deep/er/new.py": "x = 1\r\n",
        "app/unused.py": None,
        "marked.py": "print('märked more')\n",
        "latin.py": "# cafés\n",
    }

    sha = adapter.commit(host.repository, Commit("assistant/fix-1", host.head("main"), "Fix it\n\nWith care", files))

    assert adapter.branch_sha(host.repository, "assistant/fix-1") == host.head("assistant/fix-1") == sha
    assert host.paths("assistant/fix-1") == (before | {"app/deep/er/new.py"}) - {"app/unused.py"}
    assert host.content("assistant/fix-1", "run.sh") == b"#!/bin/sh\nexec false\n"
    assert host.is_program("assistant/fix-1", "run.sh")
    assert host.content("assistant/fix-1", "app/deep/er/new.py") == b"x = 1\r\n"
    assert host.content("assistant/fix-1", "marked.py") == b"\xef\xbb\xbfprint('m\xc3\xa4rked more')\n"
    assert host.content("assistant/fix-1", "latin.py") == b"# caf\xe9s\n"
    assert host.content("assistant/fix-1", "app/views.py") == VIEWS.encode()
    assert host.content("main", "run.sh") == b"#!/bin/sh\nexec true\n"


def test_a_branch_that_is_there_is_left_alone(host: HostUnderTest, adapter: ScmAdapter) -> None:
    there = host.commit("assistant/fix-1", {"app/views.py": "somebody's work\n"})

    with pytest.raises(Refused, match="assistant/fix-1"):
        adapter.commit(host.repository, Commit("assistant/fix-1", host.head("main"), "Fix", {"app/views.py": "ours\n"}))

    assert host.head("assistant/fix-1") == there
    assert adapter.branch_sha(host.repository, "assistant/none") is None


def test_a_pull_request_is_opened_once_and_found_by_its_branch(host: HostUnderTest, adapter: ScmAdapter) -> None:
    host.commit("assistant/fix-1", {"app/views.py": CHANGED})
    proposal = Proposal("assistant/fix-1", "main", "Fix the thing", "Why and how")
    assert adapter.pull_request_of_branch(host.repository, "assistant/fix-1") is None

    first = adapter.open_pull_request(host.repository, proposal)
    second = adapter.open_pull_request(host.repository, proposal)

    found = adapter.pull_request_of_branch(host.repository, "assistant/fix-1")
    assert found is not None
    assert first.number == second.number == found.number
    assert (first.title, first.is_draft, first.author, first.base_branch) == ("Fix the thing", True, host.us, "main")
    host.close(first.number, is_merged=True)
    merged = adapter.pull_request_of_branch(host.repository, "assistant/fix-1")
    assert merged is not None
    assert merged.state == "merged"


def test_an_archived_repository_is_refused_in_words(host: HostUnderTest, adapter: ScmAdapter, number: str) -> None:
    host.archive()

    with pytest.raises((Refused, NotAllowed)) as raised:
        adapter.post_comments(host.repository, number, head_sha=host.head("feature"), drafts=[on_line("a", 30)])

    assert raised.value.permanent
    assert adapter.repository(host.repository).is_archived


# --- What goes wrong --------------------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[ScmAdapter, HostUnderTest, str], object]] = {
    "read comments": lambda adapter, host, number: adapter.comments(host.repository, number),
    "comment": lambda adapter, host, number: adapter.post_comments(
        host.repository, number, head_sha=host.head("feature"), drafts=[on_line("a", 30)]
    ),
}


@pytest.mark.parametrize("call", list(CALLS))
@pytest.mark.parametrize(
    ("problem", "kind", "permanent"),
    [
        (Problem.WRONG_CREDENTIALS, WrongCredentials, True),
        (Problem.FORBIDDEN, NotAllowed, True),
        (Problem.LIMITED, RateLimited, False),
        (Problem.DOWN, ScmError, False),
    ],
)
def test_what_goes_wrong_is_told_in_our_words(  # noqa: PLR0917  (its cases)
    host: HostUnderTest,
    adapter: ScmAdapter,
    number: str,
    call: str,
    problem: Problem,
    kind: type[ScmError],
    permanent: bool,
) -> None:
    adapter.whoami()
    host.fail_next(problem)

    with pytest.raises(kind) as raised:
        CALLS[call](adapter, host, number)

    assert raised.value.permanent is permanent
    assert raised.value.retry_after_seconds == (60 if problem is Problem.LIMITED else None)
    secrets = [host.access.token, host.access.private_key]
    assert not any(secret and secret in str(raised.value) for secret in secrets)
    CALLS[call](adapter, host, number)


def test_nothing_is_tried_twice_behind_the_callers_back(host: HostUnderTest, adapter: ScmAdapter, number: str) -> None:
    host.fail_next(Problem.DOWN)

    with pytest.raises(ScmError):
        adapter.post_comments(host.repository, number, head_sha=host.head("feature"), drafts=[on_line("a", 30)])

    assert host.writes() <= 1  # none where it reads first
    assert host.seen(number) == []
