"""The check or status at the commit of a pull request."""

from __future__ import annotations

import hashlib

from django.db import transaction
from django.utils import timezone

import notifications.selectors
from events.services import part_of_job, result_of_job
from notifications.commenting.planning import Plan
from notifications.models import CommitStatus
from notifications.rendering import render_status
from scm.adapters.base import ScmAdapter, ScmError
from scm.models import PullRequest, PullRequestState, Repository

LONGEST_PROBLEM = 300


def show(adapter: ScmAdapter, repository: Repository, planned: Plan) -> None:
    """Have the host show at the pull request's commit how its findings stand. Raise ScmError that may pass."""
    pull_request = planned.pull_request
    sha = pull_request.head_sha
    if not sha or pull_request.state != PullRequestState.OPEN or _was_of_earlier_commit(pull_request, planned):
        return
    with part_of_job(), result_of_job():
        CommitStatus.objects.bulk_create([CommitStatus(pull_request=pull_request, commit=sha)], ignore_conflicts=True)
    with transaction.atomic():
        row = CommitStatus.objects.get(pull_request=pull_request, commit=sha)
        draft = render_status(
            notifications.selectors.status_report(
                planned.told,
                pull_request=pull_request,
                with_notice=planned.with_notice,
                is_waiting=planned.is_waiting,
                problem=planned.problem,
            )
        )
    digest = hashlib.sha256(repr(draft).encode()).digest()
    if row.digest is not None and bytes(row.digest) == digest:
        return
    try:
        external_id = adapter.show_status(repository.external_id, sha, draft, external_id=row.external_id)
    except ScmError as error:
        if not error.permanent:
            raise
        # Comments do not depend on it: a token may be allowed the one and not the other.
        with part_of_job(), result_of_job():
            CommitStatus.objects.filter(pk=row.pk).update(problem=str(error)[:LONGEST_PROBLEM])
        return
    with part_of_job(), result_of_job():
        CommitStatus.objects.filter(pk=row.pk).update(
            external_id=external_id, digest=digest, problem="", reported_at=timezone.now()
        )


def _was_of_earlier_commit(pull_request: PullRequest, planned: Plan) -> bool:
    """Tell whether what is known was found at an earlier commit: the new one waits for a scan of its own.

    CI may call a commit that is only the merge of the two branches, so the names alone do not tell.
    """
    scanned = planned.scanned_commit
    if not scanned or scanned == pull_request.head_sha:
        return False
    return CommitStatus.objects.filter(pull_request=pull_request, commit=scanned).exists()
