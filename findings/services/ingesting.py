"""Reading a received scan into findings, rules and presence, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import BinaryIO, cast

from django.conf import settings
from django.utils import timezone

import rules.services
import scm.context_upload
import scm.selectors
import scm.services
from events.kinds import SCANNER, Kind
from events.services import record, result_of_job
from findings import uploads
from findings.ingest import open_report
from findings.ingest.base import Product, Report, ReportedFinding, ReportedRule
from findings.ingest.unpacking import ReportUnreadable
from findings.ingest.writer import SEVERITY, Coverage, Merged, merge
from findings.models import Finding, NotAnalysed, Presence, Scan, ScanState, Triage, UploadKind
from findings.services.analysing import withdraw
from orgs.models import Project
from rules.models import Rule

COMPLAINTS_SHOWN = 20


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
        scan.tool = report.tool_name[:100]
        scan.tool_version = (report.tool_version or scan.ci.get("cli_version", ""))[:60]
        merged = merge(
            scan=scan,
            reported=_of_product(report, scan.product),
            text_of=scm.selectors.reader(project=project, revision=scan.revision),
            note_rules=lambda: rules.services.note_rules(_rule(reported) for reported in report.rules.values()),
            coverage=lambda: _coverage(report),
        )
        problems = [*_problems_of(scan, report, merged), *_keep_rule_texts(scan, report)]
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
    withdraw(Finding.objects.filter(project=project, is_present=False), why=NotAnalysed.FIXED)
    withdraw(
        Finding.objects.filter(project=project, triage=Triage.IGNORED).exclude(first_scan=scan),
        why=NotAnalysed.IGNORED,
    )
    uploads.forget(scan)
    return merged


def _of_product(report: Report, product: str) -> Iterable[ReportedFinding]:
    """Return the findings of a report, all of the product that was said with the upload, if one was."""
    return (replace(finding, product=Product(product)) for finding in report) if product else report


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
        rules_run=report.rules_run,
        renamed=report.paths_renamed,
    )


def _problems_of(scan: Scan, report: Report, merged: Merged) -> list[str]:
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
    if _coverage(report).is_nothing and scan.is_full:
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
        confidence=reported.confidence,
    )


def _keep_rule_texts(scan: Scan, report: Report) -> list[str]:
    """Keep the rules that came along; return why they could not be, if so. A report is worth having without them."""
    upload = uploads.open_upload(scan, UploadKind.RULES)
    if upload is None:
        return []
    with upload:
        rules_yaml = upload.read().decode("utf-8", errors="replace").replace("\0", "")
    try:
        rules.services.keep_rule_texts(rules_yaml, identifiers=report.rules, actor=SCANNER)
    except rules.services.RuleFileUnusable as problem:
        return [f"The rules file was not used, so fixes cannot be proved with its rules: {problem}"]
    return []
