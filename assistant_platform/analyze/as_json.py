"""The result as JSON: `docs/command-line.md` describes it, and `VERSION` is raised when a field changes its meaning."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from assistant_platform.analyze.result import Result
from findings.export.finding import ExportedFinding

VERSION = 1


def as_json(result: Result) -> str:
    """Return the whole result as one JSON object."""
    return json.dumps(
        {
            "version": VERSION,
            "repository": str(result.repo),
            "scanner": result.tool,
            "provider": result.provider,
            "is_complete": result.is_complete,
            "counts": result.counts,
            "notes": list(result.notes),
            "problems": list(result.problems),
            "seconds": dict(result.seconds),
            "findings": [_finding(finding) for finding in result.findings],
        },
        indent=1,
    )


def _finding(finding: ExportedFinding) -> dict[str, Any]:
    return {
        "fingerprint": finding.fingerprint,
        "rule": asdict(finding.rule),
        "severity": finding.severity,
        "path": finding.path,
        **asdict(finding.span),
        "message": finding.message,
        "matched_lines": finding.matched_lines,
        "triage": asdict(finding.triage),
        "component": {"tag": finding.component_tag, "risk": finding.component_risk},
        "verdict": asdict(finding.verdict) if finding.verdict else None,
        "not_analysed": {"reason": finding.not_analysed, "text": finding.not_analysed_reason}
        if finding.not_analysed
        else None,
        "guidance": asdict(finding.guidance) if finding.guidance else None,
        "fix": asdict(finding.fix) if finding.fix else None,
        "no_fix": finding.no_fix,
        "rule_fix": finding.rule_fix,
        "trace": [asdict(step) for step in finding.trace],
    }
