"""Which findings of a client's scan block its CI job: those of rules in Block mode that nobody has ignored.

The Assistant has no say in it: a finding in Block mode blocks whatever it thinks (product 5.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, cast

from django.conf import settings
from django.utils import timezone

import findings.selectors
import rules.selectors
from findings import uploads
from findings.ingest import open_report
from findings.ingest.unpacking import ReportUnreadable
from findings.models import Finding, Presence, PresenceState, Scan, ScanState, Triage, TriageSource, UploadKind

MOST_NAMED = 10_000
MOST_RULES_SHOWN = 3


@dataclass(frozen=True)
class Decision:
    """What a CI job is told: whether this is final, which matches block (Semgrep's `match_based_id`), and why."""

    is_final: bool
    match_ids: tuple[str, ...] = ()
    reason: str = ""


ASK_AGAIN = Decision(is_final=False)


def decide(scan: Scan, *, is_last_try: bool = False) -> Decision:
    """Decide for a scan whose client is done. Needs a transaction.

    A full scan waits until its findings are known, a pull request's also for the verdicts that its comments show, both
    until the bound has passed since the client was first done; one that was settled at its own deadline waits no more.
    """
    if scan.state in {ScanState.RUNNING, ScanState.FAILED} and not scan.chunks.exists():
        return Decision(is_final=True)  # there are no results to wait for
    if not (is_last_try or _has_waited_enough(scan)):
        if scan.state == ScanState.RECEIVED:
            return ASK_AGAIN
        if scan.state == ScanState.INGESTED and scan.pull_request_id:
            return ASK_AGAIN
    known = scan.state in {ScanState.INGESTED, ScanState.SETTLED}
    return _in_words(_from_findings(scan) if known else _from_upload(scan))


def _has_waited_enough(scan: Scan) -> bool:
    bound = findings.selectors.verdict_wait()
    return scan.completed_at is not None and timezone.now() - scan.completed_at >= bound


def _from_findings(scan: Scan) -> list[tuple[str, str]]:
    """Return (match id, rule) of what blocks, by what was made of the results.

    A later scan of the same branch may have seen the finding again; where it no longer did, it does not block.
    """
    blocking = rules.selectors.ids_in_block_mode(scan.project_id)
    seen = Presence.objects.filter(
        project=scan.project_id,
        ref=scan.ref,
        is_pull_request=bool(scan.pull_request_id),
        state=PresenceState.PRESENT,
        last_scan__gte=scan.pk,
    )
    found = (
        Finding.objects.filter(pk__in=seen.values("finding"), rule__in=blocking)
        .exclude(triage=Triage.IGNORED)
        .order_by("pk")
    )
    return list(found.values_list("scanner_fingerprint", "rule__identifier")[:MOST_NAMED])


def _from_upload(scan: Scan) -> list[tuple[str, str]]:
    """Return (match id, rule) of what blocks, by the upload itself, since nothing has been made of it yet."""
    upload = uploads.open_upload(scan, UploadKind.REPORT)
    if upload is None:
        return []
    blocking = rules.selectors.identifiers_in_block_mode(scan.project_id)
    try:
        with upload, open_report(cast(BinaryIO, upload), max_bytes=settings.MAX_REPORT_BYTES) as report:
            found = [
                (finding.scanner_fingerprint, finding.rule_identifier)
                for finding in report
                if finding.rule_identifier in blocking and not finding.is_suppressed
            ]
    except ReportUnreadable:
        return []  # no match can be named; ingestion shows the scan as failed, with the reason
    ignored = set(
        Finding.objects.filter(
            project=scan.project_id,
            triage=Triage.IGNORED,
            triage_source=TriageSource.PERSON,
            scanner_fingerprint__in=[match_id for match_id, _ in found],
        ).values_list("scanner_fingerprint", flat=True)
    )
    return [(match_id, rule) for match_id, rule in found if match_id not in ignored][:MOST_NAMED]


def _in_words(found: list[tuple[str, str]]) -> Decision:
    if not found:
        return Decision(is_final=True)
    named = list(dict.fromkeys(rule for _, rule in found))
    others = f" and {len(named) - MOST_RULES_SHOWN} more" if len(named) > MOST_RULES_SHOWN else ""
    count = "1 finding" if len(found) == 1 else f"{len(found):,} findings"
    reason = f"{count} of rules in Block mode: {', '.join(named[:MOST_RULES_SHOWN])}{others}"
    return Decision(is_final=True, match_ids=tuple(match_id for match_id, _ in found), reason=reason)
