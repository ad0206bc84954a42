"""What the Assistant finds out about findings, and how far the analysis of a scan has come."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, F, QuerySet
from django.utils import timezone

from events.kinds import SYSTEM, Actor, Kind
from events.services import record
from findings.models import Analysis, AnalysisState, Finding, NotAnalysed, Presence, Recommendation, Scan, ScanState
from orgs.models import Project


def apply_verdict(*, finding: Finding, recommendation: Recommendation, confidence: str) -> None:
    """Show a verdict in lists and filters. Needs a transaction; never touches triage."""
    Finding.objects.filter(pk=finding.pk).update(
        recommendation=recommendation,
        verdict_confidence=confidence,
        not_analysed=NotAnalysed.NO,
        not_analysed_detail="",
    )


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
    """Note that a finding's analysis has ended, and settle each scan that waited for it last. Needs a transaction."""
    _end_analyses([finding.pk], state=state, counter="analysed_count", actor=actor)


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


def settle_if_done(*, scan_id: int, actor: Actor) -> None:
    """Settle a scan when no finding of it waits any more. Needs a transaction."""
    # The row's lock makes two last findings of two workers see each other.
    scan = Scan.objects.select_for_update().get(pk=scan_id)
    if scan.state == ScanState.INGESTED and not scan.analyses.filter(state=AnalysisState.WAITING).exists():
        scan.state, scan.settled_at = ScanState.SETTLED, timezone.now()
        scan.save(update_fields=["state", "settled_at"])
        record(Kind.SCAN_SETTLED, actor=actor, scan_id=scan_id)


def hold_back(*, project: Project, ref: str, finding_ids: Sequence[int]) -> None:
    """Note of which findings of a pull request no comment is made, and of no others. Needs a transaction."""
    there = Presence.objects.filter(project=project, ref=ref, is_pull_request=True)
    there.filter(held_back=True).exclude(finding__in=finding_ids).update(held_back=False)
    there.filter(held_back=False, finding__in=finding_ids).update(held_back=True)
