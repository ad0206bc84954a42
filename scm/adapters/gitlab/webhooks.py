"""What GitLab sends unasked, in our words; knows nothing of python-gitlab.

Fields: https://docs.gitlab.com/user/project/integrations/webhook_events/ and, for the instance's own events,
https://docs.gitlab.com/administration/system_hooks/
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from scm.adapters.base import Forged, WebhookReader
from scm.adapters.gitlab.names import STATES, is_bot
from scm.adapters.hook_events import CommentWritten, HookEvent, PullRequestChanged, RepositoryChanged
from scm.adapters.values import PullRequestFacts, RepositoryFacts

TOKEN, EVENT = "X-Gitlab-Token", "X-Gitlab-Event"
IDEMPOTENCY_KEY = "Idempotency-Key"  # since 17.4, the same when GitLab tries again
EVENT_UUID, WEBHOOK_UUID = "X-Gitlab-Event-UUID", "X-Gitlab-Webhook-UUID"

# What an `update` of a merge request has to have changed for it to be another one to us; a push has `oldrev`.
TELLING_CHANGES = frozenset({"title", "draft", "target_branch", "state", "state_id", "work_in_progress"})
CHANGING_ACTIONS = frozenset({"open", "close", "reopen", "merge", "update"})  # the rest are about approvals
# By the header: of merge requests, notes, and what groups and the instance tell of their projects.
HEADS = frozenset({"Merge Request Hook", "Note Hook", "Confidential Note Hook", "Project Hook", "System Hook"})
REPOSITORY_EVENTS = frozenset({"project_rename", "project_transfer", "project_update", "project_destroy"})


def _time(value: object) -> object:
    """Read `2017-09-15 16:50:55 UTC`, which older GitLabs send, beside ISO 8601."""
    if isinstance(value, str) and value.endswith(" UTC"):
        return datetime.strptime(value, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    return value


Time = Annotated[datetime, BeforeValidator(_time)]


class _User(BaseModel):
    id: int
    username: str


class _Project(BaseModel):
    id: int


class _Commit(BaseModel):
    id: str


class _MergeRequest(BaseModel):
    iid: int
    title: str
    state: str
    source_branch: str
    target_branch: str
    source_project_id: int | None  # null once the fork is gone
    target_project_id: int
    author_id: int
    last_commit: _Commit | None = None
    draft: bool | None = None
    work_in_progress: bool = False
    updated_at: Time | None = None
    url: str = ""
    action: str = ""
    oldrev: str = ""


class _MergeRequestHook(BaseModel):
    user: _User
    project: _Project
    object_attributes: _MergeRequest
    changes: Mapping[str, object] = Field(default_factory=dict)


class _Note(BaseModel):
    id: int
    note: str
    noteable_type: str | None = None
    author_id: int
    system: bool = False
    action: str = "create"  # older GitLabs send notes when they are written, and say no more
    discussion_id: str | None = None
    type: str | None = None
    line_code: str | None = None


class _Numbered(BaseModel):
    iid: int


class _NoteHook(BaseModel):
    user: _User
    project: _Project
    object_attributes: _Note
    merge_request: _Numbered | None = None


class _RepositoryHook(BaseModel):
    project_id: int
    path_with_namespace: str
    project_visibility: str = "private"


class _Kind(BaseModel):
    object_kind: str = ""
    event_name: str = ""


class GitLabWebhooks(WebhookReader):
    """Reads webhooks of a project, a group or the whole instance."""

    def verify(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raise `Forged` unless the delivery carries the secret; GitLab sends it as it is and signs nothing."""
        given = _header(headers, TOKEN)
        if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
            raise Forged(
                "The webhook does not carry the secret token." if given else "The webhook has no secret token."
            )

    def delivery(self, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
        """Return (delivery id, event name); a GitLab that names its deliveries by nothing has them named by content."""
        event = _header(headers, EVENT)
        key = _header(headers, IDEMPOTENCY_KEY)
        if not key:
            uuids = filter(None, (_header(headers, EVENT_UUID), _header(headers, WEBHOOK_UUID)))
            key = ":".join(uuids) or hashlib.sha256(body).hexdigest()
        return key, event

    def concerns_us(self, event: str) -> bool:
        """Tell whether `read` may find anything in it: not in pushes, pipelines or issues."""
        return event in HEADS

    def read(self, event: str, body: str) -> Sequence[HookEvent]:
        """Return what happened. Raise ValueError for what GitLab would not send.

        The body says what it is about: a webhook of the instance sends everything as `System Hook`.
        """
        try:
            kind = _Kind.model_validate_json(body)
            if kind.object_kind == "merge_request":
                return _merge_request(_MergeRequestHook.model_validate_json(body))
            if kind.object_kind == "note":
                return _note(_NoteHook.model_validate_json(body))
            if kind.event_name in REPOSITORY_EVENTS:
                return _repository(kind.event_name, _RepositoryHook.model_validate_json(body))
        except ValidationError as error:
            # Only where it is wrong, not what stands there: a body may hold anything.
            places = "; ".join(".".join(map(str, each["loc"])) or "body" for each in error.errors()[:5])
            raise ValueError(f"GitLab's {event[:50] or 'webhook'} is not as described at: {places}") from None
        return ()


def _merge_request(hook: _MergeRequestHook) -> Sequence[HookEvent]:
    about = hook.object_attributes
    if about.action and about.action not in CHANGING_ACTIONS:
        return ()
    is_another = bool(about.oldrev) or not hook.changes or not TELLING_CHANGES.isdisjoint(hook.changes)
    if about.action == "update" and not is_another:
        return ()
    facts = PullRequestFacts(
        number=str(about.iid),
        title=about.title,
        state=STATES.get(about.state, "closed"),
        is_draft=about.work_in_progress if about.draft is None else about.draft,
        is_from_fork=about.source_project_id != about.target_project_id,
        head_branch=about.source_branch,
        head_sha=about.last_commit.id if about.last_commit else "",
        base_branch=about.target_branch,
        base_sha="",  # not told
        author=hook.user.username if hook.user.id == about.author_id else "",  # else told by number only
        web_url=about.url,
        changed_at=about.updated_at,
    )
    return (PullRequestChanged(repository_id=str(hook.project.id), facts=facts),)


def _note(hook: _NoteHook) -> Sequence[HookEvent]:
    note = hook.object_attributes
    is_new = note.action == "create" and not note.system
    if hook.merge_request is None or note.noteable_type != "MergeRequest" or not is_new:
        return ()
    return (
        CommentWritten(
            repository_id=str(hook.project.id),
            number=str(hook.merge_request.iid),
            comment_id=str(note.id),
            parent_id="",  # a thread has no branches
            thread_id=note.discussion_id or "",
            author=hook.user.username,
            author_id=str(note.author_id),
            body=note.note,
            is_bot=is_bot(hook.user.username),
            is_on_line=note.type == "DiffNote" or bool(note.line_code),
        ),
    )


def _repository(name: str, hook: _RepositoryHook) -> Sequence[HookEvent]:
    facts = RepositoryFacts(
        external_id=str(hook.project_id),
        full_name=hook.path_with_namespace,
        web_url="",  # neither is told
        default_branch="",
        is_private="public" not in hook.project_visibility,  # `visibilitylevel|public` on older ones
    )
    return (RepositoryChanged(facts=facts, is_deleted=name == "project_destroy", tells_archived=False),)


def _header(headers: Mapping[str, str], wanted: str) -> str:
    """Return a header, however its name is written."""
    return next((value for name, value in headers.items() if name.lower() == wanted.lower()), "").strip()
