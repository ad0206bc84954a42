"""What the product asks of a source code manager, and how one says no."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from scm.adapters.hook_events import HookEvent
from scm.adapters.values import (
    ChangedFile,
    CommentDraft,
    Commit,
    ExistingComment,
    Identity,
    InstallationFacts,
    NotPosted,
    PermissionCheck,
    PostedComment,
    Proposal,
    PullRequestFacts,
    Reaction,
    RepositoryFacts,
    StatusDraft,
)

MOST_OF_A_LIST = 30_000  # no host that is in its right mind has a longer one for us


class ScmError(Exception):
    """A source code manager could not do what was asked. `permanent` says that asking again will not help.

    The text is a sentence or two for an Admin: what happened, and what to do. `retry_after_seconds` is what the host
    asks for, where it does.
    """

    def __init__(self, message: str, *, permanent: bool, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds


class WrongCredentials(ScmError):
    """The host does not know the token or key, or it has expired or was revoked (401)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class NotAllowed(ScmError):
    """The host knows us and does not allow it (403): `missing` is the permission or scope in the host's words."""

    def __init__(self, message: str, *, missing: str = "") -> None:
        super().__init__(message, permanent=True)
        self.missing = missing


class NotThere(ScmError):
    """What was asked for is gone, or hidden from us: a repository, pull request, branch or comment (404, 410)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class Refused(ScmError):
    """The host will not do it as it was asked (409, 422): an archived repository, a branch that exists already."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class RateLimited(ScmError):
    """Too many requests (GitHub: primary or secondary limit; GitLab: 429): ask again after `retry_after_seconds`."""

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message, permanent=False, retry_after_seconds=retry_after_seconds)


class FileMissing(ScmError):
    """There is no file at that path and commit."""

    def __init__(self, path: str) -> None:
        super().__init__(f"There is no file {path}.", permanent=True)
        self.path = path


