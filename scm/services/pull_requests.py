"""What a code host says of a project's pull requests."""

from __future__ import annotations

from django.db import transaction

from orgs.models import Project
from scm.adapters.values import PullRequestFacts
from scm.models import PullRequest, PullRequestState, Repository


def keep_pull_request(*, project: Project, facts: PullRequestFacts) -> PullRequest:
    """Keep what a host says of a pull request; what is older than what is known changes nothing. Safe to run twice."""
    return update_pull_request(project=project, facts=facts)[0]


def update_pull_request(*, project: Project, facts: PullRequestFacts) -> tuple[PullRequest, bool]:
    """Do the same, and tell whether anything has changed by it: of several that say the same, one is told so.

    An empty text is what a host does not say, as GitLab's webhooks leave out the author and the base: it stays.
    """
    texts = {
        "title": facts.title,
        "state": facts.state,
        "head_branch": facts.head_branch,
        "head_sha": facts.head_sha,
        "base_branch": facts.base_branch,
        "base_sha": facts.base_sha,
        "author": facts.author,
        "web_url": facts.web_url,
    }
    known: dict[str, str | bool] = {name: _storable(name, text) for name, text in texts.items() if text}
    known |= {"is_draft": facts.is_draft, "is_from_fork": facts.is_from_fork}
    with transaction.atomic():
        repository = Repository.objects.filter(project=project).select_related("host").first()
        if repository is not None and repository.origin:
            known["origin"] = repository.origin
        # `ignore_conflicts` waits for a worker that makes the same row, and then leaves it.
        PullRequest.objects.bulk_create([PullRequest(project=project, number=facts.number)], ignore_conflicts=True)
        pull_request = PullRequest.objects.select_for_update(no_key=True).get(project=project, number=facts.number)
        if _is_older(facts, pull_request):
            return pull_request, False
        is_changed = any(getattr(pull_request, name) != known[name] for name in known.keys() - {"origin"})
        for name, value in known.items():
            setattr(pull_request, name, value)
        pull_request.changed_at = facts.changed_at or pull_request.changed_at
        pull_request.save(update_fields=[*known, "changed_at"])
    return pull_request, is_changed


def _storable(name: str, text: str) -> str:
    """Return a text without what PostgreSQL does not keep, and as long as its column."""
    column = PullRequest._meta.get_field(name)
    return text.replace("\0", "")[: getattr(column, "max_length", None)]


def _is_older(facts: PullRequestFacts, known: PullRequest) -> bool:
    """Tell whether facts were overtaken by what is known already."""
    if known.state == PullRequestState.MERGED and facts.state != PullRequestState.MERGED:
        return True  # nothing undoes a merge
    if known.changed_at is None or facts.changed_at is None:
        return False
    if facts.changed_at == known.changed_at:
        # Hosts count whole seconds. Of two things in the same one, the end of a pull request came after its beginning.
        return known.state != PullRequestState.OPEN and facts.state == PullRequestState.OPEN
    return facts.changed_at < known.changed_at


def note_problem(*, repository: Repository, problem: str) -> None:
    """Say why a repository cannot be reached or written to; empty where it can again. Needs a transaction."""
    Repository.objects.filter(pk=repository.pk).update(problem=problem[:500])
