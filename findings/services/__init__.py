"""Writing findings: receiving and ingesting scans, what people decide, and what the Assistant found out."""

from __future__ import annotations

from findings.services.analysing import (
    apply_component,
    apply_fix,
    apply_verdict,
    begin_analysis,
    end_analysis,
    not_analysed,
    settle_if_done,
    skip_analysis,
)
from findings.services.client_scans import (
    ClientScan,
    complete,
    fail_client_scan,
    give_up_on_client,
    note_configured,
    receive_results,
    start_client_scan,
    why_client_failed,
)
from findings.services.deciding import add_note, ignore, set_triage
from findings.services.deciding_in_bulk import (
    MOST_AT_ONCE,
    BulkRefused,
    NothingToUndo,
    chosen_ids,
    digest_of,
    triage_in_bulk,
    undo_bulk_triage,
)
from findings.services.ingesting import fail_scan, ingest_scan
from findings.services.receiving import ScanDescription, receive_scan

__all__ = [
    "MOST_AT_ONCE",
    "BulkRefused",
    "ClientScan",
    "NothingToUndo",
    "ScanDescription",
    "add_note",
    "apply_component",
    "apply_fix",
    "apply_verdict",
    "begin_analysis",
    "chosen_ids",
    "complete",
    "digest_of",
    "end_analysis",
    "fail_client_scan",
    "fail_scan",
    "give_up_on_client",
    "ignore",
    "ingest_scan",
    "not_analysed",
    "note_configured",
    "receive_results",
    "receive_scan",
    "set_triage",
    "settle_if_done",
    "skip_analysis",
    "start_client_scan",
    "triage_in_bulk",
    "undo_bulk_triage",
    "why_client_failed",
]
