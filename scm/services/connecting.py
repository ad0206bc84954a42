"""Choosing the repositories whose code may be read; nothing is read from one that was not chosen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

import orgs.selectors
import orgs.services
from events.kinds import Actor, Kind
from events.services import record
from orgs.models import Project
from scm import selectors
from scm.access import NotConnected, adapter_of, adapter_of_host
from scm.adapters.base import NotThere, ScmAdapter, ScmError
from scm.adapters.values import RepositoryFacts
from scm.models import CodeHost, Installation, PullRequest, Repository
from scm.proving import hidden_in
from scm.services.hosts import lock_hosts, webhook_secret_of
from tenancy.waiting import let_go_of_connection

LONGEST_NAME = 400
LONGEST_REMOVAL_SECONDS = 15.0
LONGEST_PROJECT_NAME = 200
GONE = "The code host was removed meanwhile."


class RepositoryRefused(Exception):
    """A repository is not connected, and nothing is changed; says why."""


@dataclass(frozen=True)
class Connected:
    """What became of a choice. `webhook_problem` says why the host could not be told to send webhooks, or is empty."""

    repository: Repository
    is_new_project: bool
    webhook_problem: str = ""


@dataclass(frozen=True)
class _Found:
    facts: RepositoryFacts
    adapter: ScmAdapter
    installation: Installation | None


def connect_repository(*, host: CodeHost, name: str, actor: Actor, project: Project | None = None) -> Connected:
    """Connect a repository, named as its host names it or by its number, to a project.

    Without one that is the project of the same name or address, or a new one. A named project is moved there from
    where its code was read before. On a host that is reached by token the webhook is made too; where that is not
    allowed the repository is connected all the same. Raise RepositoryRefused, or ScmError.
    """
    found = _find(host, _checked_name(name))
    with transaction.atomic():
        before = selectors.repository_of(project) if project is not None else None
        repository, is_new = _write(host, found, project=project, actor=actor)
    if before is not None and (before.host_id, before.external_id) != (host.pk, repository.external_id):
        _remove_webhook(before)  # where it cannot be, its webhooks concern no project any more
    return Connected(repository, is_new, webhook_problem=set_up_webhook(repository=repository))


def disconnect_repository(*, repository: Repository, actor: Actor) -> str:
    """Read nothing from a repository any more; its project stays, with its findings.

    Return why the webhook that was made there could not be removed, an empty text where it is gone.
    """
    problem = _remove_webhook(repository)
    with transaction.atomic():
        lock_hosts()
        removed, _ = Repository.objects.filter(pk=repository.pk).delete()
        if removed:
            record(
                Kind.REPOSITORY_DISCONNECTED,
                actor=actor,
                project_id=repository.project_id,
                repository=repository.full_name or repository.folder[:400],
            )
    return problem


def set_up_webhook(*, repository: Repository) -> str:
    """Have the host send webhooks for a repository; return why it does not, an empty text where it does.

    A GitHub App has one address for all of its repositories, so there is nothing to do.
    """
    host = repository.host
    if host is None or host.is_app:
        return ""
    let_go_of_connection()
    try:
        hook_id = adapter_of_host(host).ensure_webhook(
            repository.external_id,
            url=selectors.hook_url(host),
            secret=webhook_secret_of(host),
        )
    except ScmError as error:
        return hidden_in(str(error), {"webhook_secret": webhook_secret_of(host)})
    with transaction.atomic():
        Repository.objects.filter(pk=repository.pk, host=host).update(hook_id=hook_id[:40])
    repository.hook_id = hook_id[:40]
    return ""


def remove_webhooks(*, host: CodeHost) -> int:
    """Remove the webhooks that were made at a host, as far as it lets us in time; return how many are left."""
    with transaction.atomic():
        made = list(selectors.repositories_on(host).exclude(hook_id=""))
    until = time.monotonic() + LONGEST_REMOVAL_SECONDS
    left = 0
    for repository in made:
        left += time.monotonic() > until or bool(_remove_webhook(repository))
    return left


def _remove_webhook(repository: Repository) -> str:
    if repository.host is None or not repository.hook_id:
        return ""
    let_go_of_connection()
    try:
        adapter_of(repository).remove_webhook(repository.external_id, repository.hook_id)
    except ScmError as error:
        return str(error)
    return ""


# --- Finding ----------------------------------------------------------------------------------------------------------


def _checked_name(name: str) -> str:
    name = name.strip().strip("/").removesuffix(".git")
    if not name or len(name) > LONGEST_NAME or any(not "!" <= character <= "~" for character in name):
        raise RepositoryRefused("Name the repository as its host does, such as acme/shop.")
    return name


def _find(host: CodeHost, name: str) -> _Found:
    """Return a repository that we may see there, with what sees it; raise ScmError where nothing does."""
    problem: ScmError = NotConnected("The GitHub App is not installed anywhere yet. Install it first.")
    for installation in _who_may_see(host, name):
        let_go_of_connection()
        adapter = adapter_of_host(host, installation_id=installation.external_id if installation else "")
        try:
            return _Found(adapter.repository(name), adapter, installation)
        except NotThere as error:
            problem = error
    raise problem


def _who_may_see(host: CodeHost, name: str) -> Iterator[Installation | None]:
    if not host.is_app:
        yield None
        return
    owner = name.partition("/")[0].casefold()
    with transaction.atomic():
        rows = list(selectors.usable_installations(host))
    yield from sorted(rows, key=lambda row: row.account.casefold() != owner)


# --- Writing ----------------------------------------------------------------------------------------------------------


def _write(host: CodeHost, found: _Found, *, project: Project | None, actor: Actor) -> tuple[Repository, bool]:
    if all(row.pk != host.pk for row in lock_hosts()):
        raise RepositoryRefused(GONE)
    facts = found.facts
    taken = (
        Repository.objects.filter(host=host, external_id=facts.external_id).select_related("project", "host").first()
    )
    if taken is not None and (project is None or taken.project_id == project.pk):
        return taken, False
    if taken is not None:
        raise RepositoryRefused(
            f"{facts.full_name} is connected to the project {taken.project.name} already. Disconnect it there first."
        )
    is_new = False
    if project is None:
        project = _project_of(facts)
        if project is None:
            is_new, project = True, _new_project(facts, actor)
        elif (current := Repository.objects.filter(project=project).first()) is not None:
            raise RepositoryRefused(
                f"There is a project {project.name}, and its code is read from {current}. Move it there on the"
                " project's own page."
            )
    repository = _placed(project, host, found)
    if not project.url and facts.web_url:
        changes = orgs.services.ProjectChanges(url=facts.web_url[:500])
        orgs.services.change_project(project=project, changes=changes, actor=actor)
    record(
        Kind.REPOSITORY_CONNECTED,
        actor=actor,
        host_id=host.pk,
        repository_id=repository.pk,
        repository=facts.full_name[:400],
        project_id=project.pk,
        project=project.name,
    )
    return repository, is_new


def _project_of(facts: RepositoryFacts) -> Project | None:
    """Return the project that is this repository by its name, or by the address that CI said."""
    named = orgs.selectors.project_called(facts.full_name)
    if named is not None:
        return named
    address = facts.web_url.rstrip("/")
    addresses = [address, f"{address}/", f"{address}.git"]
    return Project.objects.filter(url__in=addresses).order_by("pk").first() if address else None


def _new_project(facts: RepositoryFacts, actor: Actor) -> Project:
    if len(facts.full_name) > LONGEST_PROJECT_NAME:
        raise RepositoryRefused(
            f"A project's name has at most {LONGEST_PROJECT_NAME} characters. Choose a project first."
        )
    return orgs.services.project_named(facts.full_name, actor=actor)


def _placed(project: Project, host: CodeHost, found: _Found) -> Repository:
    facts = found.facts
    repository, _ = Repository.objects.update_or_create(
        project=project,
        defaults={
            "folder": "",
            "host": host,
            "installation": found.installation,
            "external_id": facts.external_id,
            "full_name": facts.full_name[:LONGEST_NAME],
            "web_url": facts.web_url[:500],
            "default_branch": facts.default_branch[:255],
            "is_private": facts.is_private,
            "is_archived": facts.is_archived,
            "hook_id": "",
            "problem": "",
            "connected_at": timezone.now(),
        },
    )
    # Numbers of pull requests mean something in one repository only: those of another are forgotten.
    same_address = Q(origin="", web_url__startswith=f"{facts.web_url.rstrip('/')}/")
    PullRequest.objects.filter(project=project).exclude(same_address | Q(origin=repository.origin)).delete()
    return repository
