"""Writing findings: receiving and ingesting scans, what people decide, and what the Assistant found out."""

from __future__ import annotations

from findings.services.analysing import (
    apply_component,
    apply_fix,
    apply_verdict,
    begin_analysis,
    end_analysis,
    end_left_out,
    hold_back,
    hold_back_no_more,
    not_analysed,
    settle_if_done,
    settle_without_verdicts,
    skip_analysis,
    wait_for_earlier,
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
from findings.services.deciding import ExpiryUnusable, add_note, ignore, reopen_expired, set_triage
from findings.services.deciding_in_bulk import (
    MOST_AT_ONCE,
    BulkRefused,
    NothingToUndo,
    chosen_ids,
    digest_of,
    triage_in_bulk,
    undo_bulk_triage,
)
from findings.services.importing_triage import (
    Comparison,
    ImportUnusable,
    apply_triage_import,
    compare_triage_import,
    preview_triage_import,
    undo_triage_import,
)
from findings.services.ingesting import fail_scan, ingest_scan
from findings.services.projects import change_project
from findings.services.receiving import ScanDescription, receive_scan

__all__ = [
    "MOST_AT_ONCE",
    "BulkRefused",
    "ClientScan",
    "Comparison",
    "ExpiryUnusable",
    "ImportUnusable",
    "NothingToUndo",
    "ScanDescription",
    "add_note",
    "apply_component",
    "apply_fix",
    "apply_triage_import",
    "apply_verdict",
    "begin_analysis",
    "change_project",
    "chosen_ids",
    "compare_triage_import",
    "complete",
    "digest_of",
    "end_analysis",
    "end_left_out",
    "fail_client_scan",
    "fail_scan",
    "give_up_on_client",
    "hold_back",
    "hold_back_no_more",
    "ignore",
    "ingest_scan",
    "not_analysed",
    "note_configured",
    "preview_triage_import",
    "receive_results",
    "receive_scan",
    "reopen_expired",
    "set_triage",
    "settle_if_done",
    "settle_without_verdicts",
    "skip_analysis",
    "start_client_scan",
    "triage_in_bulk",
    "undo_bulk_triage",
    "undo_triage_import",
    "wait_for_earlier",
    "why_client_failed",
]
