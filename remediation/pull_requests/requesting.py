"""Asking for a fix pull request, and in words why one cannot be had. Nothing here asks the host."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

import scm.fetching
from events.kinds import Actor, Kind
from events.services import record
from findings.models import Finding
from remediation.models import Autofix, FixPullRequest, FixPullRequestState
from remediation.selectors import latest_autofix, latest_fix_pull_request
from scm.models import Repository

NOT_CONNECTED = (
    "The project is not connected to a repository on GitHub or GitLab. An Admin can connect it in the settings."
)
NO_FIX = "There is no fix to open a pull request with."
NOT_VERIFIED = "Only a verified fix is opened as a pull request, and this one has not passed every check."
NOT_OPEN = "The finding is not open any more."
ARCHIVED = "{repository} is archived, so nothing can be written there."
NOT_INSTALLED = "The GitHub App is not installed on {repository} any more, or it is suspended there."
APP_MAY_NOT = (
    "The GitHub App may not {what} in {repository}. An owner there can allow it in the settings of the installation:"
    " it needs {permission}."
)
# What an App needs, in GitHub's words, and in ours.
NEEDED = {"contents": "write code", "pull_requests": "open pull requests"}
UNDER_WAY = (FixPullRequestState.REQUESTED, FixPullRequestState.OPENED)


class NotPossible(Exception):
    """A fix pull request that cannot be opened; the text is for people."""


@dataclass(frozen=True)
class Standing:
    """How it stands with the fix pull request of a finding: the newest one, and why none can be asked for now.

    `why_not` is empty where one can be asked for, and where one is under way.
    """

    latest: FixPullRequest | None
    why_not: str
    is_public: bool = False

    @property
    def is_under_way(self) -> bool:
        """Whether one is being opened, or open."""
        return self.latest is not None and self.latest.state in UNDER_WAY

    @property
    def may_be_asked_for(self) -> bool:
        """Whether one can be asked for now."""
        return not self.is_under_way and not self.why_not


def standing_of(finding: Finding) -> Standing:
    """Return how it stands with a finding's fix pull request. Needs a transaction."""
    repository = scm.fetching.connected_repository(finding.project)
    latest = latest_fix_pull_request(finding)
    if latest is not None and latest.state in UNDER_WAY:
        return Standing(latest, "")
    why_not = _why_not(finding, latest_autofix(finding), repository)
    return Standing(latest, why_not, is_public=repository is not None and not repository.is_private)


def request(*, finding: Finding, actor: Actor) -> FixPullRequest:
    """Ask for a pull request that applies the finding's verified fix; return the one under way where there is one.

    Raise NotPossible with the reason for people.
    """
    with transaction.atomic():
        # Two clicks at once wait for each other here; the second finds what the first has made.
        locked = Finding.objects.select_for_update(no_key=True, of=("self",)).select_related("project", "rule")
        finding = locked.get(pk=finding.pk)
        standing = standing_of(finding)
        if standing.is_under_way and standing.latest is not None:
            return standing.latest
        autofix = latest_autofix(finding)
        if standing.why_not or autofix is None:
            raise NotPossible(standing.why_not or NO_FIX)
        asked = FixPullRequest.objects.create(finding=finding, autofix=autofix, requested_by=actor.name[:200])
        record(Kind.FIX_PULL_REQUEST_REQUESTED, actor=actor, finding_id=finding.pk, fix_pull_request_id=asked.pk)
    return asked


def _why_not(finding: Finding, autofix: Autofix | None, repository: Repository | None) -> str:
    if autofix is None or not autofix.is_shown:
        return NO_FIX
    if not autofix.is_verified:
        return NOT_VERIFIED
    if not finding.is_open:
        return NOT_OPEN
    if repository is None:
        return NOT_CONNECTED
    if repository.is_archived:
        return ARCHIVED.format(repository=repository)
    return _why_the_app_may_not(repository)


def _why_the_app_may_not(repository: Repository) -> str:
    if repository.host is None or not repository.host.is_app:
        return ""  # what a token may do, the host says when it is asked
    installation = repository.installation
    if installation is None or installation.removed_at is not None or installation.is_suspended:
        return NOT_INSTALLED.format(repository=repository)
    allowed = installation.permissions
    for name, what in NEEDED.items():
        if allowed and allowed.get(name) != "write":
            return APP_MAY_NOT.format(what=what, repository=repository, permission=f"{name}: write")
    return ""
