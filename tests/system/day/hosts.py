"""GitHub and GitLab as the day needs them: what people do there, what the host then sends, and what is seen there.

Whatever may be taken back with a savepoint of the database is in `memory`; everything else is looked up from it.
"""

from __future__ import annotations

import copy
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.test import Client

from scm.models import CodeHost
from tenancy.sealing import open_secrets
from tests.vendors.github import deliveries as github_deliveries
from tests.vendors.github.deliveries import Payloads
from tests.vendors.github.state import Pull, Repository, ReviewComment
from tests.vendors.github_server import GitHubServer
from tests.vendors.gitlab import hooks as gitlab_hooks
from tests.vendors.gitlab.state import DEVELOPER, MAINTAINER, MergeRequest, Note, Project, User
from tests.vendors.gitlab_server import GitLabServer

HOSTS_PAGE = "/orgs/acme/settings/code-hosts/"
NAME = "acme/shop"
BRANCH = "orders"
WRITER, STRANGER = "mona", "mallory"


class Delivery(Protocol):
    """A webhook as a host sends it."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True)
class SeenComment:
    """A comment of ours as people see it: by whom it was answered below, and what reactions their answers got."""

    body: str
    is_resolved: bool
    answers: tuple[str, ...]  # ours, to those who replied
    reactions: tuple[str, ...]


@dataclass(frozen=True)
class SeenFix:
    """A pull request of ours."""

    state: str
    is_draft: bool
    base: str


class HostOfTheDay(ABC):
    """A host with one repository and its people."""

    @abstractmethod
    def connect(self, browser: Client) -> None:
        """Connect the host and choose the repository, by the pages of the settings."""

    @abstractmethod
    def commit(self, files: Mapping[str, str], *, is_forced: bool = False) -> str:
        """Put a commit on the branch, or a new one in place of all of it; return its id."""

    @abstractmethod
    def open_pull_request(self) -> Delivery:
        """Open the pull request from the branch."""

    @abstractmethod
    def pushed(self) -> Delivery:
        """Return what the host says of a push to the branch of the pull request."""

    @abstractmethod
    def reopened(self) -> Delivery:
        """Return what the host says where somebody closed the pull request and opened it again at once."""

    @abstractmethod
    def reply(self, words: str, *, below: str, author: str) -> Delivery:
        """Write below our comment that has a text in it."""

    @abstractmethod
    def fix_opened(self) -> Delivery:
        """Return what the host says of the fix pull request."""

    @abstractmethod
    def merge_fix(self) -> Delivery:
        """Merge the fix pull request into the branch."""

    @abstractmethod
    def comments(self) -> Sequence[SeenComment]:
        """Return our comments in the pull request, the oldest first."""

    @abstractmethod
    def statuses(self, sha: str) -> Sequence[str]:
        """Return what is shown at a commit, a word for each check that stands there."""

    @abstractmethod
    def fixes(self) -> Sequence[SeenFix]:
        """Return the pull requests of ours."""

    @abstractmethod
    def file(self, path: str) -> str:
        """Return a file as it is on the branch."""

    @abstractmethod
    def remember(self) -> Any:
        """Return a copy of all that the host knows."""

    @abstractmethod
    def take_back(self, remembered: Any) -> None:
        """Be again as `remember` found it."""

    @property
    @abstractmethod
    def head(self) -> str:
        """The commit that the branch is at."""

    @property
    @abstractmethod
    def violations(self) -> list[str]:
        """What was asked or answered against the vendor's description."""


