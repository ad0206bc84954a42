"""Reports for tests: sample files, and small ones made on the spot."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from findings.ingest import open_report
from findings.ingest.base import Report, ReportedFinding

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)

PAYLOADS = Path(__file__).parents[2] / "payloads"


def payload(name: str) -> Report:
    return open_report(io.BytesIO((PAYLOADS / name).read_bytes()))


def opened(report: Any) -> Report:
    return open_report(io.BytesIO(json.dumps(report).encode()))


def semgrep_result(**changes: Any) -> dict[str, Any]:
    extra = {"message": "Words", "severity": "ERROR", "metadata": {}, "lines": "call()", **changes.pop("extra", {})}
    result = {
        "check_id": "garden.rule",
        "path": "src/gate.py",
        "start": {"line": 3, "col": 1, "offset": 9},
        "end": {"line": 3, "col": 7, "offset": 15},
        "extra": extra,
    }
    return {**result, **changes}


def semgrep_report(*results: Any, **parts: Any) -> dict[str, Any]:
    return {"version": "1.97.0", "results": list(results), "errors": [], "paths": {"scanned": []}, **parts}


def semgrep_finding(**changes: Any) -> ReportedFinding:
    (finding,) = opened(semgrep_report(semgrep_result(**changes)))
    return finding


def sarif_result(uri: str = "src/gate.py", **changes: Any) -> dict[str, Any]:
    location = {"artifactLocation": {"uri": uri}, "region": {"startLine": 3}}
    result = {"ruleId": "R1", "message": {"text": "Words"}, "locations": [{"physicalLocation": location}]}
    return {**result, **changes}


def sarif_report(*results: Any, rule: dict[str, Any] | None = None, name: str = "Lintel", **run: Any) -> dict[str, Any]:
    driver = {"name": name, "rules": [{"id": "R1", **(rule or {})}]}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results), **run}]}


def sarif_finding(
    uri: str = "src/gate.py", *, rule: dict[str, Any] | None = None, name: str = "Lintel", **changes: Any
) -> ReportedFinding:
    (finding,) = opened(sarif_report(sarif_result(uri, **changes), rule=rule, name=name))
    return finding
