"""GitHub's own examples of its webhooks, read by our reader."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from scm.adapters.github.webhooks import GitHubWebhooks
from scm.adapters.hook_events import (
    CommentWritten,
    HookEvent,
    InstallationChanged,
    PullRequestChanged,
    RepositoriesChosen,
    RepositoryChanged,
)
from scm.adapters.values import PullRequestFacts, RepositoryFacts
from tests.contract.contracts import contract

READER = GitHubWebhooks()


@pytest.fixture(scope="module")
def examples() -> dict[str, list[dict[str, Any]]]:
    return {event["name"]: event["examples"] for event in contract("github-webhooks.json")}


Told = Callable[..., list[HookEvent]]


@pytest.fixture(scope="module")
def told(examples: dict[str, list[dict[str, Any]]]) -> Told:
    """Return a function that reads the newest example of an event and action."""

    def read(event: str, example: str, **changes: Any) -> list[HookEvent]:
        payload = [each for each in examples[event] if each["action"] == example][-1]
        return list(READER.read(event, json.dumps({**payload, **changes})))

    return read


def test_every_example_of_every_event_is_read(examples: dict[str, list[dict[str, Any]]]) -> None:
    read = {
        (event, payload.get("action")): [type(each) for each in READER.read(event, json.dumps(payload))]
        for event, payloads in examples.items()
        for payload in payloads
    }

    assert len(examples) > 50
    assert {key: types for key, types in read.items() if types} == {
        ("installation", "created"): [InstallationChanged, RepositoriesChosen],
        ("installation", "deleted"): [InstallationChanged],
        ("installation", "new_permissions_accepted"): [InstallationChanged],
        ("installation", "suspend"): [InstallationChanged],
        ("installation", "unsuspend"): [InstallationChanged],
        ("installation_repositories", "added"): [RepositoriesChosen],
        ("installation_repositories", "removed"): [RepositoriesChosen],
        ("pull_request", "closed"): [PullRequestChanged],
        ("pull_request", "converted_to_draft"): [PullRequestChanged],
        ("pull_request", "opened"): [PullRequestChanged],
        ("pull_request", "ready_for_review"): [PullRequestChanged],
        ("pull_request", "reopened"): [PullRequestChanged],
        ("pull_request", "synchronize"): [PullRequestChanged],
        ("pull_request_review_comment", "created"): [CommentWritten],
        ("repository", "edited"): [RepositoryChanged],
        ("repository", "privatized"): [RepositoryChanged],
        ("repository", "publicized"): [RepositoryChanged],
        ("repository", "renamed"): [RepositoryChanged],
        ("repository", "transferred"): [RepositoryChanged],
    }


def test_what_is_read_of_an_event_is_what_concerns_us(examples: dict[str, list[dict[str, Any]]]) -> None:
    of_use = {
        event for event, payloads in examples.items() for each in payloads if READER.read(event, json.dumps(each))
    }

    assert {event for event in examples if READER.concerns_us(event)} == {*of_use, "issue_comment"}


def test_a_pull_request_in_our_words(told: Told) -> None:
    assert told("pull_request", "opened") == [
        PullRequestChanged(
            repository_id="186853002",
            facts=PullRequestFacts(
                number="2",
                title="Update the README with new information.",
                state="open",
                is_draft=False,
                is_from_fork=False,
                head_branch="changes",
                head_sha="ec26c3e57ca3a959ca5aad62de7213c562f8c821",
                base_branch="master",
                base_sha="f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
                author="Codertocat",
                web_url="https://github.com/Codertocat/Hello-World/pull/2",
                changed_at=datetime(2019, 5, 15, 15, 20, 33, tzinfo=UTC),
            ),
        )
    ]


def test_a_merge_is_told_from_a_close_and_a_deleted_fork_is_a_fork(
    examples: dict[str, list[dict[str, Any]]],
) -> None:
    payload = next(each for each in examples["pull_request"] if each["action"] == "closed")
    closed = {**payload["pull_request"], "merged_at": None, "user": None}
    merged = {**closed, "merged_at": "2019-05-16T00:00:00Z", "head": {**closed["head"], "repo": None}}

    events = [
        READER.read("pull_request", json.dumps({**payload, "pull_request": each}))[0] for each in (closed, merged)
    ]

    seen = [(each.facts.state, each.facts.is_from_fork, each.facts.author) for each in events]  # type: ignore[union-attr]
    assert seen == [("closed", False, ""), ("merged", True, "")]


def test_a_comment_on_a_line_in_our_words(told: Told) -> None:
    (comment,) = told("pull_request_review_comment", "created")

    assert comment == CommentWritten(
        repository_id="186853002",
        number="2",
        comment_id="284312630",
        parent_id="",
        thread_id="",
        author="Codertocat",
        author_id="21031067",
        body="Maybe you should use more emoji on this line.",
    )


def test_a_comment_in_the_conversation_counts_only_on_a_pull_request(
    told: Told, examples: dict[str, list[dict[str, Any]]]
) -> None:
    issue = {**examples["issue_comment"][0]["issue"], "pull_request": {"url": "https://api.github.com/pulls/1"}}

    (comment,) = told("issue_comment", "created", issue=issue)

    assert (comment.number, comment.is_on_line, comment.is_bot) == ("1", False, False)  # type: ignore[union-attr]
    assert told("issue_comment", "created") == []


@pytest.mark.parametrize("action", ["edited", "deleted"])
def test_a_command_counts_as_it_was_first_written(told: Told, action: str) -> None:
    assert told("pull_request_review_comment", action) == []


def test_a_repository_in_our_words(told: Told) -> None:
    facts = RepositoryFacts(
        external_id="186853002",
        full_name="Codertocat/Hello-World",
        web_url="https://github.com/Codertocat/Hello-World",
        default_branch="master",
        is_private=True,
    )

    assert told("repository", "privatized") == [RepositoryChanged(facts)]
    assert told("repository", "privatized", action="deleted") == [RepositoryChanged(facts, is_deleted=True)]


def test_an_installation_in_our_words(told: Told) -> None:
    suspended, chosen = told("installation", "suspend"), told("installation_repositories", "removed")

    assert suspended[0].facts.is_suspended  # type: ignore[union-attr]
    assert chosen == [RepositoriesChosen(installation_id="2", removed=("1296269",))]
    created = told("installation", "created")
    assert isinstance(created[0], InstallationChanged)
    assert created[0].facts.permissions["contents"] == "write"


def test_an_app_of_an_enterprise_has_a_slug_for_a_login(told: Told) -> None:
    (event,) = told("installation", "unsuspend", installation={"id": 3, "account": {"id": 1, "slug": "umbrella"}})

    assert event.facts.account == "umbrella"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "body",
    [
        "", "[", "null", "[]", "{}", "[" * 100_000, '{"a":' * 100_000, '{"action": "opened", "pull_request": {}}',
        '{"action": "opened", "pull_request": "\\ud800"}',
    ],
    ids=["empty", "cut", "null", "list", "bare", "deep list", "deep object", "hollow", "half a character"],
)  # fmt: skip
def test_nonsense_is_refused_in_words_that_repeat_nothing_of_it(body: str) -> None:
    with pytest.raises(ValueError, match=r"^[\w. ]+: [\w:., -]+$"):
        READER.read("pull_request", body)


def test_a_name_longer_than_any_is_refused_and_a_zero_byte_left_out(
    examples: dict[str, list[dict[str, Any]]],
) -> None:
    payload = examples["pull_request"][0]
    wide = {**payload, "pull_request": {**payload["pull_request"], "head": {"ref": "x" * 256, "sha": "a"}}}
    zero = {**payload, "pull_request": {**payload["pull_request"], "title": "a\0b"}}

    with pytest.raises(ValueError, match=r"head\.ref"):
        READER.read("pull_request", json.dumps(wide))
    assert READER.read("pull_request", json.dumps(zero))[0].facts.title == "ab"  # type: ignore[union-attr]
