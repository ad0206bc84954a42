"""Learning of the pull request that a scan was of: CI names only its number."""

from __future__ import annotations

from django.db import transaction

import scm.access
import scm.selectors
import scm.services
from findings.models import Scan
from lib.failures import TemporaryFailure
from scm.adapters.base import RateLimited, ScmError
from scm.models import PullRequest


def learn_of_pull_request(scan_id: int) -> PullRequest | None:
    """Return the pull request of a scan as its host has it now; None where there is none that we can know.

    Raises TemporaryFailure while the host does not answer.
    """
    with transaction.atomic():
        scan = Scan.objects.select_related("project").filter(pk=scan_id).exclude(pull_request_id="").first()
        repository = None if scan is None else scm.selectors.repository_of(scan.project)
    if scan is None:
        return None
    if repository is None or repository.host is None:
        return _known(scan)
    try:
        adapter = scm.access.adapter_of(repository)
        facts = adapter.pull_request(repository.external_id, scan.pull_request_id)
    except RateLimited as error:
        raise TemporaryFailure(
            str(error), retry_after_seconds=error.retry_after_seconds, spends_attempt=False
        ) from error
    except ScmError as error:
        if not error.permanent:
            raise TemporaryFailure(str(error), retry_after_seconds=error.retry_after_seconds) from error
        with transaction.atomic():
            scm.services.note_problem(repository=repository, problem=str(error))
        return _known(scan)
    return scm.services.keep_pull_request(project=scan.project, facts=facts)


def _known(scan: Scan) -> PullRequest | None:
    with transaction.atomic():
        return PullRequest.objects.filter(project=scan.project_id, number=scan.pull_request_id).first()
