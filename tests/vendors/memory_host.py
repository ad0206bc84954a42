"""A code host in memory that keeps what it is told, for flows that are about the product and not about a vendor.

Whatever goes wrong is scripted: before or after the change that a call makes. What people do there are methods too.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

import pytest

import scm.adapters
from orgs.models import Project
from scm.adapters.base import FileMissing, NotAllowed, NotThere, Refused, ScmAdapter
from scm.adapters.values import (
    ChangedFile,
    CommentDraft,
    Commit,
    ExistingComment,
    HostAccess,
    Identity,
    InstallationFacts,
    NotPosted,
    PermissionCheck,
    PostedComment,
    Proposal,
    PullRequestFacts,
    Reaction,
    Reply,
    RepositoryFacts,
    StatusDraft,
)
from scm.models import CodeHost, HostKind, PullRequest, Repository

US = "assistant[bot]"
FIRST_SHA = "a" * 40
HEAD_SHA = "b" * 40
BEGINNING = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Call:
    """One thing that the host was asked; `arguments` as they came, without the repository and the number."""

    method: str
    repository: str
    arguments: tuple[Any, ...]


@dataclass
class Fault:
    """An exception for one call; `is_after` raises it when the change is made already, as a lost answer would."""

    error: BaseException
    is_after: bool


@dataclass
class RepositoryThere:
    """A repository and all that is in it."""

    facts: RepositoryFacts
    former_names: set[str] = field(default_factory=set)
    is_gone: bool = False
    is_readable_only: bool = False  # we may not write there
    writers: set[str] = field(default_factory=set)
    webhooks: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> (address, secret)
    branches: dict[str, str] = field(default_factory=dict)
    trees: dict[str, dict[str, str]] = field(default_factory=dict)  # commit -> path -> text
    pull_requests: dict[str, PullRequestFacts] = field(default_factory=dict)
    changed_files: dict[str, list[ChangedFile]] = field(default_factory=dict)
    comments: dict[str, list[ExistingComment]] = field(default_factory=dict)
    reactions: list[tuple[str, Reaction]] = field(default_factory=list)
    statuses: dict[str, tuple[str, StatusDraft]] = field(default_factory=dict)  # id -> (commit, what it shows)


P = ParamSpec("P")
R = TypeVar("R")


def asked(
    method: Callable[Concatenate[MemoryHost, P], R],
) -> Callable[Concatenate[MemoryHost, P], R]:
    """Write a call down, and raise what was scripted for it, before or after."""

    @functools.wraps(method)
    def call(self: MemoryHost, /, *args: P.args, **kwargs: P.kwargs) -> R:
        values = [*args, *kwargs.values()]
        with self.step(method.__name__, str(values[0]) if values else "", tuple(values[1:])):
            return method(self, *args, **kwargs)

    return call


class _Step:
    """One step of the host: what is scripted before it, the change under the host's lock, what is scripted after."""

    def __init__(self, host: MemoryHost, faults: list[Fault]) -> None:
        self.host = host
        self.faults = faults

    def __enter__(self) -> None:
        for fault in self.faults:
            if not fault.is_after:
                raise fault.error
        self.host.lock.acquire()

    def __exit__(self, error: object, *_: object) -> None:
        self.host.lock.release()
        if error is None:
            for fault in self.faults:
                if fault.is_after:
                    raise fault.error