class FileUnreadable(ScmError):
    """There is something at that path, and it is nothing to read: a folder, too large, not text, outside."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} cannot be read: {reason}.", permanent=True)
        self.path = path
        self.reason = reason


class CodeReader(ABC):
    """Reads code file by file; nothing is ever cloned."""

    @abstractmethod
    def read_file(self, repository: str, path: str, ref: str) -> str:
        """Return the text of one file at a commit or branch. Raise `FileMissing`, `FileUnreadable` or `ScmError`.

        `path` is POSIX and relative to the repository; `repository` is named as the host names it.
        """


Thing = TypeVar("Thing")


def with_an_end(things: Iterable[Thing]) -> Iterator[Thing]:
    """Yield the things of a list that a host gives page by page; raise ScmError where it goes on for ever."""
    for count, thing in enumerate(things, 1):
        if count > MOST_OF_A_LIST:
            raise ScmError(f"The host's list has more than {MOST_OF_A_LIST} entries, and is not read.", permanent=True)
        yield thing


class ScmAdapter(CodeReader):
    """One source code manager with the credentials of one organization, or of one installation there.

    Every method asks the host, and raises `ScmError` (its subclasses tell why). `repository` is its full name or its
    external id, `number` a pull request's as people see it.
    """

    def close(self) -> None:
        """Give back what is held open."""

    # --- Who we are, and what we may do there

    @abstractmethod
    def whoami(self) -> Identity:
        """Return the account whose name our comments carry."""

    @abstractmethod
    def check(self) -> list[PermissionCheck]:
        """Ask the host what we may do there, permission by permission; raise where it cannot be reached at all."""

    @abstractmethod
    def installations(self) -> list[InstallationFacts]:
        """Return where the App is installed; empty for a token. Needs the App's own access (no `installation_id`)."""

    @abstractmethod
    def repositories(self) -> Iterator[RepositoryFacts]:
        """Yield every repository that we may see, page by page."""

    @abstractmethod
    def repository(self, repository: str) -> RepositoryFacts:
        """Return one repository; after a rename its new name."""

    @abstractmethod
    def may_write(self, repository: str, account: str) -> bool:
        """Tell whether somebody may push to the repository. False for strangers."""

    @abstractmethod
    def ensure_webhook(self, repository: str, *, url: str, secret: str) -> str:
        """Have the host send webhooks to `url`, once however often it is asked; return the webhook's id."""

    @abstractmethod
    def remove_webhook(self, repository: str, hook_id: str) -> None:
        """Have the host send none any more; one that is gone already is no error."""

    # --- Pull requests and the talk in them

    @abstractmethod
    def pull_request(self, repository: str, number: str) -> PullRequestFacts:
        """Return a pull request."""

    @abstractmethod
    def changed_files(self, repository: str, number: str) -> list[ChangedFile]:
        """Return the files of a pull request with the lines where the host lets a comment stand."""

    @abstractmethod
    def comments(self, repository: str, number: str) -> list[ExistingComment]:
        """Return all comments of a pull request, on lines and in the conversation, the first of each thread."""

    @abstractmethod
    def post_comments(
        self, repository: str, number: str, *, head_sha: str, drafts: Sequence[CommentDraft]
    ) -> list[PostedComment | NotPosted]:
        """Post comments with as few requests as the host allows; one answer for each draft.

        Where it raises, some may have been posted: the caller finds them by `comments`.
        """

    @abstractmethod
    def edit_comment(self, repository: str, number: str, comment: PostedComment, body: str) -> None:
        """Replace a comment's text."""

    @abstractmethod
    def delete_comment(self, repository: str, number: str, comment: PostedComment) -> None:
        """Remove a comment of ours; one that is gone already is no error."""

    @abstractmethod
    def reply(self, repository: str, number: str, comment: PostedComment, body: str) -> str:
        """Answer below a comment; return the answer's id."""

    @abstractmethod
    def react(self, repository: str, number: str, comment_id: str, reaction: Reaction, *, is_on_line: bool) -> None:
        """Answer somebody's comment without words; the same twice is no error."""

    @abstractmethod
    def resolve(self, repository: str, number: str, comment: PostedComment, *, is_resolved: bool) -> None:
        """Mark a thread as resolved, or open it again; a comment that has no thread stays as it is."""

    @abstractmethod
    def show_status(self, repository: str, sha: str, draft: StatusDraft, *, external_id: str) -> str:
        """Show a check run or commit status, or change the one of `external_id`; return its id."""

    # --- Proposing a change

    @abstractmethod
    def branch_sha(self, repository: str, branch: str) -> str | None:
        """Return the commit that a branch is at, None where there is no such branch."""

    @abstractmethod
    def commit(self, repository: str, commit: Commit) -> str:
        """Make a branch of one commit on `parent_sha` and return the commit's id. Raise `Refused` where it exists.

        A file that is changed keeps its mode and its encoding, a byte-order mark too, which `read_file` leaves out.
        """

    @abstractmethod
    def open_pull_request(self, repository: str, proposal: Proposal) -> PullRequestFacts:
        """Open a pull request, or return the open one of that branch."""

    @abstractmethod
    def pull_request_of_branch(self, repository: str, branch: str) -> PullRequestFacts | None:
        """Return the newest pull request from a branch of the repository itself, whatever its state."""


class Forged(Exception):
    """A webhook that does not carry the right signature or secret."""


class WebhookReader(ABC):
    """Reads what a host sends unasked. Imports nothing of the vendor's SDK: every web process has it."""

    @abstractmethod
    def verify(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raise `Forged` unless the host that knows `secret` sent these bytes; compares in constant time."""

    @abstractmethod
    def delivery(self, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
        """Return (delivery id, event name); the same delivery sent again has the same id."""

    @abstractmethod
    def read(self, event: str, body: str) -> Sequence[HookEvent]:
        """Return what happened, in our words; nothing for what does not concern us. Raise ValueError for nonsense."""

    def greeting(self, event: str, body: str) -> str:
        """Return the answer to a host that only asks whether we are there; an empty text for all else."""
        return ""

    def concerns_us(self, event: str) -> bool:
        """Tell whether an event can mean anything to us; what cannot is answered and not kept."""
        return True
