"""Comments on lines and in the conversation of a pull request.

GitHub numbers the two kinds apart: an id of ours is the number of a comment on a line, or `issue-` before the number of
one in the conversation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from scm.adapters.base import NotThere, ScmError
from scm.adapters.github import answers
from scm.adapters.github.connection import Api
from scm.adapters.github.errors import Unprocessable, translated
from scm.adapters.github.threads import Thread, resolve, threads
from scm.adapters.values import (
    CommentDraft,
    ExistingComment,
    Identity,
    NotPosted,
    PostedComment,
    Reaction,
    Reply,
)

IN_CONVERSATION = "issue-"
REACTIONS = {Reaction.DONE: "+1", Reaction.REFUSED: "confused"}
# As GitHub words it for a line outside the diff or a file that the pull request leaves alone; it changes the words now
# and then, and never says which comment it means.
PLACE_REFUSED = re.compile(
    r"could not be resolved|must be part of the|path is invalid|diff hunk can't be blank|same hunk|start.line"
    r"|line (?:is|must)|position (?:is|must)",
    re.IGNORECASE,
)
BODY_REFUSED = re.compile(r"\bbody\b.*(?:too long|too large|blank)", re.IGNORECASE)


class Talk:
    """The comments of one pull request; `at` is its repository's path in the API, `us` tells who we are there."""

    def __init__(self, api: Api, at: str, number: str, us: Callable[[], Identity]) -> None:
        self._api = api
        self._repository = at
        self._pull = f"{at}/pulls/{number}"
        self._issue = f"{at}/issues/{number}"
        self._number = number
        self._us = us

    # --- Reading

    def comments(self) -> list[ExistingComment]:
        """Return the first comment of each thread with its answers, then those of the conversation."""
        with translated():
            on_lines = [answers.Comment.model_validate(told) for told in self._api.pages(f"{self._pull}/comments")]
            talk = [answers.Comment.model_validate(told) for told in self._api.pages(f"{self._issue}/comments")]
        firsts: dict[int, answers.Comment] = {}
        below: dict[int, list[Reply]] = {}
        for comment in sorted(on_lines, key=lambda each: each.id):
            # An answer whose first comment was deleted begins what is left of its thread.
            parent = comment.in_reply_to_id
            if parent is None or (parent not in firsts and parent not in below):
                firsts[comment.id if parent is None else parent] = comment
                below[comment.id if parent is None else parent] = []
            else:
                below[parent].append(self._reply(comment))
        known = threads(self._api, self._full_name(), self._number) if firsts else {}
        return [
            *(self._on_line(comment, known, below[key]) for key, comment in firsts.items()),
            *(self._in_talk(comment) for comment in talk),
        ]

    def _on_line(self, comment: answers.Comment, known: dict[int, Thread], replies: list[Reply]) -> ExistingComment:
        thread = known.get(comment.id)
        return ExistingComment(
            comment_id=str(comment.id),
            thread_id=thread.thread_id if thread else "",
            body=comment.body,
            author=comment.user.login if comment.user else "",
            is_ours=self._is_ours(comment),
            web_url=comment.html_url,
            path=comment.path,
            line=comment.line,
            is_resolved=thread is not None and thread.is_resolved,
            created_at=comment.created_at,
            replies=tuple(replies),
        )

    def _in_talk(self, comment: answers.Comment) -> ExistingComment:
        return ExistingComment(
            comment_id=f"{IN_CONVERSATION}{comment.id}",
            thread_id="",
            body=comment.body,
            author=comment.user.login if comment.user else "",
            is_ours=self._is_ours(comment),
            web_url=comment.html_url,
            created_at=comment.created_at,
        )

    def _reply(self, comment: answers.Comment) -> Reply:
        return Reply(
            comment_id=str(comment.id),
            author=comment.user.login if comment.user else "",
            is_ours=self._is_ours(comment),
            is_bot=comment.user is not None and comment.user.type == "Bot",
        )

    def _is_ours(self, comment: answers.Comment) -> bool:
        return comment.user is not None and comment.user.login.lower() == self._us().account.lower()

    def _full_name(self) -> str:
        """Return the repository's name as GraphQL wants it: asked for where we were given its number."""
        if self._repository.startswith("/repos/"):
            return self._repository.removeprefix("/repos/")
        told = self._api.get(self._repository)
        with translated():
            return answers.Repository.model_validate(told).full_name

    # --- Posting

    def post(self, head_sha: str, drafts: Sequence[CommentDraft]) -> list[PostedComment | NotPosted]:
        """Post those on lines in one review, and those of the conversation one by one."""
        on_lines = [draft for draft in drafts if draft.path]
        done = self._with_threads(self._review(head_sha, on_lines)) if on_lines else []
        done += [self._to_talk(draft) for draft in drafts if not draft.path]
        by_key = {each.key: each for each in done}
        return [by_key[draft.key] for draft in drafts]

    def _review(self, head_sha: str, drafts: Sequence[CommentDraft]) -> list[PostedComment | NotPosted]:
        """Post drafts in one review, or in two halves where GitHub refuses one of them: it then posts none."""
        body = {"commit_id": head_sha, "event": "COMMENT", "comments": [_shape(draft) for draft in drafts]}
        try:
            told = self._api.send("POST", f"{self._pull}/reviews", body)
        except Unprocessable as error:
            is_place = bool(PLACE_REFUSED.search(error.words))
            if not is_place and not BODY_REFUSED.search(error.words):
                raise
            if len(drafts) == 1:
                return [NotPosted(drafts[0].key, error.words, is_place_refused=is_place)]
            half = len(drafts) // 2
            return [*self._review(head_sha, drafts[:half]), *self._review(head_sha, drafts[half:])]
        with translated():
            review = answers.Numbered.model_validate(told)
            path = f"{self._pull}/reviews/{review.id}/comments"
            posted = [answers.Comment.model_validate(each) for each in self._api.pages(path)]
        return _matched(drafts, posted)

    def _with_threads(self, done: list[PostedComment | NotPosted]) -> list[PostedComment | NotPosted]:
        """Return the same with the ids of their threads, without them where GitHub does not tell just now."""
        if not any(isinstance(each, PostedComment) for each in done):
            return done
        try:
            known = threads(self._api, self._full_name(), self._number)
        except ScmError:
            return done  # they are posted, and `resolve` finds a thread by its comment too
        return [
            PostedComment(each.key, each.comment_id, known[int(each.comment_id)].thread_id, each.web_url)
            if isinstance(each, PostedComment) and int(each.comment_id) in known
            else each
            for each in done
        ]

    def _to_talk(self, draft: CommentDraft) -> PostedComment | NotPosted:
        try:
            told = self._api.send("POST", f"{self._issue}/comments", {"body": draft.body})
        except Unprocessable as error:
            return NotPosted(draft.key, error.words)
        with translated():
            comment = answers.Comment.model_validate(told)
        return PostedComment(draft.key, f"{IN_CONVERSATION}{comment.id}", "", comment.html_url)

    # --- Changing and answering

    def edit(self, comment: PostedComment, body: str) -> None:
        """Replace a comment's text."""
        self._api.send("PATCH", self._path(comment.comment_id), {"body": body})

    def delete(self, comment: PostedComment) -> None:
        """Remove a comment; one that is gone already is no error."""
        try:
            self._api.send("DELETE", self._path(comment.comment_id))
        except NotThere:
            return

    def reply(self, comment: PostedComment, body: str) -> str:
        """Answer below a comment on a line; the conversation has no threads, so there it is one more comment."""
        if comment.comment_id.startswith(IN_CONVERSATION):
            told = self._api.send("POST", f"{self._issue}/comments", {"body": body})
            with translated():
                return f"{IN_CONVERSATION}{answers.Comment.model_validate(told).id}"
        told = self._api.send("POST", f"{self._pull}/comments/{int(comment.comment_id)}/replies", {"body": body})
        with translated():
            return str(answers.Comment.model_validate(told).id)

    def react(self, comment_id: str, reaction: Reaction, *, is_on_line: bool) -> None:
        """Put an emoji below a comment; GitHub keeps one of a kind of each account."""
        kind = "pulls" if is_on_line else "issues"
        path = f"{self._repository}/{kind}/comments/{_number(comment_id)}/reactions"
        self._api.send("POST", path, {"content": REACTIONS[reaction]})

    def resolve(self, comment: PostedComment, *, is_resolved: bool) -> None:
        """Resolve a comment's thread, or open it again; the conversation has none."""
        if comment.comment_id.startswith(IN_CONVERSATION):
            return
        thread_id = comment.thread_id
        if not thread_id:
            known = threads(self._api, self._full_name(), self._number).get(int(comment.comment_id))
            if known is None:
                raise NotThere("GitHub shows us no thread of that comment: it was deleted.")
            thread_id = known.thread_id
        resolve(self._api, thread_id, is_resolved=is_resolved)

    def _path(self, comment_id: str) -> str:
        kind = "issues" if comment_id.startswith(IN_CONVERSATION) else "pulls"
        return f"{self._repository}/{kind}/comments/{_number(comment_id)}"


def _number(comment_id: str) -> int:
    return int(comment_id.removeprefix(IN_CONVERSATION))


def _shape(draft: CommentDraft) -> dict[str, object]:
    """Return a comment of a review; a range must begin before its end."""
    shape: dict[str, object] = {"path": draft.path, "body": draft.body, "side": "RIGHT"}
    if draft.line is not None:
        shape["line"] = draft.line
        if draft.start_line is not None and draft.start_line < draft.line:
            shape |= {"start_line": draft.start_line, "start_side": "RIGHT"}
    return shape


def _matched(drafts: Sequence[CommentDraft], posted: list[answers.Comment]) -> list[PostedComment | NotPosted]:
    """Return each draft with its comment: by file and text, and in their order where texts are the same."""
    left = sorted(posted, key=lambda each: each.id)
    done: list[PostedComment | NotPosted] = []
    for draft in drafts:
        place, text = draft.path, _bare(draft.body)
        found = next((each for each in left if (each.path, _bare(each.body)) == (place, text)), None)
        if found is None:
            raise ScmError("GitHub does not show a comment that it has just taken.", permanent=False)
        left.remove(found)
        done.append(PostedComment(draft.key, str(found.id), "", found.html_url))
    return done


def _bare(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
