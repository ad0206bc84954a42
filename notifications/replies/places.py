"""What a reply answers: a comment of ours in a pull request, and the findings it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from findings.models import Finding
from findings.selectors import every_finding
from lib.text import is_id
from notifications.models import Comment
from scm.adapters.hook_events import CommentWritten
from scm.adapters.values import PostedComment
from scm.models import CodeHost, Repository

OF_FINDING = "finding-"


@dataclass(frozen=True)
class AnsweredComment:
    """A comment of ours that somebody answered, with the repository as its host knows it."""

    comment: Comment
    repository: Repository

    @property
    def number(self) -> str:
        """The pull request's number there."""
        return self.comment.pull_request.number

    @property
    def as_posted(self) -> PostedComment:
        """The comment as its host's adapter takes it."""
        comment = self.comment
        return PostedComment(comment.key, comment.comment_id, comment.thread_id, comment.web_url)


def answered_by(told: CommentWritten, host: CodeHost) -> AnsweredComment | None:
    """Return the comment of ours that a reply answers, None where it answers none, or nothing of ours is there."""
    repository = (
        Repository.objects.select_related("host", "installation")
        .filter(host=host, external_id=told.repository_id)
        .first()
    )
    is_answered = Q()
    if told.parent_id:
        is_answered |= Q(comment_id=told.parent_id)
    if told.thread_id:
        is_answered |= Q(thread_id=told.thread_id)
    if repository is None or not is_answered:
        return None
    comment = (
        Comment.objects.select_related("pull_request__project")
        .filter(is_answered, pull_request__project=repository.project_id, pull_request__number=told.number)
        .exclude(comment_id="")
        .first()
    )
    return None if comment is None else AnsweredComment(comment, repository)


def findings_of(comment: Comment) -> Sequence[Finding]:
    """Return the findings that a comment tells of, in the order of their ids."""
    number = comment.key.removeprefix(OF_FINDING)
    if comment.key.startswith(OF_FINDING) and is_id(number):
        chosen = Q(pk=int(number))
    else:
        chosen = Q(comment_decisions__comment=comment)
    found = every_finding().filter(chosen, project=comment.pull_request.project_id)
    return list(found.order_by("pk").distinct())
