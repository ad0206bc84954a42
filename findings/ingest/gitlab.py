"""GitLab's security reports of versions 14 and 15, as far as they are about files: SAST, secrets, dependencies.

https://gitlab.com/gitlab-org/security-products/security-report-schemas
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import ijson

from findings.context import Span
from findings.ingest import cleaning
from findings.ingest.base import (
    Complaints,
    Product,
    Report,
    ReportedFinding,
    ReportedRule,
    ReportUnreadable,
    ResultUnusable,
    ScanError,
    Severity,
)
from findings.ingest.reading import Glance, JsonSource
from findings.ingest.semgrep import TOOL_NAME

PRODUCTS = {
    "sast": Product.CODE,
    "secret_detection": Product.SECRETS,
    "dependency_scanning": Product.SUPPLY_CHAIN,
}
# Reports of these are about images and running applications.
WITHOUT_FILES = {
    "container_scanning": "container images",
    "cluster_image_scanning": "container images",
    "dast": "a running application",
    "api_fuzzing": "a running application",
    "coverage_fuzzing": "crashes",
}
VERSIONS = ("14.", "15.")
# Identifiers that say what a finding is about; the others name the rule.
WEAKNESSES = ("cwe", "owasp", "wasc", "capec")
ADVISORIES = ("cve", "ghsa", "osvdb", "usn", "rhsa", "elsa")
FAILURE = "failure"
# How GitLab's analyzers know a finding again; the first that is there counts.
SIGNATURES = ("scope_offset_compressed", "scope_offset", "location", "hash")
WHOLE_FILE = Span(1, 1, 1, 1)

_VULNERABILITIES = "vulnerabilities"
_RESULTS = "vulnerabilities.item"
_MESSAGE, _RULE, _MANIFEST = "scan.messages.item", "scan.primary_identifiers.item", "dependency_files.item.path"
_WORDS = (
    "version",
    "scan.status",
    "scan.type",
    "scan.scanner.id",
    "scan.scanner.name",
    "scan.scanner.version",
    "scan.analyzer.name",
    "scan.analyzer.version",
)


class GitlabReport(Report):
    """One report as a GitLab job leaves it behind, such as `gl-sast-report.json`."""

    def __init__(self, source: JsonSource) -> None:
        super().__init__(source)
        words, identifiers, manifests = self._read_all_but_results()
        self._type = words.get("scan.type", "")
        _refuse_unusable(words)
        self._refuse_other_than_list()
        scanner = words.get("scan.scanner.name") or words.get("scan.analyzer.name", "")
        self.tool_name = TOOL_NAME if words.get("scan.scanner.id", "").lower() == "semgrep" else scanner
        self.tool_version = words.get("scan.scanner.version") or words.get("scan.analyzer.version", "")
        self.rules_run = frozenset(identifiers) or None
        self.paths_scanned = frozenset(manifests) or None
        if words.get("scan.status") == FAILURE:
            self._take_for_incomplete()

    @classmethod
    def recognises(cls, glance: Glance) -> bool:
        """Answer whether the file names GitLab's schema, or has the parts around its vulnerabilities."""
        return "security-report-schemas" in glance.texts.get("$schema", "") or (
            {"vulnerabilities", "scan", "version"} <= glance.keys
        )

    def _read_all_but_results(self) -> tuple[dict[str, str], set[str], set[str]]:
        words: dict[str, str] = {}
        identifiers: set[str] = set()
        manifests: set[str] = set()
        self.complaints = Complaints()
        self._count = 0
        parts = self._source.parts(
            built=frozenset({*_WORDS, _MESSAGE, _RULE, _MANIFEST}),
            begun=frozenset({_VULNERABILITIES}),
            skipped=frozenset({_RESULTS}),
        )
        for prefix, value in parts:
            if prefix == _RESULTS:
                self._count += 1
            elif prefix == _MESSAGE:
                _add_complaint(self.complaints, cleaning.mapping_of(value))
            elif prefix == _RULE:
                identifiers.add(_value_of(cleaning.mapping_of(value)))
            elif prefix == _MANIFEST:
                manifests.add(cleaning.path_or_none(value))
            elif prefix in _WORDS:
                words[prefix] = cleaning.text_of(value, limit=cleaning.MAX_TERM)
        return words, identifiers - {""}, manifests - {""}

    def _refuse_other_than_list(self) -> None:
        # Taken for a scan without findings, it would close every finding of the project.
        for prefix, event, _ in ijson.parse(self._source.rewound(), use_float=True):
            if prefix == _VULNERABILITIES:
                if event == "start_array":
                    return
                break
        raise ReportUnreadable(
            "The GitLab report has no list of vulnerabilities. Upload the file exactly as the scanner wrote it.",
            json_path=_VULNERABILITIES,
        )

    def _take_for_incomplete(self) -> None:
        if not self._count:
            said = f": {self.complaints.kept[0].message[:500].rstrip('.')}" if self.complaints.kept else ""
            raise ReportUnreadable(
                f"The scan failed before it had results{said}. Correct that and scan again.", json_path="scan.status"
            )
        self.complaints.add(
            ScanError(
                message="The scan failed before its end, so what it does not report may still be there.", level="error"
            )
        )
        self.paths_scanned = frozenset()  # what it looked at is not known, so nothing counts as fixed

    def _raw_results(self) -> Iterator[object]:
        return self._source.items(_RESULTS)

    def _finding_in(self, raw: object, position: int) -> ReportedFinding:
        if not isinstance(raw, dict):
            raise ResultUnusable("it is no JSON object")
        product = PRODUCTS.get(self._type or _word(raw.get("category")), Product.CODE)
        location = cleaning.mapping_of(raw.get("location"))
        path = cleaning.path_of(location.get("file"))
        named = [cleaning.mapping_of(entry) for entry in cleaning.list_of(raw.get("identifiers"))]
        rule = self._rule_of(raw, named, product)
        return ReportedFinding(
            rule_identifier=rule.identifier,
            path=path,
            span=_span_in(location),
            message=_message_of(raw) or rule.name,
            severity=_severity_of(raw),
            cwe=rule.cwe,
            owasp=rule.owasp,
            category=rule.category,
            confidence=cleaning.confidence_of(raw.get("confidence")),
            lines=_lines_of(raw, location, product),
            scanner_fingerprint=_signature_of(raw) or cleaning.text_of(raw.get("cve"), limit=cleaning.MAX_WORD),
            product=product,
            metadata=_kept(raw),
        )

    def _rule_of(self, raw: Mapping[str, Any], named: list[Mapping[str, Any]], product: Product) -> ReportedRule:
        chosen = _primary(named, product)
        is_weakness = _word(chosen.get("type")) in WEAKNESSES  # whose value is a bare number
        identifier = cleaning.identifier_of((not is_weakness and _value_of(chosen)) or chosen.get("name"))
        known = self.rules.get(identifier)
        if known is not None:
            return known
        # Not the value: `1321` of the type cwe is written CWE-1321 in the name only.
        said = [f"{_word(entry.get('type'))}-{_value_of(entry)} {entry.get('name')}" for entry in named]
        weaknesses = [text for text, entry in zip(said, named, strict=True) if _word(entry.get("type")) in WEAKNESSES]
        rule = ReportedRule(
            identifier=identifier,
            name=cleaning.text_of(raw.get("name"), limit=cleaning.MAX_WORD) or identifier.rsplit(".", 1)[-1],
            message=_message_of(raw),
            severity=_severity_of(raw),
            cwe=cleaning.cwe_in(weaknesses),
            owasp=cleaning.owasp_in(weaknesses),
            category="security",
            help_uri=_link_in(chosen),
        )
        self.rules[identifier] = rule
        return rule


