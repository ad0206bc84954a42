"""What becomes of a fix pull request on the host: told by webhooks, and looked up once a day where none came."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

import scm.access
import scm.fetching
import scm.services
from events.kinds import ASSISTANT, Kind
from events.services import record
from lib.failures import TemporaryFailure
from remediation.models import FixPullRequest, FixPullRequestState
from remediation.pull_requests.requesting import UNDER_WAY
from scm.adapters.base import NotThere, RateLimited, ScmError
from scm.adapters.values import PullRequestFacts
from scm.models import PullRequest, PullRequestState, Repository
from tenancy.waiting import let_go_of_connection

STATE_OF = {
    PullRequestState.OPEN: FixPullRequestState.OPENED,
    PullRequestState.MERGED: FixPullRequestState.MERGED,
    PullRequestState.CLOSED: FixPullRequestState.CLOSED,
}
KIND_OF = {
    FixPullRequestState.OPENED: Kind.FIX_PULL_REQUEST_OPENED,
    FixPullRequestState.MERGED: Kind.FIX_PULL_REQUEST_MERGED,
    FixPullRequestState.CLOSED: Kind.FIX_PULL_REQUEST_CLOSED,
}
# Of those not opened, the host may have opened one and its answer was lost.
LOOKED_FOR = timedelta(days=7)


def follow(*, pull_request: PullRequest) -> None:
    """Let a fix pull request have the state that its pull request has on the host; any other is left alone."""
    if pull_request.is_from_fork or not pull_request.head_branch:
        return  # a fork may call its branches as it likes
    with transaction.atomic():
        ours = FixPullRequest.objects.select_for_update(of=("self",)).filter(
            Q(number=pull_request.number) | Q(number=""),
            finding__project_id=pull_request.project_id,
            branch=pull_request.head_branch,
        )
        # One that is being opened is kept by the worker that opens it.
        followed = ours.exclude(state=FixPullRequestState.REQUESTED).order_by("number", "pk").last()
        if followed is not None and not _is_of_another(followed, pull_request):
            followed.number, followed.web_url = pull_request.number, address_of(pull_request)
            take_over_state(followed, pull_request)


def take_over_state(followed: FixPullRequest, pull_request: PullRequest) -> None:
    """Give a fix pull request the state of its pull request, and record it once. Needs a transaction."""
    state = STATE_OF[PullRequestState(pull_request.state)]
    if followed.state == state:
        return
    under_way = FixPullRequest.objects.filter(finding_id=followed.finding_id, state__in=UNDER_WAY)
    if state == FixPullRequestState.OPENED and under_way.exclude(pk=followed.pk).exists():
        return  # opened again by somebody while another one is open: that one counts
    followed.state, followed.problem = state, ""
    followed.save(update_fields=["state", "problem", "number", "web_url", "changed_at"])
    record(
        KIND_OF[state],
        actor=ASSISTANT,
        finding_id=followed.finding_id,
        fix_pull_request_id=followed.pk,
        number=followed.number,
    )


def check_with_host() -> None:
    """Ask the hosts what has become of the fix pull requests that are open, or whose opening was given up lately.

    Raise TemporaryFailure where a host asks to wait.
    """
    since = timezone.now() - LOOKED_FOR
    with transaction.atomic():
        lately = Q(state=FixPullRequestState.REFUSED, changed_at__gte=since) & ~Q(branch="")
        looked_for = FixPullRequest.objects.filter(Q(state=FixPullRequestState.OPENED) | lately)
        each = list(looked_for.select_related("finding__project").order_by("pk"))
        repositories = {fix.pk: scm.fetching.connected_repository(fix.finding.project) for fix in each}
    for fix in each:
        repository = repositories[fix.pk]
        if repository is not None:
            _check(fix, repository)


def _check(fix: FixPullRequest, repository: Repository) -> None:
    let_go_of_connection(waiting_for="a code host")
    try:
        facts = _facts_of(fix, repository)
    except RateLimited as error:
        raise TemporaryFailure(
            str(error), retry_after_seconds=error.retry_after_seconds, spends_attempt=False
        ) from error
    except ScmError:
        return  # tomorrow again
    if facts is not None:
        with transaction.atomic():
            pull_request = scm.services.keep_pull_request(project=fix.finding.project, facts=facts)
            follow(pull_request=pull_request)


def _facts_of(fix: FixPullRequest, repository: Repository) -> PullRequestFacts | None:
    adapter = scm.access.adapter_of(repository)
    if not fix.number:
        return adapter.pull_request_of_branch(repository.external_id, fix.branch)
    try:
        return adapter.pull_request(repository.external_id, fix.number)
    except NotThere:
        return None


def address_of(pull_request: PullRequest) -> str:
    """Return where people see a pull request; empty where the host's word is no address to be opened."""
    return pull_request.web_url if pull_request.web_url.startswith(("https://", "http://")) else ""


def _is_of_another(followed: FixPullRequest, pull_request: PullRequest) -> bool:
    """Tell whether the pull request belongs to another request with the same branch."""
    others = FixPullRequest.objects.filter(finding_id=followed.finding_id, number=pull_request.number)
    return not followed.number and others.exclude(pk=followed.pk).exists()
