"""One file of a repository at a commit."""

from __future__ import annotations

from pathlib import PurePosixPath

from gitlab.v4.objects import Project

from lib.http.deadline import AnswerTooLong
from scm.adapters import encoding
from scm.adapters.base import FileMissing, FileUnreadable, NotThere, ScmError
from scm.adapters.gitlab.shapes import File, read

MAX_FILE_BYTES = 2 * 1024 * 1024
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
# Git's name of a blob without content, in repositories of SHA-1 and of SHA-256.
EMPTY_BLOBS = {
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
}


def text_of_file(project: Project, path: str, ref: str) -> str:
    """Return the text of a file. Raise `FileMissing`, `FileUnreadable` or `ScmError`."""
    return encoding.decoded(bytes_of_file(project, path, ref), path)


def bytes_of_file(project: Project, path: str, ref: str) -> bytes:
    """Return what is in a file. Raise `FileMissing`, `FileUnreadable` or `ScmError`."""
    _check(path)
    try:
        file = read(File, project.files.get(path, ref=ref))
    except NotThere as error:
        raise _missing(project, path, ref, error) from error
    except ScmError as error:
        if _is_too_long(error):
            raise FileUnreadable(path, _TOO_LARGE) from error
        raise
    if file.size > MAX_FILE_BYTES:
        raise FileUnreadable(path, _TOO_LARGE)
    if not file.size and file.blob_id not in EMPTY_BLOBS:
        raise FileUnreadable(path, "it is a submodule: its code lies in another repository")
    content = file.content_bytes()
    if content.startswith(LFS_POINTER):
        raise FileUnreadable(path, "it lies in Git LFS; the repository has a pointer only")
    return content


_TOO_LARGE = f"it is larger than {MAX_FILE_BYTES // 1024**2} MB"


def _check(path: str) -> None:
    if "\0" in path:
        raise FileUnreadable(path, "its name has a character that is not allowed")
    if path.startswith("/") or ".." in PurePosixPath(path).parts:
        raise FileUnreadable(path, "it lies outside the repository")
    if not PurePosixPath(path).parts:
        raise FileUnreadable(path, "it names no file")


def _missing(project: Project, path: str, ref: str, error: NotThere) -> ScmError:
    """Return what a 404 means: no such project or commit, a folder, or nothing at all."""
    if "file not found" not in str(error).lower():
        return error
    try:
        entries = project.repository_tree(path=path, ref=ref, per_page=1, get_all=False)
    except NotThere:
        entries = []
    return FileUnreadable(path, "it is a folder") if entries else FileMissing(path)


def _is_too_long(error: BaseException | None) -> bool:
    """Tell whether an answer was cut because no file that is read is so long."""
    while error is not None:
        if isinstance(error, AnswerTooLong):
            return True
        error = error.__cause__
    return False