def _refuse_unusable(words: Mapping[str, str]) -> None:
    version = words.get("version", "")
    if not version.startswith(VERSIONS):
        found = f"version {version}" if version else "without a version"
        raise ReportUnreadable(f"This is a GitLab report, but {found}; 14 and 15 are read.", json_path="version")
    about = WITHOUT_FILES.get(words.get("scan.type", ""))
    if about:
        raise ReportUnreadable(
            f"This GitLab report ({words['scan.type']}) is about {about}, not about files of a repository. Upload those"
            " of SAST, secret detection or dependency scanning.",
            json_path="scan.type",
        )


def _add_complaint(complaints: Complaints, message: Mapping[str, Any]) -> None:
    level = _word(message.get("level"))
    if level in {"warn", "warning", "error", "fatal"}:
        words = cleaning.text_of(message.get("value"), limit=cleaning.MAX_MESSAGE)
        complaints.add(ScanError(message=words or "The scanner gave no reason.", level=level))


def _word(value: object) -> str:
    return cleaning.text_of(value, limit=cleaning.MAX_TERM).strip().lower()


def _value_of(identifier: Mapping[str, Any]) -> str:
    value = identifier.get("value")
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return cleaning.text_of(text, limit=cleaning.MAX_IDENTIFIER + 1).strip()


