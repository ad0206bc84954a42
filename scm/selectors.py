"""Code hosts, what is connected to them, and reading a project's code, file by file, at one revision."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet
from django.urls import reverse

from orgs.models import Project
from scm.adapters.base import FileMissing, FileUnreadable, ScmError
from scm.adapters.local import LocalFolder
from scm.drafts import GITHUB
from scm.models import CodeFile, CodeHost, Installation, Repository, WebhookDelivery

FILES_REMEMBERED = 64
DELIVERIES_SHOWN = 20

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


def code_hosts() -> QuerySet[CodeHost]:
    """Return the organization's code hosts, the oldest first."""
    return CodeHost.objects.order_by("pk")


def hosts_with_counts() -> QuerySet[CodeHost]:
    """Return the same, each with how many repositories were chosen there (`repository_count`)."""
    return code_hosts().annotate(repository_count=Count("repositories"))


def installations_of(host: CodeHost) -> QuerySet[Installation]:
    """Return where a host's App is installed, or was, by account."""
    return Installation.objects.filter(host=host).order_by("account", "pk")


def install_url(host: CodeHost) -> str:
    """Return where somebody installs a host's App, empty where that is not known."""
    if not host.is_app or not host.app_slug:
        return ""
    # GitHub Enterprise Server has its Apps' public pages elsewhere than the service.
    apps = "apps" if host.base_url == GITHUB else "github-apps"
    return f"{host.base_url}/{apps}/{host.app_slug}/installations/new"


def usable_installations(host: CodeHost) -> QuerySet[Installation]:
    """Return where a host's App is installed and not suspended, by account."""
    return Installation.objects.filter(host=host, removed_at=None, is_suspended=False).order_by("account", "pk")


def repositories_of_hosts() -> QuerySet[Repository]:
    """Return the repositories that were chosen, by name, with host, project and installation; no folders."""
    found = Repository.objects.filter(host__isnull=False).select_related("host", "project", "installation")
    return found.order_by("full_name", "pk")


def repositories_on(host: CodeHost) -> QuerySet[Repository]:
    """Return those of one host."""
    return repositories_of_hosts().filter(host=host)


def repository_of(project: Project) -> Repository | None:
    """Return where a project's code is, with its host and installation; None where only scans bring it."""
    return Repository.objects.filter(project=project).select_related("host", "installation").first()


def hook_url(host: CodeHost) -> str:
    """Return the address that a host is to send its webhooks to."""
    return hook_url_of(host.kind, host.hook_key)


def hook_url_of(kind: str, key: str) -> str:
    """Return the same for a host that is yet to be saved."""
    return settings.PUBLIC_URL.rstrip("/") + reverse(f"hook-{kind}", kwargs={"key": key})


def recent_deliveries(host: CodeHost) -> list[WebhookDelivery]:
    """Return the last webhooks that a host sent and we took, newest first, without their bodies."""
    newest = WebhookDelivery.objects.filter(host=host).order_by("-received_at", "-pk")
    return list(newest.defer("body")[:DELIVERIES_SHOWN])
