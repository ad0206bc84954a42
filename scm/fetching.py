"""Reading the files of a connected repository from its host, one by one at a commit, and keeping them.

The host is asked outside any transaction. What is read is kept as uploaded code is; what is not there is remembered
in the cache for a while, since it is only a request that would be lost with it.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath

from django.core.cache import cache
from django.db import transaction

import orgs.selectors
import scm.access
from events.services import lease_in_hand
from lib.failures import TemporaryFailure
from orgs.models import Project
from scm.adapters.base import FileMissing, FileUnreadable, NotThere, RateLimited, ScmAdapter, ScmError
from scm.models import CodeFile, Repository
from scm.selectors import FILES_REMEMBERED, ReadFile, kept_text, reader
from scm.services import keep_files
from tenancy.waiting import let_go_of_connection

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
LONGEST_PATH = 1024
# Of one commit: a scan with thousands of findings must not copy a repository, nor use up the host's requests.
MOST_FILES = 1000
MOST_BYTES = 50 * 1024 * 1024
LARGEST_FILE_BYTES = 1024 * 1024
# At a commit a file that is not there never will be; but the host also hides what we may not see.
ABSENT_SECONDS = 24 * 3600
UNREACHABLE_SECONDS = 300
READING_SECONDS = 60
SECONDS_BEHIND_ANOTHER_READER = 2.0
SECONDS_IF_LIMITED = 60.0

COMMIT_GONE = (
    "The commit {revision} is not on {host} any more: its branch was deleted or overwritten by a force push."
    " The next scan brings a commit that can be read."
)
TOO_MANY = "Of this commit, as many files have been read from {host} as are read for one scan."


def connected_repository(project: Project) -> Repository | None:
    """Return the project's repository on a code host, with what its adapter needs. Needs a transaction."""
    connected = Repository.objects.select_related("project", "host", "installation").filter(project=project)
    return connected.filter(host__isnull=False).first()


def fetch_files(*, project: Project, revision: str, paths: Iterable[str]) -> bool:
    """Read from the host what is not known of a project at a commit, and keep it. Return whether anything came.

    Nothing is read unless the project is connected and the Assistant switched on for it. Raise TemporaryFailure where
    the host asks to wait, another worker is reading the same file, or the host fails and there is another attempt;
    whatever else goes wrong is remembered for `why_not_read`.
    """
    wanted = [path for path in dict.fromkeys(paths) if _can_be_read(path, revision)]
    if not wanted:
        return False
    with transaction.atomic():
        repository = connected_repository(project)
        if repository is None or not orgs.selectors.settings_for(project.pk).is_enabled:
            return False
        missing = _not_kept(project, revision, wanted)
    missing = [path for path in missing if cache.get(_key("absent", project, revision, path)) is None]
    if not missing or _is_given_up(project, revision):
        return False
    _wait_while_limited(repository)
    let_go_of_connection(waiting_for="a code host")
    try:
        adapter = scm.access.adapter_of(repository)
        came = [_fetch(adapter, repository, revision, path) for path in missing]
    except RateLimited as error:
        seconds = error.retry_after_seconds or SECONDS_IF_LIMITED
        cache.set(_limit_of(repository), time.time() + seconds, timeout=max(1, int(seconds)))
        raise TemporaryFailure(str(error), retry_after_seconds=seconds, spends_attempt=False) from error
    except ScmError as error:
        _give_up_for_now(repository, revision, error)
        return False
    return any(came)


def fetching_reader(*, project: Project, revision: str) -> ReadFile:
    """Return a function that answers a file's text by its path, asking the project's host for what is not known here.

    It must not be called inside a transaction, and raises as `fetch_files` does.
    """
    known = reader(project=project, revision=revision)

    @lru_cache(maxsize=FILES_REMEMBERED)
    def read(path: str) -> str | None:
        text = known(path)
        if text is None and fetch_files(project=project, revision=revision, paths=[path]):
            with transaction.atomic():
                return kept_text(project=project, revision=revision, path=path)
        return text

    return read


def why_not_read(*, project: Project, revision: str, path: str) -> str:
    """Return in words why a file could not be read from the project's host; empty where nothing is known of it."""
    repository = connected_repository(project)
    if repository is None:
        return ""
    reasons = (cache.get(_key("absent", project, revision, path)), cache.get(_key("gone", project, revision)))
    return next((str(reason) for reason in reasons if reason), repository.problem)


def _can_be_read(path: str, revision: str) -> bool:
    parts = PurePosixPath(path).parts
    is_inside = bool(parts) and not path.startswith("/") and ".." not in parts and path != "."
    return bool(COMMIT.fullmatch(revision)) and is_inside and "\0" not in path and len(path) <= LONGEST_PATH


