"""What GitLab sends unasked, read into our words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scm.adapters.base import Forged
from scm.adapters.gitlab.webhooks import GitLabWebhooks
from scm.adapters.hook_events import CommentWritten, PullRequestChanged, RepositoryChanged
from tests.vendors.gitlab import hooks
from tests.vendors.gitlab.state import GitLab, MergeRequest

ORIGIN = "https://gitlab.example"
SECRET = "the secret of the webhook"
READER = GitLabWebhooks()


@pytest.fixture
def merge_request() -> MergeRequest:
    gitlab = GitLab()
    shop = gitlab.add_project("acme/shop", files={"orders.py": "one\n"})
    gitlab.push(shop, "feature", {"orders.py": "two\n"})
    return gitlab.open_merge_request(shop, "feature", author=gitlab.add_user("dora"), title="Draft: Orders")


def read(body: dict[str, Any]) -> list[Any]:
    return list(READER.read("", json.dumps(body)))


def test_a_new_merge_request_is_told_with_all_that_the_hook_says(merge_request: MergeRequest) -> None:
    (event,) = read(hooks.merge_request_event(ORIGIN, merge_request, "open", merge_request.author))

    assert isinstance(event, PullRequestChanged)
    facts = event.facts
    assert event.repository_id == str(merge_request.target_project.id)
    assert (facts.number, facts.title, facts.state, facts.is_draft) == ("1", "Orders", "open", True)
    assert (facts.head_branch, facts.base_branch, facts.is_from_fork) == ("feature", "main", False)
    assert facts.head_sha == merge_request.versions[0].head_sha
    assert (facts.author, facts.web_url) == ("dora", f"{ORIGIN}/acme/shop/-/merge_requests/1")
    assert facts.changed_at == merge_request.updated_at


def test_a_push_a_new_title_and_a_merge_change_a_merge_request(merge_request: MergeRequest) -> None:
    by = merge_request.author

    pushed = read(
        hooks.merge_request_event(ORIGIN, merge_request, "update", by, oldrev="a" * 40, changes={"updated_at": {}})
    )
    retitled = read(hooks.merge_request_event(ORIGIN, merge_request, "update", by, changes={"title": {}}))
    merged = read(hooks.merge_request_event(ORIGIN, merge_request, "merge", by, state="merged"))

    assert [len(pushed), len(retitled), merged[0].facts.state] == [1, 1, "merged"]


@pytest.mark.parametrize(
    ("action", "changes"),
    [("approved", {}), ("unapproval", {}), ("update", {"labels": {}, "updated_at": {}})],
)
def test_approvals_and_labels_do_not_concern_us(
    merge_request: MergeRequest, action: str, changes: dict[str, Any]
) -> None:
    body = hooks.merge_request_event(ORIGIN, merge_request, action, merge_request.author, changes=changes)

    assert read(body) == []


def test_a_fork_that_is_gone_is_still_a_fork(merge_request: MergeRequest) -> None:
    body = hooks.merge_request_event(ORIGIN, merge_request, "close", merge_request.author, source_project_id=None)

    (event,) = read(body)

    assert event.facts.is_from_fork


def test_an_answer_below_a_comment_names_its_thread(merge_request: MergeRequest) -> None:
    gitlab = GitLab()
    dora, bot = gitlab.add_user("dora"), gitlab.add_user("project_7_bot_0a1b2c")
    position = {"new_line": 1}
    first = gitlab.write(merge_request, bot, "Look here.", position=position)
    answer = gitlab.write(merge_request, dora, "/fp it is fine", discussion_id=first.discussion_id)

    (ours,) = read(hooks.note_event(ORIGIN, merge_request, first))
    (theirs,) = read(hooks.note_event(ORIGIN, merge_request, answer))

    assert isinstance(theirs, CommentWritten)
    assert (theirs.thread_id, theirs.body, theirs.author) == (first.discussion_id, "/fp it is fine", "dora")
    assert (theirs.author_id, theirs.comment_id, theirs.number) == (str(dora.id), str(answer.id), "1")
    assert [ours.is_bot, theirs.is_bot, theirs.is_on_line] == [True, False, True]


def test_changed_notes_and_notes_elsewhere_do_not_concern_us(merge_request: MergeRequest) -> None:
    note = GitLab().write(merge_request, merge_request.author, "Well.")
    on_issue = hooks.note_event(ORIGIN, merge_request, note)
    on_issue["object_attributes"]["noteable_type"] = "Issue"
    del on_issue["merge_request"]

    assert read(hooks.note_event(ORIGIN, merge_request, note, action="update")) == []
    assert read(on_issue) == []


def test_the_instance_tells_of_renamed_and_removed_projects(merge_request: MergeRequest) -> None:
    project = merge_request.target_project
    renamed = hooks.system_event("project_rename", project, old_path_with_namespace="acme/old")

    (change,) = read(renamed)
    (removal,) = read(hooks.system_event("project_destroy", project))

    assert isinstance(change, RepositoryChanged)
    assert (change.facts.external_id, change.facts.full_name, change.is_deleted) == (
        str(project.id),
        "acme/shop",
        False,
    )
    assert removal.is_deleted


def test_a_delivery_is_believed_only_with_the_secret(merge_request: MergeRequest) -> None:
    sent = hooks.delivery("Note Hook", {"object_kind": "note"}, secret=SECRET)
    lower_case = {name.lower(): value for name, value in sent.headers.items()}
    without = {name: value for name, value in sent.headers.items() if name != "X-Gitlab-Token"}

    READER.verify(lower_case, sent.body, SECRET)

    for headers, secret in ((sent.headers, "another"), (without, SECRET), (without, ""), (sent.headers, "")):
        with pytest.raises(Forged) as raised:
            READER.verify(headers, sent.body, secret)
        assert SECRET not in str(raised.value)


def test_a_delivery_sent_again_has_the_same_id() -> None:
    sent = hooks.delivery("Note Hook", {"object_kind": "note"}, secret=SECRET)
    older = {name: value for name, value in sent.headers.items() if name != "Idempotency-Key"}

    assert READER.delivery(sent.headers, sent.body) == (sent.headers["Idempotency-Key"], "Note Hook")
    uuids = f"{older['X-Gitlab-Event-UUID']}:{older['X-Gitlab-Webhook-UUID']}"
    assert READER.delivery(older, sent.body) == (uuids, "Note Hook")
    assert READER.delivery({"X-Gitlab-Event": "Note Hook"}, b"a") == READER.delivery(
        {"x-gitlab-event": "Note Hook"}, b"a"
    )
    assert READER.delivery({}, b"a") != READER.delivery({}, b"b")


@pytest.mark.parametrize("body", ["", "[]", "nonsense", '{"object_kind": "note", "token": "glpat-secret"}', "[" * 5000])
def test_nonsense_is_refused_without_repeating_it(body: str) -> None:
    with pytest.raises(ValueError, match="not as described") as raised:
        READER.read("Note Hook", body)

    assert "glpat" not in str(raised.value)


def test_what_we_did_not_ask_for_is_left_alone() -> None:
    assert read({"object_kind": "push", "ref": "refs/heads/main"}) == []
    assert read({"event_name": "user_create", "user_id": 1}) == []
