"""Reading a project's code, file by file, at one revision."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import transaction

from orgs.models import Project
from scm.adapters.base import FileMissing, FileUnreadable, ScmError
from scm.adapters.local import LocalFolder
from scm.models import CodeFile, Repository

FILES_REMEMBERED = 64

ReadFile = Callable[[str], str | None]


def reader(*, project: Project, revision: str) -> ReadFile:
    """Return a function that answers a file's text by its path, None where it is not known.

    First what came with the scan at that revision, then the project's folder. Each first use of a path is a short
    transaction of its own, so that the function may be used long after the one it was made in.
    """
    folder = _folder_of(project)
    uploaded = frozenset(CodeFile.objects.filter(project=project, revision=revision).values_list("path", flat=True))

    @lru_cache(maxsize=FILES_REMEMBERED)
    def read(path: str) -> str | None:
        if path in uploaded:
            with transaction.atomic(savepoint=False):
                return kept_text(project=project, revision=revision, path=path)
        if folder is None:
            return None
        try:
            return folder.read_file("", path, revision)
        except (FileMissing, FileUnreadable, ScmError):
            return None

    return read


def kept_text(*, project: Project, revision: str, path: str) -> str | None:
    """Return the text of a file that is kept here, None where it is not. Needs a transaction."""
    kept = CodeFile.objects.filter(project=project, revision=revision, path=path)
    return kept.values_list("blob__text", flat=True).first()


def _folder_of(project: Project) -> LocalFolder | None:
    repository = Repository.objects.filter(project=project).first()
    if repository is None or not repository.folder:
        return None
    # Asked again at each reading: the operator may have closed the folder since, or somebody put a link in its place.
    root = Path(repository.folder).resolve()
    if not any(root.is_relative_to(allowed) for allowed in settings.LOCAL_CODE_ROOTS):
        return None
    return LocalFolder(root)


def has_folder(project: Project) -> bool:
    """Tell whether a project's code can be read from a folder of this machine."""
    return _folder_of(project) is not None
