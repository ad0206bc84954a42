"""Comments in pull requests: posted, read again, changed, answered."""

from __future__ import annotations

import pytest

from scm.adapters.base import (
    NotThere,
    ScmAdapter,
    ScmError,
)
from scm.adapters.values import (
    CommentDraft,
    NotPosted,
    PostedComment,
    Reaction,
)
from tests.contract.scm.conformance import HostUnderTest
from tests.contract.scm.drafts import on_line, posted


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
