"""Semgrep's JSON, of the engines that print code and fingerprints and of those that withhold them without a login."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from findings.context import Span, TraceRole, TraceStep
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
    SuppressionKind,
)
from findings.ingest.reading import Glance, JsonSource

TOOL_NAME = "Semgrep"
NO_VALIDATOR = "NO_VALIDATOR"  # said of every finding of another product than Secrets

_RESULTS = "results.item"


class SemgrepReport(Report):
    """A report as `semgrep scan --json` writes it."""

    def __init__(self, source: JsonSource) -> None:
        super().__init__(source)
        self.tool_name = TOOL_NAME
        self._metadata_of: dict[str, Mapping[str, Any]] = {}
        self._kept_metadata: dict[str, Mapping[str, str | tuple[str, ...]]] = {}
        self._read_all_but_results()

    @classmethod
    def recognises(cls, glance: Glance) -> bool:
        """Answer whether the first result has a `check_id`, or the keys around the results are Semgrep's."""
        if "check_id" in glance.keys_of_first.get("results", ()):
            return True
        return {"results", "errors", "paths"} <= glance.keys

    def _read_all_but_results(self) -> None:
        version, results = "", 0
        complaints = Complaints()
        scanned: set[str] | None = None
        parts = self._source.parts(
            built=frozenset({"version", "errors.item", "paths.scanned.item"}),
            begun=frozenset({"results", "paths.scanned"}),
            skipped=frozenset({_RESULTS}),
        )
        for prefix, value in parts:
            if prefix == _RESULTS:
                results += 1
            elif prefix == "version":
                version = cleaning.text_of(value, limit=cleaning.MAX_TERM)
            elif prefix == "paths.scanned":
                scanned = scanned or set()
            elif prefix == "paths.scanned.item":
                scanned = scanned or set()
                scanned.add(cleaning.path_or_none(value))
            elif prefix == "errors.item":
                complaints.add(_error_in(value))
        self.tool_version = version
        self.complaints = complaints
        # A file outside the repository is no file of ours.
        self.paths_scanned = None if scanned is None else frozenset(scanned - {""})
        fatal = [error for error in complaints.kept if error.level == "error"]
        if fatal and not results and not scanned:
            # Taken for a scan without findings, it would close every finding of the project.
            reason = fatal[0].message[:500].rstrip(".")
            raise ReportUnreadable(
                f"Semgrep stopped before it looked at any file: {reason}. Correct that and scan again."
            )

    def _raw_results(self) -> Iterator[object]:
        return self._source.items(_RESULTS)

    def _finding_in(self, raw: object, position: int) -> ReportedFinding:
        if not isinstance(raw, dict):
            raise ResultUnusable("it is no JSON object")
        path = cleaning.path_of(raw.get("path"))
        span = _span_between(raw.get("start"), raw.get("end"))
        extra = cleaning.mapping_of(raw.get("extra"))
        rule = self._rule_of(cleaning.identifier_of(raw.get("check_id")), extra)
        is_ignored = extra.get("is_ignored") is True
        fix = cleaning.code_of(extra.get("fix"), limit=cleaning.MAX_CODE + 1)
        return ReportedFinding(
            rule_identifier=rule.identifier,
            path=path,
            span=span,
            message=cleaning.text_of(extra.get("message"), limit=cleaning.MAX_MESSAGE).strip() or rule.name,
            severity=cleaning.severity_of(extra.get("severity")) or Severity.MEDIUM,
            cwe=rule.cwe,
            owasp=rule.owasp,
            category=rule.category,
            confidence=rule.confidence,
            technology=rule.technology,
            lines=cleaning.code_of(extra.get("lines")),
            rule_fix=fix if len(fix) <= cleaning.MAX_CODE else "",  # half a fix is none
            trace=_trace_in(extra.get("dataflow_trace"), path),
            scanner_fingerprint=cleaning.code_of(extra.get("fingerprint"), limit=cleaning.MAX_SCANNER_FINGERPRINT),
            is_suppressed=is_ignored,
            suppression_kind=SuppressionKind.IN_SOURCE if is_ignored else None,
            product=_product_of(extra),
            metadata=self._kept_metadata[rule.identifier],
        )

    def _rule_of(self, identifier: str, extra: Mapping[str, Any]) -> ReportedRule:
        metadata = cleaning.mapping_of(extra.get("metadata"))
        known = self.rules.get(identifier)
        # Every result repeats its rule's metadata; reading it once a rule is most of the speed of this parser.
        if known is not None and self._metadata_of[identifier] == metadata:
            return known
        rule = ReportedRule(
            identifier=identifier,
            name=identifier.rsplit(".", 1)[-1],
            message=cleaning.text_of(extra.get("message"), limit=cleaning.MAX_MESSAGE),
            severity=cleaning.severity_of(extra.get("severity")) or Severity.MEDIUM,
            cwe=cleaning.cwe_in(cleaning.texts_of(metadata.get("cwe"))),
            owasp=cleaning.owasp_in(cleaning.texts_of(metadata.get("owasp"))),
            category=cleaning.text_of(metadata.get("category"), limit=cleaning.MAX_TERM).lower(),
            technology=cleaning.texts_of(metadata.get("technology"), limit=cleaning.MAX_TERM),
            confidence=cleaning.confidence_of(metadata.get("confidence")),
            help_uri=cleaning.text_of(metadata.get("source"), limit=cleaning.MAX_LINK),
            tags=cleaning.texts_of(metadata.get("subcategory")),
        )
        self.rules[identifier] = rule
        self._metadata_of[identifier] = metadata
        self._kept_metadata[identifier] = _kept(metadata)
        return rule


