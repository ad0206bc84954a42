"""What a code host says of a project's pull requests."""

from __future__ import annotations

from django.db import transaction

from orgs.models import Project
from scm.adapters.values import PullRequestFacts
from scm.models import PullRequest


def keep_pull_request(*, project: Project, facts: PullRequestFacts) -> PullRequest:
    """Keep what a host says of a pull request; what is older than what is known changes nothing. Safe to run twice."""
    known = {
        "title": facts.title[:500],
        "state": facts.state,
        "is_draft": facts.is_draft,
        "is_from_fork": facts.is_from_fork,
        "head_branch": facts.head_branch,
        "head_sha": facts.head_sha,
        "base_branch": facts.base_branch,
        "base_sha": facts.base_sha,
        "author": facts.author,
        "web_url": facts.web_url,
        "changed_at": facts.changed_at,
    }
    with transaction.atomic():
        # `ignore_conflicts` waits for a worker that makes the same row, and then leaves it.
        PullRequest.objects.bulk_create([PullRequest(project=project, number=facts.number)], ignore_conflicts=True)
        pull_request = PullRequest.objects.select_for_update(no_key=True).get(project=project, number=facts.number)
        is_older = (
            pull_request.changed_at is not None
            and facts.changed_at is not None
            and facts.changed_at < pull_request.changed_at
        )
        if not is_older:
            for name, value in known.items():
                setattr(pull_request, name, value)
            pull_request.save(update_fields=list(known))
    return pull_request
