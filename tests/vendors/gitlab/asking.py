"""One request to this GitLab: who asks, for what, and whether they may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tests.vendors.gitlab.git import CommitRow
from tests.vendors.gitlab.replies import (
    Said,
    forbidden,
    insufficient_scope,
    moved,
    not_found,
    redirect,
    unauthorized,
)
from tests.vendors.gitlab.state import (
    GitLab,
    MergeRequest,
    Note,
    Project,
    Token,
)


@dataclass
class Asked:
    """One request: `names` are from its path, `given` is its query or body."""

    gitlab: GitLab
    origin: str
    method: str
    target: str
    names: Mapping[str, str]
    given: Mapping[str, Any]
    token: Token

    @property
    def project(self) -> Project:
        """Return the project that is asked for, or end the request as GitLab does."""
        name = unquote(self.names["id"])
        for project in self.gitlab.projects.values():
            is_hidden = project.visibility == "private" and not project.level_of(self.token.user)
            if is_hidden:
                continue
            if name in {str(project.id), project.path_with_namespace}:
                return project
            if name in project.old_paths:
                by_number = self.target.replace(f"/projects/{self.names['id']}", f"/projects/{project.id}", 1)
                raise Said(redirect(f"{self.origin}{by_number}") if self.method == "GET" else moved())
        raise Said(not_found("Project"))

    @property
    def merge_request(self) -> MergeRequest:
        for merge_request in self.project.merge_requests:
            if str(merge_request.iid) == self.names["iid"]:
                return merge_request
        raise Said(not_found())

    @property
    def note(self) -> Note:
        note = self.merge_request.note(int(self.names["note_id"]))
        if note is None:
            raise Said(not_found("Note"))
        return note

    @property
    def thread(self) -> list[Note]:
        thread = self.merge_request.discussions.get(self.names["discussion_id"])
        if thread is None:
            raise Said(not_found("Discussion"))
        return thread

    def writable(self, level: int) -> Project:
        """Return the project, or end the request where it is archived or the role is too low."""
        project = self.project
        if project.level_of(self.token.user) < level or project.is_archived:
            raise Said(forbidden())
        return project

    def commit(self, ref: str, what: str) -> CommitRow:
        row = self.project.git.resolve(ref)
        if row is None:
            raise Said(not_found(what))
        return row


Route = Callable[[Asked], Any]


def who_asks(gitlab: GitLab, headers: Mapping[str, str], scopes: tuple[str, ...]) -> Token:
    """Return the token of a request, or end it."""
    value = headers.get("Private-Token") or headers.get("Authorization", "").removeprefix("Bearer ")
    token = gitlab.tokens.get(value)
    if token is None:
        raise Said(unauthorized())
    if scopes and not set(scopes) & set(token.scopes):
        raise Said(insufficient_scope(" ".join(scopes)))
    return token
