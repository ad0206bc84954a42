from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findings.context import Span, TraceRole
from findings.ingest.base import Product, ReportedFinding, ReportUnreadable, Severity, SuppressionKind
from tests.unit.ingest.reports import JSON, opened, payload, sarif_finding, sarif_report, sarif_result

KEYS_OF_RESULT = [
    *("rule", "ruleId", "ruleIndex", "message", "level", "kind", "locations", "codeFlows", "fixes", "suppressions"),
    *("fingerprints", "partialFingerprints", "properties", "taxa", "baselineState", "relatedLocations"),
]
KEYS_OF_LOCATION = ["physicalLocation", "artifactLocation", "region", "contextRegion", "uri", "index", "uriBaseId"]


def located(uri: Any = "src/gate.py", region: Any = None, **location: Any) -> list[dict[str, Any]]:
    physical = {"artifactLocation": {"uri": uri, **location}, "region": region or {"startLine": 3}}
    return [{"physicalLocation": physical}]


def path_of(location: dict[str, Any], *, name: str = "Lintel", **run: Any) -> str:
    result = sarif_result(locations=[{"physicalLocation": {"artifactLocation": location, "region": {"startLine": 3}}}])
    (finding,) = opened(sarif_report(result, name=name, **run))
    return finding.path


def told(finding: ReportedFinding) -> tuple[Any, ...]:
    place = (finding.rule_identifier, finding.path, finding.span, finding.message)
    return *place, finding.severity, finding.cwe, finding.owasp, finding.confidence


def test_semgrep_tells_the_same_in_both_of_its_formats() -> None:
    as_json = list(payload("semgrep/withheld.json"))
    as_sarif = [finding for finding in payload("sarif/semgrep.sarif") if not finding.is_suppressed]

    assert [
        (f.rule_identifier, f.path, f.span, f.message, f.severity, f.cwe, f.owasp, f.confidence) for f in as_sarif
    ] == [(f.rule_identifier, f.path, f.span, f.message, f.severity, f.cwe, f.owasp, f.confidence) for f in as_json]


def test_nosemgrep_arrives_as_suppressed_in_the_source() -> None:
    (ignored,) = [finding for finding in payload("sarif/semgrep.sarif") if finding.is_suppressed]

    assert ignored.span.start_line == 8
    assert ignored.suppression_kind is SuppressionKind.IN_SOURCE


def test_only_rules_that_matched_are_kept() -> None:
    report = payload("sarif/semgrep.sarif")

    list(report)

    assert sorted(report.rules) == ["shop-md5", "shop-remove", "shop-shell"]


def test_a_scan_that_stopped_is_not_taken_for_one_without_findings() -> None:
    with pytest.raises(ReportUnreadable, match="failed before it had results: Invalid YAML file"):
        payload("sarif/stopped.sarif")


def test_a_failed_invocation_without_results_is_refused() -> None:
    with pytest.raises(ReportUnreadable, match="failed before it had results"):
        opened(sarif_report(invocations=[{"executionSuccessful": False}]))


def test_a_rule_of_an_extension_is_found_by_its_index() -> None:
    report = payload("sarif/extension.sarif")

    (finding,) = report

    assert finding.path == "src/main/java/My Reports.java"
    assert finding.span == Span(31, 24, 31, 44)
    assert finding.severity is Severity.HIGH
    assert finding.cwe == ("CWE-89", "CWE-564")
    assert finding.confidence == "high"
    assert finding.message == "This query depends on a value of the user."
    assert finding.lines == '    return store.query("from t where id=" + id);'
    assert finding.scanner_fingerprint == "39fa2ee980eb94b0:1"
    assert [step.role for step in finding.trace] == [TraceRole.SOURCE, TraceRole.INTERMEDIATE, TraceRole.SINK]
    assert [step.path for step in finding.trace][:2] == ["src/main/java/Ledger.java", "src/main/java/My Reports.java"]


def test_notes_of_a_scanner_are_no_errors() -> None:
    report = payload("sarif/extension.sarif")

    assert [(error.message, error.path) for error in report.complaints.kept] == [
        ("could not parse", "src/main/java/Odd.java")
    ]


