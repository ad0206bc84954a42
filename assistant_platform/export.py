"""Findings with verdict, guidance and fix put together, for everything that leaves the house as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import remediation.selectors
import triage.selectors
from findings.context import Span
from findings.export.finding import (
    ExportedFinding,
    ExportedFix,
    ExportedGuidance,
    ExportedRule,
    ExportedTriage,
    ExportedVerdict,
)
from findings.models import Finding
from findings.stored import step_from_json
from lib.sequences import batched
from remediation.models import Autofix, Guidance
from rules.models import Rule, Severity
from triage.models import Verdict

READ_TOGETHER = 500
RULE_BRINGS_ITS_OWN = "The rule brings a fix of its own."


def exported(chosen: Iterable[Finding]) -> Iterator[ExportedFinding]:
    """Yield findings as exports take them, a few hundred read at a time. Each needs its rule; wants a transaction.

    Give a queryset's `.iterator()` where there are many.
    """
    for batch in batched(chosen, READ_TOGETHER):
        yield from _exported_batch(batch)


def _exported_batch(batch: Sequence[Finding]) -> Iterator[ExportedFinding]:
    ids = [finding.pk for finding in batch]
    verdicts = triage.selectors.latest_verdicts_in_full(ids)
    guidance = remediation.selectors.latest_guidance_for(ids)
    fixes = remediation.selectors.latest_autofixes(ids)
    for finding in batch:
        yield _exported(finding, verdicts.get(finding.pk), guidance.get(finding.pk), fixes.get(finding.pk))


def _exported(
    finding: Finding, verdict: Verdict | None, guidance: Guidance | None, autofix: Autofix | None
) -> ExportedFinding:
    return ExportedFinding(
        fingerprint=bytes(finding.fingerprint).hex(),
        rule=_rule(finding.rule),
        path=finding.path,
        span=Span(finding.start_line, finding.start_column, finding.end_line, finding.end_column),
        severity=_severity(finding.severity),
        message=finding.message,
        matched_lines=finding.matched_lines,
        is_present=finding.is_present,
        is_removed=finding.is_removed,
        triage=ExportedTriage(
            state=finding.triage,
            source=finding.triage_source,
            ignore_reason=finding.get_ignore_reason_display() if finding.ignore_reason else "",
            comment=finding.triage_comment,
        ),
        verdict=_verdict(finding, verdict) if verdict is not None else None,
        not_analysed=finding.not_analysed,
        not_analysed_reason=_not_analysed_in_words(finding),
        component_tag=finding.component_tag,
        component_risk=finding.component_risk,
        guidance=_guidance(guidance) if guidance is not None else None,
        fix=_fix(autofix) if autofix is not None and autofix.is_shown else None,
        no_fix=_why_no_fix(finding, autofix),
        rule_fix=finding.rule_fix,
        scanner_fingerprint=finding.scanner_fingerprint,
        trace=tuple(step_from_json(step) for step in finding.trace),
    )


def _rule(rule: Rule) -> ExportedRule:
    return ExportedRule(
        identifier=rule.identifier,
        message=rule.message,
        severity=_severity(rule.severity),
        cwe=tuple(rule.cwe),
        owasp=tuple(rule.owasp),
        category=rule.category,
        help_uri=rule.help_uri,
    )


def _severity(value: int) -> str:
    return Severity(value).label.lower()


def _verdict(finding: Finding, verdict: Verdict) -> ExportedVerdict:
    return ExportedVerdict(
        value=verdict.value,
        recommendation=finding.recommendation,
        confidence=verdict.confidence,
        explanation=verdict.explanation,
        evidence=tuple(verdict.evidence),
        facts=tuple(verdict.facts),
        lowered_because=verdict.lowered_because,
        source=verdict.source,
        model=verdict.model,
    )


def _not_analysed_in_words(finding: Finding) -> str:
    if not finding.not_analysed:
        return ""
    return ". ".join(
        text.rstrip(".") for text in (finding.get_not_analysed_display(), finding.not_analysed_detail) if text
    )


def _guidance(guidance: Guidance) -> ExportedGuidance:
    return ExportedGuidance(
        summary=guidance.summary, steps=tuple(guidance.steps), source=guidance.source, model=guidance.model
    )


def _fix(autofix: Autofix) -> ExportedFix:
    return ExportedFix(
        diff=autofix.diff,
        confidence=autofix.confidence,
        explanation=autofix.explanation,
        is_verified=autofix.is_verified,
        gates=tuple(autofix.gates),
        source=autofix.source,
        model=autofix.model,
    )


def _why_no_fix(finding: Finding, autofix: Autofix | None) -> str:
    if finding.rule_fix:
        return RULE_BRINGS_ITS_OWN
    if autofix is None or autofix.is_shown:
        return ""
    failed = [entry["explanation"] for entry in autofix.gates if entry["outcome"] == "failed"]
    return " ".join(failed) or autofix.explanation