def _error_in(raw: object) -> ScanError:
    error = cleaning.mapping_of(raw)
    message = error.get("message") or error.get("long_msg") or error.get("short_msg") or error.get("type")
    spans = cleaning.list_of(error.get("spans"))
    path = error.get("path") or cleaning.mapping_of(spans[0] if spans else None).get("file")
    return ScanError(
        message=cleaning.text_of(message, limit=cleaning.MAX_MESSAGE) or "The scanner gave no reason.",
        level=cleaning.text_of(error.get("level"), limit=cleaning.MAX_WORD).lower(),
        path=cleaning.path_or_none(path),
    )


def _kept(metadata: Mapping[str, Any]) -> Mapping[str, str | tuple[str, ...]]:
    kept: dict[str, str | tuple[str, ...]] = {
        "references": cleaning.texts_of(metadata.get("references"), limit=cleaning.MAX_LINK),
        "vulnerability_class": cleaning.texts_of(metadata.get("vulnerability_class")),
        "subcategory": cleaning.texts_of(metadata.get("subcategory")),
        "likelihood": cleaning.confidence_of(metadata.get("likelihood")),
        "impact": cleaning.confidence_of(metadata.get("impact")),
    }
    return {name: value for name, value in kept.items() if value}


def _product_of(extra: Mapping[str, Any]) -> Product:
    if isinstance(extra.get("sca_info"), dict):
        return Product.SUPPLY_CHAIN
    state = extra.get("validation_state")
    if (isinstance(state, str) and state != NO_VALIDATOR) or "historical_info" in extra:
        return Product.SECRETS
    return Product.CODE


def _span_between(start: object, end: object) -> Span:
    first, last = cleaning.mapping_of(start), cleaning.mapping_of(end)
    return cleaning.span_of(
        start_line=first.get("line"),
        start_column=first.get("col"),
        end_line=last.get("line"),
        end_column=last.get("col"),
    )


def _trace_in(raw: object, path: str) -> tuple[TraceStep, ...]:
    """Flatten a trace into steps from source to sink; empty where it lacks one of them."""
    trace = cleaning.mapping_of(raw)
    source = _calls_in(trace.get("taint_source"), path)
    sink = _calls_in(trace.get("taint_sink"), path)
    if not source and not sink:
        return ()
    # A call that leads to the source is left after it; a call that leads to the sink is entered before it.
    locations = [*reversed(source), *_variables_in(trace.get("intermediate_vars"), path), *sink]
    steps = [TraceStep(TraceRole.INTERMEDIATE, *location) for location in locations]
    if source:
        steps[0] = TraceStep(TraceRole.SOURCE, *locations[0])
    if sink:
        steps[-1] = TraceStep(TraceRole.SINK, *locations[-1])
    return cleaning.within_limit(steps)


def _calls_in(raw: object, path: str) -> list[tuple[str, Span, str]]:
    """Return the locations of a nested call, the outermost first: `["CliLoc", [place, code]]` or `["CliCall", ...]`."""
    found: list[tuple[str, Span, str]] = []
    while True:
        pair = cleaning.list_of(raw)
        kind, content = (pair[0], cleaning.list_of(pair[1])) if len(pair) == 2 else ("", [])  # noqa: PLR2004
        if kind == "CliLoc":
            return found + _location_in(content, path)
        if kind != "CliCall" or len(content) != 3:  # noqa: PLR2004 - the call, variables inside, what it leads to
            return found + _location_in(raw, path)
        found += _location_in(content[0], path) + _variables_in(content[1], path)
        raw = content[2]


def _variables_in(raw: object, path: str) -> list[tuple[str, Span, str]]:
    return [location for entry in cleaning.list_of(raw) for location in _location_in(entry, path)]


def _location_in(raw: object, path: str) -> list[tuple[str, Span, str]]:
    """Return one location, from `[place, code]` or from the objects of older engines; none where it is neither."""
    if isinstance(raw, list):
        place, code = (cleaning.mapping_of(raw[0]), raw[1]) if len(raw) == 2 else ({}, "")  # noqa: PLR2004
    else:
        entry = cleaning.mapping_of(raw)
        place, code = cleaning.mapping_of(entry.get("location") or entry), entry.get("content")
    try:
        span = _span_between(place.get("start"), place.get("end"))
        step_path = cleaning.path_of(place["path"]) if "path" in place else path
    except ResultUnusable:
        return []
    return [(step_path, span, cleaning.code_of(code, limit=cleaning.MAX_STEP_TEXT))]
