"""Having the code of a finding here before it is needed: read from the project's host where no scan brought it."""

from __future__ import annotations

from django.db import transaction

import findings.selectors
import scm.fetching
from findings.context import FindingContext
from findings.models import Finding


def with_code(context: FindingContext, finding: Finding) -> FindingContext:
    """Return the finding's context with the code from the project's host, where none was known here.

    Not inside a transaction. Raise TemporaryFailure where the code may come later.
    """
    if context.source is not None or not fetch(finding):
        return context
    with transaction.atomic():
        return findings.selectors.context_of(finding)


def fetch(finding: Finding) -> bool:
    """Read a finding's file from the project's host unless it is known here; return whether it came.

    Not inside a transaction. Raise TemporaryFailure where it may come later.
    """
    return scm.fetching.fetch_files(project=finding.project, revision=finding.revision, paths=[finding.path])


def why_unknown(finding: Finding) -> str:
    """Return in words why the finding's code could not be read from its host; empty where nothing went wrong."""
    return scm.fetching.why_not_read(project=finding.project, revision=finding.revision, path=finding.path)
