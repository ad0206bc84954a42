"""Taking a scan in: what was handed in is checked, kept, and its ingestion owed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from django.conf import settings
from django.db import connection, transaction

import orgs.services
import scm.context_upload
from events.kinds import Actor, Kind
from events.services import record
from findings import uploads
from findings.ingest import check_report
from findings.ingest.unpacking import ReportUnreadable
from findings.models import Scan, ScanState, UploadKind

MAX_CONTEXT_BYTES = 100 * 1024 * 1024  # packed; what it may unpack to is scm.context_upload's to say
MAX_RULES_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class ScanDescription:
    """What is said of a scan when it is handed in."""

    project: str
    branch: str = ""
    commit: str = ""
    pull_request_id: str = ""
    is_full: bool = True
    report_format: str = ""
    product: str = ""  # empty: as the report tells of each finding


def receive_scan(
    *,
    description: ScanDescription,
    report: IO[bytes],
    context: IO[bytes] | None = None,
    rule_file: IO[bytes] | None = None,
    actor: Actor,
) -> Scan:
    """Keep an uploaded report with what came along, and owe its ingestion.

    The report is read to its end, so that whoever uploads it hears at once if it is cut off. Handing the same in again,
    with nothing else in between, is the same scan. Raises ReportUnreadable where the report is none, UploadRefused
    where it is too large or what came along cannot be used.
    """
    _refuse_too_large(report, context, rule_file)
    report_format = check_report(cast(BinaryIO, report), max_bytes=settings.MAX_REPORT_BYTES)
    if description.report_format not in {"", report_format}:
        raise ReportUnreadable(
            f"The report was announced as {description.report_format} but is {report_format}."
            " Correct the format, or leave it out: it is recognised by its content."
        )
    if context is not None:
        _refuse_unusable_context(context)
    report.seek(0)
    described: tuple[str, ...] = (description.branch, description.commit, description.pull_request_id)
    described += (str(description.is_full), *([description.product] if description.product else []))
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
            product=description.product,
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
