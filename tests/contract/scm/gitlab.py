"""GitLab, by a token of somebody who maintains the project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar, Self

from scm.adapters.values import HostAccess
from tests.contract.scm.conformance import FIRST_FILES, HostUnderTest, Problem, SeenComment, SeenStatus
from tests.vendors.gitlab import replies
from tests.vendors.gitlab.git import File
from tests.vendors.gitlab.state import DEVELOPER, MAINTAINER, REPORTER, MergeRequest, Note, User
from tests.vendors.gitlab_server import GitLabServer

TOKEN = "glpat-of-the-robot"
PROBLEMS = {
    Problem.WRONG_CREDENTIALS: replies.unauthorized(),
    Problem.FORBIDDEN: replies.forbidden(),
    Problem.GONE: replies.not_found(),
    Problem.LIMITED: replies.rate_limited(retry_after=60),
    Problem.DOWN: replies.broken(502),
}


class GitLabByToken(HostUnderTest):
    """Commit statuses, a webhook for each project, and threads in the conversation too."""

    kind: ClassVar[str] = "gitlab"
    reactions: ClassVar[Mapping[str, str]] = {"done": "thumbsup", "refused": "confused"}
    states: ClassVar[Mapping[str, str]] = {
        "success": "success",
        "failure": "failed",
        "neutral": "success",
        "pending": "running",
    }

    def __init__(self, server: GitLabServer) -> None:
        self.server = server
        self.gitlab = server.gitlab
        files = {**FIRST_FILES, "run.sh": File(str(FIRST_FILES["run.sh"]).encode(), is_executable=True)}
        self.at = self.gitlab.add_project("acme/shop", files=files)
        robot = self._user("robot")
        self.gitlab.add_token(TOKEN, robot)
        self.at.members[robot.id] = MAINTAINER

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        with GitLabServer().running() as server:
            yield cls(server)
        assert not server.violations, "\n".join(server.violations)

    @property
    def access(self) -> HostAccess:
        return HostAccess(base_url=self.server.url, token=TOKEN)

    @property
    def us(self) -> str:
        return "robot"

    @property
    def repository(self) -> str:
        return self.at.path_with_namespace

    @property
    def repository_id(self) -> str:
        return str(self.at.id)

    # --- Code

    def commit(self, branch: str, files: Mapping[str, str | bytes | None]) -> str:
        return self.gitlab.push(self.at, branch, files)

    def put_link(self, path: str, target: str) -> None:
        self.gitlab.push(self.at, "main", {path: File(target.encode(), is_link=True)})

    def put_module(self, path: str) -> None:
        self.gitlab.push(self.at, "main", {path: File(b"", is_submodule=True)})

    def head(self, branch: str) -> str:
        return self.at.git.branches[branch]

    def content(self, branch: str, path: str) -> bytes:
        return self.at.git.commits[self.head(branch)].tree[path].content

    def is_program(self, branch: str, path: str) -> bool:
        return self.at.git.commits[self.head(branch)].tree[path].is_executable

    def paths(self, branch: str) -> set[str]:
        return set(self.at.git.commits[self.head(branch)].tree)

    # --- Pull requests

    def open_pull_request(
        self,
        branch: str,
        *,
        author: str = "bob",
        title: str = "Change things",
        renamed: Mapping[str, str] | None = None,
    ) -> str:
        opened = self.gitlab.open_merge_request(self.at, branch, author=self._user(author), title=title)
        return str(opened.iid)

    def open_from_fork(self, branch: str) -> str:
        fork = self.gitlab.fork(self.at, "eve/shop")
        opened = self.gitlab.open_merge_request(self.at, branch, author=self._user("eve"), source_project=fork)
        return str(opened.iid)

    def close(self, number: str, *, is_merged: bool) -> None:
        self._merge_request(number).state = "merged" if is_merged else "closed"

    def write(self, number: str, author: str, body: str, *, path: str = "", line: int | None = None) -> str:
        place = None if line is None else {**self._refs(number), "old_path": path, "new_path": path, "new_line": line}
        is_alone = line is None
        note = self.gitlab.write(
            self._merge_request(number), self._user(author), body, position=place, is_individual=is_alone
        )
        return str(note.id)

    def answer(self, number: str, comment_id: str, author: str, body: str) -> str:
        of = self._merge_request(number)
        parent = of.note(int(comment_id))
        assert parent is not None
        return str(self.gitlab.write(of, self._user(author), body, discussion_id=parent.discussion_id).id)

    def seen(self, number: str) -> list[SeenComment]:
        return [_seen(notes) for notes in self._merge_request(number).discussions.values()]

    def statuses(self, sha: str) -> list[SeenStatus]:
        newest = {status.name: status for status in self.at.statuses if status.sha == sha}
        return [
            SeenStatus(status.name, status.status, status.description or "", status.target_url or "")
            for status in newest.values()
        ]

    # --- The repository

    def webhooks(self) -> list[tuple[str, str]]:
        return [(hook["url"], hook["token"]) for hook in self.at.hooks.values()]

    def let(self, account: str, *, write: bool) -> None:
        self.at.members[self._user(account).id] = DEVELOPER if write else REPORTER

    def rename(self, name: str) -> None:
        self.gitlab.rename(self.at, f"acme/{name}")

    def archive(self) -> None:
        self.at.is_archived = True

    def add_repositories(self, count: int) -> None:
        for number in range(count):
            self.gitlab.add_project(f"acme/more-{number}").members[self._user(self.us).id] = DEVELOPER

    # --- What goes wrong

    def use_small_pages(self) -> None:
        self.server.most_per_page = 2

    def fail_next(self, problem: Problem) -> None:
        self.server.fail(PROBLEMS[problem])

    def cut_next_post(self) -> None:
        self.server.fail(replies.CUT, on="POST ", is_applied=True)

    def writes(self) -> int:
        return len([each for each in self.server.log if each.method not in {"GET", "HEAD"}])

    def _merge_request(self, number: str) -> MergeRequest:
        return self.at.merge_requests[int(number) - 1]

    def _refs(self, number: str) -> dict[str, str]:
        version = self._merge_request(number).versions[0]
        names = ("base_sha", "start_sha", "head_sha")
        return {"position_type": "text"} | {name: getattr(version, name) for name in names}

    def _user(self, username: str) -> User:
        known = (user for user in self.gitlab.users.values() if user.username == username)
        return next(known, None) or self.gitlab.add_user(username)


def _seen(notes: list[Note]) -> SeenComment:
    first, position = notes[0], notes[0].position or {}
    start = position.get("line_range", {}).get("start", {})
    return SeenComment(
        comment_id=str(first.id),
        body=first.body,
        path=position.get("new_path", ""),
        line=position.get("new_line"),
        start_line=start.get("new_line"),
        is_resolved=first.is_resolved,
        replies=tuple(note.body for note in notes[1:]),
        reactions=tuple(name for note in notes for _, name in note.awards),
    )
