"""What we read of GitHub's answers; whatever else they hold is left alone."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from scm.adapters.values import InstallationFacts, PullRequestFacts, RepositoryFacts


class User(BaseModel):
    """An account; GitHub says null for one that was deleted."""

    login: str
    id: int
    type: str = "User"


class Repository(BaseModel):
    """A repository, as it is told alone or in a list."""

    id: int
    full_name: str
    html_url: str
    default_branch: str = ""
    private: bool = True
    archived: bool = False

    def facts(self) -> RepositoryFacts:
        """Return it in our words."""
        return RepositoryFacts(
            external_id=str(self.id),
            full_name=self.full_name,
            web_url=self.html_url,
            default_branch=self.default_branch,
            is_private=self.private,
            is_archived=self.archived,
        )


class Side(BaseModel):
    """Where a pull request comes from or goes to; a fork may be gone."""

    ref: str
    sha: str
    repo: Repository | None


class PullRequest(BaseModel):
    """A pull request, as it is told alone or in a list."""

    number: int
    title: str
    state: str
    draft: bool = False
    merged_at: datetime | None
    updated_at: datetime
    user: User | None
    html_url: str
    head: Side
    base: Side

    @property
    def is_from_fork(self) -> bool:
        """Whether its branch is not one of the repository itself."""
        return self.head.repo is None or self.base.repo is None or self.head.repo.id != self.base.repo.id

    def facts(self) -> PullRequestFacts:
        """Return it in our words."""
        return PullRequestFacts(
            number=str(self.number),
            title=self.title,
            state="merged" if self.merged_at is not None else self.state,
            is_draft=self.draft,
            is_from_fork=self.is_from_fork,
            head_branch=self.head.ref,
            head_sha=self.head.sha,
            base_branch=self.base.ref,
            base_sha=self.base.sha,
            author=self.user.login if self.user else "",
            web_url=self.html_url,
            changed_at=self.updated_at,
        )


class ChangedFile(BaseModel):
    """A file of a pull request; GitHub leaves the patch out where it shows no text."""

    filename: str
    status: str
    previous_filename: str = ""
    patch: str = ""


class Comment(BaseModel):
    """A comment of either kind; `path` is empty in the conversation."""

    id: int
    body: str = ""
    user: User | None
    html_url: str
    created_at: datetime
    path: str = ""
    line: int | None = None
    in_reply_to_id: int | None = None


class Installation(BaseModel):
    """An App on an account."""

    id: int
    account: User | None
    suspended_at: datetime | None = None
    updated_at: datetime | None = None
    permissions: dict[str, str] = Field(default_factory=dict)

    def facts(self) -> InstallationFacts:
        """Return it in our words."""
        return InstallationFacts(
            external_id=str(self.id),
            account=self.account.login if self.account else "",
            is_suspended=self.suspended_at is not None,
            permissions=self.permissions,
            changed_at=self.updated_at,
        )


class App(BaseModel):
    """An App."""

    id: int
    slug: str
    permissions: dict[str, str] = Field(default_factory=dict)


class InstallationToken(BaseModel):
    """What an installation proves itself with, for an hour."""

    token: str
    expires_at: datetime


class Content(BaseModel):
    """A file as the contents API tells it; `content` is there up to one megabyte."""

    type: str
    size: int = 0
    sha: str
    encoding: str = ""
    content: str = ""


class Blob(BaseModel):
    """The bytes of a file, in base64."""

    content: str
    encoding: str


class TreeEntry(BaseModel):
    """What stands in a folder; `mode` is Git's own."""

    path: str
    mode: str
    type: str
    sha: str


class Tree(BaseModel):
    """A folder of a commit."""

    sha: str
    tree: list[TreeEntry]


class _Sha(BaseModel):
    sha: str


class GitCommit(BaseModel):
    """A commit as Git has it."""

    sha: str
    tree: _Sha


class Ref(BaseModel):
    """A branch and the commit that it is at."""

    object: _Sha


class Sha(_Sha):
    """Whatever has an id by its content."""


class Numbered(BaseModel):
    """Whatever has a number."""

    id: int


class _Output(BaseModel):
    annotations_count: int = 0


class CheckRun(BaseModel):
    """A check run."""

    id: int
    head_sha: str
    status: str
    output: _Output = Field(default_factory=_Output)


class CheckAnnotation(BaseModel):
    """A remark of a check run."""

    path: str
    start_line: int
    end_line: int
    annotation_level: str | None
    title: str | None
    message: str | None


class _HookConfig(BaseModel):
    url: str = ""


class Hook(BaseModel):
    """A webhook of a repository."""

    id: int
    config: _HookConfig


class Collaborator(BaseModel):
    """What somebody may do in a repository: admin, write, read or none."""

    permission: str
