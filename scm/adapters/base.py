"""What the product asks of a source code manager, and how one says no."""

from __future__ import annotations

from abc import ABC, abstractmethod


class ScmError(Exception):
    """A source code manager could not do what was asked. `permanent` says that asking again will not help."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


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


class ScmAdapter(ABC):
    """One source code manager with the credentials of one organization."""

    @abstractmethod
    def read_file(self, repository: str, path: str, ref: str) -> str:
        """Return the text of one file at a commit or branch. Raise `FileMissing`, `FileUnreadable` or `ScmError`.

        `path` is POSIX and relative to the repository; `repository` is named as the host names it.
        """
