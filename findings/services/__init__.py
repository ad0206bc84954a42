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
from findings.services.deciding import add_note, ignore, set_triage
from findings.services.ingesting import fail_scan, ingest_scan
from findings.services.receiving import ScanDescription, receive_scan

__all__ = [
    "ScanDescription",
    "add_note",
    "apply_component",
    "apply_fix",
    "apply_verdict",
    "begin_analysis",
    "end_analysis",
    "fail_scan",
    "ignore",
    "ingest_scan",
    "not_analysed",
    "receive_scan",
    "set_triage",
    "settle_if_done",
    "skip_analysis",
]