def test_one_scanner_may_report_for_three_products() -> None:
    dependency, misconfiguration, secret = payload("sarif/dependencies.sarif")

    assert [dependency.product, misconfiguration.product, secret.product] == [
        Product.SUPPLY_CHAIN,
        Product.CODE,
        Product.SECRETS,
    ]
    assert [dependency.severity, misconfiguration.severity, secret.severity] == [
        Severity.CRITICAL,
        Severity.MEDIUM,
        Severity.HIGH,
    ]
    assert secret.path == "config/prod.env"


def test_several_runs_are_one_report() -> None:
    report = payload("sarif/two_tools.sarif")

    shell, key, opening, nested, whole = report

    assert report.tool_name == "Lintel, gitleaks, Rafter"
    assert (shell.path, shell.confidence, shell.severity) == ("jobs/backup.py", "high", Severity.MEDIUM)
    assert (key.product, key.suppression_justification) == (Product.SECRETS, "A key of the test system.")
    assert key.scanner_fingerprint == ""
    assert (opening.message, opening.rule_fix, opening.cwe) == ("Open calls Path; {sic}", "Safe()", ("CWE-22",))
    assert (nested.rule_identifier, nested.severity, nested.cwe) == ("RF1/nested", Severity.LOW, ("CWE-22",))
    assert (whole.span, whole.is_suppressed) == (Span(1, 1, 1, 1), False)
    assert [problem.reason for problem in report.problems.kept] == ["it points at no file"]


@pytest.mark.parametrize(
    ("location", "run", "path"),
    [
        ({"uri": "a%20b/c%23.py"}, {}, "a b/c#.py"),
        ({"uri": "./src/gate.py"}, {}, "src/gate.py"),
        ({"uri": "src\\gate.cs"}, {}, "src/gate.cs"),
        ({"uri": "gate.py", "uriBaseId": "UNKNOWN"}, {}, "gate.py"),
        (
            {"uri": "gate.py", "uriBaseId": "SUB"},
            {"originalUriBaseIds": {"SUB": {"uri": "src/", "uriBaseId": "ROOT"}, "ROOT": {"uri": "file:///repo/"}}},
            "src/gate.py",
        ),
        (
            {"uri": "gate.py", "uriBaseId": "BUILD"},
            {"originalUriBaseIds": {"ROOT": {"uri": "file:///repo/"}, "BUILD": {"uri": "file:///repo/build/"}}},
            "build/gate.py",
        ),
        ({"uri": "file:///repo/src/gate.py"}, {"originalUriBaseIds": {"ROOT": {"uri": "file:///repo"}}}, "src/gate.py"),
        ({"uri": "file:///C:/repo/gate.cs"}, {"originalUriBaseIds": {"ROOT": {"uri": "file:///C:/repo/"}}}, "gate.cs"),
        ({"uri": "/repo/gate.py"}, {"invocations": [{"workingDirectory": {"uri": "file:///repo/"}}]}, "gate.py"),
        ({"index": 1}, {"artifacts": [{"location": {"uri": "a.py"}}, {"location": {"uri": "b%20c.py"}}]}, "b c.py"),
    ],
)
def test_paths_are_resolved_to_the_repository(location: dict[str, Any], run: dict[str, Any], path: str) -> None:
    assert path_of(location, **run) == path


def test_semgrep_writes_paths_as_they_are() -> None:
    assert path_of({"uri": "a%20b.py"}, name="Semgrep OSS") == "a%20b.py"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"locations": located("/etc/gate.py")}, "absolute"),
        ({"locations": located("file:///etc/gate.py")}, "absolute"),
        ({"locations": located("file://[/gate.py")}, "absolute"),
        ({"locations": located("%2e%2e/gate.py")}, "leaves the repository"),
        ({"locations": located("https://example.org/gate.py")}, "no file"),
        ({"locations": located(None)}, "no file"),
        ({"locations": located("a%00b.py")}, "characters"),
        ({"locations": []}, "no file"),
        ({"locations": [{"logicalLocations": [{"name": "main"}]}]}, "no file"),
        ({"locations": located(region={"startLine": "x"})}, "line"),
        ({"ruleId": None}, "names no rule"),
    ],
)
def test_a_bad_result_is_skipped_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    report = opened(sarif_report(sarif_result("sound.py"), sarif_result(**changes)))

    found = list(report)

    assert [finding.path for finding in found] == ["sound.py"]
    assert reason in report.problems.kept[0].reason


