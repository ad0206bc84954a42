"""What every code host of the conformance suite can be told and asked, beside the adapter that is under test.

To add one: subclass `HostUnderTest` in tests/contract/code_hosts/, and name it in HOSTS there. The suite itself is
tests/contract/test_scm_adapters.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Self

from scm.adapters.values import HostAccess

FIRST_FILES: Mapping[str, str | bytes] = {
    "app/views.py": "".join(f"line {number}\n" for number in range(1, 61)),
    "app/old_name.py": "".join(f"old {number}\n" for number in range(1, 31)),
    "app/unused.py": "print('nobody calls me')\n",
    "run.sh": "#!/bin/sh\nexec true\n",
    "logo.png": b"\x89PNG\0\1\2\3",
    "marked.py": b"\xef\xbb\xbfprint('m\xc3\xa4rked')\n",
    "latin.py": b"# caf\xe9\n",
    "long.py": "# a line of a long file\n" * 60_000,  # 1.4 MB
    "huge.py": "# a line of a huge file\n" * 100_000,  # 2.4 MB
    "umläut/ein name.py": "x = 1\n",
}


class Problem(StrEnum):
    """What can go wrong on a host's side."""

    WRONG_CREDENTIALS = "it does not take the token (401)"
    FORBIDDEN = "it knows us and does not allow it (403)"
    GONE = "it is not there any more (404)"
    LIMITED = "too many requests: wait 60 seconds"
    DOWN = "it has a problem of its own (502)"


@dataclass(frozen=True)
class SeenComment:
    """A comment as the host has it: `line` and `start_line` on the new side, None in the conversation."""

    comment_id: str  # as the adapter names it
    body: str
    path: str = ""
    line: int | None = None
    start_line: int | None = None
    is_resolved: bool = False
    replies: tuple[str, ...] = ()
    reactions: tuple[str, ...] = ()


@dataclass(frozen=True)
class SeenStatus:
    """What is shown at a commit; `state` is the host's word."""

    name: str
    state: str
    title: str
    details_url: str
    annotations: tuple[str, ...] = field(default=())  # their messages; a host without them has none


class HostUnderTest(ABC):
    """A host on loopback with one private repository of FIRST_FILES on its branch `main`, where `run.sh` is a program.

    `us` is the account of the access, which may write there; `repository` its full name.
    """

    kind: ClassVar[str]
    has_annotations: ClassVar[bool] = False
    has_own_webhook: ClassVar[bool] = False  # set up once for all repositories, so that the adapter sets up none
    states: ClassVar[Mapping[str, str]]  # ours (success, failure, neutral, pending) to the host's
    reactions: ClassVar[Mapping[str, str]]  # ours (done, refused) to the host's

    @classmethod
    @contextmanager
    @abstractmethod
    def running(cls) -> Iterator[Self]:
        """Serve the host; fail where a request or an answer broke the host's own description."""
        yield  # type: ignore[misc]  # abstract

    # --- The access

    @property
    @abstractmethod
    def access(self) -> HostAccess: ...

    @property
    @abstractmethod
    def us(self) -> str: ...

    @property
    @abstractmethod
    def repository(self) -> str: ...

    @property
    @abstractmethod
    def repository_id(self) -> str: ...

    # --- Code

    @abstractmethod
    def commit(self, branch: str, files: Mapping[str, str | bytes | None]) -> str:
        """Commit on a branch, which begins at `main` where it is not there; None removes a file. Return its id."""

    @abstractmethod
    def put_link(self, path: str, target: str) -> None:
        """Put a symbolic link on `main` that leads to nothing in the repository."""

    @abstractmethod
    def put_module(self, path: str) -> None:
        """Put a submodule on `main`."""

    @abstractmethod
    def head(self, branch: str) -> str: ...

    @abstractmethod
    def content(self, branch: str, path: str) -> bytes: ...

    @abstractmethod
    def is_program(self, branch: str, path: str) -> bool: ...

    @abstractmethod
    def paths(self, branch: str) -> set[str]: ...

    # --- Pull requests

    @abstractmethod
    def open_pull_request(
        self,
        branch: str,
        *,
        author: str = "bob",
        title: str = "Change things",
        renamed: Mapping[str, str] | None = None,
    ) -> str:
        """Open one into `main`, `renamed` maps new names of files to old ones; return its number."""

    @abstractmethod
    def open_from_fork(self, branch: str) -> str:
        """Open one into `main` whose branch is in somebody's fork; return its number."""

    @abstractmethod
    def close(self, number: str, *, is_merged: bool) -> None: ...

    @abstractmethod
    def write(self, number: str, author: str, body: str, *, path: str = "", line: int | None = None) -> str:
        """Write a comment as a person does; return its id as the adapter names it."""

    @abstractmethod
    def answer(self, number: str, comment_id: str, author: str, body: str) -> str:
        """Answer below a comment on a line as a person does; return the answer's id as the adapter names it."""

    @abstractmethod
    def seen(self, number: str) -> list[SeenComment]:
        """Return the comments that begin a thread, or stand in the conversation, oldest first."""

    @abstractmethod
    def statuses(self, sha: str) -> list[SeenStatus]:
        """Return what is shown at a commit now: the newest of each name."""

    # --- The repository

    @abstractmethod
    def webhooks(self) -> list[tuple[str, str]]:
        """Return each webhook's address and secret."""

    @abstractmethod
    def let(self, account: str, *, write: bool) -> None:
        """Let somebody write to the repository, or read it only."""

    @abstractmethod
    def rename(self, name: str) -> None:
        """Give the repository another name (without its owner); the old one leads on."""

    @abstractmethod
    def archive(self) -> None: ...

    @abstractmethod
    def add_repositories(self, count: int) -> None:
        """Add so many repositories that the access sees."""

    # --- What goes wrong

    @abstractmethod
    def use_small_pages(self) -> None:
        """Give two things a page."""

    @abstractmethod
    def fail_next(self, problem: Problem) -> None:
        """Let the next request fail; those behind it work again."""

    @abstractmethod
    def cut_next_post(self) -> None:
        """Do what the next POST asks for, and cut the connection before any answer."""

    @abstractmethod
    def writes(self) -> int:
        """Return how many requests so far changed something, or tried to."""