class GitHubOfTheDay(HostOfTheDay):
    """GitHub with an App that is made and installed."""

    kind = "github"
    _KNOWN = ("accounts", "apps", "installations", "repositories", "tokens")

    def __init__(self, server: GitHubServer) -> None:
        self.server = server
        self.app_id = server.add_app("assistant-of-acme", webhook_secret="from github").id
        repository = server.add_repository(NAME, {"README.md": "# Shop\n"}, is_private=False)
        repository.collaborators[WRITER] = "write"
        self.repository_id = repository.id
        self.payloads = Payloads(server.shapes)

    def connect(self, browser: Client) -> None:
        fields = {"base_url": self.server.url, "account": "acme", "app_name": "Assistant of Acme"}
        page = browser.post(f"{HOSTS_PAGE}new/?choice=github-server-app", fields).content.decode()
        state = re.search(r"/settings/apps/new\?state=([^\"&]+)", page)
        assert state is not None, page
        app = self.server.apps[self.app_id]
        browser.get(f"{HOSTS_PAGE}app-made/?code={self.server.expect_manifest(app)}&state={state[1]}")
        installation = self.server.install(app, "acme")
        browser.get(f"{HOSTS_PAGE}app-installed/?installation_id={installation.id}&setup_action=install")
        host = CodeHost.objects.get()
        browser.post(f"{HOSTS_PAGE}{host.pk}/repositories/connect/", {"repository": str(self.repository_id)})

    @property
    def _repository(self) -> Repository:
        return self.server.repositories[self.repository_id]

    @property
    def _pull(self) -> Pull:
        return self._repository.pulls[1]

    @property
    def _bot(self) -> str:
        return self.server.apps[self.app_id].bot.login

    @property
    def head(self) -> str:
        return self._repository.branches[BRANCH]

    @property
    def violations(self) -> list[str]:
        return self.server.violations

    def commit(self, files: Mapping[str, str], *, is_forced: bool = False) -> str:
        words = "Begin anew" if is_forced else "Add orders"
        parent = self._repository.head if is_forced else None
        return self._repository.commit(files, branch=BRANCH, parent=parent, message=words)

    def open_pull_request(self) -> Delivery:
        pull = self.server.open_pull(self._repository, branch=BRANCH, author="octo", title="Add orders")
        return self._sent("pull_request", self.payloads.pull_request("opened", pull))

    def pushed(self) -> Delivery:
        return self._sent("pull_request", self.payloads.pull_request("synchronize", self._pull))

    def reopened(self) -> Delivery:
        return self._sent("pull_request", self.payloads.pull_request("reopened", self._pull))

    def reply(self, words: str, *, below: str, author: str) -> Delivery:
        parent = next(comment for comment in self._ours() if below in comment.body)
        written = self.server.answer_below(self._repository, parent, author=author, body=words)
        payload = self.payloads.review_comment("created", self._pull, written)
        return self._sent("pull_request_review_comment", payload)

    def fix_opened(self) -> Delivery:
        return self._sent("pull_request", self.payloads.pull_request("opened", self._fix))

    def merge_fix(self) -> Delivery:
        self.server.close_pull(self._fix, is_merged=True)
        return self._sent("pull_request", self.payloads.pull_request("closed", self._fix))

    @property
    def _fix(self) -> Pull:
        return next(each for each in self._repository.pulls.values() if each.author.login == self._bot)

    def _ours(self) -> list[ReviewComment]:
        threads = [each for each in self._repository.review_comments if each.reply_to is None]
        return [each for each in threads if each.author.login == self._bot]

    def comments(self) -> Sequence[SeenComment]:
        assert not [each for each in self._repository.issue_comments if each.author.login == self._bot]
        return [self._seen(comment) for comment in self._ours()]

    def _seen(self, comment: ReviewComment) -> SeenComment:
        below = [each for each in self._repository.review_comments if each.reply_to == comment.id]
        return SeenComment(
            comment.body,
            comment.is_resolved,
            answers=tuple(each.body for each in below if each.author.login == self._bot),
            reactions=tuple(reaction.content for each in below for reaction in each.reactions),
        )

    def statuses(self, sha: str) -> Sequence[str]:
        # Of runs of one name GitHub shows the newest.
        shown = {run.name: run for run in self._repository.check_runs if run.head_sha == sha}
        return [str(run.conclusion or run.status) for run in shown.values()]

    def fixes(self) -> Sequence[SeenFix]:
        ours = [each for each in self._repository.pulls.values() if each.author.login == self._bot]
        return [SeenFix("merged" if each.merged_at else each.state, each.is_draft, each.base_branch) for each in ours]

    def file(self, path: str) -> str:
        return self._repository.file(path, ref=BRANCH)

    def remember(self) -> Any:
        return copy.deepcopy({name: getattr(self.server, name) for name in self._KNOWN})

    def take_back(self, remembered: Any) -> None:
        for name, value in copy.deepcopy(remembered).items():
            setattr(self.server, name, value)

    def _sent(self, event: str, payload: Mapping[str, Any]) -> Delivery:
        return github_deliveries.delivery(event, payload, "from github")