def test_bases_that_point_at_each_other_end() -> None:
    bases = {"A": {"uri": "a/", "uriBaseId": "B"}, "B": {"uri": "b/", "uriBaseId": "A"}}

    assert path_of({"uri": "gate.py", "uriBaseId": "A"}, originalUriBaseIds=bases).endswith("a/gate.py")


@pytest.mark.parametrize(
    ("rule", "changes", "severity"),
    [
        ({"properties": {"security-severity": "9.0"}}, {"level": "note"}, Severity.CRITICAL),
        ({"properties": {"security-severity": "8.9"}}, {}, Severity.HIGH),
        ({"properties": {"security-severity": 7}}, {}, Severity.HIGH),
        ({"properties": {"security-severity": "6.9"}}, {"level": "error"}, Severity.MEDIUM),
        ({"properties": {"security-severity": "3.9"}}, {"level": "error"}, Severity.LOW),
        ({"properties": {"security-severity": "high"}}, {"level": "error"}, Severity.HIGH),
        ({"properties": {"security-severity": "nan"}}, {"level": "note"}, Severity.LOW),
        ({"properties": {"security-severity": "5"}}, {"properties": {"security-severity": "9.5"}}, Severity.CRITICAL),
        ({"defaultConfiguration": {"level": "note"}}, {}, Severity.LOW),
        ({"defaultConfiguration": {"level": "note"}}, {"level": "error"}, Severity.HIGH),
        ({}, {}, Severity.MEDIUM),
    ],
)
def test_a_score_wins_over_a_level(rule: dict[str, Any], changes: dict[str, Any], severity: Severity) -> None:
    assert sarif_finding(rule=rule, **changes).severity is severity


@pytest.mark.parametrize(
    ("tags", "cwe", "owasp"),
    [
        (["external/cwe/cwe-079"], ("CWE-79",), ()),
        (["CWE-79: Words", "OWASP-A03:2021 - Words"], ("CWE-79",), ("A03:2021",)),
        (["CWE-079", "cwe/352", "security"], ("CWE-79", "CWE-352"), ()),
        (["notacwe-79", "cwe", "CWE-0", 5, None], (), ()),
    ],
)
def test_weaknesses_are_read_from_tags(tags: list[Any], cwe: tuple[str, ...], owasp: tuple[str, ...]) -> None:
    finding = sarif_finding(rule={"properties": {"tags": tags}})

    assert (finding.cwe, finding.owasp) == (cwe, owasp)


def test_weaknesses_of_a_single_result_are_added() -> None:
    taxa = [{"id": "352", "toolComponent": {"name": "CWE"}}, {"id": "9", "toolComponent": {"name": "Other"}}]

    finding = sarif_finding(rule={"properties": {"tags": ["CWE-79"]}}, taxa=taxa)

    assert finding.cwe == ("CWE-79", "CWE-352")


@pytest.mark.parametrize(
    ("suppressions", "is_suppressed"),
    [
        ([{"kind": "inSource"}], True),
        ([{"kind": "external", "status": "accepted"}], True),
        ([{"kind": "external", "status": "underReview"}], False),
        ([{"kind": "external", "status": "rejected"}], False),
        ([{"kind": "inSource"}, {"kind": "external", "status": "rejected"}], False),
        ([], False),
    ],
)
def test_only_accepted_suppressions_count(suppressions: list[dict[str, str]], is_suppressed: bool) -> None:
    assert sarif_finding(suppressions=suppressions).is_suppressed is is_suppressed


