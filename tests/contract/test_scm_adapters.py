"""What every ScmAdapter owes, whichever host it speaks to; each host on loopback checks what it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from lib.http.policy import Policy, in_force
from scm.adapters import adapter_for, close_adapters
from scm.adapters.base import (
    FileMissing,
    FileUnreadable,
    NotAllowed,
    NotThere,
    RateLimited,
    Refused,
    ScmAdapter,
    ScmError,
    WrongCredentials,
)
from scm.adapters.values import (
    Annotation,
    CommentDraft,
    Commit,
    NotPosted,
    PostedComment,
    Proposal,
    Reaction,
    StatusDraft,
    StatusState,
)
from tests.contract.code_hosts import HOSTS
from tests.contract.scm_conformance import FIRST_FILES, HostUnderTest, Problem

LOOPBACK = Policy.of(allowed=["127.0.0.1"], ports=["*"])
VIEWS = str(FIRST_FILES["app/views.py"])
CHANGED = VIEWS.replace("line 30\n", "line 30, changed\nline 30 and a half\n")


@pytest.fixture(params=list(HOSTS))
def host(request: pytest.FixtureRequest) -> Iterator[HostUnderTest]:
    with in_force(LOOPBACK), HOSTS[request.param].running() as running:
        yield running
        close_adapters()


@pytest.fixture
def adapter(host: HostUnderTest) -> ScmAdapter:
    return adapter_for(host.kind, host.access)


@pytest.fixture
def number(host: HostUnderTest) -> str:
    """A pull request that changes line 30 of app/views.py."""
    host.commit("feature", {"app/views.py": CHANGED})
    return host.open_pull_request("feature")


def on_line(key: str, line: int, *, start: int | None = None, path: str = "app/views.py") -> CommentDraft:
    return CommentDraft(key=key, body=f"About {key}", path=path, line=line, start_line=start)


def posted(adapter: ScmAdapter, host: HostUnderTest, number: str, *drafts: CommentDraft) -> list[PostedComment]:
    """Post drafts, each of which the host takes."""
    done = adapter.post_comments(host.repository, number, head_sha=host.head("feature"), drafts=drafts)
    assert [each.key for each in done] == [draft.key for draft in drafts]
    return [each for each in done if isinstance(each, PostedComment)]


# --- Files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["app/views.py", "umläut/ein name.py", "long.py"])
def test_a_file_is_read_as_it_was_at_the_commit(host: HostUnderTest, adapter: ScmAdapter, path: str) -> None:
    before = host.head("main")
    host.commit("main", {path: "something newer\n"})

    assert adapter.read_file(host.repository, path, before) == FIRST_FILES[path]
    assert adapter.read_file(host.repository, path, "main") == "something newer\n"


def test_text_is_read_whatever_its_encoding(host: HostUnderTest, adapter: ScmAdapter) -> None:
    assert adapter.read_file(host.repository, "marked.py", "main") == "print('märked')\n"
    assert adapter.read_file(host.repository, "latin.py", "main") == "# café\n"


@pytest.mark.parametrize(
    "path", ["app", "logo.png", "huge.py", "a-link", "a-module", "../outside.py", "app/../../outside.py", "/etc/passwd"]
)
def test_what_is_no_text_to_read_is_told_from_what_is_missing(
    host: HostUnderTest, adapter: ScmAdapter, path: str
) -> None:
    host.put_link("a-link", "/etc/passwd")
    host.put_module("a-module")

    with pytest.raises(FileUnreadable):
        adapter.read_file(host.repository, path, "main")


def test_a_missing_file_is_told_from_a_missing_commit_and_repository(host: HostUnderTest, adapter: ScmAdapter) -> None:
    with pytest.raises(FileMissing):
        adapter.read_file(host.repository, "app/none.py", "main")
    with pytest.raises(NotThere):
        adapter.read_file(host.repository, "app/views.py", "0" * 40)
    with pytest.raises(NotThere):
        adapter.read_file("acme/none", "app/views.py", "main")


# --- Repositories and accounts ----------------------------------------------------------------------------------------


def test_we_know_our_own_name(host: HostUnderTest, adapter: ScmAdapter) -> None:
    assert adapter.whoami().account == host.us


def test_repositories_are_listed_page_by_page(host: HostUnderTest, adapter: ScmAdapter) -> None:
    host.use_small_pages()
    host.add_repositories(4)

    listed = list(adapter.repositories())

    assert len(listed) == len({each.external_id for each in listed}) == 5
    assert host.repository in {each.full_name for each in listed}


def test_a_repository_keeps_its_number_when_it_is_renamed(host: HostUnderTest, adapter: ScmAdapter) -> None:
    before, first = host.repository, host.head("main")
    host.commit("main", {"app/views.py": "newer\n"})
    host.rename("store")

    by_number, by_old_name = adapter.repository(host.repository_id), adapter.repository(before)

    assert by_number == by_old_name
    assert (by_number.full_name, by_number.external_id) == (host.repository, host.repository_id)
    assert (by_number.is_private, by_number.is_archived, by_number.default_branch) == (True, False, "main")
    assert adapter.read_file(before, "app/views.py", first) == VIEWS


def test_only_who_may_push_may_write(host: HostUnderTest, adapter: ScmAdapter) -> None:
    host.let("carol", write=True)
    host.let("dan", write=False)

    writers = [name for name in ("carol", "dan", "nobody") if adapter.may_write(host.repository, name)]

    assert writers == ["carol"]


def test_the_webhook_is_set_up_once(host: HostUnderTest, adapter: ScmAdapter) -> None:
    url = "https://assistant.example/hooks/1"

    first = adapter.ensure_webhook(host.repository, url=url, secret="old")
    second = adapter.ensure_webhook(host.repository, url=url, secret="new")

    assert first == second
    assert host.webhooks() == ([] if host.has_own_webhook else [(url, "new")])
    adapter.remove_webhook(host.repository, first)
    adapter.remove_webhook(host.repository, first)
    assert host.webhooks() == []


def test_everything_that_is_needed_is_allowed_here(host: HostUnderTest, adapter: ScmAdapter) -> None:
    checks = adapter.check()

    assert checks
    assert {check.granted for check in checks} == {True}
    assert all(check.name and check.needed_for for check in checks)


# --- Pull requests ----------------------------------------------------------------------------------------------------


def test_a_pull_request_is_told_as_it_is(host: HostUnderTest, adapter: ScmAdapter, number: str) -> None:
    facts = adapter.pull_request(host.repository, number)

    assert (facts.number, facts.title, facts.author) == (number, "Change things", "bob")
    assert (facts.state, facts.is_draft, facts.is_from_fork) == ("open", False, False)
    assert (facts.head_branch, facts.head_sha) == ("feature", host.head("feature"))
    assert (facts.base_branch, facts.base_sha) == ("main", host.head("main"))
    assert facts.changed_at is not None
    assert facts.changed_at.tzinfo is not None
    assert facts.web_url.startswith(host.access.base_url)


@pytest.mark.parametrize(("is_merged", "state"), [(True, "merged"), (False, "closed")])
def test_the_end_of_a_pull_request_is_told(
    host: HostUnderTest, adapter: ScmAdapter, number: str, is_merged: bool, state: str
) -> None:
    host.close(number, is_merged=is_merged)

    assert adapter.pull_request(host.repository, number).state == state


def test_a_fork_is_told(host: HostUnderTest, adapter: ScmAdapter) -> None:
    host.commit("theirs", {"app/views.py": CHANGED})
    number = host.open_from_fork("theirs")

    assert adapter.pull_request(host.repository, number).is_from_fork
    assert adapter.pull_request_of_branch(host.repository, "theirs") is None


def test_a_missing_pull_request_is_told(host: HostUnderTest, adapter: ScmAdapter) -> None:
    with pytest.raises(NotThere):
        adapter.pull_request(host.repository, "999")


def test_changed_files_come_with_the_lines_that_are_shown(host: HostUnderTest, adapter: ScmAdapter) -> None:
    host.use_small_pages()
    old = str(FIRST_FILES["app/old_name.py"])
    host.commit(
        "feature",
        {
            "app/views.py": CHANGED,
            "app/new.py": "one\ntwo\n",
            "app/unused.py": None,
            "logo.png": b"\x89PNG\0other",
            "app/old_name.py": None,
            "app/new_name.py": old.replace("old 5\n", "new 5\n"),
        },
    )
    number = host.open_pull_request("feature", renamed={"app/new_name.py": "app/old_name.py"})

    files = {each.path: each for each in adapter.changed_files(host.repository, number)}

    assert {path: each.status for path, each in files.items()} == {
        "app/views.py": "modified",
        "app/new.py": "added",
        "app/unused.py": "removed",
        "logo.png": "modified",
        "app/new_name.py": "renamed",
    }
    # Three lines of context, the changed line, a new one, and the numbers behind it moved by one.
    assert dict(files["app/views.py"].lines) == {27: 27, 28: 28, 29: 29, 30: None, 31: None, 32: 31, 33: 32, 34: 33}
    assert dict(files["app/new.py"].lines) == {1: None, 2: None}
    assert dict(files["app/unused.py"].lines) == {}
    assert dict(files["logo.png"].lines) == {}
    assert files["app/new_name.py"].old_path == "app/old_name.py"
    assert files["app/new_name.py"].lines[5] is None


# --- Comments ---------------------------------------------------------------------------------------------------------


def test_comments_stand_where_they_were_meant(host: HostUnderTest, adapter: ScmAdapter, number: str) -> None:
    drafts = [
        on_line("added", 30),
        CommentDraft(key="talk", body="In the conversation"),
        on_line("context", 28),
        on_line("range", 32, start=30),
    ]

    done = posted(adapter, host, number, *drafts)

    seen = {each.comment_id: each for each in host.seen(number)}
    places = [(seen[each.comment_id].body, seen[each.comment_id].line) for each in done]
    assert places == [("About added", 30), ("In the conversation", None), ("About context", 28), ("About range", 32)]
    assert seen[done[3].comment_id].start_line == 30
    assert all(each.web_url.startswith(host.access.base_url) for each in done)
    assert len(seen) == 4


def test_a_place_that_is_refused_costs_and_doubles_no_other(
    host: HostUnderTest, adapter: ScmAdapter, number: str
) -> None:
    drafts = [on_line("a", 30), on_line("b", 55), on_line("c", 31), on_line("d", 1, path="run.sh"), on_line("e", 28)]

    done = adapter.post_comments(host.repository, number, head_sha=host.head("feature"), drafts=drafts)

    refused = [each for each in done if isinstance(each, NotPosted)]
    assert [each.key for each in done] == ["a", "b", "c", "d", "e"]
    assert [(each.key, each.is_place_refused) for each in refused] == [("b", True), ("d", True)]
    assert all(each.reason for each in refused)
    assert sorted(each.body for each in host.seen(number)) == ["About a", "About c", "About e"]


def test_two_comments_of_the_same_words_are_told_apart(host: HostUnderTest, adapter: ScmAdapter, number: str) -> None:
    same = [
        CommentDraft(key=key, body="The same", path="app/views.py", line=line) for key, line in (("x", 28), ("y", 30))
    ]

    done = posted(adapter, host, number, *same)

    seen = {each.comment_id: each.line for each in host.seen(number)}
    assert [seen[each.comment_id] for each in done] == [28, 30]


def test_what_was_posted_before_the_connection_broke_is_found_again(
    host: HostUnderTest, adapter: ScmAdapter, number: str
) -> None:
    host.cut_next_post()

    with pytest.raises(ScmError) as raised:
        adapter.post_comments(host.repository, number, head_sha=host.head("feature"), drafts=[on_line("a", 30)])

    assert not raised.value.permanent
    assert [(each.body, each.path, each.line, each.is_ours) for each in adapter.comments(host.repository, number)] == [
        ("About a", "app/views.py", 30, True)
    ]


def test_all_comments_are_read_with_their_answers(host: HostUnderTest, adapter: ScmAdapter, number: str) -> None:
    host.use_small_pages()
    done = posted(adapter, host, number, *(on_line(f"n{line}", line) for line in (28, 29, 30)))
    theirs = host.write(number, "bob", "What is this?", path="app/views.py", line=31)
    talk = host.write(number, "carol", "Hello")
    answer = host.answer(number, done[1].comment_id, "bob", "Is it?")
    adapter.reply(host.repository, number, done[1], "It is.")

    comments = {each.comment_id: each for each in adapter.comments(host.repository, number)}

    assert set(comments) == {*(each.comment_id for each in done), theirs, talk}
    answered = comments[done[1].comment_id]
    assert [(each.author, each.is_ours) for each in answered.replies] == [("bob", False), (host.us, True)]
    assert answered.replies[0].comment_id == answer
    assert answered.thread_id
    assert answered.created_at is not None
    assert (comments[theirs].author, comments[theirs].is_ours, comments[theirs].line) == ("bob", False, 31)
    assert (comments[talk].path, comments[talk].line, comments[talk].body) == ("", None, "Hello")


@pytest.mark.parametrize("draft", [on_line("a", 30), CommentDraft(key="a", body="About a")])
def test_a_comment_is_edited_and_deleted(
    host: HostUnderTest, adapter: ScmAdapter, number: str, draft: CommentDraft
) -> None:
    (comment,) = posted(adapter, host, number, draft)

    adapter.edit_comment(host.repository, number, comment, "Better words")

    assert [(each.comment_id, each.body) for each in host.seen(number)] == [(comment.comment_id, "Better words")]
    adapter.delete_comment(host.repository, number, comment)
    adapter.delete_comment(host.repository, number, comment)
    assert host.seen(number) == []
    with pytest.raises(NotThere):
        adapter.edit_comment(host.repository, number, comment, "Too late")


def test_a_thread_is_answered_resolved_and_opened_again(host: HostUnderTest, adapter: ScmAdapter, number: str) -> None:
    (comment,) = posted(adapter, host, number, on_line("a", 30))
    theirs = host.answer(number, comment.comment_id, "bob", "/done")

    answer = adapter.reply(host.repository, number, comment, "Thanks")
    adapter.react(host.repository, number, theirs, Reaction.DONE, is_on_line=True)
    adapter.react(host.repository, number, theirs, Reaction.DONE, is_on_line=True)
    adapter.resolve(host.repository, number, comment, is_resolved=True)
    adapter.resolve(host.repository, number, comment, is_resolved=True)

    (seen,) = host.seen(number)
    (read,) = adapter.comments(host.repository, number)
    assert seen.replies == ("/done", "Thanks")
    assert read.replies[1].comment_id == answer
    assert seen.is_resolved
    assert read.is_resolved
    adapter.resolve(host.repository, number, comment, is_resolved=False)
    assert not host.seen(number)[0].is_resolved


def test_the_conversation_is_answered_and_has_nothing_to_resolve(
    host: HostUnderTest, adapter: ScmAdapter, number: str
) -> None:
    (comment,) = posted(adapter, host, number, CommentDraft(key="a", body="About a"))
    question = host.write(number, "bob", "Really?")

    adapter.react(host.repository, number, question, Reaction.REFUSED, is_on_line=False)
    adapter.react(host.repository, number, question, Reaction.REFUSED, is_on_line=False)
    adapter.reply(host.repository, number, comment, "Yes")
    adapter.resolve(host.repository, number, PostedComment("a", comment.comment_id, "", ""), is_resolved=True)

    seen = {each.comment_id: each for each in host.seen(number)}
    said = [*(each.body for each in seen.values()), *(text for each in seen.values() for text in each.replies)]
    assert "Yes" in said
    assert seen[question].reactions == (host.reactions["refused"],)


# --- Statuses ---------------------------------------------------------------------------------------------------------


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

    assert host.writes() == 1
    assert host.seen(number) == []
