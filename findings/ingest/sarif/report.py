"""The results of a SARIF file as findings. Rules may stand before or after them, so the file is read twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from findings.ingest import cleaning
from findings.ingest.base import Report, ReportedFinding, ReportedRule, ResultUnusable, Severity, SuppressionKind
from findings.ingest.reading import Glance, JsonSource
from findings.ingest.sarif import places
from findings.ingest.sarif.runs import RESULTS, Component, Descriptor, Run, outline_of, weaknesses_named

# What a result says that is no finding: the rule was satisfied, or the finding of an earlier run is gone.
NO_FINDING_KINDS = ("pass", "notApplicable", "informational")
GONE = "absent"

# Semgrep's own identity first, then the hash that GitHub made common.
FINGERPRINTS = ("matchBasedId/v1", "primaryLocationLineHash")

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\d{1,2})\}")
_LINK_TO_LOCATION = re.compile(r"\[([^\]]{0,1000})\]\(\d+\)")


class SarifReport(Report):
    """A report in SARIF 2.1.0; it may hold several runs of several tools."""

    def __init__(self, source: JsonSource) -> None:
        super().__init__(source)
        outline = outline_of(source)
        self._runs = outline.runs
        self.tool_name = ", ".join(dict.fromkeys(run.tool_name for run in self._runs if run.tool_name))
        self.tool_version = ", ".join(dict.fromkeys(run.version for run in self._runs if run.version))
        self.complaints = outline.complaints
        self.rules_run = _rules_run(self._runs)
        self.paths_scanned = None  # `artifacts` names files with results at most tools, not files that were looked at

    @classmethod
    def recognises(cls, glance: Glance) -> bool:
        """Answer whether the file has a SARIF schema, or runs of a tool."""
        if "sarif" in glance.texts.get("$schema", ""):
            return True
        return "runs" in glance.keys and ("version" in glance.keys or "tool" in glance.keys_of_first.get("runs", ()))

    def _raw_results(self) -> Iterator[object]:
        results = self._source.items(RESULTS)
        for run in self._runs:
            self._run = run
            yield from islice(results, run.result_count)

    def _finding_in(self, raw: object, position: int) -> ReportedFinding | None:
        if not isinstance(raw, dict):
            raise ResultUnusable("it is no JSON object")
        if raw.get("kind") in NO_FINDING_KINDS or raw.get("baselineState") == GONE:
            return None
        run = self._run
        identifier, descriptor = _rule_of(run, raw)
        physical = places.physical_location_of(raw)
        path = places.path_in(run, physical)
        span = places.span_in(physical.get("region"))
        properties = cleaning.mapping_of(raw.get("properties"))
        tags = cleaning.texts_of(properties.get("tags"))
        rule = self._kept_rule(identifier, descriptor)
        suppression = _suppression_in(raw)
        named = [*tags, *cleaning.texts_of(properties.get("cwe"))]
        named += weaknesses_named(entry for entry in cleaning.list_of(raw.get("taxa")) if isinstance(entry, dict))
        confidence = cleaning.confidence_of(properties.get("issue_confidence"))  # Bandit's
        return ReportedFinding(
            rule_identifier=identifier,
            path=path,
            span=span,
            message=_message_of(run, raw, descriptor) or rule.message or rule.name,
            severity=_severity_of(raw, descriptor),
            cwe=tuple(dict.fromkeys((*rule.cwe, *cleaning.cwe_in(named))))[: cleaning.MAX_ENTRIES],
            owasp=tuple(dict.fromkeys((*rule.owasp, *cleaning.owasp_in(tags))))[: cleaning.MAX_ENTRIES],
            category=rule.category,
            confidence=confidence or rule.confidence,
            technology=rule.technology,
            lines=places.lines_in(physical, span),
            rule_fix=places.fix_in(run, raw, path=path, span=span),
            trace=places.trace_in(run, raw),
            scanner_fingerprint=_fingerprint_in(raw),
            is_suppressed=suppression is not None,
            suppression_kind=suppression[0] if suppression else None,
            suppression_justification=suppression[1] if suppression else "",
            product=cleaning.product_of(tool=run.driver.name, rule=identifier, tags=(*rule.tags, *tags)),
            metadata={"references": (rule.help_uri,)} if rule.help_uri else {},
        )

    def _kept_rule(self, identifier: str, descriptor: Descriptor | None) -> ReportedRule:
        known = self.rules.get(identifier)
        if known is not None:
            return known
        if descriptor is None:
            rule = _rule_without_descriptor(identifier)
        else:
            # Semgrep writes the same precision for every rule; and `CA1000/first` is a part of the rule CA1000.
            confidence = descriptor.rule.confidence or ("" if self._run.is_semgrep else descriptor.precision)
            rule = replace(descriptor.rule, identifier=identifier, confidence=confidence)
        self.rules[identifier] = rule
        return rule


def _rules_run(runs: list[Run]) -> frozenset[str] | None:
    """Return the rules that were run, where the tools list all of them; most list only those with results."""
    if not runs or not all(run.is_semgrep and run.driver.descriptors for run in runs):
        return None
    return frozenset(identifier for run in runs for identifier in run.driver.by_identifier if identifier)


def _rule_without_descriptor(identifier: str) -> ReportedRule:
    name = identifier.rsplit(".", 1)[-1]
    return ReportedRule(identifier=identifier, name=name, message="", severity=Severity.MEDIUM)


def _rule_of(run: Run, raw: Mapping[str, Any]) -> tuple[str, Descriptor | None]:
    """Return a result's rule: its identifier, and the descriptor where the run has one. Raise `ResultUnusable`."""
    reference = cleaning.mapping_of(raw.get("rule"))
    reported = raw.get("ruleId") or reference.get("id")
    index = reference.get("index", raw.get("ruleIndex"))
    by_index = _component_of(run, reference).at(index)
    if not reported:
        identifier = cleaning.identifier_of(by_index.rule.identifier if by_index else None)
        return identifier, by_index
    identifier = cleaning.identifier_of(reported)
    if by_index is not None and _is_part_of(identifier, by_index.rule.identifier):
        return identifier, by_index
    for component in (run.driver, *run.extensions):
        found = component.by_identifier.get(identifier) or component.by_identifier.get(identifier.rpartition("/")[0])
        if found is not None and found.rule.identifier:
            return identifier, found
    return identifier, None


