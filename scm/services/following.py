"""Following what happens to repositories and installations of the App on a code host, as its webhooks tell.

Each of these is called within a transaction, and records what is different afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.db import models
from django.utils import timezone

from events.kinds import SYSTEM, Kind
from events.services import record
from scm.adapters.hook_events import RepositoriesChosen, RepositoryChanged
from scm.adapters.values import InstallationFacts, RepositoryFacts
from scm.models import CodeHost, Installation, Repository

DELETED = "The repository was deleted on the code host. The project and its findings stay."
NOT_INSTALLED = "The GitHub App was removed from the account that owns the repository. Install it there again."
NOT_CHOSEN = "The GitHub App may not see the repository any more. Choose it again in the App's settings on GitHub."


def follow_repository(*, host: CodeHost, told: RepositoryChanged) -> bool:
    """Keep what a host says of a repository; False where no project is connected to it."""
    repository = _held_repositories(host).filter(external_id=told.facts.external_id).first()
    if repository is None:
        return False
    facts = told.facts if told.tells_archived else replace(told.facts, is_archived=repository.is_archived)
    changes = _changes(repository, facts)
    repository.full_name = facts.full_name
    repository.web_url = facts.web_url or repository.web_url
    repository.default_branch = facts.default_branch or repository.default_branch
    repository.is_private = facts.is_private
    repository.is_archived = facts.is_archived
    if told.is_deleted and repository.problem != DELETED:
        repository.problem = DELETED
        changes.append("deleted")
    repository.save(update_fields=["full_name", "web_url", "default_branch", "is_private", "is_archived", "problem"])
    if changes:
        _record_change(repository, ", ".join(changes))
    return True


def _changes(repository: Repository, facts: RepositoryFacts) -> list[str]:
    changes = []
    if facts.full_name != repository.full_name:
        changes.append(f"was {repository.full_name}")
    if facts.default_branch not in ("", repository.default_branch):
        changes.append(f"default branch {facts.default_branch}")
    if facts.is_archived != repository.is_archived:
        changes.append("archived" if facts.is_archived else "no longer archived")
    if facts.is_private != repository.is_private:
        changes.append("made private" if facts.is_private else "made public")
    return changes


def follow_installation(*, host: CodeHost, facts: InstallationFacts, is_removed: bool = False) -> bool:
    """Keep what GitHub says of an installation of a host's App; False where the host is none.

    One that was removed stays so, whatever comes late: installed again it has another number. What is older than what
    is known changes nothing: a body that somebody caught could be sent again, and webhooks come in any order.
    """
    if not host.is_app:
        return False
    installation = _held_installation(host, facts.external_id)
    if installation.removed_at is not None or (_is_older(facts, installation) and not is_removed):
        return True
    was = (installation.account, installation.is_suspended, installation.permissions)
    installation.account = facts.account or installation.account
    installation.is_suspended = facts.is_suspended
    installation.permissions = dict(facts.permissions) or installation.permissions
    installation.changed_at = facts.changed_at or installation.changed_at
    if is_removed:
        installation.removed_at = timezone.now()
        Repository.objects.filter(installation=installation).update(problem=NOT_INSTALLED)
    installation.save(update_fields=["account", "is_suspended", "permissions", "changed_at", "removed_at"])
    if is_removed or was != (installation.account, installation.is_suspended, installation.permissions):
        record(
            Kind.INSTALLATION_CHANGED,
            actor=SYSTEM,
            host_id=host.pk,
            installation_id=installation.pk,
            account=installation.account,
            state="removed" if is_removed else "suspended" if installation.is_suspended else "installed",
        )
    return True


def _is_older(facts: InstallationFacts, known: Installation) -> bool:
    return facts.changed_at is not None and known.changed_at is not None and facts.changed_at < known.changed_at


def follow_choice(*, host: CodeHost, chosen: RepositoriesChosen) -> bool:
    """Connect repositories to the installation that may see them, or part them; False where none is a project's."""
    if not host.is_app:
        return False
    installation = _held_installation(host, chosen.installation_id)
    if installation.removed_at is not None:
        return False
    held = _held_repositories(host).order_by("pk")
    lost = list(held.filter(external_id__in=chosen.removed, installation=installation))
    _move(lost, to=None, problem=NOT_CHOSEN, change="hidden from the GitHub App")
    found = [each for each in held.filter(external_id__in=chosen.added) if each.installation_id != installation.pk]
    _move(found, to=installation, problem="", change="shown to the GitHub App")
    return bool(lost or found)


def _move(repositories: Iterable[Repository], *, to: Installation | None, problem: str, change: str) -> None:
    for repository in repositories:
        repository.installation, repository.problem = to, problem
        repository.save(update_fields=["installation", "problem"])
        _record_change(repository, change)


def _held_repositories(host: CodeHost) -> models.QuerySet[Repository]:
    return Repository.objects.select_for_update(no_key=True, of=("self",)).filter(host=host)


def _held_installation(host: CodeHost, external_id: str) -> Installation:
    # Which repositories it may see can be told before that it exists. `ignore_conflicts` waits for whoever makes it.
    Installation.objects.bulk_create([Installation(host=host, external_id=external_id)], ignore_conflicts=True)
    held = Installation.objects.select_for_update(no_key=True, of=("self",))
    return held.get(host=host, external_id=external_id)


def _record_change(repository: Repository, change: str) -> None:
    record(
        Kind.REPOSITORY_CHANGED,
        actor=SYSTEM,
        repository_id=repository.pk,
        project_id=repository.project_id,
        repository=repository.full_name,
        change=change,
    )
