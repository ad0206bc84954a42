"""GitHub, by an App's installation and by a classic token."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar, Self

from scm.adapters.values import HostAccess
from tests.contract.scm_conformance import FIRST_FILES, HostUnderTest, Problem, SeenComment, SeenStatus
from tests.vendors.github.git import LINK, MODULE, PROGRAM, Entry
from tests.vendors.github.routing import bad_credentials, forbidden, not_found, secondary_limit, unavailable
from tests.vendors.github.state import Pull, Repository
from tests.vendors.github_server import GitHubServer

IN_CONVERSATION = "issue-"
PROBLEMS = {
    Problem.WRONG_CREDENTIALS: bad_credentials(),
    Problem.FORBIDDEN: forbidden("pull_requests=write"),
    Problem.GONE: not_found(),
    Problem.LIMITED: secondary_limit(retry_after_seconds=60),
    Problem.DOWN: unavailable(502),
}


class _GitHub(HostUnderTest):
    """What both have in common."""

    kind: ClassVar[str] = "github"
    reactions: ClassVar[Mapping[str, str]] = {"done": "+1", "refused": "confused"}

    def __init__(self, server: GitHubServer) -> None:
        self.server = server
        self.at: Repository = server.add_repository("acme/shop", FIRST_FILES)
        script = self.at.files("main")["run.sh"]
        self.at.commit({"run.sh": Entry(PROGRAM, script.sha)})

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        with GitHubServer().running() as server:
            yield cls(server)
        assert not server.violations, "\n".join(server.violations)

    @property
    @abstractmethod
    def access(self) -> HostAccess: ...

    @property
    def repository(self) -> str:
        return self.at.full_name

    @property
    def repository_id(self) -> str:
        return str(self.at.id)

    def commit(self, branch: str, files: Mapping[str, str | bytes | None]) -> str:
        return self.at.commit(files, branch=branch)

    def put_link(self, path: str, target: str) -> None:
        self.at.commit({path: Entry(LINK, self.at.objects.blob(target.encode()))})

    def put_module(self, path: str) -> None:
        self.at.commit({path: Entry(MODULE, "5" * 40)})

    def head(self, branch: str) -> str:
        return self.at.branches[branch]

    def content(self, branch: str, path: str) -> bytes:
        return self.at.objects.blobs[self.at.files(branch)[path].sha]

    def is_program(self, branch: str, path: str) -> bool:
        return self.at.mode(path, ref=branch) == PROGRAM

    def paths(self, branch: str) -> set[str]:
        return set(self.at.files(branch))

    def open_pull_request(
        self,
        branch: str,
        *,
        author: str = "bob",
        title: str = "Change things",
        renamed: Mapping[str, str] | None = None,
    ) -> str:
        pull = self.server.open_pull(self.at, branch=branch, author=author, title=title, renamed=renamed)
        return str(pull.number)

    def open_from_fork(self, branch: str) -> str:
        return str(self.server.open_pull(self.at, branch=branch, author="eve", fork="eve/shop").number)

    def close(self, number: str, *, is_merged: bool) -> None:
        self.server.close_pull(self._pull(number), is_merged=is_merged)

    def write(self, number: str, author: str, body: str, *, path: str = "", line: int | None = None) -> str:
        pull = self._pull(number)
        if line is None:
            return f"{IN_CONVERSATION}{self.server.comment_in_talk(pull, author=author, body=body).id}"
        return str(self.server.comment_on_line(pull, author=author, body=body, path=path, line=line).id)

    def answer(self, number: str, comment_id: str, author: str, body: str) -> str:
        parent = next(each for each in self.at.review_comments if str(each.id) == comment_id)
        return str(self.server.answer_below(self.at, parent, author=author, body=body).id)

    def seen(self, number: str) -> list[SeenComment]:
        on_lines = [
            SeenComment(
                comment_id=str(each.id),
                body=each.body,
                path=each.path,
                line=each.line,
                start_line=each.start_line,
                is_resolved=each.is_resolved,
                replies=tuple(below.body for below in self.at.review_comments if below.reply_to == each.id),
                reactions=tuple(reaction.content for reaction in each.reactions),
            )
            for each in self.at.review_comments
            if str(each.number) == number and each.reply_to is None
        ]
        talk = [
            SeenComment(
                comment_id=f"{IN_CONVERSATION}{each.id}",
                body=each.body,
                reactions=tuple(reaction.content for reaction in each.reactions),
            )
            for each in self.at.issue_comments
            if str(each.number) == number
        ]
        return [*on_lines, *talk]

    def webhooks(self) -> list[tuple[str, str]]:
        return [(hook.url, hook.secret) for hook in self.at.hooks]

    def let(self, account: str, *, write: bool) -> None:
        self.server.add_account(account)
        self.at.collaborators[account] = "write" if write else "read"

    def rename(self, name: str) -> None:
        self.server.rename(self.at, name)

    def archive(self) -> None:
        self.at.is_archived = True

    def add_repositories(self, count: int) -> None:
        for number in range(count):
            self.server.add_repository(f"acme/more-{number}").collaborators[self.us] = "write"

    def use_small_pages(self) -> None:
        self.server.most_per_page = 2

    def fail_next(self, problem: Problem) -> None:
        # An installation's token that is not taken is renewed once, so that the problem has to stay.
        times = 2 if problem is Problem.WRONG_CREDENTIALS and self.access.installation_id else 1
        self.server.fail_next(PROBLEMS[problem], path=r"^/(?:repos|graphql)", times=times)

    def cut_next_post(self) -> None:
        self.server.cut_next(method="POST", path=r"^/repos")

    def writes(self) -> int:
        changes = [each for each in self.server.requests if each.method != "GET" and each.path != "/graphql"]
        return len([each for each in changes if not each.path.endswith("/access_tokens")])

    def _pull(self, number: str) -> Pull:
        return self.at.pulls[int(number)]


class GitHubByApp(_GitHub):
    """An App's installation: check runs, and a webhook of its own."""

    has_annotations: ClassVar[bool] = True
    has_own_webhook: ClassVar[bool] = True
    states: ClassVar[Mapping[str, str]] = {
        "success": "success",
        "failure": "failure",
        "neutral": "neutral",
        "pending": "in_progress",
    }

    def __init__(self, server: GitHubServer) -> None:
        super().__init__(server)
        self._app = server.add_app("assistant", owner="acme")
        self._installation = server.install(self._app, "acme")

    @property
    def access(self) -> HostAccess:
        return HostAccess(
            base_url=self.server.url,
            app_id=str(self._app.id),
            private_key=self._app.private_key,
            installation_id=str(self._installation.id),
        )

    @property
    def us(self) -> str:
        return self._app.bot.login

    def statuses(self, sha: str) -> list[SeenStatus]:
        newest = {run.name: run for run in self.at.check_runs if run.head_sha == sha}
        return [
            SeenStatus(
                name=run.name,
                state=run.conclusion if run.conclusion and run.status == "completed" else run.status,
                title=run.title or "",
                details_url=run.details_url,
                annotations=tuple(str(each["message"]) for each in run.annotations),
            )
            for run in newest.values()
        ]


class GitHubByToken(_GitHub):
    """A classic token of somebody who works on the repository: commit statuses, a webhook for each repository."""

    states: ClassVar[Mapping[str, str]] = {
        "success": "success",
        "failure": "failure",
        "neutral": "success",
        "pending": "pending",
    }

    def __init__(self, server: GitHubServer) -> None:
        super().__init__(server)
        self._token = server.add_token("robot", scopes=("repo",))
        self.at.collaborators["robot"] = "write"

    @property
    def access(self) -> HostAccess:
        return HostAccess(base_url=self.server.url, token=self._token)

    @property
    def us(self) -> str:
        return "robot"

    def statuses(self, sha: str) -> list[SeenStatus]:
        newest = {status.context: status for status in self.at.statuses if status.sha == sha}
        return [
            SeenStatus(status.context, status.state, status.description or "", status.target_url or "")
            for status in newest.values()
        ]
