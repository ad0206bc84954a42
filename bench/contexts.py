"""Findings of a report with their code, as the deterministic parts take them, without a database."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from findings.context import FindingContext, RuleContext
from findings.ingest import open_report
from findings.ingest.base import ReportedFinding
from rules.engine import rule_yaml_for

ReadFile = Callable[[str], str | None]


def contexts_in(report: bytes, *, read_file: ReadFile, rules_yaml: str = "") -> Iterator[FindingContext]:
    """Yield each finding of a report with its code and, where the rules are given, its rule's text."""
    texts: dict[str, str] = {}
    with open_report(io.BytesIO(report)) as opened:
        for finding in opened:
            if finding.rule_identifier not in texts:
                texts[finding.rule_identifier] = rule_yaml_for(rules_yaml, finding.rule_identifier) or ""
            yield _context(finding, yaml=texts[finding.rule_identifier], read_file=read_file)


def context_of_result(result: dict[str, Any], *, source: str, read_file: ReadFile) -> FindingContext:
    """Return one result of Semgrep's JSON with the text of its file."""

    def read(path: str) -> str | None:
        return source if path == result["path"] else read_file(path)

    report = {"version": "1", "results": [result], "errors": [], "paths": {"scanned": [result["path"]]}}
    return next(contexts_in(json.dumps(report).encode(), read_file=read))


def _context(finding: ReportedFinding, *, yaml: str, read_file: ReadFile) -> FindingContext:
    return FindingContext(
        rule=RuleContext(
            identifier=finding.rule_identifier,
            message=finding.message,
            severity=finding.severity.capitalize(),
            cwe=finding.cwe,
            owasp=finding.owasp,
            category=finding.category,
            technology=finding.technology,
            yaml=yaml,
        ),
        path=finding.path,
        span=finding.span,
        source=read_file(finding.path),
        rule_fix=finding.rule_fix,
        trace=finding.trace,
        read_file=read_file,
    )
