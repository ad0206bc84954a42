"""What is to be told in a pull request: read in one short transaction, decided, and kept before any host hears."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

import findings.selectors
import findings.services
import scm.selectors
import triage.selectors
from events.kinds import ASSISTANT, Kind
from events.services import record, record_for_findings
from findings.models import Finding, Presence, PresenceState, Scan, ScanState, Triage
from notifications.commenting.grouping import Candidate, grouped
from notifications.deciding import Decision, Situation, decide, needs_second_vote
from notifications.models import Comment, CommentDecision, Outcome
from orgs.settings.effective import EffectiveSettings, settings_for
from rules.selectors import mode_of_rule_in
from scm.models import PullRequest, PullRequestState, Repository
from triage.models import Feedback, Verdict

# Guidance and fixes follow their verdict within seconds; the host's e-mail tells what the comment says at first.
PATIENCE = timedelta(seconds=4)
MOST_COMMENTS = 100  # of one pull request, beside those of rules in Block mode
SHOWN = (Outcome.COMMENTED, Outcome.WITH_NOTICE)


@dataclass(frozen=True)
class PlannedComment:
    """A comment as it is kept, and the findings that it is about."""

    row: Comment
    finding_ids: tuple[int, ...]

    @property
    def is_group(self) -> bool:
        """Whether it is a summary of equal findings."""
        return self.row.key.startswith("group-")


@dataclass(frozen=True)
class Plan:
    """All that the host is to show of a pull request; `told` are the findings of its status.

    `scanned_commit` is what the newest scan says it looked at, `problem` why that scan could not be used.
    """

    pull_request: PullRequest
    repository: Repository | None
    comments: tuple[PlannedComment, ...]
    with_notice: frozenset[int]
    told: tuple[int, ...]
    gone: frozenset[int]
    may_post: bool
    is_waiting: bool
    is_talking: bool
    scanned_commit: str = ""
    problem: str = ""


def plan(pull_request_id: int) -> Plan | None:
    """Decide about every finding of a pull request and keep why; None where nothing was scanned. Needs a transaction.

    The rows of comments that are to be posted exist afterwards: whoever finds one of them on the host knows it by them.
    """
    # The row's lock makes two runs decide one after the other.
    held = PullRequest.objects.select_for_update(no_key=True, of=("self",)).select_related("project", "organization")
    pull_request = held.filter(pk=pull_request_id).first()
    scan = None if pull_request is None else _newest_scan(pull_request)
    if pull_request is None or scan is None:
        return None
    repository = scm.selectors.repository_of(pull_request.project)
    settings = settings_for(pull_request.project_id)
    is_connected = repository is not None and repository.host is not None
    is_waiting = scan.state in {ScanState.RECEIVED, ScanState.INGESTED}
    rows = {row.key: row for row in Comment.objects.filter(pull_request=pull_request)}
    before = {
        decision.finding_id: decision
        for decision in CommentDecision.objects.filter(pull_request=pull_request).select_related("comment")
    }
    found = _findings(pull_request, known=before)
    may_decide = not is_waiting and pull_request.state == PullRequestState.OPEN
    may_post = may_decide and is_connected and settings.pull_request_comments and _patience_is_over(scan)
    decisions = _decided(
        found, pull_request=pull_request, settings=settings, is_connected=is_connected, rows=rows, before=before
    )
    keys = _keys(found, decisions, rows=rows, before=before, may_post=may_post)
    keys = _readable(keys, decisions, rows=rows)
    if may_post:
        rows = _with_rows(pull_request, keys, rows)
    if may_decide:
        _keep(pull_request, decisions, keys=keys, rows=rows, before=before)
    return Plan(
        pull_request=pull_request,
        repository=repository,
        comments=tuple(PlannedComment(rows[key], tuple(ids)) for key, ids in keys.items() if key in rows),
        with_notice=frozenset(pk for pk, (_, decided) in decisions.items() if decided.outcome == Outcome.WITH_NOTICE),
        told=tuple(pk for pk, (situation, _) in decisions.items() if situation.is_new or situation.is_commented),
        gone=frozenset(
            entry.pk
            for entry in found
            if entry.state_here != PresenceState.PRESENT  # type: ignore[attr-defined]
        ),
        may_post=may_post,
        is_waiting=is_waiting,
        is_talking=is_connected and settings.pull_request_comments,
        scanned_commit=scan.commit,
        problem=scan.failure if scan.state == ScanState.FAILED else "",
    )


def _newest_scan(pull_request: PullRequest) -> Scan | None:
    scans = Scan.objects.filter(project=pull_request.project_id, pull_request_id=pull_request.number)
    return scans.exclude(state=ScanState.RUNNING).order_by("-pk").first()


def _patience_is_over(scan: Scan) -> bool:
    return scan.settled_at is None or scan.settled_at + PATIENCE <= timezone.now()


def _findings(pull_request: PullRequest, *, known: Collection[int]) -> list[Finding]:
    """Return what is or was in the pull request, worst first, with `mode_here`, `is_new_here` and `state_here`."""
    here = Presence.objects.filter(finding=OuterRef("pk"), ref=f"pull/{pull_request.number}", is_pull_request=True)
    bases = {pull_request.project.primary_branch, pull_request.base_branch or pull_request.project.primary_branch}
    on_base = Presence.objects.filter(
        finding=OuterRef("pk"), ref__in=bases, is_pull_request=False, state=PresenceState.PRESENT
    )
    there = Presence.objects.filter(
        project=pull_request.project_id, ref=f"pull/{pull_request.number}", is_pull_request=True
    )
    present = Q(pk__in=there.filter(state=PresenceState.PRESENT).values("finding"))
    found = findings.selectors.every_finding().filter(present | Q(pk__in=list(known)), project=pull_request.project_id)
    return list(
        found.annotate(
            mode_here=mode_of_rule_in(pull_request.project_id),
            is_new_here=~Exists(on_base),
            state_here=here.values("state")[:1],
        ).order_by("-severity", "path", "start_line", "pk")
    )


def _decided(
    found: Sequence[Finding],
    *,
    pull_request: PullRequest,
    settings: EffectiveSettings,
    is_connected: bool,
    rows: Mapping[str, Comment],
    before: Mapping[int, CommentDecision],
) -> dict[int, tuple[Situation, Decision]]:
    ids = [finding.pk for finding in found]
    verdicts = triage.selectors.latest_verdicts_in_full(ids)
    disagreed = set(
        Feedback.objects.filter(finding__in=ids, agrees=False, verdict__value="false_positive").values_list(
            "finding_id", flat=True
        )
    )
    decisions = {}
    for finding in found:
        situation = Situation(
            mode=finding.mode_here,  # type: ignore[attr-defined]
            severity=finding.severity,
            product=finding.product,
            is_connected=is_connected,
            comments_on=settings.pull_request_comments,
            is_new=finding.is_new_here,  # type: ignore[attr-defined]
            is_ignored=finding.triage == Triage.IGNORED,
            is_commented=_is_commented(finding.pk, rows, before),
            has_disagreement=finding.pk in disagreed,
            recommendation=finding.recommendation,
            confidence=finding.verdict_confidence,
            needs_second_vote=needs_second_vote(
                severity=finding.severity, cwes=finding.rule.cwe, careful_cwes=settings.careful_cwes
            ),
            has_second_vote=_has_second_vote(verdicts.get(finding.pk)),
            filter_on=settings.noise_filter,
            filter_mode=settings.noise_filter_mode,
            tells_verdicts=settings.auto_triage_in_comments,
        )
        decisions[finding.pk] = (situation, decide(situation))
    return decisions


def _has_second_vote(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.has_second_vote


def _known_row(finding_id: int, rows: Mapping[str, Comment], before: Mapping[int, CommentDecision]) -> Comment | None:
    decision = before.get(finding_id)
    if decision is not None and decision.comment is not None:
        return decision.comment
    return rows.get(f"finding-{finding_id}")


def _is_commented(finding_id: int, rows: Mapping[str, Comment], before: Mapping[int, CommentDecision]) -> bool:
    row = _known_row(finding_id, rows, before)
    return row is not None and bool(row.comment_id)


def _keys(
    found: Sequence[Finding],
    decisions: Mapping[int, tuple[Situation, Decision]],
    *,
    rows: Mapping[str, Comment],
    before: Mapping[int, CommentDecision],
    may_post: bool,
) -> dict[str, list[int]]:
    """Return the findings of each comment by its key: those that have one, and where it may be, those to be told."""
    candidates = []
    for finding in found:
        situation, decided = decisions[finding.pk]
        row = _known_row(finding.pk, rows, before)
        is_here = finding.state_here == PresenceState.PRESENT  # type: ignore[attr-defined]
        is_to_be_told = may_post and is_here and decided.outcome in SHOWN
        if not (situation.is_commented or is_to_be_told):
            continue
        is_taken = row is not None and (bool(row.comment_id) or row.key.startswith("group-"))
        key = row.key if row is not None and is_taken else ""
        candidates.append(Candidate(finding.pk, finding.rule_id, finding.message, key))
    known_groups = [key for key, row in rows.items() if key.startswith("group-") and not row.is_gone]
    return dict(grouped(candidates, known_groups=known_groups))


def _readable(
    keys: Mapping[str, list[int]],
    decisions: dict[int, tuple[Situation, Decision]],
    *,
    rows: Mapping[str, Comment],
) -> dict[str, list[int]]:
    """Return as many comments as anybody reads, the worst first, and decide anew about what has no room among them.

    Those that stand there already stay, and those of rules in Block mode come in any case.
    """
    is_there = {key: key in rows and bool(rows[key].comment_id) for key in keys}
    room = MOST_COMMENTS - sum(is_there.values())
    for key in [key for key in keys if not is_there[key]][max(room, 0) :]:
        for finding_id in keys[key]:
            situation = replace(decisions[finding_id][0], is_crowded_out=True)
            decisions[finding_id] = situation, decide(situation)
    return {
        key: ids
        for key, ids in keys.items()
        if is_there[key] or any(decisions[finding_id][1].outcome in SHOWN for finding_id in ids)
    }


def _with_rows(pull_request: PullRequest, keys: Collection[str], rows: Mapping[str, Comment]) -> dict[str, Comment]:
    missing = [key for key in keys if key not in rows]
    if not missing:
        return dict(rows)
    Comment.objects.bulk_create([Comment(pull_request=pull_request, key=key) for key in missing], ignore_conflicts=True)
    return {row.key: row for row in Comment.objects.filter(pull_request=pull_request)}


def _keep(
    pull_request: PullRequest,
    decisions: Mapping[int, tuple[Situation, Decision]],
    *,
    keys: Mapping[str, Sequence[int]],
    rows: Mapping[str, Comment],
    before: Mapping[int, CommentDecision],
) -> None:
    row_of = {finding_id: rows.get(key) for key, ids in keys.items() for finding_id in ids}
    CommentDecision.objects.bulk_create(
        [
            CommentDecision(
                pull_request=pull_request,
                finding_id=finding_id,
                comment=row_of.get(finding_id),
                outcome=decided.outcome,
                reason=decided.reason,
                situation=asdict(situation),
                decided_at=timezone.now(),
            )
            for finding_id, (situation, decided) in decisions.items()
        ],
        update_conflicts=True,
        unique_fields=["pull_request", "finding"],
        update_fields=["comment", "outcome", "reason", "situation", "decided_at"],
        batch_size=500,
    )
    held = [pk for pk, (_, decided) in decisions.items() if decided.outcome == Outcome.HELD_BACK]
    findings.services.hold_back(project=pull_request.project, ref=f"pull/{pull_request.number}", finding_ids=held)
    newly_held = [pk for pk in held if pk not in before or before[pk].outcome != Outcome.HELD_BACK]
    record_for_findings(
        Kind.COMMENT_HELD_BACK, actor=ASSISTANT, finding_ids=newly_held, pull_request_id=pull_request.pk
    )
    if newly_held:
        # Once for all of them: nothing follows an event of many. The first hundred by id, so that it stays short.
        record(
            Kind.COMMENTS_HELD_BACK,
            actor=ASSISTANT,
            pull_request_id=pull_request.pk,
            count=len(newly_held),
            finding_ids=",".join(str(pk) for pk in newly_held[:100]),
        )
