"""What the Assistant finds out about findings, and how far the analysis of a scan has come."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, F, QuerySet
from django.utils import timezone

import findings.selectors
from events.kinds import SYSTEM, Actor, Kind
from events.services import record, result_of_job
from findings.models import (
    Analysis,
    AnalysisState,
    Finding,
    NotAnalysed,
    Presence,
    PresenceState,
    Recommendation,
    Scan,
    ScanState,
)
from orgs.models import Project


def apply_verdict(*, finding: Finding, recommendation: Recommendation, confidence: str) -> None:
    """Show a verdict in lists and filters. Needs a transaction; never touches triage."""
    Finding.objects.filter(pk=finding.pk).update(
        recommendation=recommendation,
        verdict_confidence=confidence,
        not_analysed=NotAnalysed.NO,
        not_analysed_detail="",
    )


def hold_back_no_more(*, finding: Finding) -> None:
    """Take away the mark that a finding's comments were left out, wherever it is. Needs a transaction."""
    Presence.objects.filter(finding=finding, held_back=True).update(held_back=False)


def hold_back(*, project: Project, ref: str, finding_ids: Sequence[int]) -> None:
    """Mark these findings of a pull request as left out by the noise filter, and no others. Needs a transaction."""
    there = Presence.objects.filter(project=project, ref=ref, is_pull_request=True)
    there.filter(held_back=True).exclude(finding__in=finding_ids).update(held_back=False)
    there.filter(held_back=False, finding__in=finding_ids).update(held_back=True)


def apply_component(*, finding_ids: Sequence[int], tag: str, risk: str) -> None:
    """Show what the findings' file is for. Needs a transaction."""
    # Locked in the order of ids, as an import does, so that the two do not wait for each other in a circle.
    in_order = Finding.objects.select_for_update(no_key=True).filter(pk__in=finding_ids).order_by("pk")
    Finding.objects.filter(pk__in=list(in_order.values_list("pk", flat=True))).update(
        component_tag=tag, component_risk=risk
    )


def apply_fix(*, finding: Finding, confidence: str, is_verified: bool) -> None:
    """Show that a fix is there, with its confidence (empty: there is none to show). Needs a transaction."""
    Finding.objects.filter(pk=finding.pk).update(has_verified_fix=is_verified, fix_confidence=confidence)


def not_analysed(*, finding_ids: Sequence[int], why: NotAnalysed, detail: str = "") -> None:
    """Say why findings have no verdict; one that has an earlier verdict keeps it. Needs a transaction."""
    chosen = Finding.objects.filter(pk__in=finding_ids)
    chosen.exclude(recommendation=Recommendation.NONE).update(not_analysed=NotAnalysed.NO, not_analysed_detail="")
    chosen.filter(recommendation=Recommendation.NONE).update(not_analysed=why, not_analysed_detail=detail[:300])


def begin_analysis(*, scan: Scan, finding_ids: Sequence[int]) -> None:
    """Put findings of a scan up for analysis. Needs a transaction."""
    Analysis.objects.bulk_create(
        [Analysis(scan=scan, finding_id=finding_id) for finding_id in finding_ids],
        batch_size=1000,
        ignore_conflicts=True,
    )


def end_analysis(*, finding: Finding, state: AnalysisState, actor: Actor) -> None:
    """Note that a finding's analysis has ended, and settle each scan that waited for it last. Needs a transaction.

    A verdict that comes after a scan of a pull request was settled is recorded as late, so that what was posted there
    follows: the wait was over, or somebody asked only then.
    """
    settled = _settled_pull_requests(finding) if state == AnalysisState.JUDGED else []
    _end_analyses([finding.pk], state=state, counter="analysed_count", actor=actor)
    for scan_id in settled:
        record(Kind.LATE_ANSWER, actor=actor, finding_id=finding.pk, scan_id=scan_id)