def _not_kept(project: Project, revision: str, paths: list[str]) -> list[str]:
    kept = CodeFile.objects.filter(project=project, revision=revision, path__in=paths).values_list("path", flat=True)
    known = set(kept)
    return [path for path in paths if path not in known]


def _is_given_up(project: Project, revision: str) -> bool:
    keys = (_key("gone", project, revision), _key("unreachable", project))
    return any(cache.get(key) is not None for key in keys)


def _wait_while_limited(repository: Repository) -> None:
    """Raise TemporaryFailure where the host has asked us to wait: whoever asks all the same waits longer."""
    until = cache.get(_limit_of(repository))
    if until is not None and until > time.time():
        raise TemporaryFailure(
            f"{repository.host} asked us to wait", retry_after_seconds=until - time.time(), spends_attempt=False
        )


def _limit_of(repository: Repository) -> str:
    # A host counts the requests of a token, or of one installation of the App.
    return f"code-limited:{repository.host_id}:{repository.installation_id or 0}"


def _fetch(adapter: ScmAdapter, repository: Repository, revision: str, path: str) -> bool:
    """Read one file, by one worker at a time; the others wait their turn, and find it kept."""
    project = repository.project
    turn = _key("reading", project, revision, path)
    if not cache.add(turn, 1, timeout=READING_SECONDS):
        raise TemporaryFailure(
            "another worker is reading the same file",
            retry_after_seconds=SECONDS_BEHIND_ANOTHER_READER,
            spends_attempt=False,
        )
    try:
        with transaction.atomic():
            if not _not_kept(project, revision, [path]):
                return True  # it came between the first look and our turn
        let_go_of_connection(waiting_for="a code host")
        return _read_and_keep(adapter, repository, revision, path)
    finally:
        cache.delete(turn)


def _read_and_keep(adapter: ScmAdapter, repository: Repository, revision: str, path: str) -> bool:
    project = repository.project
    files, size = cache.get(_key("read", project, revision)) or (0, 0)
    if files >= MOST_FILES or size >= MOST_BYTES:
        cache.set(_key("absent", project, revision, path), TOO_MANY.format(host=repository.host), ABSENT_SECONDS)
        return False
    cache.set(_key("read", project, revision), (files + 1, size), ABSENT_SECONDS)
    try:
        text = adapter.read_file(repository.external_id, path, revision)
    except (FileMissing, FileUnreadable) as error:
        _remember_absent(project, revision, path, str(error))
        _note_reachable(repository)
        return False
    if len(text.encode(errors="replace")) > LARGEST_FILE_BYTES:
        _remember_absent(project, revision, path, f"{path} cannot be read: it is larger than 1 MB.")
        return False
    cache.set(_key("read", project, revision), (files + 1, size + len(text)), ABSENT_SECONDS)
    with transaction.atomic():
        keep_files(project=project, revision=revision, files=[(path, text)])
    _note_reachable(repository)
    return True


def _remember_absent(project: Project, revision: str, path: str, why: str) -> None:
    cache.set(_key("absent", project, revision, path), why, ABSENT_SECONDS)


def _give_up_for_now(repository: Repository, revision: str, error: ScmError) -> None:
    """Go on without the code, and ask no more for a while; raise TemporaryFailure where another attempt may have it."""
    lease = lease_in_hand()
    if not error.permanent and lease is not None and not lease.is_last_attempt:
        raise TemporaryFailure(str(error), retry_after_seconds=error.retry_after_seconds) from error
    project = repository.project
    if isinstance(error, NotThere) and _is_still_there(repository):
        words = COMMIT_GONE.format(revision=revision[:8], host=repository.host)
        cache.set(_key("gone", project, revision), words, ABSENT_SECONDS)
        return
    cache.set(_key("unreachable", project), 1, UNREACHABLE_SECONDS)
    note_problem(repository, str(error))


def _is_still_there(repository: Repository) -> bool:
    try:
        scm.access.adapter_of(repository).repository(repository.external_id)
    except ScmError:
        return False
    return True


def note_problem(repository: Repository, why: str) -> None:
    """Keep why a repository cannot be reached, for its pages, until it can again."""
    with transaction.atomic():
        Repository.objects.filter(pk=repository.pk).exclude(problem=why[:500]).update(problem=why[:500])


def _note_reachable(repository: Repository) -> None:
    if repository.problem:
        note_problem(repository, "")
        repository.problem = ""


def _key(what: str, project: Project, revision: str = "", path: str = "") -> str:
    """Return a key of the cache; paths are not written there in clear."""
    digest = hashlib.sha256(f"{revision}\0{path}".encode()).hexdigest()[:40]
    return f"code-{what}:{project.pk}:{digest}"
