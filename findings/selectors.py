"""Reading findings: what a person may see, what waits for the Assistant, and a finding with its code."""

from __future__ import annotations

from django.db.models import QuerySet

import scm.selectors
from findings.context import FindingContext, RuleContext, Span
from findings.models import Finding, NotAnalysed, Scan
from findings.stored import step_from_json
from rules.models import Severity


def visible() -> QuerySet[Finding]:
    """Return the findings that the person in scope may see, with what a list shows of them."""
    return Finding.objects.select_related("rule", "project")


def scans() -> QuerySet[Scan]:
    """Return the organization's scans, newest first."""
    return Scan.objects.select_related("project").order_by("-pk")


def waiting_for_verdict(finding_id: int) -> Finding | None:
    """Return the finding if it waits for a verdict, None if it was judged, ignored or fixed meanwhile."""
    return visible().filter(pk=finding_id, not_analysed=NotAnalysed.WAITING).first()


def context_of(finding: Finding) -> FindingContext:
    """Return the finding with its rule and its code, as the deterministic parts and the prompts take it."""
    read_file = scm.selectors.reader(project=finding.project, revision=finding.revision)
    rule = finding.rule
    return FindingContext(
        rule=RuleContext(
            identifier=rule.identifier,
            message=finding.message,
            severity=Severity(finding.severity).label,
            cwe=tuple(rule.cwe),
            owasp=tuple(rule.owasp),
            category=rule.category,
            technology=tuple(rule.technology),
            yaml=rule.yaml,
        ),
        path=finding.path,
        span=Span(finding.start_line, finding.start_column, finding.end_line, finding.end_column),
        source=read_file(finding.path),
        rule_fix=finding.rule_fix,
        trace=tuple(step_from_json(step) for step in finding.trace),
        read_file=read_file,
    )
