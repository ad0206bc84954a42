"""What this GitLab knows: people and their tokens, projects, merge requests and the talk in them."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.vendors.gitlab.git import File, FileDiff, Git

GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER = 10, 20, 30, 40, 50


@dataclass
class User:
    id: int
    username: str
    state: str = "active"


@dataclass
class Token:
    """A personal, project or group access token: all three are personal ones, of a bot in the latter two."""

    user: User
    scopes: tuple[str, ...] = ("api",)
    expires_at: str | None = "2027-06-01"


@dataclass
class Group:
    id: int
    full_path: str
    members: dict[int, int] = field(default_factory=dict)  # user id -> access level


@dataclass
class Note:
    id: int
    author: User
    body: str
    created_at: datetime
    discussion_id: str
    position: dict[str, Any] | None = None
    is_system: bool = False
    is_individual: bool = False
    is_resolved: bool = False
    awards: dict[tuple[int, str], int] = field(default_factory=dict)  # (user id, name) -> award id


@dataclass(frozen=True)
class Version:
    """A merge request's diff after a push."""

    id: int
    base_sha: str
    start_sha: str
    head_sha: str
    created_at: datetime


@dataclass
class MergeRequest:
    id: int
    iid: int
    author: User
    title: str
    description: str
    source_branch: str
    target_branch: str
    source_project: Project
    target_project: Project
    created_at: datetime
    updated_at: datetime
    state: str = "opened"
    versions: list[Version] = field(default_factory=list)  # the newest first
    discussions: dict[str, list[Note]] = field(default_factory=dict)
    diffs_too_large: set[str] = field(default_factory=set)
    diffs_collapsed: set[str] = field(default_factory=set)

    @property
    def is_draft(self) -> bool:
        return self.title.lower().startswith(("draft:", "[draft]", "(draft)"))

    def note(self, note_id: int) -> Note | None:
        return next((note for note in self.notes() if note.id == note_id), None)

    def notes(self) -> Iterator[Note]:
        return itertools.chain.from_iterable(self.discussions.values())

    def diffs(self, version: Version) -> list[FileDiff]:
        return self.source_project.git.diff(version.base_sha, version.head_sha)


@dataclass
class Status:
    id: int
    sha: str
    name: str
    status: str
    author: User
    created_at: datetime
    ref: str | None = None
    target_url: str | None = None
    description: str | None = None


@dataclass
class Project:
    id: int
    path_with_namespace: str
    group: Group | None
    created_at: datetime
    git: Git = field(default_factory=Git)
    default_branch: str = "main"
    visibility: str = "private"
    is_archived: bool = False
    members: dict[int, int] = field(default_factory=dict)
    merge_requests: list[MergeRequest] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    old_paths: set[str] = field(default_factory=set)

    def level_of(self, user: User) -> int:
        """Return somebody's highest access level here, 0 for a stranger."""
        inherited = self.group.members.get(user.id, 0) if self.group else 0
        return max(self.members.get(user.id, 0), inherited)


class GitLab:
    """Everything, and how tests change it as people would."""

    def __init__(self) -> None:
        self.users: dict[int, User] = {}
        self.tokens: dict[str, Token] = {}
        self.groups: list[Group] = []
        self.projects: dict[int, Project] = {}
        self.now = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
        self._ids = itertools.count(101)

    def next_id(self) -> int:
        return next(self._ids)

    def tick(self) -> datetime:
        """Let a second pass; return the time."""
        self.now += timedelta(seconds=1)
        return self.now

    def add_user(self, username: str, *, state: str = "active") -> User:
        user = User(self.next_id(), username, state)
        self.users[user.id] = user
        return user

    def add_token(self, value: str, user: User, **more: Any) -> Token:
        self.tokens[value] = Token(user, **more)
        return self.tokens[value]

    def add_group(self, full_path: str) -> Group:
        group = Group(self.next_id(), full_path)
        self.groups.append(group)
        return group

    def add_project(
        self,
        path: str,
        *,
        files: Mapping[str, File | str | bytes] | None = None,
        group: Group | None = None,
        **more: Any,
    ) -> Project:
        project = Project(self.next_id(), path, group, self.tick(), **more)
        self.projects[project.id] = project
        if files is not None:
            project.git.commit(project.default_branch, files, message="Begin")
        return project

    def fork(self, project: Project, path: str) -> Project:
        """Return a copy that shares all commits."""
        copy = Project(
            self.next_id(), path, None, self.tick(), git=Git(project.git.commits, dict(project.git.branches))
        )
        self.projects[copy.id] = copy
        return copy

    def rename(self, project: Project, path: str) -> None:
        project.old_paths.add(project.path_with_namespace)
        project.path_with_namespace = path

    def push(self, project: Project, branch: str, files: Mapping[str, File | str | bytes | None], **more: Any) -> str:
        """Push a commit; merge requests from the branch get another version."""
        parent = project.git.branches[project.default_branch]
        sha = project.git.commit(branch, files, parent=parent, **more)
        self.pushed(project, branch)
        return sha

    def pushed(self, project: Project, branch: str) -> None:
        for target in self.projects.values():
            for merge_request in target.merge_requests:
                is_its = merge_request.source_project is project and merge_request.source_branch == branch
                if is_its and merge_request.state == "opened":
                    self._add_version(merge_request)

    def open_merge_request(
        self,
        project: Project,
        source_branch: str,
        *,
        author: User,
        title: str = "Change the orders",
        description: str = "",
        target_branch: str = "",
        source_project: Project | None = None,
    ) -> MergeRequest:
        iid = len(project.merge_requests) + 1
        target = target_branch or project.default_branch
        merge_request = MergeRequest(
            self.next_id(), iid, author, title, description, source_branch, target,
            source_project or project, project, self.tick(), self.now,
        )  # fmt: skip
        project.merge_requests.append(merge_request)
        self._add_version(merge_request)
        return merge_request

    def write(
        self, merge_request: MergeRequest, author: User, body: str, *, discussion_id: str = "", **more: Any
    ) -> Note:
        """Add a note to a discussion, or begin one."""
        note_id = self.next_id()
        discussion_id = discussion_id or hashlib.sha1(b"discussion %d" % note_id).hexdigest()
        thread = merge_request.discussions.setdefault(discussion_id, [])
        if thread:
            more.setdefault("position", thread[0].position)
            thread[0].is_individual = False
        note = Note(note_id, author, body, self.tick(), discussion_id, **more)
        thread.append(note)
        return note

    def show_status(self, project: Project, status: Status) -> Status:
        project.statuses.append(status)
        return status

    def _add_version(self, merge_request: MergeRequest) -> None:
        git = merge_request.source_project.git
        head = git.branches[merge_request.source_branch]
        start = merge_request.target_project.git.branches[merge_request.target_branch]
        version = Version(self.next_id(), git.merge_base(head, start), start, head, self.tick())
        merge_request.versions.insert(0, version)
        merge_request.updated_at = self.now
