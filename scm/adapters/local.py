"""Repositories that lie in a folder of the server, which its operator named."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePosixPath

from scm.adapters.base import CodeReader, FileMissing, FileUnreadable, ScmError

MAX_FILE_BYTES = 2 * 1024 * 1024

# A link is refused wherever it leads: following one inside the folder could still be swapped for one outside.
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # O_NONBLOCK: opening a pipe would wait for ever


class LocalFolder(CodeReader):
    """The folder `root`: each repository is a folder in it, or the folder itself where `repository` is empty.

    Files are read as they lie there: a folder has no commits, so `ref` is not looked at.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def read_file(self, repository: str, path: str, ref: str) -> str:
        """Return the text of a file. Raise `FileMissing`, `FileUnreadable`, or `ScmError` where the folder is gone."""
        names = (*_names(repository, path, is_folder=True), *_names(path, path, is_folder=False))
        try:
            folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ScmError(f"The local folder cannot be opened: {error.strerror}.", permanent=False) from error
        try:
            return _text(_content(folder, names, path), path)
        finally:
            os.close(folder)


def _names(given: str, path: str, *, is_folder: bool) -> tuple[str, ...]:
    parts = PurePosixPath(given).parts
    if "\0" in given or "\\" in given:
        raise FileUnreadable(path, "its name has a character that is not allowed")
    if given.startswith("/") or ".." in parts:
        raise FileUnreadable(path, "it lies outside the repository")
    if not parts and not is_folder:
        raise FileUnreadable(path, "it names no file")
    return parts


def _content(root: int, names: tuple[str, ...], path: str) -> bytes:
    """Open folder by folder, so that no link on the way, nor one put there meanwhile, leads elsewhere."""
    folder, opened = root, []
    try:
        for name in names[:-1]:
            folder = os.open(name, _FOLDER, dir_fd=folder)
            opened.append(folder)
        file = os.open(names[-1], _FILE, dir_fd=folder)
        opened.append(file)
        return _bytes_of(file, path)
    except OSError as error:
        raise _refusal(error, path) from error
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _bytes_of(file: int, path: str) -> bytes:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise FileUnreadable(path, "it is a folder, a device or a pipe")
    if status.st_size > MAX_FILE_BYTES:
        raise FileUnreadable(path, f"it is larger than {MAX_FILE_BYTES // 1024**2} MB")
    with os.fdopen(os.dup(file), "rb") as opened:
        content = opened.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:  # files of /proc say that they are empty, others grow
        raise FileUnreadable(path, f"it is larger than {MAX_FILE_BYTES // 1024**2} MB")
    return content


def _refusal(error: OSError, path: str) -> ScmError:
    match error.errno:
        case errno.ENOENT:
            return FileMissing(path)
        case errno.ELOOP | errno.EMLINK | errno.ENOTDIR:
            # A link met by O_NOFOLLOW with O_DIRECTORY is ENOTDIR on Linux, as is a file in a folder's place.
            return FileUnreadable(path, "a part of its path is a link or no folder")
        case errno.ENXIO:
            return FileUnreadable(path, "it is a folder, a device or a pipe")
        case errno.EACCES | errno.EPERM:
            return FileUnreadable(path, "the server may not read it")
        case errno.ENAMETOOLONG:
            return FileMissing(path)
        case _:
            return ScmError(f"{path} could not be read: {error.strerror}.", permanent=False)


def _text(content: bytes, path: str) -> str:
    if b"\0" in content:
        raise FileUnreadable(path, "it is not text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # decodes anything; older sources are nearly always that
