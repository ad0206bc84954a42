"""Findings as SARIF 2.1.0: one run, with suppressions, fixes, identities and what the Assistant said of each.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from findings.context import TraceStep
from findings.export.finding import ExportedFinding, ExportedRule
from findings.export.sarif_fixes import SOURCE_ROOT, artifact_location, fix_of_diff, fix_of_rule, region
from lib.standards import cwe_title

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
VERSION = "2.1.0"
# Not the scanner's name: readers, ours among them, know habits of Semgrep's SARIF by it that this one has not.
TOOL_NAME = "Assistant"
FINGERPRINT = "assistantFingerprint/v1"
SCANNER_FINGERPRINT = "matchBasedId/v1"  # the name that Semgrep's own SARIF has for it

LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
# The middle of each band of CVSS 3.1: SARIF has three levels only, and readers sort by this number.
SECURITY_SEVERITY = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}


def sarif_of(findings: Iterable[ExportedFinding], *, scanner: str = "") -> dict[str, Any]:
    """Return findings as one SARIF log; `scanner` is who reported them, with its version."""
    rules = _Rules()
    results = [_result(finding, rules) for finding in findings]
    return {**_HEAD, "runs": [{"results": results, **_tail(rules, scanner)}]}


def sarif_in_parts(findings: Iterable[ExportedFinding], *, scanner: str = "") -> Iterator[str]:
    """Yield the same log as JSON text, a finding at a time, for exports that do not fit in memory."""
    rules = _Rules()
    head = json.dumps({**_HEAD, "runs": []})
    yield head.removesuffix("]}") + '{"results": ['
    separator = "\n"
    for finding in findings:
        yield separator + json.dumps(_result(finding, rules))
        separator = ",\n"
    # The rules come last: which there are is known when the last finding is.
    yield "\n], " + json.dumps(_tail(rules, scanner)).removeprefix("{") + "]}\n"


_HEAD = {"$schema": SCHEMA, "version": VERSION}


class _Rules:
    """The rules of a run, numbered as results name them."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}
        self.descriptors: list[dict[str, Any]] = []

    def index_of(self, rule: ExportedRule) -> int:
        if rule.identifier not in self._index:
            self._index[rule.identifier] = len(self.descriptors)
            self.descriptors.append(_descriptor(rule))
        return self._index[rule.identifier]


def _tail(rules: _Rules, scanner: str) -> dict[str, Any]:
    driver: dict[str, Any] = {"name": TOOL_NAME, "rules": rules.descriptors}
    if scanner:
        driver["properties"] = {"scanner": scanner}
    return {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {SOURCE_ROOT: {"description": {"text": "The root of the scanned code."}}},
    }


def _descriptor(rule: ExportedRule) -> dict[str, Any]:
    weaknesses = [f"{name}: {cwe_title(int(name.removeprefix('CWE-')))}".removesuffix(": ") for name in rule.cwe]
    is_security = rule.category in {"", "security"}
    tags = [*weaknesses, *(f"OWASP-{category}" for category in rule.owasp), *(["security"] if is_security else [])]
    properties: dict[str, Any] = {"tags": list(dict.fromkeys(tags))}
    if rule.category:
        properties["category"] = rule.category
    if is_security:
        properties["security-severity"] = SECURITY_SEVERITY[rule.severity]
    described = {"text": rule.message or rule.name}
    return {
        "id": rule.identifier,
        "name": rule.name,
        "shortDescription": {"text": rule.name},
        "fullDescription": described,
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": properties,
        **({"helpUri": rule.help_uri} if rule.help_uri.startswith(("https://", "http://")) else {}),
    }


def _result(finding: ExportedFinding, rules: _Rules) -> dict[str, Any]:
    physical = {"artifactLocation": artifact_location(finding.path), "region": region(finding.span)}
    if finding.matched_lines:
        physical["region"] = {**physical["region"], "snippet": {"text": finding.matched_lines}}
    identities = {FINGERPRINT: finding.fingerprint}
    if finding.scanner_fingerprint:
        identities[SCANNER_FINGERPRINT] = finding.scanner_fingerprint
    result = {
        "ruleId": finding.rule.identifier,
        "ruleIndex": rules.index_of(finding.rule),
        "level": LEVELS[finding.severity],
        "message": {"text": finding.message or finding.rule.name},
        "locations": [{"physicalLocation": physical}],
        "partialFingerprints": identities,
        "codeFlows": [_code_flow(finding.trace)] if finding.trace else [],
        "suppressions": _suppressions(finding),
        "fixes": _fixes(finding),
        "properties": _properties(finding),
    }
    # An empty list of suppressions says something (none); the other empty lists say nothing.
    return {name: value for name, value in result.items() if value or name not in {"codeFlows", "fixes"}}


def _code_flow(trace: tuple[TraceStep, ...]) -> dict[str, Any]:
    locations = [
        {
            "location": {
                "physicalLocation": {
                    "artifactLocation": artifact_location(step.path),
                    "region": {**region(step.span), "snippet": {"text": step.text}},
                },
                "message": {"text": step.role.capitalize()},
            }
        }
        for step in trace
    ]
    return {"threadFlows": [{"locations": locations}]}


def _suppressions(finding: ExportedFinding) -> list[dict[str, Any]]:
    """Return what speaks against the finding: a decision, or the Assistant's view, which only a person can accept."""
    triage, verdict = finding.triage, finding.verdict
    if triage.is_ignored:
        said = ": ".join(text for text in (triage.ignore_reason, triage.comment) if text)
        # A report's own list of exceptions and a comment in the code are not told apart once imported.
        kind = "inSource" if "nosem" in finding.matched_lines else "external"
        return [{"kind": kind, "status": "accepted", **({"justification": said} if said else {})}]
    if verdict is not None and verdict.value == "false_positive":
        justification = f"Likely a false positive ({verdict.confidence} confidence): {verdict.explanation}"
        return [{"kind": "external", "status": "underReview", "justification": justification}]
    return []


def _fixes(finding: ExportedFinding) -> list[dict[str, Any]]:
    if finding.rule_fix:
        return [fix_of_rule(finding.path, finding.span, finding.rule_fix)]
    if finding.fix is None or not finding.fix.is_verified:
        return []
    fix = fix_of_diff(finding.fix.diff, explanation=finding.fix.explanation)
    return [fix] if fix is not None else []


def _properties(finding: ExportedFinding) -> dict[str, Any]:
    verdict = finding.verdict
    said: dict[str, Any] = {
        "triage": finding.triage.state,
        "presence": "present" if finding.is_present else "removed" if finding.is_removed else "fixed",
        "componentTag": finding.component_tag,
        "componentRisk": finding.component_risk,
    }
    if verdict is not None:
        said |= {
            "assistantVerdict": verdict.value,
            "assistantConfidence": verdict.confidence,
            "assistantReason": verdict.explanation,
            "assistantSource": verdict.model or verdict.source,
            "assistantEvidence": [
                {name: quote.get(name) for name in ("path", "start_line", "end_line", "role", "quote")}
                for quote in verdict.evidence
                if quote.get("holds")
            ],
        }
    else:
        said["notAnalysed"] = finding.not_analysed_reason
    if finding.guidance is not None:
        said["assistantGuidance"] = {"summary": finding.guidance.summary, "steps": list(finding.guidance.steps)}
    if finding.fix is not None:
        said |= {"fixConfidence": finding.fix.confidence, "fixVerified": finding.fix.is_verified}
    return {name: value for name, value in said.items() if value not in ("", [])}
