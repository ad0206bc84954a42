"""Opening a fix pull request on the host: a branch of one commit, and a draft from it.

Every step looks first whether it has been taken, so that a worker who takes over goes on where the last one was
stopped. The host is asked outside any transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import transaction
from django.urls import reverse

import findings.code
import findings.selectors
import scm.access
import scm.fetching
import scm.services
from events.kinds import ASSISTANT, Kind
from events.services import record, result_of_job
from findings.context import FindingContext
from findings.models import Finding, PresenceState
from lib.failures import TemporaryFailure
from remediation import gates
from remediation.answers import FixAnswer
from remediation.models import FixPullRequest, FixPullRequestState
from remediation.pull_requests import wording
from remediation.pull_requests.following import address_of, take_over_state
from remediation.pull_requests.patching import Verified, patched_files
from remediation.pull_requests.requesting import ARCHIVED, NOT_CONNECTED, NOT_OPEN, NOT_VERIFIED, NotPossible
from remediation.services import dependencies_near
from rules.selectors import yaml_of_rules_for
from scm.adapters.base import FileMissing, FileUnreadable, NotThere, RateLimited, Refused, ScmAdapter, ScmError
from scm.adapters.values import Commit, Proposal, PullRequestFacts, RepositoryFacts
from scm.models import HostKind, Repository
from tenancy.waiting import let_go_of_connection

BRANCH = "assistant/fix-{finding_id}-{digest}"
NO_BRANCH = (
    "The finding is on no branch of {repository} to which a pull request could be opened: the pull requests it is in"
    " are closed, or come from a fork."
)
BRANCH_GONE = "The branch {branch} is not there any more."
FILE_GONE = "{path} is not on {branch} any more."
BRANCH_TAKEN = "There is a branch {branch} already, and it holds something else. Delete it there, then try again."


@dataclass(frozen=True)
class _Work:
    """What the steps need, as it was read in one transaction."""

    asked: FixPullRequest
    finding: Finding
    repository: Repository
    context: FindingContext
    refs: tuple[tuple[str, bool], ...]  # where the finding is, best first: (branch, False) or (number, True)
    other_rules: str
    numbers_of_others: frozenset[str]


def open_on_host(*, fix_pull_request_id: int) -> None:
    """Open the pull request that was asked for, or say why not. Safe to run twice, and by two workers at once.

    Raise TemporaryFailure where the host may do it later.
    """
    try:
        with transaction.atomic():
            work = _work(fix_pull_request_id)
        if work is not None:
            _keep(work, _opened(work))
    except NotPossible as reason:
        refuse(fix_pull_request_id=fix_pull_request_id, why=str(reason))
    except RateLimited as error:
        raise TemporaryFailure(
            str(error), retry_after_seconds=error.retry_after_seconds, spends_attempt=False
        ) from error
    except ScmError as error:
        if not error.permanent:
            raise TemporaryFailure(str(error), retry_after_seconds=error.retry_after_seconds) from error
        refuse(fix_pull_request_id=fix_pull_request_id, why=str(error))


def refuse(*, fix_pull_request_id: int, why: str) -> None:
    """Say that the pull request is not opened, and why."""
    with result_of_job():
        asked = FixPullRequest.objects.select_for_update().filter(pk=fix_pull_request_id).first()
        if asked is None or asked.state != FixPullRequestState.REQUESTED:
            return
        asked.state, asked.problem = FixPullRequestState.REFUSED, why[:500]
        asked.save(update_fields=["state", "problem", "changed_at"])
        record(
            Kind.FIX_PULL_REQUEST_REFUSED,
            actor=ASSISTANT,
            finding_id=asked.finding_id,
            fix_pull_request_id=asked.pk,
            reason=why[:200],
        )


def _work(fix_pull_request_id: int) -> _Work | None:
    waiting = FixPullRequest.objects.filter(pk=fix_pull_request_id, state=FixPullRequestState.REQUESTED)
    related = ("autofix", "finding__rule", "finding__project", "finding__organization")
    asked = waiting.select_related(*related).first()
    if asked is None:
        return None
    finding = asked.finding
    repository = scm.fetching.connected_repository(finding.project)
    if repository is None:
        raise NotPossible(NOT_CONNECTED)
    if not asked.autofix.is_verified:
        raise NotPossible(NOT_VERIFIED)
    if not finding.is_open:
        raise NotPossible(NOT_OPEN)
    others = FixPullRequest.objects.filter(finding=finding).exclude(pk=asked.pk).exclude(number="")
    return _Work(
        asked=asked,
        finding=finding,
        repository=repository,
        context=findings.selectors.context_of(finding),
        refs=_refs_of(finding),
        other_rules=yaml_of_rules_for(path=finding.path, except_rule=finding.rule),
        numbers_of_others=frozenset(others.values_list("number", flat=True)),
    )


def _refs_of(finding: Finding) -> tuple[tuple[str, bool], ...]:
    """Return where the finding is: the primary branch before all, then where it was seen last."""
    present = findings.selectors.presences_of(finding).filter(state=PresenceState.PRESENT)
    refs = [
        (presence.ref.removeprefix("pull/"), True) if presence.is_pull_request else (presence.ref, False)
        for presence in present
    ]
    primary = (finding.project.primary_branch, False)
    return tuple(sorted(refs, key=lambda ref: ref != primary))


# --- Step by step on the host


def _opened(work: _Work) -> PullRequestFacts:
    let_go_of_connection(waiting_for="a code host")
    adapter = scm.access.adapter_of(work.repository)
    name = work.repository.external_id
    there = adapter.repository(name)
    if there.is_archived:
        raise NotPossible(ARCHIVED.format(repository=there.full_name))
    branch, base_branch, base_sha = _plan(work, adapter, there)
    files = _files_to_commit(work, adapter, base_branch=base_branch, base_sha=base_sha)
    proposal = _proposal(work)
    _have_commit(work, adapter, branch=branch, base_sha=base_sha, files=files, proposal=proposal)
    known = adapter.pull_request_of_branch(name, branch)
    if known is not None and known.number not in work.numbers_of_others:
        return known  # opened by the worker before us, whatever people have made of it since
    return adapter.open_pull_request(
        name,
        Proposal(
            branch=branch,
            base_branch=base_branch,
            title=wording.title_of(proposal),
            body=wording.body_of(proposal),
            is_draft=True,
        ),
    )


def _plan(work: _Work, adapter: ScmAdapter, there: RepositoryFacts) -> tuple[str, str, str]:
    """Return (branch, base branch, base commit), chosen once: a later try stands on the same commit."""
    asked = work.asked
    if not asked.base_sha:
        base_branch = _base_branch(work, adapter, there)
        base_sha = adapter.branch_sha(work.repository.external_id, base_branch)
        if base_sha is None:
            raise NotPossible(BRANCH_GONE.format(branch=base_branch))
        with transaction.atomic():
            asked = FixPullRequest.objects.select_for_update().get(pk=asked.pk)
            if not asked.base_sha:  # another worker may have chosen meanwhile
                asked.base_branch, asked.base_sha = base_branch, base_sha
                asked.branch = _branch_name(work, base_sha)
                asked.save(update_fields=["branch", "base_branch", "base_sha", "changed_at"])
    return asked.branch, asked.base_branch, asked.base_sha


def _branch_name(work: _Work, base_sha: str) -> str:
    content = json.dumps([base_sha, work.asked.autofix.edits], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    return BRANCH.format(finding_id=work.finding.pk, digest=digest)


def _base_branch(work: _Work, adapter: ScmAdapter, there: RepositoryFacts) -> str:
    """Return the branch that the fix goes into: one that the finding is on, and never one of a fork."""
    for ref, is_pull_request in work.refs:
        if not is_pull_request:
            return ref or work.finding.project.primary_branch or there.default_branch
        try:
            facts = adapter.pull_request(work.repository.external_id, ref)
        except NotThere:
            continue
        if facts.state == "open" and not facts.is_from_fork:
            return facts.head_branch
    raise NotPossible(NO_BRANCH.format(repository=there.full_name))


def _files_to_commit(work: _Work, adapter: ScmAdapter, *, base_branch: str, base_sha: str) -> dict[str, str]:
    answer = FixAnswer.model_validate({"edits": work.asked.autofix.edits, "explanation": ""})
    current: dict[str, str] = {}
    for path in dict.fromkeys(edit.path for edit in answer.edits):
        try:
            current[path] = adapter.read_file(work.repository.external_id, path, base_sha)
        except FileMissing as error:
            raise NotPossible(FILE_GONE.format(path=path, branch=base_branch)) from error
        except FileUnreadable as error:
            raise NotPossible(str(error)) from error
    return patched_files(
        context=findings.code.with_code(work.context, work.finding),
        verified=Verified(answer, _texts_then(work, list(current))),
        current=current,
        branch=base_branch,
        check=lambda context: _check_again(work, answer, context, base_sha),
    )


def _texts_then(work: _Work, paths: list[str]) -> dict[str, str | None]:
    """Return the files as the fix was verified on them, as far as they are known or can be read."""
    with transaction.atomic():
        read = scm.fetching.fetching_reader(project=work.finding.project, revision=work.asked.autofix.revision)
    return {path: read(path) for path in paths}


def _check_again(work: _Work, answer: FixAnswer, context: FindingContext, base_sha: str) -> gates.FixCheck:
    with transaction.atomic():
        read_at_base = scm.fetching.fetching_reader(project=work.finding.project, revision=base_sha)
    read_changed = context.read_file
    paths = {edit.path for edit in answer.edits}
    at_base = replace(context, read_file=lambda path: read_changed(path) if path in paths else read_at_base(path))
    return gates.check(
        context=at_base,
        answer=answer,
        rule_yaml=context.rule.yaml or None,
        other_rules_yaml=work.other_rules or None,
        known_dependencies=dependencies_near(at_base),
    )


def _have_commit(
    work: _Work,
    adapter: ScmAdapter,
    *,
    branch: str,
    base_sha: str,
    files: Mapping[str, str],
    proposal: wording.FixProposal,
) -> None:
    """Have our branch there with our one commit: make it, or find that the worker before us did."""
    name = work.repository.external_id
    sha = adapter.branch_sha(name, branch)
    if sha is None:
        try:
            message = wording.commit_message_of(proposal)
            sha = adapter.commit(name, Commit(branch=branch, parent_sha=base_sha, message=message, files=files))
        except Refused:
            sha = adapter.branch_sha(name, branch)
            if sha is None:
                raise  # refused for another reason than that somebody else has just made it
            _require_ours(name, adapter, branch, sha, files)
    else:
        _require_ours(name, adapter, branch, sha, files)
    with transaction.atomic():
        FixPullRequest.objects.filter(pk=work.asked.pk, commit="").update(commit=sha)


def _require_ours(name: str, adapter: ScmAdapter, branch: str, sha: str, files: Mapping[str, str]) -> None:
    try:
        is_ours = all(adapter.read_file(name, path, sha) == text for path, text in files.items())
    except (FileMissing, FileUnreadable):
        is_ours = False
    if not is_ours:
        raise NotPossible(BRANCH_TAKEN.format(branch=branch))


def _proposal(work: _Work) -> wording.FixProposal:
    finding, autofix = work.finding, work.asked.autofix
    address = reverse("finding", kwargs={"slug": finding.organization.slug, "finding_id": finding.pk})
    is_gitlab = work.repository.host is not None and work.repository.host.kind == HostKind.GITLAB
    return wording.FixProposal(
        rule=finding.rule.identifier.rsplit(".", 1)[-1],
        path=finding.path,
        line=finding.start_line,
        severity=finding.get_severity_display(),
        message=finding.message,
        cwes=finding.rule.cwe,
        explanation=autofix.explanation,
        checks=[(gates.TITLES.get(each["gate"], each["gate"]), each["explanation"]) for each in autofix.gates],
        finding_url=settings.PUBLIC_URL.rstrip("/") + address,
        pull_request_word="merge request" if is_gitlab else "pull request",
        written_by=autofix.model or "Built-in (no model)",
    )


def _keep(work: _Work, facts: PullRequestFacts) -> None:
    with result_of_job():
        pull_request = scm.services.keep_pull_request(project=work.finding.project, facts=facts)
        asked = FixPullRequest.objects.select_for_update().get(pk=work.asked.pk)
        if asked.state != FixPullRequestState.REQUESTED:
            return  # another worker has kept it
        asked.number, asked.web_url = pull_request.number, address_of(pull_request)
        asked.state, asked.problem = FixPullRequestState.OPENED, ""
        asked.save(update_fields=["number", "web_url", "state", "problem", "changed_at"])
        record(
            Kind.FIX_PULL_REQUEST_OPENED,
            actor=ASSISTANT,
            finding_id=asked.finding_id,
            fix_pull_request_id=asked.pk,
            number=asked.number,
        )
        take_over_state(asked, pull_request)  # people may have been faster than we
