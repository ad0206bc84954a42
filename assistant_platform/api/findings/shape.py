"""How a finding is told: Semgrep's field names, and ours beside them. The serializers say the shape to the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from rest_framework import serializers

import findings.selectors
import remediation.selectors
import triage.selectors
from assistant_platform.api.findings.filters import POLICY_IDS
from findings.models import Confidence, Finding, IgnoreReason, NotAnalysed, Product, Recommendation, Triage
from remediation.models import Autofix, Guidance
from rules.models import Mode, Rule, Severity
from triage.models import Verdict

STATUS_OF_TRIAGE = {
    Triage.OPEN: "open",
    Triage.REVIEWING: "reviewing",
    Triage.TO_FIX: "fixing",
    Triage.IGNORED: "ignored",
}
STATUSES = [*STATUS_OF_TRIAGE.values(), "fixed", "removed"]
STATES = ["unresolved", "muted", "fixed", "removed"]
TRIAGE_STATES = ["untriaged", "reopened", "reviewing", "fixing", "ignored"]
POLICY_OF_MODE = {mode: pk for pk, mode in POLICY_IDS.items()}


class RepositorySerializer(serializers.Serializer[Any]):
    """The project."""

    name = serializers.CharField()
    url = serializers.CharField(allow_null=True)


class LocationSerializer(serializers.Serializer[Any]):
    """Where it was last seen; lines and columns from 1."""

    file_path = serializers.CharField()
    line = serializers.IntegerField()
    column = serializers.IntegerField()
    end_line = serializers.IntegerField()
    end_column = serializers.IntegerField()


class FoundByRuleSerializer(serializers.Serializer[Any]):
    """The rule that found it."""

    name = serializers.CharField()
    message = serializers.CharField(allow_blank=True)
    confidence = serializers.CharField(allow_null=True)
    category = serializers.CharField(allow_blank=True)
    subcategories = serializers.ListField(child=serializers.CharField())
    vulnerability_classes = serializers.ListField(child=serializers.CharField())
    cwe_names = serializers.ListField(child=serializers.CharField())
    owasp_names = serializers.ListField(child=serializers.CharField())


class SourcingPolicySerializer(serializers.Serializer[Any]):
    """The policy that the rule is in: its mode."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()


class AutotriageSerializer(serializers.Serializer[Any]):
    """The verdict in short."""

    verdict = serializers.ChoiceField(choices=["true_positive", "false_positive", "unsure"])
    reason = serializers.CharField()


class AssistantAutofixSerializer(serializers.Serializer[Any]):
    """The fix that is shown, as a patch."""

    fix_code = serializers.CharField()
    explanation = serializers.CharField()


class AssistantGuidanceSerializer(serializers.Serializer[Any]):
    """How to fix it, in words."""

    summary = serializers.CharField()
    instructions = serializers.CharField()


class ComponentSerializer(serializers.Serializer[Any]):
    """What the file is for."""

    tag = serializers.CharField()
    risk = serializers.CharField()


class AssistantSerializer(serializers.Serializer[Any]):
    """What the Assistant found out; null where it has nothing to say."""

    autotriage = AutotriageSerializer(allow_null=True)
    autofix = AssistantAutofixSerializer(allow_null=True)
    guidance = AssistantGuidanceSerializer(allow_null=True)
    component = ComponentSerializer(allow_null=True)


class FindingSerializer(serializers.Serializer[Any]):
    """A finding: Semgrep's fields, then ours from `project_id` on."""

    id = serializers.IntegerField()
    ref = serializers.CharField(allow_blank=True, help_text="A branch or pull request where it is, or was last.")
    first_seen_scan_id = serializers.IntegerField()
    syntactic_id = serializers.CharField()
    match_based_id = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    relevant_since = serializers.DateTimeField()
    repository = RepositorySerializer()
    line_of_code_url = serializers.CharField(allow_null=True)
    location = LocationSerializer()
    severity = serializers.ChoiceField(choices=["low", "medium", "high", "critical"])
    confidence = serializers.CharField(allow_null=True)
    categories = serializers.ListField(child=serializers.CharField())
    rule_name = serializers.CharField()
    rule_message = serializers.CharField(allow_blank=True)
    rule = FoundByRuleSerializer()
    sourcing_policy = SourcingPolicySerializer()
    state = serializers.ChoiceField(choices=STATES)
    status = serializers.ChoiceField(choices=STATUSES)
    state_updated_at = serializers.DateTimeField()
    triage_state = serializers.ChoiceField(choices=TRIAGE_STATES)
    triage_reason = serializers.ChoiceField(choices=IgnoreReason.choices, allow_null=True)
    triage_comment = serializers.CharField(allow_null=True)
    triaged_at = serializers.DateTimeField(allow_null=True)
    assistant = AssistantSerializer()
    project_id = serializers.IntegerField()
    rule_id = serializers.IntegerField()
    product = serializers.ChoiceField(choices=Product.choices)
    triage = serializers.ChoiceField(choices=Triage.choices)
    triaged_by = serializers.CharField(allow_null=True)
    is_present = serializers.BooleanField()
    is_production = serializers.BooleanField(help_text="Present on the primary branch.")
    recommendation = serializers.ChoiceField(choices=Recommendation.choices, allow_blank=True)
    verdict_confidence = serializers.ChoiceField(choices=Confidence.choices, allow_blank=True)
    not_analysed = serializers.ChoiceField(choices=NotAnalysed.choices, allow_blank=True)
    has_verified_fix = serializers.BooleanField()
    fix_confidence = serializers.ChoiceField(choices=Confidence.choices, allow_blank=True)