class GitLabOfTheDay(HostOfTheDay):
    """GitLab with a token of a bot that is a Maintainer."""

    kind = "gitlab"
    _TOKEN = "glpat-of-the-assistant"

    def __init__(self, server: GitLabServer) -> None:
        self.server = server
        known = server.gitlab
        bot, writer, stranger, author = (known.add_user(name) for name in ("group_1_bot", WRITER, STRANGER, "octo"))
        known.add_token(self._TOKEN, bot)
        project = known.add_project(NAME, files={"README.md": "# Shop\n"}, visibility="public")
        project.members |= {bot.id: MAINTAINER, writer.id: DEVELOPER, author.id: DEVELOPER}
        self.project_id, self.bot_id = project.id, bot.id
        self.people = {WRITER: writer.id, STRANGER: stranger.id, "octo": author.id}

    def connect(self, browser: Client) -> None:
        fields = {"base_url": self.server.url, "token": self._TOKEN}
        browser.post(f"{HOSTS_PAGE}new/?choice=gitlab-server", fields)
        host = CodeHost.objects.get()
        browser.post(f"{HOSTS_PAGE}{host.pk}/repositories/connect/", {"repository": str(self.project_id)})
        [hook] = self._project.hooks.values()
        assert hook["merge_requests_events"]
        assert hook["note_events"]

    @property
    def _project(self) -> Project:
        return self.server.gitlab.projects[self.project_id]

    @property
    def _merge_request(self) -> MergeRequest:
        return self._project.merge_requests[0]

    @property
    def _fix(self) -> MergeRequest:
        return self._project.merge_requests[1]

    @property
    def head(self) -> str:
        return self._project.git.branches[BRANCH]

    @property
    def violations(self) -> list[str]:
        return self.server.violations

    def _person(self, name: str) -> User:
        return self.server.gitlab.users[self.people[name]]

    def commit(self, files: Mapping[str, str], *, is_forced: bool = False) -> str:
        if is_forced:
            self._project.git.branches.pop(BRANCH)
        words = "Begin anew" if is_forced else "Add orders"
        return self.server.gitlab.push(self._project, BRANCH, files, message=words)

    def open_pull_request(self) -> Delivery:
        author = self._person("octo")
        opened = self.server.gitlab.open_merge_request(self._project, BRANCH, author=author, title="Add orders")
        return self._told(opened, "open", author)

    def pushed(self) -> Delivery:
        return self._told(self._merge_request, "update", self._person("octo"), oldrev="0" * 40)

    def reopened(self) -> Delivery:
        return self._told(self._merge_request, "reopen", self._person("octo"))

    def reply(self, words: str, *, below: str, author: str) -> Delivery:
        parent = next(note for note in self._ours() if below in note.body)
        note = self.server.gitlab.write(
            self._merge_request, self._person(author), words, discussion_id=parent.discussion_id
        )
        return self._sent("Note Hook", gitlab_hooks.note_event(self.server.url, self._merge_request, note))

    def fix_opened(self) -> Delivery:
        return self._told(self._fix, "open", self.server.gitlab.users[self.bot_id])

    def merge_fix(self) -> Delivery:
        known, git, fix = self.server.gitlab, self._project.git, self._fix
        git.branches[BRANCH] = git.branches[fix.source_branch]
        fix.state, fix.updated_at = "merged", known.tick()
        known.pushed(self._project, BRANCH)
        return self._told(fix, "merge", self._person(WRITER))

    def _ours(self) -> list[Note]:
        first = [notes[0] for notes in self._merge_request.discussions.values()]
        return [note for note in first if note.author.id == self.bot_id]

    def comments(self) -> Sequence[SeenComment]:
        return [self._seen(self._merge_request.discussions[note.discussion_id]) for note in self._ours()]

    def _seen(self, notes: list[Note]) -> SeenComment:
        first, *below = notes
        assert first.position is not None
        return SeenComment(
            first.body,
            first.is_resolved,
            answers=tuple(note.body for note in below if note.author.id == self.bot_id),
            reactions=tuple(name for note in below for _, name in note.awards),
        )

    def statuses(self, sha: str) -> Sequence[str]:
        # GitLab keeps what was said before; people see the newest of each name.
        shown = {each.name: each.status for each in self._project.statuses if each.sha == sha}
        return list(shown.values())

    def fixes(self) -> Sequence[SeenFix]:
        ours = [each for each in self._project.merge_requests if each.author.id == self.bot_id]
        return [SeenFix(each.state, each.is_draft, each.target_branch) for each in ours]

    def file(self, path: str) -> str:
        return self._project.git.commits[self.head].tree[path].content.decode()

    def remember(self) -> Any:
        return copy.deepcopy(vars(self.server.gitlab))

    def take_back(self, remembered: Any) -> None:
        vars(self.server.gitlab).update(copy.deepcopy(remembered))

    def _told(self, of: MergeRequest, action: str, by: User, **more: Any) -> Delivery:
        return self._sent(
            "Merge Request Hook", gitlab_hooks.merge_request_event(self.server.url, of, action, by, **more)
        )

    def _sent(self, event: str, payload: Mapping[str, Any]) -> Delivery:
        secret = open_secrets(CodeHost.objects.get().sealed_secrets)["webhook_secret"]
        return gitlab_hooks.delivery(event, payload, secret=secret, origin=self.server.url)
