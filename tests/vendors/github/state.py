"""What the stateful GitHub remembers: accounts, Apps, repositories, pull requests and the talk in them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.vendors.github.git import Difference, Entry, ObjectStore

_numbers: Iterator[int] = itertools.count(1001)


def next_number() -> int:
    """Return a number that nothing else has."""
    return next(_numbers)


def now() -> datetime:
    """Return the time as GitHub writes it, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Account:
    """A person, an organization or an App's robot (`Bot`)."""

    login: str
    type: str = "User"
    id: int = field(default_factory=next_number)


@dataclass
class App:
    """A GitHub App; `private_key` is PEM."""

    slug: str
    owner: Account
    private_key: str
    permissions: dict[str, str]
    webhook_secret: str
    events: list[str] = field(default_factory=list)
    hook_url: str = ""
    id: int = field(default_factory=next_number)
    client_id: str = "Iv23limadeup"
    client_secret: str = "made-up-client-secret"

    def __post_init__(self) -> None:
        self.bot = Account(f"{self.slug}[bot]", "Bot")


@dataclass
class Installation:
    """An App on an account; `repository_ids` is None for all of them."""

    app: App
    account: Account
    permissions: dict[str, str]
    repository_ids: set[int] | None = None
    suspended_at: datetime | None = None
    id: int = field(default_factory=next_number)


@dataclass
class Token:
    """A token: of an installation, classic (`scopes`) or fine-grained (`permissions`)."""

    value: str
    account: Account
    scopes: tuple[str, ...] | None = None
    permissions: dict[str, str] | None = None
    installation: Installation | None = None
    expires_at: datetime = field(default_factory=lambda: now() + timedelta(days=90))


@dataclass
class Reaction:
    account: Account
    content: str
    id: int = field(default_factory=next_number)


@dataclass
class IssueComment:
    """A comment in the conversation."""

    number: int
    author: Account
    body: str
    id: int = field(default_factory=next_number)
    created_at: datetime = field(default_factory=now)
    reactions: list[Reaction] = field(default_factory=list)


@dataclass
class ReviewComment:
    """A comment on a line; `reply_to` is the id of the first of its thread."""

    number: int
    author: Account
    body: str
    path: str
    line: int | None
    start_line: int | None
    commit_id: str
    review_id: int
    reply_to: int | None = None
    is_resolved: bool = False  # of the first comment: its thread's
    id: int = field(default_factory=next_number)
    created_at: datetime = field(default_factory=now)
    reactions: list[Reaction] = field(default_factory=list)

    @property
    def thread_id(self) -> str:
        return f"PRRT_{self.reply_to or self.id}"


@dataclass
class Review:
    number: int
    author: Account
    body: str
    commit_id: str
    id: int = field(default_factory=next_number)


@dataclass
class CheckRun:
    name: str
    head_sha: str
    external_id: str
    status: str = "queued"
    conclusion: str | None = None
    details_url: str = ""
    title: str | None = None
    summary: str | None = None
    annotations: list[dict[str, object]] = field(default_factory=list)
    id: int = field(default_factory=next_number)


@dataclass
class Status:
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: Account
    id: int = field(default_factory=next_number)


@dataclass
class Hook:
    url: str
    secret: str
    events: list[str]
    content_type: str = "form"
    is_active: bool = True
    id: int = field(default_factory=next_number)


@dataclass
class Repository:
    """A repository with all that hangs on it; `former` are the names that it had."""

    owner: Account
    name: str
    is_private: bool = True
    is_archived: bool = False
    default_branch: str = "main"
    allows_drafts: bool = True
    id: int = field(default_factory=next_number)
    former: set[str] = field(default_factory=set)
    objects: ObjectStore = field(default_factory=ObjectStore)
    branches: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    collaborators: dict[str, str] = field(default_factory=dict)
    reviews: list[Review] = field(default_factory=list)
    review_comments: list[ReviewComment] = field(default_factory=list)
    issue_comments: list[IssueComment] = field(default_factory=list)
    check_runs: list[CheckRun] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def head(self) -> str:
        """The newest commit of the default branch."""
        return self.branches[self.default_branch]

    def commit(
        self,
        files: Mapping[str, str | bytes | Entry | None],
        *,
        branch: str | None = None,
        parent: str | None = None,
        message: str = "Change files",
    ) -> str:
        """Commit files on a branch, which begins at `parent` or else the default branch; return the commit's id."""
        branch = branch or self.default_branch
        parent = parent or self.branches.get(branch) or self.branches.get(self.default_branch)
        before = self.objects.files(parent) if parent else {}
        tree = self.objects.tree(self.objects.with_files(before, files))
        sha = self.objects.commit(tree, (parent,) if parent else (), message)
        self.move(branch, sha)
        return sha

    def move(self, branch: str, sha: str) -> None:
        """Put a branch at a commit, and the open pull requests from it with it."""
        self.branches[branch] = sha
        for pull in self.pulls.values():
            if pull.state == "open" and pull.head_branch == branch and not pull.fork:
                pull.head_sha = sha
                pull.updated_at = now()

    def file(self, path: str, *, ref: str | None = None) -> str:
        """Return the text of a file at a branch or commit."""
        commit = self.branches.get(ref or self.default_branch, ref or "")
        return self.objects.blobs[self.objects.files(commit)[path].sha].decode()

    def mode(self, path: str, *, ref: str) -> str:
        """Return the mode of a file as Git writes it."""
        return self.objects.files(self.branches.get(ref, ref))[path].mode

    def files(self, ref: str) -> dict[str, Entry]:
        """Return everything at a branch or commit."""
        return self.objects.files(self.branches.get(ref, ref))


@dataclass
class Pull:
    """A pull request; `fork` is the full name of the repository that it comes from, empty for this one."""

    repository: Repository
    number: int
    title: str
    body: str
    author: Account
    head_branch: str
    head_sha: str
    base_branch: str
    base_sha: str
    is_draft: bool = False
    fork: str = ""
    state: str = "open"
    merged_at: datetime | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    id: int = field(default_factory=next_number)
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)

    def differences(self) -> list[Difference]:
        return self.repository.objects.differences(self.base_sha, self.head_sha, self.renamed)

    def difference(self, path: str) -> Difference | None:
        return next((each for each in self.differences() if each.path == path), None)
