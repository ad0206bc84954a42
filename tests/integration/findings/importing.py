"""Reports for tests of importing, written from the code they are about, and handed in as CI would."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import findings.services
from events.kinds import SCANNER
from findings.models import Finding, Scan
from findings.services import ScanDescription
from lib.files import bytes_file

PAYLOADS = Path(__file__).parents[2] / "payloads"
LOANS = PAYLOADS / "loans"
CODE = {path.relative_to(LOANS / "code").as_posix(): path.read_text() for path in (LOANS / "code").rglob("*.*")}
WITHHELD = "requires login"

Matches = list[dict[str, Any]]


def matches(path: str, text: str, needle: str, *, rule: str = "garden.open-gate", **extra: Any) -> Matches:
    """Return Semgrep's results for each place where a text stands in a file."""
    found: Matches = []
    start = text.find(needle)
    while start >= 0:
        line, column = text.count("\n", 0, start) + 1, start - (text.rfind("\n", 0, start) + 1) + 1
        whole_line = text.split("\n")[line - 1]
        found.append(
            {
                "check_id": rule,
                "path": path,
                "start": {"line": line, "col": column},
                "end": {"line": line, "col": column + len(needle)},
                "extra": {
                    "message": "Shut the gate.",
                    "severity": "ERROR",
                    "metadata": {},
                    "lines": whole_line,
                    **extra,
                },
            }
        )
        start = text.find(needle, start + 1)
    return found


def withheld(results: Matches) -> Matches:
    """Return results as Semgrep writes them for a user who is not signed in."""
    return [{**each, "extra": {**each["extra"], "lines": WITHHELD, "fingerprint": WITHHELD}} for each in results]


def report_of(*results: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return a Semgrep report; it says that it looked at the files with results, unless told otherwise."""
    scanned = sorted({str(result["path"]) for result in results if "path" in result}) or ["README.md"]
    return {"version": "1.97.0", "results": list(results), "errors": [], "paths": {"scanned": scanned}, **parts}


def context_of(files: Mapping[str, str]) -> BinaryIO:
    """Return files as CI sends them along."""
    return bytes_file("\n".join(json.dumps({"path": path, "text": text}) for path, text in files.items()))


def received(
    report: dict[str, Any] | bytes,
    *,
    files: Mapping[str, str] | None = None,
    rules: str | None = None,
    project: str = "shop",
    branch: str = "main",
    commit: str = "",
    pull_request_id: str = "",
    is_full: bool = True,
    product: str = "",
) -> Scan:
    """Hand a report in."""
    return findings.services.receive_scan(
        description=ScanDescription(
            project=project,
            branch=branch,
            commit=commit,
            pull_request_id=pull_request_id,
            is_full=is_full,
            product=product,
        ),
        report=io.BytesIO(report if isinstance(report, bytes) else json.dumps(report).encode()),
        context=context_of(files) if files is not None else None,
        rule_file=bytes_file(rules) if rules is not None else None,
        actor=SCANNER,
    )


def imported(report: dict[str, Any] | bytes, **description: Any) -> Scan:
    """Hand a report in and ingest it."""
    scan = received(report, **description)
    findings.services.ingest_scan(scan=scan)
    return Scan.objects.get(pk=scan.pk)


def only_finding() -> Finding:
    """Return the one finding there is."""
    return Finding.objects.get()


def at_line(line: int) -> Finding:
    """Return the finding that was last seen on a line."""
    return Finding.objects.get(start_line=line)


def snapshot() -> list[tuple[Any, ...]]:
    """Return what people and the list see of all findings."""
    return list(
        Finding.objects.order_by("pk").values_list(
            "pk", "fingerprint", "rule__identifier", "path", "start_line", "triage", "triage_source", "is_present"
        )
    )
