"""GitHub's webhooks: whether GitHub sent them, and what they tell, in our words.

Shapes after https://docs.github.com/webhooks/webhook-events-and-payloads; what an Enterprise Server of some years ago
leaves out is optional here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, StringConstraints, ValidationError

from scm.adapters.base import Forged, WebhookReader
from scm.adapters.hook_events import (
    CommentWritten,
    HookEvent,
    InstallationChanged,
    PullRequestChanged,
    RepositoriesChosen,
    RepositoryChanged,
)
from scm.adapters.values import InstallationFacts, PullRequestFacts, RepositoryFacts

SIGNATURE = "X-Hub-Signature-256"
DELIVERY = "X-GitHub-Delivery"
EVENT = "X-GitHub-Event"

PULL_REQUEST_ACTIONS = frozenset(
    {"opened", "synchronize", "reopened", "closed", "edited", "ready_for_review", "converted_to_draft"}
)
REPOSITORY_ACTIONS = frozenset(
    {"renamed", "transferred", "archived", "unarchived", "publicized", "privatized", "deleted", "edited"}
)
INSTALLATION_ACTIONS = frozenset({"created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"})

# PostgreSQL stores no NUL, which JSON may hold.
Text = Annotated[str, AfterValidator(lambda text: text.replace("\0", ""))]
Name = Annotated[Text, StringConstraints(max_length=200)]
FullName = Annotated[Text, StringConstraints(max_length=400)]
Branch = Annotated[Text, StringConstraints(max_length=255)]
Sha = Annotated[Text, StringConstraints(max_length=64)]
Address = Annotated[Text, StringConstraints(max_length=500)]


class _Account(BaseModel):
    id: int
    login: Name
    type: str = "User"


class _Repository(BaseModel):
    id: int
    full_name: FullName
    html_url: Address = ""
    default_branch: Branch = ""
    private: bool = True
    archived: bool = False

    def facts(self) -> RepositoryFacts:
        return RepositoryFacts(
            external_id=str(self.id),
            full_name=self.full_name,
            web_url=self.html_url,
            default_branch=self.default_branch,
            is_private=self.private,
            is_archived=self.archived,
        )


class _Numbered(BaseModel):
    id: int


class _End(BaseModel):
    """One end of a pull request; `repo` is null once a fork was deleted."""

    ref: Branch
    sha: Sha
    repo: _Numbered | None = None


class _PullRequest(BaseModel):
    number: int
    title: Text = ""
    state: str
    draft: bool = False
    merged_at: datetime | None = None
    head: _End
    base: _End
    user: _Account | None = None  # null for an account that was deleted
    html_url: Address = ""
    updated_at: AwareDatetime | None = None

    def facts(self) -> PullRequestFacts:
        head, base = self.head.repo, self.base.repo
        return PullRequestFacts(
            number=str(self.number),
            title=self.title,
            state="merged" if self.merged_at else "open" if self.state == "open" else "closed",
            is_draft=self.draft,
            is_from_fork=head is None or base is None or head.id != base.id,
            head_branch=self.head.ref,
            head_sha=self.head.sha,
            base_branch=self.base.ref,
            base_sha=self.base.sha,
            author=self.user.login if self.user else "",
            web_url=self.html_url,
            changed_at=self.updated_at,
        )


class _Comment(BaseModel):
    id: int
    body: Text | None = None
    user: _Account | None = None
    in_reply_to_id: int | None = None


class _Talk(BaseModel):
    """An issue or a pull request; an issue that is a pull request has `pull_request`."""

    number: int
    pull_request: dict[str, object] | None = None


class _Owner(BaseModel):
    """Whom an App is installed for: a person or an organization, or an enterprise, which has a `slug` instead."""

    login: Name = ""
    slug: Name = ""


class _Installation(BaseModel):
    id: int
    account: _Owner | None = None
    suspended_at: datetime | None = None
    updated_at: AwareDatetime | None = None
    permissions: dict[Name, Name] = {}

    def facts(self) -> InstallationFacts:
        return InstallationFacts(
            external_id=str(self.id),
            account=(self.account.login or self.account.slug) if self.account else "",
            is_suspended=self.suspended_at is not None,
            permissions=self.permissions,
            changed_at=self.updated_at,
        )


class _PullRequestPayload(BaseModel):
    action: str
    pull_request: _PullRequest
    repository: _Repository


class _IssueCommentPayload(BaseModel):
    action: str
    issue: _Talk
    comment: _Comment
    repository: _Repository


class _ReviewCommentPayload(BaseModel):
    action: str
    pull_request: _Talk
    comment: _Comment
    repository: _Repository


class _RepositoryPayload(BaseModel):
    action: str
    repository: _Repository


class _InstallationPayload(BaseModel):
    action: str
    installation: _Installation
    repositories: list[_Numbered] = []


class _ChosenPayload(BaseModel):
    action: str
    installation: _Installation
    repositories_added: list[_Numbered] = []
    repositories_removed: list[_Numbered] = []


class _Ping(BaseModel):
    zen: Name = ""


class GitHubWebhooks(WebhookReader):
    """Webhooks of github.com and of an Enterprise Server, sent by an App or by a repository's own webhook."""

    def verify(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raise `Forged` unless the bytes are signed with the secret; without a secret nothing is."""
        expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        given = headers.get(SIGNATURE, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(expected.encode(), given) or not secret:
            raise Forged

    def delivery(self, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
        """Return the delivery's id and the event's name. Raise ValueError where a header is missing."""
        delivery_id, event = headers.get(DELIVERY, ""), headers.get(EVENT, "")
        if not delivery_id or not event:
            raise ValueError(f"the header {EVENT if delivery_id else DELIVERY} is missing")
        return delivery_id, event

    def greeting(self, event: str, body: str) -> str:
        """Return the answer to `ping`, with GitHub's own saying; an empty text for all else. Raise ValueError."""
        return f"The webhook works. {_parsed(_Ping, body).zen}".strip() if event == "ping" else ""

    def concerns_us(self, event: str) -> bool:
        """Tell whether `read` looks at an event at all."""
        return event in _READERS

    def read(self, event: str, body: str) -> Sequence[HookEvent]:
        """Return what happened. Raise ValueError for nonsense."""
        reader = _READERS.get(event)
        return reader(body) if reader else []


Payload = TypeVar("Payload", bound=BaseModel)


def _parsed(shape: type[Payload], body: str) -> Payload:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the body"
        # Not the error's own text: it quotes what people wrote.
        raise ValueError(f"{place}: {first['msg']}") from None


def _read_pull_request(body: str) -> list[HookEvent]:
    payload = _parsed(_PullRequestPayload, body)
    if payload.action not in PULL_REQUEST_ACTIONS:
        return []
    return [PullRequestChanged(repository_id=str(payload.repository.id), facts=payload.pull_request.facts())]


def _read_issue_comment(body: str) -> list[HookEvent]:
    payload = _parsed(_IssueCommentPayload, body)
    if payload.issue.pull_request is None:
        return []
    return _written(payload.action, payload.repository, payload.issue, payload.comment, is_on_line=False)


def _read_review_comment(body: str) -> list[HookEvent]:
    payload = _parsed(_ReviewCommentPayload, body)
    return _written(payload.action, payload.repository, payload.pull_request, payload.comment, is_on_line=True)


def _written(
    action: str, repository: _Repository, talk: _Talk, comment: _Comment, *, is_on_line: bool
) -> list[HookEvent]:
    # A command counts as it was first written: who edits a comment later may not be who wrote it.
    if action != "created" or comment.user is None:
        return []
    return [
        CommentWritten(
            repository_id=str(repository.id),
            number=str(talk.number),
            comment_id=str(comment.id),
            parent_id=str(comment.in_reply_to_id or ""),
            thread_id="",  # GraphQL's alone
            author=comment.user.login,
            author_id=str(comment.user.id),
            body=comment.body or "",
            is_bot=comment.user.type == "Bot",
            is_on_line=is_on_line,
        )
    ]


def _read_repository(body: str) -> list[HookEvent]:
    payload = _parsed(_RepositoryPayload, body)
    if payload.action not in REPOSITORY_ACTIONS:
        return []
    return [RepositoryChanged(facts=payload.repository.facts(), is_deleted=payload.action == "deleted")]


def _read_installation(body: str) -> list[HookEvent]:
    payload = _parsed(_InstallationPayload, body)
    if payload.action not in INSTALLATION_ACTIONS:
        return []
    facts = payload.installation.facts()
    if payload.action == "suspend":
        facts = replace(facts, is_suspended=True)
    changed = InstallationChanged(facts=facts, is_removed=payload.action == "deleted")
    added = tuple(str(each.id) for each in payload.repositories)
    if payload.action != "created" or not added:
        return [changed]
    return [changed, RepositoriesChosen(installation_id=facts.external_id, added=added)]


def _read_chosen(body: str) -> list[HookEvent]:
    payload = _parsed(_ChosenPayload, body)
    return [
        RepositoriesChosen(
            installation_id=str(payload.installation.id),
            added=tuple(str(each.id) for each in payload.repositories_added),
            removed=tuple(str(each.id) for each in payload.repositories_removed),
        )
    ]


_READERS = {
    "pull_request": _read_pull_request,
    "issue_comment": _read_issue_comment,
    "pull_request_review_comment": _read_review_comment,
    "repository": _read_repository,
    "installation": _read_installation,
    "installation_repositories": _read_chosen,
}
