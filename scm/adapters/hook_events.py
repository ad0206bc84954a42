"""What a host tells us unasked, in our words, whichever host it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from scm.adapters.values import InstallationFacts, PullRequestFacts, RepositoryFacts


@dataclass(frozen=True)
class PullRequestChanged:
    """A pull request was opened, pushed to, retitled, merged, closed or opened again."""

    repository_id: str
    facts: PullRequestFacts


@dataclass(frozen=True)
class CommentWritten:
    """Somebody wrote a comment in a pull request. `parent_id` is the comment that it answers, `thread_id` its thread.

    Each is empty where the host does not say. `author_id` is the host's number of the person.
    """

    repository_id: str
    number: str
    comment_id: str
    parent_id: str
    thread_id: str
    author: str
    author_id: str
    body: str
    is_bot: bool = False
    is_on_line: bool = True


@dataclass(frozen=True)
class RepositoryChanged:
    """A repository was renamed, moved, archived, made public or private, or deleted.

    `tells_archived` is False where the host says nothing of it: `is_archived` of the facts means nothing then.
    """

    facts: RepositoryFacts
    is_deleted: bool = False
    tells_archived: bool = True


@dataclass(frozen=True)
class InstallationChanged:
    """The App was installed, given other permissions, suspended, or removed (`is_removed`)."""

    facts: InstallationFacts
    is_removed: bool = False


@dataclass(frozen=True)
class RepositoriesChosen:
    """Which repositories an installation of the App may see has changed; ids as the host numbers them."""

    installation_id: str
    added: tuple[str, ...] = field(default=())
    removed: tuple[str, ...] = field(default=())


HookEvent = PullRequestChanged | CommentWritten | RepositoryChanged | InstallationChanged | RepositoriesChosen
