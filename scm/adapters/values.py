"""What adapters take and give: plain values, none of a vendor's own objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class HostAccess:
    """How a host is reached: `base_url` is that of its pages; the API's address follows from it.

    Either `token` is given, or `app_id`, `private_key` (PEM) and for all but the App's own matters `installation_id`.
    `ca_bundle` is PEM, trusted beside what the machine trusts.
    """

    base_url: str
    token: str = field(default="", repr=False)
    app_id: str = ""
    private_key: str = field(default="", repr=False)
    installation_id: str = ""
    proxy_url: str = ""
    ca_bundle: str = field(default="", repr=False)


@dataclass(frozen=True)
class Identity:
    """Who we are on the host: the author of our comments."""

    account: str
    account_id: str


@dataclass(frozen=True)
class PermissionCheck:
    """One thing that we need to be allowed there; `granted` is None where the host does not say.

    `name` is the host's word (`pull_requests: write`, `api`), `needed_for` ours.
    """

    name: str
    needed_for: str
    granted: bool | None
    detail: str = ""


@dataclass(frozen=True)
class InstallationFacts:
    """A GitHub App on one account; `permissions` as the host names them: {"contents": "write"}.

    `changed_at` is when it became so, None where the host does not say.
    """

    external_id: str
    account: str
    is_suspended: bool = False
    permissions: Mapping[str, str] = field(default_factory=dict)
    changed_at: datetime | None = None


@dataclass(frozen=True)
class RepositoryFacts:
    """A repository as its host describes it; `external_id` stays when it is renamed or moved."""

    external_id: str
    full_name: str
    web_url: str
    default_branch: str
    is_private: bool = True
    is_archived: bool = False


@dataclass(frozen=True)
class PullRequestFacts:
    """A pull or merge request; `state` is open, merged or closed, `changed_at` the host's own time (aware)."""

    number: str
    title: str
    state: str
    is_draft: bool
    is_from_fork: bool
    head_branch: str
    head_sha: str
    base_branch: str
    base_sha: str
    author: str
    web_url: str
    changed_at: datetime | None = None


@dataclass(frozen=True)
class ChangedFile:
    """A file of a pull request and the lines of its new side that the host shows, where a comment can stand.

    `lines` maps each to its number on the old side, None for an added line. Empty where the host shows no text: a
    binary file, one too large, a submodule.
    """

    path: str
    old_path: str
    lines: Mapping[int, int | None]
    status: str = "modified"  # added, modified, renamed, removed


@dataclass(frozen=True)
class CommentDraft:
    """A comment to be posted; `path` is empty for one in the conversation. A range begins at `start_line`.

    `key` is the caller's own word for it, repeated in what comes back.
    """

    key: str
    body: str
    path: str = ""
    line: int | None = None
    start_line: int | None = None


@dataclass(frozen=True)
class PostedComment:
    """A comment that the host has. `thread_id` is what replies and resolving need, empty where there is no thread."""

    key: str
    comment_id: str
    thread_id: str
    web_url: str


@dataclass(frozen=True)
class NotPosted:
    """A comment that the host refused, and why; trying it again as it is will not help."""

    key: str
    reason: str
    is_place_refused: bool = False  # it would take the same text elsewhere


@dataclass(frozen=True)
class Reply:
    """What somebody wrote below a comment."""

    comment_id: str
    author: str
    is_ours: bool
    is_bot: bool = False


@dataclass(frozen=True)
class ExistingComment:
    """A comment in a pull request, as the host has it now; `path` is empty in the conversation."""

    comment_id: str
    thread_id: str
    body: str
    author: str
    is_ours: bool
    web_url: str
    path: str = ""
    line: int | None = None
    is_resolved: bool = False
    created_at: datetime | None = None
    replies: tuple[Reply, ...] = ()


class StatusState(StrEnum):
    """What a check says."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class Annotation:
    """A remark of a check at lines of a file; `level` is notice, warning or failure."""

    path: str
    start_line: int
    end_line: int
    level: str
    title: str
    message: str


@dataclass(frozen=True)
class StatusDraft:
    """What is shown at a commit. `summary` is Markdown; a host without annotations shows title and link only."""

    name: str
    state: StatusState
    title: str
    summary: str
    details_url: str
    annotations: tuple[Annotation, ...] = ()


class Reaction(StrEnum):
    """An answer without words to somebody's reply."""

    DONE = "done"  # thumbs up
    REFUSED = "refused"  # confused


@dataclass(frozen=True)
class Commit:
    """Files to be changed in one commit on a branch that begins at `parent_sha`; None removes a file."""

    branch: str
    parent_sha: str
    message: str
    files: Mapping[str, str | None]


@dataclass(frozen=True)
class Proposal:
    """A pull request to be opened from a branch of the same repository."""

    branch: str
    base_branch: str
    title: str
    body: str
    is_draft: bool = True