class MemoryHost(ScmAdapter):
    """A code host; `repository` of any call is a full name, a former one, or the external id."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.log: list[Call] = []
        self.there: dict[str, RepositoryThere] = {}
        self.installed: list[InstallationFacts] = []
        self.checks = [PermissionCheck("pull_requests: write", "comments", granted=True)]
        self.before: Callable[[Call], None] = lambda call: None  # called outside the lock, before each step
        self._faults: dict[tuple[str, int], list[Fault]] = {}
        self._counts: dict[str, int] = {}
        self._numbers = itertools.count(1)

    # --- What tests script and look at

    def fail(self, method: str, error: BaseException, *, on_call: int = 1, is_after: bool = False) -> None:
        """Raise at the nth call of a method from the beginning; `*` counts them all, `post_comment` single drafts."""
        self._faults.setdefault((method, on_call), []).append(Fault(error, is_after))

    def step(self, method: str, repository: str, arguments: tuple[Any, ...]) -> _Step:
        """Return the next step, with what is scripted for it."""
        call = Call(method, repository, arguments)
        with self.lock:
            self.log.append(call)
            faults: list[Fault] = []
            for name in (method, "*"):
                self._counts[name] = self._counts.get(name, 0) + 1
                faults += self._faults.pop((name, self._counts[name]), [])
        self.before(call)
        return _Step(self, faults)

    def calls(self, method: str) -> list[Call]:
        """Return the calls of one method, oldest first."""
        return [call for call in self.log if call.method == method]

    def add_repository(self, full_name: str = "acme/shop", **fields: Any) -> RepositoryThere:
        """Make a repository with one branch of one commit, FIRST_SHA."""
        there = RepositoryThere(
            facts=RepositoryFacts(
                **{
                    "external_id": str(next(self._numbers)),
                    "full_name": full_name,
                    "web_url": f"https://host.example/{full_name}",
                    "default_branch": "main",
                    **fields,
                }
            )
        )
        there.branches["main"] = FIRST_SHA
        there.trees[FIRST_SHA] = {}
        self.there[there.facts.external_id] = there
        return there

    def add_pull_request(
        self, repository: str = "acme/shop", number: str = "7", *, files: Sequence[ChangedFile] = (), **fields: Any
    ) -> PullRequestFacts:
        """Make an open pull request from `feature` at HEAD_SHA to `main`."""
        there = self.found(repository)
        facts = PullRequestFacts(
            **{
                "number": number,
                "title": "Add orders",
                "state": "open",
                "is_draft": False,
                "is_from_fork": False,
                "head_branch": "feature",
                "head_sha": HEAD_SHA,
                "base_branch": "main",
                "base_sha": FIRST_SHA,
                "author": "dev",
                "web_url": f"{there.facts.web_url}/pull/{number}",
                "changed_at": self._now(),
                **fields,
            }
        )
        there.pull_requests[number] = facts
        there.changed_files[number] = list(files)
        there.comments.setdefault(number, [])
        if not facts.is_from_fork:
            there.branches[facts.head_branch] = facts.head_sha
            there.trees.setdefault(facts.head_sha, {})
        return facts

    def change_pull_request(self, repository: str = "acme/shop", number: str = "7", **fields: Any) -> PullRequestFacts:
        """Push, close, merge, reopen or rename a pull request: `head_sha="c" * 40`, `state="merged"`."""
        there = self.found(repository)
        there.pull_requests[number] = replace(there.pull_requests[number], **{"changed_at": self._now(), **fields})
        return there.pull_requests[number]

    def rename(self, repository: str, full_name: str) -> None:
        """Rename or move a repository; its former name leads to it."""
        there = self.found(repository)
        there.former_names.add(there.facts.full_name)
        there.facts = replace(there.facts, full_name=full_name, web_url=f"https://host.example/{full_name}")

    def archive(self, repository: str = "acme/shop") -> None:
        """Make a repository read-only for everybody."""
        there = self.found(repository)
        there.facts = replace(there.facts, is_archived=True)

    def say(self, author: str, body: str, *, below: str = "", repository: str = "acme/shop", number: str = "7") -> str:
        """Have somebody write a comment, or a reply below one; return its id."""
        there = self.found(repository)
        comment_id = str(next(self._numbers))
        if below:
            self._change(
                there,
                number,
                below,
                lambda old: replace(
                    old,
                    replies=(*old.replies, Reply(comment_id, author, is_ours=False, is_bot=author.endswith("[bot]"))),
                ),
            )
        else:
            there.comments[number].append(
                ExistingComment(comment_id, "", body, author, is_ours=False, web_url="", created_at=self._now())
            )
        return comment_id

    def remove(self, comment_id: str, *, repository: str = "acme/shop", number: str = "7") -> None:
        """Have somebody delete a comment."""
        comments = self.found(repository).comments
        comments[number] = [each for each in comments[number] if each.comment_id != comment_id]

    def seen(self, repository: str = "acme/shop", number: str = "7") -> list[ExistingComment]:
        """Return the comments of a pull request as people see them."""
        return list(self.found(repository).comments[number])

    def ours(self, repository: str = "acme/shop", number: str = "7") -> list[ExistingComment]:
        """Return our comments of a pull request."""
        return [comment for comment in self.seen(repository, number) if comment.is_ours]

    def status_at(self, sha: str, repository: str = "acme/shop") -> StatusDraft | None:
        """Return the newest status of a commit, None where there is none."""
        shown = [draft for commit, draft in self.found(repository).statuses.values() if commit == sha]
        return shown[-1] if shown else None

    def found(self, repository: str) -> RepositoryThere:
        """Return a repository by name, former name or external id. Raise NotThere."""
        for there in self.there.values():
            names = {there.facts.external_id, there.facts.full_name, *there.former_names}
            if repository in names and not there.is_gone:
                return there
        raise NotThere(f"There is no repository {repository}, or we may not see it.")

    def _now(self) -> datetime:
        return BEGINNING + timedelta(seconds=next(self._numbers))

    def _writable(self, repository: str) -> RepositoryThere:
        there = self.found(repository)
        if there.facts.is_archived:
            raise Refused(f"{there.facts.full_name} is archived: nothing can be written there.")
        if there.is_readable_only:
            raise NotAllowed("The token may only read here.", missing="pull_requests: write")
        return there

    def _talk(self, repository: str, number: str) -> tuple[RepositoryThere, list[ExistingComment]]:
        there = self.found(repository)
        if number not in there.pull_requests:
            raise NotThere(f"There is no pull request {number}.")
        return there, there.comments[number]

    def _change(
        self,
        there: RepositoryThere,
        number: str,
        comment_id: str,
        change: Callable[[ExistingComment], ExistingComment],
    ) -> None:
        comments = there.comments.get(number, [])
        if comment_id not in [each.comment_id for each in comments]:
            raise NotThere(f"There is no comment {comment_id}.")
        there.comments[number] = [change(each) if each.comment_id == comment_id else each for each in comments]

    # --- Who we are, and what we may do there

    @asked
    def whoami(self) -> Identity:
        return Identity(account=US, account_id="1001")

    @asked
    def check(self) -> list[PermissionCheck]:
        return list(self.checks)

    @asked
    def installations(self) -> list[InstallationFacts]:
        return list(self.installed)

    def repositories(self) -> Iterator[RepositoryFacts]:
        with self.step("repositories", "", ()):
            yield from [there.facts for there in self.there.values() if not there.is_gone]

    @asked
    def repository(self, repository: str) -> RepositoryFacts:
        return self.found(repository).facts

    @asked
    def may_write(self, repository: str, account: str) -> bool:
        return account in self.found(repository).writers

    @asked
    def ensure_webhook(self, repository: str, *, url: str, secret: str) -> str:
        there = self._writable(repository)
        for hook_id, (address, _) in there.webhooks.items():
            if address == url:
                there.webhooks[hook_id] = (url, secret)
                return hook_id
        hook_id = str(next(self._numbers))
        there.webhooks[hook_id] = (url, secret)
        return hook_id

    @asked
    def remove_webhook(self, repository: str, hook_id: str) -> None:
        self.found(repository).webhooks.pop(hook_id, None)

    @asked
    def read_file(self, repository: str, path: str, ref: str) -> str:
        there = self.found(repository)
        tree = there.trees.get(there.branches.get(ref, ref), {})
        if path not in tree:
            raise FileMissing(path)
        return tree[path]

    # --- Pull requests and the talk in them

    @asked
    def pull_request(self, repository: str, number: str) -> PullRequestFacts:
        self._talk(repository, number)
        return self.found(repository).pull_requests[number]

    @asked
    def changed_files(self, repository: str, number: str) -> list[ChangedFile]:
        self._talk(repository, number)
        return list(self.found(repository).changed_files[number])

    @asked
    def comments(self, repository: str, number: str) -> list[ExistingComment]:
        return list(self._talk(repository, number)[1])

    @asked
    def post_comments(
        self, repository: str, number: str, *, head_sha: str, drafts: Sequence[CommentDraft]
    ) -> list[PostedComment | NotPosted]:
        answers: list[PostedComment | NotPosted] = []
        for draft in drafts:
            with self.step("post_comment", repository, (number, draft)):
                answers.append(self._post(repository, number, draft))
        return answers

    def _post(self, repository: str, number: str, draft: CommentDraft) -> PostedComment | NotPosted:
        there = self._writable(repository)
        self._talk(repository, number)
        if draft.path:
            files = {each.path: each for each in there.changed_files[number]}
            if draft.path not in files or draft.line not in files[draft.path].lines:
                return NotPosted(draft.key, "The line must be part of the diff.", is_place_refused=True)
        comment_id = str(next(self._numbers))
        comment = ExistingComment(
            comment_id=comment_id,
            thread_id=f"thread-{comment_id}" if draft.path else "",
            body=draft.body,
            author=US,
            is_ours=True,
            web_url=f"{there.facts.web_url}/pull/{number}#{comment_id}",
            path=draft.path,
            line=draft.line,
            created_at=self._now(),
        )
        there.comments[number].append(comment)
        return PostedComment(draft.key, comment_id, comment.thread_id, comment.web_url)

    @asked
    def edit_comment(self, repository: str, number: str, comment: PostedComment, body: str) -> None:
        self._change(self._writable(repository), number, comment.comment_id, lambda old: replace(old, body=body))

    @asked
    def delete_comment(self, repository: str, number: str, comment: PostedComment) -> None:
        self._writable(repository)
        self.remove(comment.comment_id, repository=repository, number=number)

    @asked
    def reply(self, repository: str, number: str, comment: PostedComment, body: str) -> str:
        there = self._writable(repository)
        reply_id = str(next(self._numbers))
        answer = Reply(reply_id, US, is_ours=True, is_bot=True)
        self._change(there, number, comment.comment_id, lambda old: replace(old, replies=(*old.replies, answer)))
        return reply_id

    @asked
    def react(self, repository: str, number: str, comment_id: str, reaction: Reaction, *, is_on_line: bool) -> None:
        there = self._writable(repository)
        if (comment_id, reaction) not in there.reactions:
            there.reactions.append((comment_id, reaction))

    @asked
    def resolve(self, repository: str, number: str, comment: PostedComment, *, is_resolved: bool) -> None:
        there = self._writable(repository)
        if comment.thread_id:
            self._change(there, number, comment.comment_id, lambda old: replace(old, is_resolved=is_resolved))

    @asked
    def show_status(self, repository: str, sha: str, draft: StatusDraft, *, external_id: str) -> str:
        there = self._writable(repository)
        status_id = external_id or str(next(self._numbers))
        there.statuses[status_id] = (sha, draft)
        return status_id

    # --- Proposing a change

    @asked
    def branch_sha(self, repository: str, branch: str) -> str | None:
        return self.found(repository).branches.get(branch)

    @asked
    def commit(self, repository: str, commit: Commit) -> str:
        there = self._writable(repository)
        if commit.branch in there.branches:
            raise Refused(f"There is a branch {commit.branch} already.")
        if commit.parent_sha not in there.trees:
            raise NotThere(f"There is no commit {commit.parent_sha}.")
        tree = dict(there.trees[commit.parent_sha])
        for path, text in commit.files.items():
            tree.pop(path, None)
            tree |= {path: text} if text is not None else {}
        sha = hashlib.sha1(repr((commit.parent_sha, commit.message, sorted(tree.items()))).encode()).hexdigest()
        there.trees[sha] = tree
        there.branches[commit.branch] = sha
        return sha

    @asked
    def open_pull_request(self, repository: str, proposal: Proposal) -> PullRequestFacts:
        there = self._writable(repository)
        known = self._of_branch(there, proposal.branch)
        if known is not None and known.state == "open":
            return known
        if proposal.branch not in there.branches:
            raise NotThere(f"There is no branch {proposal.branch}.")
        return self.add_pull_request(
            repository,
            str(next(self._numbers)),
            title=proposal.title,
            is_draft=proposal.is_draft,
            head_branch=proposal.branch,
            head_sha=there.branches[proposal.branch],
            base_branch=proposal.base_branch,
            base_sha=there.branches[proposal.base_branch],
            author=US,
        )

    @asked
    def pull_request_of_branch(self, repository: str, branch: str) -> PullRequestFacts | None:
        return self._of_branch(self.found(repository), branch)

    @staticmethod
    def _of_branch(there: RepositoryThere, branch: str) -> PullRequestFacts | None:
        of_branch = [
            each for each in there.pull_requests.values() if each.head_branch == branch and not each.is_from_fork
        ]
        return of_branch[-1] if of_branch else None


def shown(path: str, *lines: int, added: bool = True) -> ChangedFile:
    """Return a changed file that shows these lines of its new side."""
    known: Mapping[int, int | None] = {line: None if added else line for line in lines}
    return ChangedFile(path=path, old_path=path, lines=known)


# --- Making it the host of an organization

_host_in_use: list[MemoryHost] = []


def host_in_use(access: HostAccess) -> MemoryHost:
    """Return the host of the running test: what the registry of adapters is pointed to."""
    return _host_in_use[-1]


@pytest.fixture
def memory_host(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryHost]:
    """A host in memory behind every row of a code host, of either kind."""
    host = MemoryHost()
    scm.adapters.close_adapters()
    for kind in HostKind.values:
        monkeypatch.setitem(scm.adapters.ADAPTERS, kind, f"{__name__}.{host_in_use.__name__}")
    _host_in_use.append(host)
    yield host
    _host_in_use.remove(host)
    scm.adapters.close_adapters()


def a_code_host(**fields: Any) -> CodeHost:
    """Return the row of a code host reached by token."""
    count = CodeHost.objects.count()
    values = {"kind": HostKind.GITHUB, "base_url": "https://host.example", "hook_key": f"hook-{count}", "account": US}
    return CodeHost.objects.create(**{**values, **fields})


def a_repository(
    there: RepositoryThere, *, project: Project, host: CodeHost | None = None, **fields: Any
) -> Repository:
    """Return the row that connects a project to a repository of the host in memory."""
    values: dict[str, Any] = {
        "host": host or a_code_host(),
        "external_id": there.facts.external_id,
        "full_name": there.facts.full_name,
        "web_url": there.facts.web_url,
        "default_branch": there.facts.default_branch,
    }
    return Repository.objects.create(project=project, **{**values, **fields})


def a_pull_request(facts: PullRequestFacts, *, project: Project, **fields: Any) -> PullRequest:
    """Return the row of a pull request, as `scm.services.keep_pull_request` would make it."""
    values = {name: getattr(facts, name) for name in PULL_REQUEST_COLUMNS}
    return PullRequest.objects.create(project=project, **{**values, **fields})


PULL_REQUEST_COLUMNS = [
    "number",
    "title",
    "state",
    "is_draft",
    "is_from_fork",
    "head_branch",
    "head_sha",
    "base_branch",
    "base_sha",
    "author",
    "web_url",
    "changed_at",
]