def _component_of(run: Run, reference: Mapping[str, Any]) -> Component:
    wanted = cleaning.mapping_of(reference.get("toolComponent"))
    index = wanted.get("index")
    if isinstance(index, int) and 0 <= index < len(run.extensions):
        return run.extensions[index]
    for extension in run.extensions:
        if (extension.guid and extension.guid == wanted.get("guid")) or (
            extension.name and extension.name == wanted.get("name")
        ):
            return extension
    return run.driver


def _is_part_of(identifier: str, rule: str) -> bool:
    return identifier == rule or identifier.startswith(f"{rule}/")


def _severity_of(raw: Mapping[str, Any], descriptor: Descriptor | None) -> Severity:
    """Return a severity: a score wins over a level, and the result over its rule."""
    score = cleaning.severity_of_score(cleaning.mapping_of(raw.get("properties")).get("security-severity"))
    if score is not None:
        return score
    if descriptor is not None and descriptor.has_score:
        return descriptor.rule.severity
    level = cleaning.severity_of(raw.get("level"))
    return level or (descriptor.rule.severity if descriptor is not None else Severity.MEDIUM)


def _message_of(run: Run, raw: Mapping[str, Any], descriptor: Descriptor | None) -> str:
    """Return a result's message with its arguments filled in, and without the links that only its viewer follows."""
    message = cleaning.mapping_of(raw.get("message"))
    name = message.get("id")
    text = message.get("text")
    if not text and isinstance(name, str):
        templates = descriptor.messages if descriptor is not None else {}
        text = templates.get(name) or run.global_messages.get(name)
    template = cleaning.text_of(text or message.get("markdown"), limit=cleaning.MAX_MESSAGE)
    arguments = [
        cleaning.text_of(argument, limit=cleaning.MAX_WORD * 5)
        for argument in cleaning.list_of(message.get("arguments"))
    ]
    if arguments or not message.get("text"):
        template = _PLACEHOLDER.sub(lambda found: _filled(found, arguments), template)
    if raw.get("relatedLocations"):
        template = _LINK_TO_LOCATION.sub(r"\1", template)
    return template[: cleaning.MAX_MESSAGE].strip()


def _filled(found: re.Match[str], arguments: list[str]) -> str:
    if found[1] is None:
        return found[0][0]
    number = int(found[1])
    return arguments[number] if number < len(arguments) else found[0]


def _suppression_in(raw: Mapping[str, Any]) -> tuple[SuppressionKind, str] | None:
    """Return kind and justification; None where one is still under review or was rejected (SARIF 2.1.0, 3.27.23)."""
    suppressions = [cleaning.mapping_of(entry) for entry in cleaning.list_of(raw.get("suppressions"))]
    if not suppressions or any(entry.get("status", "accepted") != "accepted" for entry in suppressions):
        return None
    kind = SuppressionKind.IN_SOURCE if suppressions[0].get("kind") == "inSource" else SuppressionKind.EXTERNAL
    justification = next((entry["justification"] for entry in suppressions if entry.get("justification")), "")
    return kind, cleaning.text_of(justification, limit=cleaning.MAX_JUSTIFICATION)


def _fingerprint_in(raw: Mapping[str, Any]) -> str:
    own = cleaning.mapping_of(raw.get("fingerprints"))
    # Of the partial ones only a known name is taken: Gitleaks puts author and date among them.
    known = {**{name: cleaning.mapping_of(raw.get("partialFingerprints")).get(name) for name in FINGERPRINTS}, **own}
    limit = cleaning.MAX_SCANNER_FINGERPRINT
    values = (cleaning.code_of(known[name], limit=limit) for name in (*FINGERPRINTS, *sorted(own)))
    return next((value for value in values if value), "")
