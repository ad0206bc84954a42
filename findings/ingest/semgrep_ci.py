"""What `semgrep ci` uploads to its server: findings with hashes in place of code, and what was scanned.

The client's own format, as its versions 1.100 and 1.182 send it; not documented by its vendor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from findings.context import TraceStep
from findings.ingest import cleaning
from findings.ingest.base import Complaints, ReportedFinding, ResultUnusable, SuppressionKind
from findings.ingest.reading import Glance
from findings.ingest.semgrep import TOOL_NAME, SemgrepReport

_FINDINGS, _IGNORES = "findings.item", "ignores.item"
_SEVERITY_WORDS = {0: "LOW", 1: "MEDIUM", 2: "HIGH", 3: "CRITICAL", 4: "LOW"}
_WITHHELD = "<code omitted>"


class SemgrepCiReport(SemgrepReport):
    """The results of one run of `semgrep ci`; its `ignores` are what `nosemgrep` comments suppress."""

    @classmethod
    def recognises(cls, glance: Glance) -> bool:
        """Answer whether the keys are those that the client sends around its findings."""
        return {"findings", "searched_paths", "rule_ids"} <= glance.keys

    def _read_all_but_results(self) -> None:
        listed: dict[str, set[str]] = {
            "searched_paths.item": set(),
            "skipped_paths.item": set(),
            "renamed_paths.item": set(),
            "rule_ids.item": set(),
        }
        parts = self._source.parts(
            built=frozenset(listed),
            begun=frozenset({"findings", "ignores", "searched_paths", "skipped_paths", "renamed_paths", "rule_ids"}),
            skipped=frozenset({_FINDINGS, _IGNORES}),
        )
        for prefix, value in parts:
            if prefix == "rule_ids.item":
                listed[prefix].add(cleaning.text_of(value, limit=cleaning.MAX_IDENTIFIER))
            elif prefix in listed:
                listed[prefix].add(cleaning.path_or_none(value))
        self.tool_name, self.tool_version = TOOL_NAME, ""
        self.paths_scanned = frozenset(listed["searched_paths.item"] - {""})
        self.rules_run = frozenset(listed["rule_ids.item"])
        self.paths_renamed = frozenset(listed["renamed_paths.item"] - {""})
        # What the client passed over it cannot know of; it is no complaint worth a line for each.
        self.complaints = Complaints(paths=listed["skipped_paths.item"] - {""})

    def _raw_results(self) -> Iterator[object]:
        yield from self._source.items(_FINDINGS)
        for raw in self._source.items(_IGNORES):
            yield {**raw, "is_ignored": True} if isinstance(raw, dict) else raw

    def _finding_in(self, raw: object, position: int) -> ReportedFinding:
        if not isinstance(raw, dict):
            raise ResultUnusable("it is no JSON object")
        as_printed = _as_printed(raw)
        finding = super()._finding_in(as_printed, position)
        hashes = cleaning.mapping_of(raw.get("hashes"))
        return replace(
            finding,
            code_hash=cleaning.text_of(hashes.get("code_hash"), limit=cleaning.MAX_TERM * 2),
            trace=tuple(_without_placeholder(step) for step in finding.trace),
            suppression_kind=SuppressionKind.IN_SOURCE if finding.is_suppressed else None,
        )


def _as_printed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding of the upload in the shape that `semgrep scan --json` prints it in."""
    severity = raw.get("severity")
    return {
        "check_id": raw.get("check_id"),
        "path": raw.get("path"),
        "start": {"line": raw.get("line"), "col": raw.get("column")},
        "end": {"line": raw.get("end_line"), "col": raw.get("end_column")},
        "extra": {
            "message": raw.get("message"),
            "metadata": raw.get("metadata"),
            "severity": _SEVERITY_WORDS.get(severity) if isinstance(severity, int) else severity,
            "fingerprint": raw.get("match_based_id"),
            "dataflow_trace": raw.get("dataflow_trace"),
            "validation_state": raw.get("validation_state"),
            "is_ignored": raw.get("is_ignored") is True,
            **({"sca_info": raw["sca_info"]} if isinstance(raw.get("sca_info"), dict) else {}),
            **({"historical_info": raw["historical_info"]} if raw.get("historical_info") else {}),
        },
    }


def _without_placeholder(step: TraceStep) -> TraceStep:
    return replace(step, text="") if step.text == _WITHHELD else step