def _primary(named: list[Mapping[str, Any]], product: Product) -> Mapping[str, Any]:
    """Return the identifier that names the rule: an advisory's public number, the scanner's own, or else the first."""
    if product == Product.SUPPLY_CHAIN:
        for entry in named:
            if _word(entry.get("type")) in ADVISORIES:
                return entry
    own = (entry for entry in named if _word(entry.get("type")) not in WEAKNESSES)
    return next(own, named[0] if named else {})


def _severity_of(raw: Mapping[str, Any]) -> Severity:
    return cleaning.severity_of(raw.get("severity")) or Severity.MEDIUM


def _message_of(raw: Mapping[str, Any]) -> str:
    limit = cleaning.MAX_MESSAGE
    texts = (cleaning.text_of(raw.get(name), limit=limit).strip() for name in ("description", "message", "name"))
    said = next((text for text in texts if text), "")
    solution = cleaning.text_of(raw.get("solution"), limit=limit).strip()
    return f"{said}\n\n{solution}".strip()[:limit] if solution and solution not in said else said


def _span_in(location: Mapping[str, Any]) -> Span:
    """Return the lines of a location, with columns where it has them; one without lines is about the whole file."""
    if location.get("start_line") is None:
        return WHOLE_FILE
    return cleaning.span_of(
        start_line=location.get("start_line"),
        start_column=location.get("start_column"),
        end_line=location.get("end_line"),
        end_column=location.get("end_column"),
    )


def _lines_of(raw: Mapping[str, Any], location: Mapping[str, Any], product: Product) -> str:
    if product == Product.CODE:
        return cleaning.code_of(raw.get("raw_source_code_extract"))
    if product == Product.SUPPLY_CHAIN:
        dependency = cleaning.mapping_of(location.get("dependency"))
        name = cleaning.text_of(cleaning.mapping_of(dependency.get("package")).get("name"), limit=cleaning.MAX_WORD)
        version = cleaning.text_of(dependency.get("version"), limit=cleaning.MAX_TERM)
        return f"{name} {version}".strip()
    return ""  # the extract is the secret itself


def _signature_of(raw: Mapping[str, Any]) -> str:
    """Return how the analyzer knows the finding again: of several signatures the one that outlives most edits."""
    found: dict[str, str] = {}
    for item in cleaning.list_of(cleaning.mapping_of(raw.get("tracking")).get("items")):
        for entry in cleaning.list_of(cleaning.mapping_of(item).get("signatures")):
            signature = cleaning.mapping_of(entry)
            value = cleaning.text_of(signature.get("value"), limit=cleaning.MAX_SCANNER_FINGERPRINT)
            found.setdefault(_word(signature.get("algorithm")), value)
    return next((found[name] for name in SIGNATURES if found.get(name)), "")


def _link_in(identifier: Mapping[str, Any]) -> str:
    link = cleaning.text_of(identifier.get("url"), limit=cleaning.MAX_LINK)
    return link if link.startswith(("https://", "http://")) else ""


def _kept(raw: Mapping[str, Any]) -> Mapping[str, str | tuple[str, ...]]:
    links = [cleaning.mapping_of(link).get("url") for link in cleaning.list_of(raw.get("links"))]
    flags = [cleaning.mapping_of(flag) for flag in cleaning.list_of(raw.get("flags"))]
    said = [f"{_word(flag.get('type'))}: {cleaning.text_of(flag.get('description'), limit=150)}" for flag in flags]
    kept = {"references": cleaning.texts_of(links, limit=cleaning.MAX_LINK), "flags": cleaning.texts_of(said)}
    return {name: value for name, value in kept.items() if value}
