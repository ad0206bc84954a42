"""Writing findings: receiving and ingesting scans, what people decide, and what the Assistant found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

import orgs.services
import rules.services
import scm.context_upload
import scm.selectors
import scm.services
from events.kinds import SCANNER, Actor, Kind
from events.services import record, result_of_job
from findings import uploads
from findings.ingest import detect_format, open_report
from findings.ingest.base import Report, ReportedRule
from findings.ingest.reading import ReportUnreadable
from findings.ingest.writer import SEVERITY, Coverage, Merged, merge
from findings.models import (
    Analysis,
    AnalysisState,
    Finding,
    IgnoreReason,
    NotAnalysed,
    Note,
    Recommendation,
    Scan,
    ScanState,
    Triage,
    TriageSource,
    UploadKind,
)
from rules.models import Rule


@dataclass(frozen=True)
class ScanDescription:
    """What is said of a scan when it is handed in."""

    project: str
    branch: str = ""
    commit: str = ""
    pull_request_id: str = ""
    is_full: bool = True
    report_format: str = ""


# --- Scans ------------------------------------------------------------------------------------------------------------


def receive_scan(
    *,
    description: ScanDescription,
    report: BinaryIO,
    context: BinaryIO | None = None,
    rule_file: BinaryIO | None = None,
    actor: Actor,
) -> Scan:
    """Keep an uploaded report with what came along, and owe its ingestion.

    Handing the same in again, with nothing else in between, is the same scan. Raises ReportUnreadable where the file is
    no report at all, uploads.UploadTooLarge where it is over the limit.
    """
    report_format = detect_format(report)
    if description.report_format not in {"", report_format}:
        raise ReportUnreadable(
            f"The report was announced as {description.report_format} but is {report_format}."
            " Correct the format, or leave it out: it is recognised by its content."
        )
    report.seek(0)
    described = (description.branch, description.commit, description.pull_request_id, str(description.is_full))
    digest = uploads.digest_of(report, context, rule_file, described_by=described)
    with transaction.atomic():
        project = orgs.services.project_named(description.project, actor=actor)
        scan = Scan(
            project=project,
            branch=description.branch,
            commit=description.commit,
            pull_request_id=description.pull_request_id,
            is_full=description.is_full,
            report_format=report_format,
            digest=digest,
        )
        with connection.cursor() as cursor:  # two equal uploads at once are one scan too
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('scan'), %s)", [project.pk % 2**31])
        latest = (
            Scan.objects.filter(project=project, branch=scan.branch, pull_request_id=scan.pull_request_id)
            .order_by("-pk")
            .first()
        )
        if latest is not None and bytes(latest.digest) == digest and latest.state != ScanState.FAILED:
            return latest
        scan.save()
        for kind, upload in (
            (UploadKind.REPORT, report),
            (UploadKind.CONTEXT, context),
            (UploadKind.RULES, rule_file),
        ):
            if upload is not None:
                uploads.keep(scan, kind, upload, max_bytes=settings.MAX_REPORT_BYTES)
        record(Kind.SCAN_RECEIVED, actor=actor, scan_id=scan.pk, project=project.name)
    return scan


def ingest_scan(*, scan: Scan) -> Merged | None:
    """Read a received scan into findings, all in one transaction; None where its report cannot be read.

    A report that cannot be read marks the scan as failed, with the reason, and is kept.
    """
    try:
        with result_of_job():
            merged = _ingest(scan)
            record(Kind.SCAN_INGESTED, actor=SCANNER, scan_id=scan.pk, found=merged.found, new=merged.new)
        return merged  # noqa: TRY300  (the transaction above is what may fail)
    except (ReportUnreadable, scm.context_upload.ContextRefused) as problem:
        with result_of_job():
            Scan.objects.filter(pk=scan.pk).update(state=ScanState.FAILED, failure=str(problem))
            record(Kind.SCAN_FAILED, actor=SCANNER, scan_id=scan.pk)
        return None


def _ingest(scan: Scan) -> Merged:
    project = scan.project
    if not project.primary_branch and scan.is_full and not scan.pull_request_id:
        project.primary_branch = scan.branch
    context = uploads.open_upload(scan, UploadKind.CONTEXT)
    if context is not None:
        with context:
            scm.services.keep_files(
                project=project, revision=scan.revision, files=scm.context_upload.read_context(context)
            )
    upload = uploads.open_upload(scan, UploadKind.REPORT)
    if upload is None:
        raise ReportUnreadable("The report is no longer stored. Upload it again.")
    with upload:
        report = open_report(upload)
        merged = merge(
            scan=scan,
            reported=report,
            text_of=scm.selectors.reader(project=project, revision=scan.revision),
            note_rules=lambda: rules.services.note_rules(_rule(reported) for reported in report.rules.values()),
            coverage=lambda: Coverage(
                scanned=report.paths_scanned, failed=frozenset(error.path for error in report.errors if error.path)
            ),
        )
        _keep_rule_texts(scan, report)
        scan.tool = f"{report.tool_name} {report.tool_version}".strip()[:100]
        scan.problems = [f"Result {problem.position}: {problem.reason}" for problem in report.problems.kept]
    now = timezone.now()
    scan.state, scan.ingested_at, scan.failure = ScanState.INGESTED, now, ""
    scan.found_count, scan.new_count, scan.fixed_count = merged.found, merged.new, merged.fixed
    scan.save()
    project.latest_scan_at = now
    project.save(update_fields=["latest_scan_at", "primary_branch"])
    uploads.forget(scan)
    return merged


def _rule(reported: ReportedRule) -> Rule:
    return Rule(
        identifier=reported.identifier,
        message=reported.message,
        severity=SEVERITY[reported.severity],
        cwe=list(reported.cwe),
        owasp=list(reported.owasp),
        category=reported.category,
        technology=list(reported.technology),
        help_uri=reported.help_uri,
    )


def _keep_rule_texts(scan: Scan, report: Report) -> None:
    upload = uploads.open_upload(scan, UploadKind.RULES)
    if upload is None:
        return
    with upload:
        rules_yaml = upload.read().decode("utf-8", errors="replace")
    rules.services.keep_rule_texts(rules_yaml, identifiers=report.rules)


# --- What people decide -----------------------------------------------------------------------------------------------


def ignore(*, finding: Finding, reason: IgnoreReason, comment: str, actor: Actor) -> None:
    """Ignore a finding for a reason, as a person's decision."""
    _decide(finding, triage=Triage.IGNORED, reason=reason, comment=comment, actor=actor, kind=Kind.FINDING_IGNORED)