def _settled_pull_requests(finding: Finding) -> list[int]:
    """Return the latest scan of each pull request where the finding is, of those that wait for no verdict any more."""
    there = Presence.objects.filter(
        finding=finding, is_pull_request=True, state=PresenceState.PRESENT, last_scan__state=ScanState.SETTLED
    )
    return list(there.order_by("last_scan").values_list("last_scan", flat=True))


def wait_for_earlier(*, scan: Scan) -> None:
    """Let a scan of a pull request wait for what earlier scans put up and it reports again. Needs a transaction."""
    seen_again = Presence.objects.filter(
        project=scan.project_id,
        ref=scan.ref,
        is_pull_request=True,
        state=PresenceState.PRESENT,
        last_scan=scan,
        finding__not_analysed=NotAnalysed.WAITING,
        finding__recommendation=Recommendation.NONE,
    )
    begin_analysis(scan=scan, finding_ids=list(seen_again.values_list("finding", flat=True)))


def end_left_out(*, scan: Scan) -> None:
    """Let later scans wait no more for what the planning of this one has left out. Needs a transaction."""
    left_out = (
        Analysis.objects.filter(state=AnalysisState.WAITING, finding__first_scan=scan)
        .exclude(finding__not_analysed=NotAnalysed.WAITING)
        .order_by("finding")
    )
    _end_analyses(
        list(left_out.values_list("finding", flat=True)),
        state=AnalysisState.SKIPPED,
        counter="skipped_count",
        actor=SYSTEM,
    )


def skip_analysis(*, finding: Finding, why: NotAnalysed) -> None:
    """End a finding's analysis before its turn has come. Needs a transaction."""
    withdraw(Finding.objects.filter(pk=finding.pk), why=why)


def withdraw(chosen: QuerySet[Finding], *, why: NotAnalysed) -> None:
    """End the analysis of those findings whose turn has not come, and say why. Needs a transaction."""
    waiting = list(chosen.filter(not_analysed=NotAnalysed.WAITING).order_by("pk").values_list("pk", flat=True))
    not_analysed(finding_ids=waiting, why=why)
    _end_analyses(waiting, state=AnalysisState.SKIPPED, counter="skipped_count", actor=SYSTEM)


def _end_analyses(finding_ids: Sequence[int], *, state: AnalysisState, counter: str, actor: Actor) -> None:
    waiting = Analysis.objects.filter(finding__in=finding_ids, state=AnalysisState.WAITING)
    # In the order of ids, so that two workers that end the last findings of the same scans do not block each other.
    per_scan = list(waiting.values_list("scan_id").annotate(count=Count("pk")).order_by("scan_id"))
    waiting.update(state=state)
    for scan_id, count in per_scan:
        Scan.objects.filter(pk=scan_id).update(**{counter: F(counter) + count})
        settle_if_done(scan_id=scan_id, actor=actor)


def settle_without_verdicts(*, scan_id: int, actor: Actor) -> None:
    """Settle a scan whose wait for verdicts is over, with what is known; what comes later is recorded as late."""
    with result_of_job():
        scan = Scan.objects.select_for_update().get(pk=scan_id)
        if scan.state != ScanState.INGESTED:
            return
        scan.late_count = findings.selectors.without_verdict(scan)
        _settle(scan, actor=actor)


def _settle(scan: Scan, *, actor: Actor) -> None:
    scan.state, scan.settled_at = ScanState.SETTLED, timezone.now()
    scan.save(update_fields=["state", "settled_at", "late_count"])
    record(Kind.SCAN_SETTLED, actor=actor, scan_id=scan.pk, late=scan.late_count)


def settle_if_done(*, scan_id: int, actor: Actor) -> None:
    """Settle a scan when no finding of it waits any more. Needs a transaction."""
    # The row's lock makes two last findings of two workers see each other.
    scan = Scan.objects.select_for_update().get(pk=scan_id)
    if scan.state == ScanState.INGESTED and not scan.analyses.filter(state=AnalysisState.WAITING).exists():
        _settle(scan, actor=actor)
