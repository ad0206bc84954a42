"""A scan that `semgrep ci` runs: started, configured, its results received, completed, or lost on the way."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, BinaryIO, cast

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

import orgs.services
from events.kinds import SYSTEM, Actor, Kind
from events.services import record, result_of_job
from findings import blocking, uploads
from findings.ingest import check_report
from findings.ingest.unpacking import ReportUnreadable
from findings.models import Scan, ScanState, UploadKind

FORMAT = "semgrep_ci"
MOST_STDERR = 500

NOT_ALLOWED_PRO = (
    "The client asked for Semgrep's Pro engine, which this server does not have, and stopped before it scanned"
    " anything. Add --oss-only to the command: semgrep ci --oss-only"
)
NO_RESULTS = (
    "The client fetched its rules and sent no results. Most often --oss-only is missing (semgrep ci --oss-only);"
    " otherwise the CI job was cancelled or lost its connection. Its log says more; run the job again."
)
NEVER_CONFIGURED = "The client announced the scan and never fetched its rules: the CI job was cancelled. Run it again."
NEVER_COMPLETED = (
    "The client sent its results but never said that it was done: the CI job was cancelled or lost its connection, so"
    " it has not heard what blocks. Run the job again."
)


@dataclass(frozen=True)
class ClientScan:
    """What a client says of the scan that it is about to run; `client_id` is its own and stays when it tries again."""

    client_id: uuid.UUID
    project: str
    project_url: str = ""
    tags: tuple[str, ...] | None = None  # of `.semgrepconfig.yml`; None: it has none, so ours stay
    branch: str = ""
    commit: str = ""
    pull_request_id: str = ""
    is_full: bool = True
    ci: Mapping[str, str] = field(default_factory=dict)


def start_client_scan(*, client_scan: ClientScan, actor: Actor) -> Scan:
    """Note that a scan begins; the same client id again is the same scan."""
    with transaction.atomic():
        project = orgs.services.project_named(client_scan.project, actor=actor)
        with connection.cursor() as cursor:  # a client that tries again does so while the first try may still run
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('client scan'), %s)", [project.pk % 2**31])
        known = Scan.objects.select_related("project").filter(client_id=client_scan.client_id).first()
        if known is not None:
            return known
        orgs.services.describe_project(project=project, url=client_scan.project_url, tags=client_scan.tags)
        scan = Scan.objects.create(
            project=project,
            branch=client_scan.branch,
            commit=client_scan.commit,
            pull_request_id=client_scan.pull_request_id,
            is_full=client_scan.is_full,
            report_format=FORMAT,
            state=ScanState.RUNNING,
            digest=hashlib.sha256(client_scan.client_id.bytes).digest(),
            client_id=client_scan.client_id,
            ci=dict(client_scan.ci),
        )
        record(Kind.SCAN_STARTED, actor=actor, scan_id=scan.pk, project=project.name)
    return scan


def note_configured(*, scan: Scan) -> None:
    """Note that the client has fetched its rules."""
    Scan.objects.filter(pk=scan.pk, configured_at=None).update(configured_at=timezone.now())


def receive_results(*, scan: Scan, results: IO[bytes], actor: Actor) -> None:
    """Keep the client's results and owe their ingestion; a second time changes nothing.

    Raises ReportUnreadable where they are none, UploadRefused where they are too large.
    """
    uploads.refuse_too_large(
        results,
        what="upload",
        max_bytes=settings.MAX_REPORT_BYTES,
        remedy="Scan fewer folders at a time, or have the operator raise MAX_REPORT_MEGABYTES.",
    )
    found = check_report(cast(BinaryIO, results), max_bytes=settings.MAX_REPORT_BYTES)
    if found != FORMAT:
        raise ReportUnreadable("These are not the results that `semgrep ci` sends.")
    with transaction.atomic():
        scan = Scan.objects.select_for_update().select_related("project").get(pk=scan.pk)
        if not _waits_for_results(scan):
            return
        uploads.keep(scan, UploadKind.REPORT, results)
        scan.state, scan.failure = ScanState.RECEIVED, ""
        scan.save(update_fields=["state", "failure"])
        record(Kind.SCAN_RECEIVED, actor=actor, scan_id=scan.pk, project=scan.project.name)


def _waits_for_results(scan: Scan) -> bool:
    if scan.state == ScanState.RUNNING:
        return True
    # Given up too early: the results count after all.
    return scan.state == ScanState.FAILED and not scan.chunks.exists() and scan.ingested_at is None


def complete(*, scan: Scan, exit_code: int | None, is_last_try: bool) -> blocking.Decision:
    """Note that the client is done, and decide what blocks, or that it should ask again.

    Findings are waited for from the first call on, as long as the organization's settings say, and need no worker at
    the end of it: what was uploaded decides then.
    """
    with transaction.atomic():
        scan = Scan.objects.select_for_update().select_related("project").get(pk=scan.pk)
        if scan.completed_at is None:
            scan.completed_at, scan.exit_code = timezone.now(), exit_code
            scan.failure = "" if scan.failure == NEVER_COMPLETED else scan.failure
            scan.save(update_fields=["completed_at", "exit_code", "failure"])
        decision = blocking.decide(scan, is_last_try=is_last_try)
        if decision.is_final and scan.blocking_count is None:
            scan.blocking_count = len(decision.match_ids)
            scan.save(update_fields=["blocking_count"])
    return decision


def fail_client_scan(*, scan: Scan, why: str) -> None:
    """Say that a scan ended before it sent results."""
    with transaction.atomic():
        failed = Scan.objects.filter(pk=scan.pk, state=ScanState.RUNNING).update(state=ScanState.FAILED, failure=why)
        if failed:
            record(Kind.SCAN_FAILED, actor=SYSTEM, scan_id=scan.pk)


def why_client_failed(*, exit_code: int | None, stderr: str) -> str:
    """Return in words what a client's own report of its failure means."""
    meaning = {
        2: "Semgrep stopped with an error (exit code 2).",
        7: "Semgrep refused a rule or its configuration (exit code 7). Rules are checked before they are delivered;"
        " check which version of Semgrep the job installs.",
        13: "Semgrep was refused (exit code 13): the token is wrong or was revoked.",
    }.get(exit_code or 0, f"Semgrep stopped (exit code {exit_code}).")
    said = " ".join(stderr.replace("\0", " ").split())[:MOST_STDERR]
    return f"{meaning} It said: {said}" if said else f"{meaning} The job's log says more."


def give_up_on_client(*, scan_id: int) -> None:
    """Say of a scan that should have ended long ago what it never did."""
    with result_of_job():
        scan = Scan.objects.select_for_update().filter(pk=scan_id).first()
        if scan is None:
            return
        if scan.state == ScanState.RUNNING:
            scan.state, scan.failure = ScanState.FAILED, NO_RESULTS if scan.configured_at else NEVER_CONFIGURED
        elif scan.completed_at is None and not scan.failure:
            scan.failure = NEVER_COMPLETED
        else:
            return
        scan.save(update_fields=["state", "failure"])
        record(Kind.SCAN_FAILED, actor=SYSTEM, scan_id=scan.pk)