def set_triage(*, finding: Finding, triage: Triage, comment: str, actor: Actor) -> None:
    """Say where a finding stands, other than ignored, as a person's decision."""
    _decide(finding, triage=triage, reason=None, comment=comment, actor=actor, kind=Kind.FINDING_TRIAGED)


def _decide(
    finding: Finding, *, triage: Triage, reason: IgnoreReason | None, comment: str, actor: Actor, kind: Kind
) -> None:
    with transaction.atomic():
        Finding.objects.filter(pk=finding.pk).update(
            triage=triage,
            triage_source=TriageSource.PERSON,
            triage_change=F("triage_change") + 1,
            ignore_reason=reason or "",
            triage_comment=comment,
            triaged_by=actor.name,
            triaged_at=timezone.now(),
        )
        record(kind, actor=actor, finding_id=finding.pk, triage=triage.value, reason=reason.value if reason else "")
    finding.refresh_from_db()


def add_note(*, finding: Finding, text: str, actor: Actor) -> Note:
    """Write a note on a finding's activity."""
    with transaction.atomic():
        note = Note.objects.create(finding=finding, author=actor.name, text=text)
        record(Kind.NOTE_ADDED, actor=actor, finding_id=finding.pk, note_id=note.pk)
    return note


# --- What the Assistant found out -------------------------------------------------------------------------------------


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
    Finding.objects.filter(pk__in=finding_ids).update(component_tag=tag, component_risk=risk)


def apply_fix(*, finding: Finding, confidence: str, is_verified: bool) -> None:
    """Show that a fix is there, with its confidence (empty: there is none to show). Needs a transaction."""
    Finding.objects.filter(pk=finding.pk).update(has_verified_fix=is_verified, fix_confidence=confidence)


def not_analysed(*, finding_ids: Sequence[int], why: NotAnalysed, detail: str = "", scan: Scan | None = None) -> None:
    """Say why findings have no verdict. Needs a transaction."""
    Finding.objects.filter(pk__in=finding_ids, recommendation=Recommendation.NONE).update(
        not_analysed=why, not_analysed_detail=detail[:300]
    )


def begin_analysis(*, scan: Scan, finding_ids: Sequence[int]) -> None:
    """Put findings of a scan up for analysis. Needs a transaction."""
    Analysis.objects.bulk_create(
        [Analysis(scan=scan, finding_id=finding_id) for finding_id in finding_ids],
        batch_size=1000,
        ignore_conflicts=True,
    )


def end_analysis(*, finding: Finding, state: AnalysisState, actor: Actor) -> None:
    """Note that a finding's analysis has ended, and settle each scan that waited for it last. Needs a transaction."""
    scan_ids = list(
        Analysis.objects.filter(finding=finding, state=AnalysisState.WAITING).values_list("scan_id", flat=True)
    )
    Analysis.objects.filter(finding=finding, state=AnalysisState.WAITING).update(state=state)
    for scan_id in scan_ids:
        Scan.objects.filter(pk=scan_id).update(analysed_count=F("analysed_count") + 1)
        settle_if_done(scan_id=scan_id, actor=actor)


def settle_if_done(*, scan_id: int, actor: Actor) -> None:
    """Settle a scan when no finding of it waits any more. Needs a transaction."""
    # The row's lock makes two last findings of two workers see each other.
    scan = Scan.objects.select_for_update().get(pk=scan_id)
    if scan.state == ScanState.INGESTED and not scan.analyses.filter(state=AnalysisState.WAITING).exists():
        scan.state, scan.settled_at = ScanState.SETTLED, timezone.now()
        scan.save(update_fields=["state", "settled_at"])
        record(Kind.SCAN_SETTLED, actor=actor, scan_id=scan_id)
