"""Making the host agree with what is to stand in a pull request: never a second comment, never a lost one.

Whatever the host was asked is written down before the next question, each time in the transaction that proves that this
worker still holds the Job. What a worker left behind that died between the host's answer and ours is found again by the
sign in the comment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

import notifications.selectors
import scm.access
import scm.services
from events.kinds import ASSISTANT, Kind
from events.services import part_of_job, record_for_findings, result_of_job
from lib.failures import TemporaryFailure
from notifications.commenting import statuses
from notifications.commenting.placing import CONVERSATION, Place, places_for
from notifications.commenting.planning import Plan, PlannedComment, plan
from notifications.marker import read_marker
from notifications.messages import CommentMessage, CommentPlace, FindingComment, GroupComment
from notifications.models import Comment, CommentDecision, Placement
from notifications.rendering import render_comment, wanted_place
from scm.adapters.base import NotThere, RateLimited, ScmAdapter, ScmError
from scm.adapters.values import CommentDraft, ExistingComment, NotPosted, PostedComment
from scm.models import PullRequest, Repository

LONGEST_PROBLEM = 300
MOST_AT_ONCE = 50


def comment_on(pull_request_id: int) -> bool:
    """Bring a pull request's comments and status up to date; tell whether somebody should look again in a while.

    That is so where an earlier worker was in the middle of posting: it may still be at it. Safe to run twice. Raises
    TemporaryFailure, with what is done kept.
    """
    with transaction.atomic():
        repository = _repository_of(pull_request_id)
        unposted = Comment.objects.filter(pull_request=pull_request_id, comment_id="").exists()
    try:
        if repository is not None and unposted:
            _adopt(_Talk.begin(repository, pull_request_id))
        with part_of_job(), result_of_job():
            planned = plan(pull_request_id)
        if planned is None or planned.repository is None or not planned.is_talking:
            return False
        talk = _Talk.begin(planned.repository, pull_request_id)
        _make_agree(talk, planned)
        statuses.show(talk.adapter, talk.repository, planned)
    except ScmError as error:
        _stop(pull_request_id, error)
        return False
    _note_problem(planned.repository, "")
    return unposted


def tidy(pull_request_id: int) -> None:
    """Find what a worker posted that was given up for dead, and delete it where it stands twice. Safe to run twice."""
    with transaction.atomic():
        repository = _repository_of(pull_request_id)
    if repository is None:
        return
    try:
        _adopt(_Talk.begin(repository, pull_request_id))
    except ScmError as error:
        _stop(pull_request_id, error)


def give_up(pull_request_id: int, *, problem: str) -> None:
    """Say at what was not posted why not. Needs a transaction."""
    waiting = Comment.objects.filter(pull_request=pull_request_id, comment_id="", problem="")
    waiting.update(problem=problem[:LONGEST_PROBLEM])


@dataclass
class _Talk:
    """A pull request on its host, by this worker."""

    adapter: ScmAdapter
    repository: Repository
    pull_request: PullRequest
    seen: dict[str, ExistingComment] | None = field(default=None)  # by the host's id, once it was asked

    @classmethod
    def begin(cls, repository: Repository, pull_request_id: int) -> _Talk:
        adapter = scm.access.adapter_of(repository)
        with transaction.atomic():
            pull_request = PullRequest.objects.select_related("project", "organization").get(pk=pull_request_id)
        return cls(adapter, repository, pull_request)

    @property
    def place(self) -> tuple[str, str]:
        # By the host's own number, which stays when people rename the repository.
        return self.repository.external_id, self.pull_request.number

    def comments(self) -> dict[str, ExistingComment]:
        if self.seen is None:
            self.seen = {each.comment_id: each for each in self.adapter.comments(*self.place)}
        return self.seen

    def key_of(self, comment: ExistingComment) -> str | None:
        if not comment.is_ours:
            return None
        return read_marker(
            comment.body, organization_id=self.pull_request.organization_id, pull_request_id=self.pull_request.pk
        )


def _repository_of(pull_request_id: int) -> Repository | None:
    found = Repository.objects.filter(project__pull_requests=pull_request_id, host__isnull=False)
    return found.select_related("host", "installation", "project").first()


def _make_agree(talk: _Talk, planned: Plan) -> None:
    messages = _messages(planned, {})
    posted = [entry for entry in planned.comments if entry.row.comment_id]
    missing = [entry for entry in planned.comments if not entry.row.comment_id and not entry.row.is_gone]
    if planned.may_post and missing:
        _post(talk, planned, missing, messages)
        talk.seen = None
        _adopt(talk)  # somebody who held the Job before may have posted the same meanwhile
    for entry in posted:
        _edit(talk, entry, messages[entry.row.key])
    for entry in posted:
        _resolve_or_reopen(talk, entry, planned)


def _messages(planned: Plan, chosen: Mapping[str, Place]) -> dict[str, FindingComment | GroupComment]:
    """Return what each comment says, standing where it stands, or where it was `chosen` to be put."""
    alone = {entry.finding_ids[0]: entry.row for entry in planned.comments if not entry.is_group}
    places = {
        finding_id: chosen[row.key].lines if row.key in chosen else _stands(row) for finding_id, row in alone.items()
    }
    with transaction.atomic():
        single = notifications.selectors.finding_comments(
            list(alone),
            pull_request=planned.pull_request,
            places=places,
            with_notice=planned.with_notice,
        )
        messages: dict[str, FindingComment | GroupComment] = {
            alone[finding_id].key: message for finding_id, message in single.items()
        }
        for entry in planned.comments:
            if entry.is_group:
                messages[entry.row.key] = notifications.selectors.group_comment(
                    entry.finding_ids,
                    key=entry.row.key,
                    pull_request=planned.pull_request,
                    with_notice=planned.with_notice,
                )
    return messages


def _stands(row: Comment) -> CommentPlace | None:
    return CommentPlace(row.path, row.line, row.start_line) if row.path and row.line else None


# --- Posting


@dataclass
class _Draft:
    """A comment on its way: the places that may still be tried, the best first."""

    entry: PlannedComment
    places: list[Place]

    @property
    def key(self) -> str:
        return self.entry.row.key


def _post(
    talk: _Talk,
    planned: Plan,
    missing: Sequence[PlannedComment],
    messages: dict[str, FindingComment | GroupComment],
) -> None:
    shown = {file.path: file for file in talk.adapter.changed_files(*talk.place)}
    drafts = []
    for entry in missing:
        message = messages[entry.row.key]
        match message:
            case FindingComment():
                found = (message.start_line, message.end_line)
                places = places_for(message.path, wanted=wanted_place(message), found=found, shown=shown)
            case GroupComment():
                first = message.places[0]
                lines = (first.line, first.line)
                places = places_for(first.path, wanted=lines, found=lines, shown=shown)
        drafts.append(_Draft(entry, places))
    while drafts:
        # Written down in between: a host that takes no more for a while, or a worker that dies, undoes little.
        now, drafts = drafts[:MOST_AT_ONCE], drafts[MOST_AT_ONCE:]
        messages = _messages(planned, {draft.key: draft.places[0] for draft in (*now, *drafts)})
        bodies = {draft.key: _written(talk, messages[draft.key]) for draft in now}
        answers = talk.adapter.post_comments(
            *talk.place,
            head_sha=planned.pull_request.head_sha,
            drafts=[_as_draft(draft, bodies[draft.key]) for draft in now],
        )
        of_key = {draft.key: draft for draft in now}
        for answer in answers:
            draft = of_key[answer.key]
            match answer:
                case PostedComment():
                    _keep_posted(talk, draft.key, answer, place=draft.places[0], body=bodies[draft.key])
                case NotPosted() if answer.is_place_refused and len(draft.places) > 1:
                    draft.places.pop(0)
                    drafts.append(draft)
                case NotPosted():
                    _keep_problem(draft.entry.row, answer.reason)


def _as_draft(draft: _Draft, body: str) -> CommentDraft:
    lines = draft.places[0].lines
    if lines is None:
        return CommentDraft(key=draft.key, body=body)
    return CommentDraft(key=draft.key, body=body, path=lines.path, line=lines.line, start_line=lines.start_line)


def _written(talk: _Talk, message: CommentMessage) -> str:
    host = talk.repository.host
    return render_comment(message, dialect="gitlab" if host is not None and host.kind == "gitlab" else "github")


def _digest(body: str) -> bytes:
    return hashlib.sha256(body.encode()).digest()


def _keep_posted(
    talk: _Talk, key: str, posted: PostedComment, *, place: Place | None = None, body: str | None = None
) -> None:
    """Write down that the host has a comment; the first to do so records it."""
    lines = place.lines if place is not None else None
    with part_of_job(), result_of_job():
        row = Comment.objects.select_for_update().get(pull_request=talk.pull_request, key=key)
        is_news = not row.comment_id
        if not is_news and body is not None:
            return  # another one stands already; which of the two stays is decided by what the host shows
        row.comment_id, row.thread_id, row.web_url = posted.comment_id, posted.thread_id, posted.web_url[:500]
        row.problem, row.is_gone = "", False
        row.posted_at = row.posted_at or timezone.now()
        # What was found there and not written by this run is edited by the next: nobody knows what it says.
        row.digest = _digest(body) if body is not None else None
        row.placement = place.placement if place is not None else row.placement
        row.path = lines.path if lines is not None else ""
        row.line, row.start_line = (lines.line, lines.start_line) if lines is not None else (None, None)
        row.save()
        if is_news:
            record_for_findings(
                Kind.COMMENT_POSTED,
                actor=ASSISTANT,
                finding_ids=_findings_of(row),
                pull_request_id=talk.pull_request.pk,
                number=talk.pull_request.number,
                comment_id=row.pk,
            )


def _findings_of(row: Comment) -> list[int]:
    return list(CommentDecision.objects.filter(comment=row).order_by("finding_id").values_list("finding_id", flat=True))


def _keep_problem(row: Comment, problem: str) -> None:
    with part_of_job(), result_of_job():
        Comment.objects.filter(pk=row.pk, comment_id="").update(problem=problem[:LONGEST_PROBLEM])


# --- Finding our own again


def _adopt(talk: _Talk) -> None:
    """Know our comments again by their signs: of each the earliest stays, and is the one that is written down."""
    ours: dict[str, list[ExistingComment]] = {}
    for comment in talk.comments().values():
        if (key := talk.key_of(comment)) is not None:
            ours.setdefault(key, []).append(comment)
    with transaction.atomic():
        rows = {row.key: row for row in Comment.objects.filter(pull_request=talk.pull_request, key__in=list(ours))}
    for key, found in ours.items():
        first, *others = sorted(found, key=_age)
        row = rows.get(key)
        if row is not None and row.comment_id != first.comment_id and not row.is_gone:
            is_of_line = bool(first.path and first.line)
            place = Place(Placement.LINE, CommentPlace(first.path, first.line or 1)) if is_of_line else CONVERSATION
            _keep_posted(talk, key, PostedComment(key, first.comment_id, first.thread_id, first.web_url), place=place)
        for other in others:
            talk.adapter.delete_comment(
                *talk.place, PostedComment(key, other.comment_id, other.thread_id, other.web_url)
            )
            talk.comments().pop(other.comment_id, None)


def _age(comment: ExistingComment) -> tuple[float, int, str]:
    created = comment.created_at.timestamp() if comment.created_at is not None else 0.0
    return created, len(comment.comment_id), comment.comment_id  # hosts count their comments


# --- Keeping them up to date


def _edit(talk: _Talk, entry: PlannedComment, message: CommentMessage) -> None:
    row = entry.row
    body = _written(talk, message)
    if row.is_gone or (row.digest is not None and bytes(row.digest) == _digest(body)):
        return
    try:
        talk.adapter.edit_comment(*talk.place, _as_posted(row), body)
    except NotThere:
        if row.comment_id in talk.comments():
            raise
        with part_of_job(), result_of_job():
            Comment.objects.filter(pk=row.pk).update(is_gone=True)
        row.is_gone = True
        return
    with part_of_job(), result_of_job():
        Comment.objects.filter(pk=row.pk).update(digest=_digest(body), edited_at=timezone.now(), problem="")


def _resolve_or_reopen(talk: _Talk, entry: PlannedComment, planned: Plan) -> None:
    row = entry.row
    is_fixed = planned.gone.issuperset(entry.finding_ids)
    if row.is_gone or row.is_resolved == is_fixed:
        return
    there = talk.comments().get(row.comment_id)
    if there is None:
        with part_of_job(), result_of_job():
            Comment.objects.filter(pk=row.pk).update(is_gone=True)
        return
    if is_fixed and any(not reply.is_ours and not reply.is_bot for reply in there.replies):
        return  # people talk there; it is theirs to close
    if there.is_resolved != is_fixed:
        talk.adapter.resolve(*talk.place, _as_posted(row), is_resolved=is_fixed)
    with part_of_job(), result_of_job():
        changed = Comment.objects.filter(pk=row.pk, is_resolved=not is_fixed).update(is_resolved=is_fixed)
        if changed and is_fixed:
            record_for_findings(
                Kind.COMMENT_RESOLVED,
                actor=ASSISTANT,
                finding_ids=entry.finding_ids,
                pull_request_id=talk.pull_request.pk,
                number=talk.pull_request.number,
                comment_id=row.pk,
            )


def _as_posted(row: Comment) -> PostedComment:
    return PostedComment(row.key, row.comment_id, row.thread_id, row.web_url)


# --- When the host will not


def _stop(pull_request_id: int, error: ScmError) -> None:
    """Wait and come back, or say in words what is in the way, where waiting does not help."""
    if isinstance(error, RateLimited):
        raise TemporaryFailure(
            str(error), retry_after_seconds=error.retry_after_seconds, spends_attempt=False
        ) from error
    if not error.permanent:
        raise TemporaryFailure(str(error), retry_after_seconds=error.retry_after_seconds) from error
    with transaction.atomic():
        give_up(pull_request_id, problem=str(error))
        repository = _repository_of(pull_request_id)
    if repository is not None:
        _note_problem(repository, str(error))


def _note_problem(repository: Repository, problem: str) -> None:
    if repository.problem != problem[:500]:
        with transaction.atomic():
            scm.services.note_problem(repository=repository, problem=problem)
