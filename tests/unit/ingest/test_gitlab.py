from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findings.context import Span
from findings.ingest.base import Product, ReportedFinding, ReportUnreadable, Severity
from tests.unit.ingest.reports import JSON, opened, payload

VULNERABILITY = {
    "name": "Words",
    "severity": "High",
    "location": {"file": "src/gate.py", "start_line": 3},
    "identifiers": [{"type": "lintel_id", "name": "R1", "value": "R1"}],
}


def report(*vulnerabilities: Any, scan: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    said = {"type": "sast", "status": "success", "scanner": {"id": "lintel", "name": "Lintel", "version": "2"}}
    return {"version": "15.0.7", "scan": {**said, **(scan or {})}, "vulnerabilities": list(vulnerabilities), **parts}


def finding(**changes: Any) -> ReportedFinding:
    (found,) = opened(report({**VULNERABILITY, **changes}))
    return found


def test_a_sast_report_is_read() -> None:
    with payload("gitlab/sast.json") as read:
        first, second = read

    assert (first.rule_identifier, first.path, first.span) == (
        "bandit.B608",
        "desk/ledger.py",
        Span(7, 1, 8, 2**31 - 1),
    )
    assert (first.severity, first.cwe, first.owasp) == (Severity.CRITICAL, ("CWE-89",), ("A03:2021",))
    assert first.message.endswith("from what the caller sends.\n\nHand the value over as a parameter.")
    assert first.scanner_fingerprint == "desk/ledger.py|Ledger[0]|borrowed[0]:2"
    assert first.metadata["flags"] == ("flagged-as-likely-false-positive: looks like a test",)
    assert (second.rule_identifier, second.path, second.severity) == ("CWE-327", "desk/ledger.py", Severity.MEDIUM)
    assert (second.confidence, second.scanner_fingerprint, second.cwe) == (
        "high",
        "desk/ledger.py:4d41:B303",
        ("CWE-327",),
    )


def test_what_surrounds_the_results_is_read() -> None:
    read = payload("gitlab/sast.json")

    assert (read.tool_name, read.tool_version) == ("Semgrep", "1.88.0")
    assert read.rules_run == frozenset({"bandit.B608", "bandit.B303-1"})
    assert [error.message for error in read.complaints.kept] == ["desk/old.py could not be parsed"]


def test_a_secret_is_found_and_not_kept() -> None:
    (secret,) = payload("gitlab/secrets.json")

    assert (secret.product, secret.rule_identifier, secret.span.start_line) == (Product.SECRETS, "Password in URL", 4)
    assert "not-a-real-password" not in repr(secret)


def test_an_advisory_is_known_by_its_public_number() -> None:
    read = payload("gitlab/dependencies.json")

    (advisory,) = read

    assert (advisory.product, advisory.rule_identifier, advisory.lines) == (
        Product.SUPPLY_CHAIN,
        "CVE-2025-11111",
        "leaflet 2.3.0",
    )
    assert "Upgrade to version 2.4.1" in advisory.message
    assert read.paths_scanned == frozenset({"package-lock.json", "Gemfile.lock"})


def test_semgrep_tells_of_the_same_places_in_its_gitlab_format() -> None:
    as_json = [(f.rule_identifier, f.path, f.span.start_line) for f in payload("loans/report.json")]
    as_gitlab = [(f.rule_identifier, f.path, f.span.start_line) for f in payload("loans/report.gitlab.json")]

    assert sorted(as_gitlab) == sorted(as_json)


def test_a_scan_that_failed_half_way_fixes_nothing() -> None:
    read = opened(report(VULNERABILITY, scan={"status": "failure"}))

    assert (read.paths_scanned, "failed before its end" in read.complaints.kept[0].message) == (frozenset(), True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (report(scan={"status": "failure", "messages": [{"level": "fatal", "value": "No rules."}]}), "No rules"),
        (report(version="13.1.0"), "version 13.1.0"),
        (report(version=15), "without a version"),
        (report(scan={"type": "dast"}), "a running application"),
        (report(scan={"type": "container_scanning"}), "container images"),
        ({**report(), "vulnerabilities": {"a": 1}}, "no list"),
        ({**report(), "vulnerabilities": None}, "no list"),
        (report({**VULNERABILITY, "location": {"image": "alpine"}}), "names no file"),
        (report({**VULNERABILITY, "identifiers": []}), "names no rule"),
        (report({**VULNERABILITY, "location": {"file": "/etc/passwd", "start_line": 1}}), "absolute"),
        (report({**VULNERABILITY, "location": {"file": "../../x", "start_line": 1}}), "leaves the repository"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(content: dict[str, Any], words: str) -> None:
    with pytest.raises(ReportUnreadable, match=words):
        list(opened(content))


def test_a_location_without_a_line_is_about_the_file() -> None:
    assert finding(location={"file": "go.sum"}).span == Span(1, 1, 1, 1)


def test_links_that_a_browser_would_run_are_left_out() -> None:
    identifiers = [{"type": "x", "name": "R1", "value": "R1", "url": "javascript:alert(1)"}]
    read = opened(report({**VULNERABILITY, "identifiers": identifiers}))

    list(read)

    assert read.rules["R1"].help_uri == ""


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([*VULNERABILITY, "tracking", "flags", "links", "confidence", "cve"]), JSON))
def test_whatever_stands_in_a_vulnerability_breaks_nothing(odd: dict[str, Any]) -> None:
    found = list(opened(report(VULNERABILITY, {**VULNERABILITY, **odd})))

    assert found[0].rule_identifier == "R1"