class FindingsSerializer(serializers.Serializer[Any]):
    """A page of findings, worst first."""

    findings = FindingSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def told(found: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as the API tells them, in four queries whatever their number. Needs a transaction."""
    ids = [finding.pk for finding in found]
    verdicts = triage.selectors.latest_verdicts(ids)
    guidance = remediation.selectors.latest_guidance_for(ids)
    autofixes = remediation.selectors.latest_autofixes(ids)
    refs = findings.selectors.refs_of(ids)
    return [
        _finding(
            finding,
            refs.get(finding.pk, ""),
            verdicts.get(finding.pk),
            guidance.get(finding.pk),
            autofixes.get(finding.pk),
        )
        for finding in found
    ]


def _finding(
    finding: Finding, ref: str, verdict: Verdict | None, guidance: Guidance | None, autofix: Autofix | None
) -> dict[str, Any]:
    rule = finding.rule
    return {
        "id": finding.pk,
        "ref": ref,
        "first_seen_scan_id": finding.first_scan_id,
        "syntactic_id": bytes(finding.code_key).hex(),
        "match_based_id": finding.scanner_fingerprint or bytes(finding.fingerprint).hex(),
        "created_at": finding.created_at,
        "relevant_since": finding.created_at,
        "repository": {"name": finding.project.name, "url": finding.project.url or None},
        "line_of_code_url": _line_address(finding),
        "location": {
            "file_path": finding.path,
            "line": finding.start_line,
            "column": finding.start_column,
            "end_line": finding.end_line,
            "end_column": finding.end_column,
        },
        "severity": Severity(finding.severity).label.lower(),
        "confidence": rule.confidence or None,
        "categories": [rule.category] if rule.category else [],
        "rule_name": rule.identifier,
        "rule_message": finding.message,
        "rule": _rule(rule, finding),
        "sourcing_policy": _policy(rule),
        "state": _state(finding),
        "status": _status(finding),
        "state_updated_at": finding.updated_at,
        "triage_state": _triage_state(finding),
        "triage_reason": finding.ignore_reason or None,
        "triage_comment": finding.triage_comment or None,
        "triaged_at": finding.triaged_at,
        "assistant": _assistant(finding, verdict, guidance, autofix),
        "project_id": finding.project_id,
        "rule_id": finding.rule_id,
        "product": finding.product,
        "triage": finding.triage,
        "triaged_by": finding.triaged_by or None,
        "is_present": finding.is_present,
        "is_production": finding.is_production,
        "recommendation": finding.recommendation,
        "verdict_confidence": finding.verdict_confidence,
        "not_analysed": finding.not_analysed,
        "has_verified_fix": finding.has_verified_fix,
        "fix_confidence": finding.fix_confidence,
    }


def _rule(rule: Rule, finding: Finding) -> dict[str, Any]:
    return {
        "name": rule.identifier,
        "message": rule.message,
        "confidence": rule.confidence or None,
        "category": rule.category,
        "subcategories": _words(finding.details, "subcategory"),
        "vulnerability_classes": _words(finding.details, "vulnerability_class"),
        "cwe_names": list(rule.cwe),
        "owasp_names": list(rule.owasp),
    }


def _words(details: Mapping[str, Any], name: str) -> list[str]:
    value = details.get(name, [])
    return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]


def _policy(rule: Rule) -> dict[str, Any]:
    mode = Mode(rule.mode)
    return {"id": POLICY_OF_MODE[mode], "name": mode.label, "slug": mode.value}


def _status(finding: Finding) -> str:
    if not finding.is_present:
        return "removed" if finding.is_removed else "fixed"
    return STATUS_OF_TRIAGE[Triage(finding.triage)]


def _state(finding: Finding) -> str:
    if not finding.is_present:
        return "removed" if finding.is_removed else "fixed"
    return "muted" if finding.triage == Triage.IGNORED else "unresolved"


def _triage_state(finding: Finding) -> str:
    if finding.triage == Triage.OPEN:
        return "reopened" if finding.triage_source else "untriaged"
    return STATUS_OF_TRIAGE[Triage(finding.triage)]


def _assistant(
    finding: Finding, verdict: Verdict | None, guidance: Guidance | None, autofix: Autofix | None
) -> dict[str, Any]:
    is_shown = autofix is not None and autofix.is_shown and autofix.diff
    return {
        "autotriage": {"verdict": verdict.value, "reason": verdict.explanation} if verdict else None,
        "autofix": {"fix_code": autofix.diff, "explanation": autofix.explanation} if autofix and is_shown else None,
        "guidance": {"summary": guidance.summary, "instructions": _instructions(guidance)} if guidance else None,
        "component": {"tag": finding.component_tag, "risk": finding.component_risk} if finding.component_tag else None,
    }


def _instructions(guidance: Guidance) -> str:
    return "\n".join(f"{number}. {step['text']}" for number, step in enumerate(guidance.steps, start=1))


def _line_address(finding: Finding) -> str | None:
    """Return where the line is read at its code host; None where host or commit is not known."""
    address = finding.project.url.removesuffix(".git").rstrip("/")
    if not address.startswith(("https://", "http://")) or finding.revision.startswith("scan-"):
        return None
    between = "/-/blob/" if "gitlab" in address else "/blob/"
    return f"{address}{between}{finding.revision}/{quote(finding.path)}#L{finding.start_line}"
