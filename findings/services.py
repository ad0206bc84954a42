"""Writing findings: receiving and ingesting scans, what people decide, and what the Assistant found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, QuerySet
from django.utils import timezone

import orgs.services
import rules.services
import scm.context_upload
import scm.selectors
import scm.services
from events.kinds import SCANNER, SYSTEM, Actor, Kind
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
    Presence,
    Recommendation,
    Scan,
    ScanState,
    Triage,
    TriageSource,
    UploadKind,
)
from orgs.models import Project
from rules.models import Rule

MAX_CONTEXT_BYTES = 100 * 1024 * 1024  # packed; what it may unpack to is scm.context_upload's to say
MAX_RULES_BYTES = 10 * 1024 * 1024
COMPLAINTS_SHOWN = 20


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
    report: IO[bytes],
    context: IO[bytes] | None = None,
    rule_file: IO[bytes] | None = None,
    actor: Actor,
) -> Scan:
    """Keep an uploaded report with what came along, and owe its ingestion.

    Handing the same in again, with nothing else in between, is the same scan. Raises ReportUnreadable where the report
    is none at all, UploadRefused where it is too large or what came along cannot be used.
    """
    _refuse_too_large(report, context, rule_file)
    report_format = detect_format(cast(BinaryIO, report), max_bytes=settings.MAX_REPORT_BYTES)
    if description.report_format not in {"", report_format}:
        raise ReportUnreadable(
            f"The report was announced as {description.report_format} but is {report_format}."
            " Correct the format, or leave it out: it is recognised by its content."
        )
    if context is not None:
        _refuse_unusable_context(context)
    report.seek(0)
    described = (description.branch, description.commit, description.pull_request_id, str(description.is_full))
    digest = uploads.digest_of(report, context, rule_file, described_by=described)
    with transaction.atomic():
        project = orgs.services.project_named(description.project, actor=actor)
        with connection.cursor() as cursor:  # two equal uploads at once are one scan too
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('scan'), %s)", [project.pk % 2**31])
        scan = Scan(
            project=project,
            branch=description.branch or ("" if description.pull_request_id else project.primary_branch),
            commit=description.commit,
            pull_request_id=description.pull_request_id,
            is_full=description.is_full,
            report_format=report_format,
            digest=digest,
        )
        latest = _latest_scan_beside(scan)
        if latest is not None and bytes(latest.digest) == digest and latest.state != ScanState.FAILED:
            return latest
        scan.save()
        for kind, upload in (
            (UploadKind.REPORT, report),
            (UploadKind.CONTEXT, context),
            (UploadKind.RULES, rule_file),
        ):
            if upload is not None:
                uploads.keep(scan, kind, upload)
        record(Kind.SCAN_RECEIVED, actor=actor, scan_id=scan.pk, project=project.name)
    return scan


def _refuse_too_large(report: IO[bytes], context: IO[bytes] | None, rule_file: IO[bytes] | None) -> None:
    uploads.refuse_too_large(
        report,
        what="report",
        max_bytes=settings.MAX_REPORT_BYTES,
        remedy="Compress it with gzip, scan fewer folders at a time, or have the operator raise MAX_REPORT_MEGABYTES.",
    )
    if context is not None:
        uploads.refuse_too_large(
            context, what="context", max_bytes=MAX_CONTEXT_BYTES, remedy="Send the files with findings only."
        )
    if rule_file is not None:
        uploads.refuse_too_large(
            rule_file, what="rules file", max_bytes=MAX_RULES_BYTES, remedy="Send the rules of the report only."
        )


def _refuse_unusable_context(context: IO[bytes]) -> None:
    # Whoever uploads it hears at once what is wrong with it, not from a scan that failed later.
    try:
        for _ in scm.context_upload.read_context(cast(BinaryIO, context)):
            pass
    except scm.context_upload.ContextRefused as problem:
        raise uploads.UploadRefused(str(problem)) from problem
    context.seek(0)


def _latest_scan_beside(scan: Scan) -> Scan | None:
    same_place = Scan.objects.filter(project=scan.project, branch=scan.branch, pull_request_id=scan.pull_request_id)
    return same_place.order_by("-pk").first()


def ingest_scan(*, scan: Scan) -> Merged | None:
    """Read a received scan into findings, all in one transaction; None where it cannot be read, or has been.

    A report that cannot be read marks the scan as failed, with the reason, and is kept.
    """
    try:
        with result_of_job():
            merged = _ingest(scan)
            if merged is not None:
                record(Kind.SCAN_INGESTED, actor=SCANNER, scan_id=scan.pk, found=merged.found, new=merged.new)
        return merged  # noqa: TRY300  (the transaction above is what may fail)
    except (ReportUnreadable, scm.context_upload.ContextRefused) as problem:
        fail_scan(scan_id=scan.pk, why=str(problem))
        return None


def fail_scan(*, scan_id: int, why: str) -> None:
    """Say that a received scan could not be read; what was uploaded is kept."""
    with result_of_job():
        failed = Scan.objects.filter(pk=scan_id, state=ScanState.RECEIVED).update(state=ScanState.FAILED, failure=why)
        if failed:
            record(Kind.SCAN_FAILED, actor=SCANNER, scan_id=scan_id)


def _ingest(received: Scan) -> Merged | None:
    # One scan of a project at a time: two merges at once would wait for each other's rows in a circle.
    project = Project.objects.select_for_update(no_key=True).get(pk=received.project_id)
    scan = Scan.objects.get(pk=received.pk)
    if scan.state != ScanState.RECEIVED:
        return None  # somebody else ingested it while this one waited for the lock
    scan.project = project
    _adopt_primary_branch(project, scan)
    context = uploads.open_upload(scan, UploadKind.CONTEXT)
    if context is not None:
        with context:
            scm.services.keep_files(
                project=project,
                revision=scan.revision,
                files=scm.context_upload.read_context(cast(BinaryIO, context)),
            )
    upload = uploads.open_upload(scan, UploadKind.REPORT)
    if upload is None:
        raise ReportUnreadable("The report is no longer stored. Upload it again.")
    with upload, open_report(cast(BinaryIO, upload), max_bytes=settings.MAX_REPORT_BYTES) as report:
        scan.tool, scan.tool_version = report.tool_name[:100], report.tool_version[:60]
        merged = merge(
            scan=scan,
            reported=report,
            text_of=scm.selectors.reader(project=project, revision=scan.revision),
            note_rules=lambda: rules.services.note_rules(_rule(reported) for reported in report.rules.values()),
            coverage=lambda: _coverage(report),
        )
        problems = [*_problems_of(report, merged), *_keep_rule_texts(scan, report)]
    now = timezone.now()
    Scan.objects.filter(pk=scan.pk).update(
        state=ScanState.INGESTED,
        ingested_at=now,
        tool=scan.tool,
        tool_version=scan.tool_version,
        problems=problems,
        found_count=merged.found,
        new_count=merged.new,
        fixed_count=merged.fixed,
    )
    project.latest_scan_at = now
    project.save(update_fields=["latest_scan_at", "primary_branch"])
    _withdraw(Finding.objects.filter(project=project, is_present=False), why=NotAnalysed.FIXED)
    _withdraw(
        Finding.objects.filter(project=project, triage=Triage.IGNORED).exclude(first_scan=scan),
        why=NotAnalysed.IGNORED,
    )
    uploads.forget(scan)
    return merged


def _adopt_primary_branch(project: Project, scan: Scan) -> None:
    """Take the first branch that is scanned in full for the primary one, and what was scanned without a name for it."""
    if project.primary_branch or not scan.branch or not scan.is_full or scan.pull_request_id:
        return
    project.primary_branch = scan.branch
    on_no_branch = Presence.objects.filter(project=project, ref="", is_pull_request=False)
    on_the_branch = Presence.objects.filter(project=project, ref=scan.branch, is_pull_request=False)
    on_no_branch.filter(finding__in=on_the_branch.values("finding")).delete()
    on_no_branch.update(ref=scan.branch)


def _coverage(report: Report) -> Coverage:
    return Coverage(
        scanned=report.paths_scanned,
        failed=frozenset(report.complaints.paths),
        complaints=tuple(report.complaints.unplaced),
    )


def _problems_of(report: Report, merged: Merged) -> list[str]:
    """Say what of a report could not be used, and what the scanner itself could not do."""
    found = [f"Result {problem.position}: {problem.reason}." for problem in report.problems.kept]
    if report.problems.count > len(found):
        found.append(f"{report.problems.count - len(found):,} more results could not be used.")
    shown = report.complaints.kept[:COMPLAINTS_SHOWN]
    found += [
        f"The scanner said{f' of {error.path}' if error.path else ''}: {_short(error.message)}" for error in shown
    ]
    if report.complaints.count > len(shown):
        found.append(f"The scanner had {report.complaints.count - len(shown):,} more complaints.")
    if _coverage(report).is_nothing:
        found.append("The scan looked at no file, so nothing was marked as fixed.")
    if merged.without_code:
        found.append(
            f"{merged.without_code:,} findings came without any code, so they can be told apart only by their order in"
            " the file, and not be judged. Send the affected files along as `context`."
        )
    return found


def _short(message: str) -> str:
    return " ".join(message.split())[:300]


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


def _keep_rule_texts(scan: Scan, report: Report) -> list[str]:
    """Keep the rules that came along; return why they could not be, if so. A report is worth having without them."""
    upload = uploads.open_upload(scan, UploadKind.RULES)
    if upload is None:
        return []
    with upload:
        rules_yaml = upload.read().decode("utf-8", errors="replace").replace("\0", "")
    try:
        rules.services.keep_rule_texts(rules_yaml, identifiers=report.rules)
    except rules.services.RuleFileUnusable as problem:
        return [f"The rules file was not used, so fixes cannot be proved with its rules: {problem}"]
    return []


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
            triaged_by=actor.name[:200],
            triaged_at=timezone.now(),
        )
        if triage == Triage.IGNORED:
            _withdraw(Finding.objects.filter(pk=finding.pk), why=NotAnalysed.IGNORED)
        else:
            Finding.objects.filter(pk=finding.pk, not_analysed=NotAnalysed.IGNORED).update(
                not_analysed=NotAnalysed.NOT_NEW
            )
        record(kind, actor=actor, finding_id=finding.pk, triage=triage.value, reason=reason.value if reason else "")
    finding.refresh_from_db()


def add_note(*, finding: Finding, text: str, actor: Actor) -> Note:
    """Write a note on a finding's activity."""
    with transaction.atomic():
        note = Note.objects.create(finding=finding, author=actor.name[:200], text=text)
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
    _withdraw(Finding.objects.filter(pk=finding.pk), why=why)


def _withdraw(chosen: QuerySet[Finding], *, why: NotAnalysed) -> None:
    """End the analysis of those findings whose turn has not come yet: there is nothing to find out any more."""
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