@pytest.mark.parametrize(
    ("region", "span"),
    [
        ({"startLine": 4}, Span(4, 1, 4, 2**31 - 1)),
        ({"startLine": 4, "startColumn": 3, "endColumn": 9}, Span(4, 3, 4, 9)),
        ({"startLine": 4, "endLine": 6}, Span(4, 1, 6, 2**31 - 1)),
        ({"startLine": 4, "startColumn": 7, "endLine": 2, "endColumn": 3}, Span(4, 7, 4, 7)),
        ({"startLine": 0}, Span(1, 1, 1, 2**31 - 1)),
        ({"charOffset": 88, "charLength": 3}, Span(1, 1, 1, 1)),
    ],
)
def test_regions_with_parts_missing_are_completed(region: dict[str, int], span: Span) -> None:
    assert sarif_finding(locations=located(region=region)).span == span


def replaced(region: dict[str, int], text: str = "safe()", uri: str = "src/gate.py") -> dict[str, Any]:
    replacement = {"deletedRegion": region, "insertedContent": {"text": text}}
    return {"artifactChanges": [{"artifactLocation": {"uri": uri}, "replacements": [replacement]}]}


HERE = {"startLine": 3, "startColumn": 2, "endColumn": 8}


@pytest.mark.parametrize(
    ("fixes", "fix"),
    [
        ([replaced(HERE)], "safe()"),
        ([replaced({**HERE, "endColumn": 5})], ""),
        ([replaced(HERE, uri="src/other.py")], ""),
        ([{"artifactChanges": replaced(HERE)["artifactChanges"] * 2}], ""),
        ([], ""),
    ],
    ids=["the match", "a part of it", "another file", "two changes", "none"],
)
def test_a_fix_is_kept_only_where_it_replaces_the_match(fixes: list[dict[str, Any]], fix: str) -> None:
    assert sarif_finding(locations=located(region=HERE), fixes=fixes).rule_fix == fix


def test_code_in_a_message_is_no_link() -> None:
    assert sarif_finding(message={"text": "calls table[0](1) {here}"}).message == "calls table[0](1) {here}"


def test_an_argument_that_is_missing_leaves_its_place() -> None:
    assert sarif_finding(message={"text": "{0} and {1}", "arguments": ["One"]}).message == "One and {1}"


@given(
    JSON,
    st.sampled_from(
        [
            "rule",
            "ruleId",
            "ruleIndex",
            "message",
            "level",
            "kind",
            "locations",
            "codeFlows",
            "fixes",
            "suppressions",
            "fingerprints",
            "partialFingerprints",
            "properties",
            "taxa",
            "baselineState",
        ]
    ),
)
@settings(deadline=None)
def test_no_value_in_a_result_breaks_the_report(value: Any, key: str) -> None:
    report = opened(sarif_report(sarif_result("sound.py"), sarif_result() | {key: value}))

    assert "sound.py" in {finding.path for finding in report}


@given(
    JSON,
    st.sampled_from(["physicalLocation", "artifactLocation", "region", "contextRegion", "uri", "index", "uriBaseId"]),
)
@settings(deadline=None)
def test_no_value_in_a_location_breaks_the_report(value: Any, key: str) -> None:
    artifact = {"uri": "src/gate.py", key: value}
    physical = {"artifactLocation": artifact, "region": {"startLine": 1, key: value}, key: value}
    location = {"physicalLocation": physical} | {key: value}
    report = opened(sarif_report(sarif_result("sound.py"), sarif_result(locations=[location])))

    assert "sound.py" in {finding.path for finding in report}


@given(JSON, st.sampled_from(["artifacts", "originalUriBaseIds", "invocations", "taxonomies"]), JSON)
@settings(deadline=None)
def test_no_value_in_a_run_breaks_the_report(value: Any, key: str, rule: Any) -> None:
    report = opened(sarif_report(sarif_result(), **{key: value}))
    report_of_rule = opened(
        sarif_report(sarif_result(), rule={"properties": rule, "messageStrings": value, "name": rule})
    )

    assert len(list(report)) == len(list(report_of_rule)) == 1
