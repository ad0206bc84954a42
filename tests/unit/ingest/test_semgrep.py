from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findings.context import Span, TraceRole
from findings.ingest.base import Product, ReportUnreadable, Severity, SuppressionKind
from tests.unit.ingest.reports import JSON, opened, payload, semgrep_finding, semgrep_report, semgrep_result

KEYS_OF_DETAILS = ["message", "severity", "metadata", "lines", "fix", "fingerprint", "dataflow_trace", "sca_info"]


def test_a_report_of_a_signed_in_engine_is_read_in_full() -> None:
    report = payload("semgrep/signed_in.json")

    shell, ignored, first, second, md5 = report

    assert (report.tool_name, report.tool_version) == ("Semgrep", "1.97.0")
    assert report.paths_scanned == frozenset({"shop/orders.py"})
    assert report.complaints.kept[0].path == "shop/page.html"
    assert shell.span == Span(7, 5, 7, 62)
    assert shell.cwe == ("CWE-78",)
    assert shell.owasp == ("A03:2021", "A01:2017")
    assert shell.metadata["likelihood"] == "high"
    assert [step.role for step in shell.trace] == [
        TraceRole.SOURCE,
        TraceRole.INTERMEDIATE,
        TraceRole.INTERMEDIATE,
        TraceRole.SINK,
    ]
    assert (ignored.is_suppressed, ignored.suppression_kind) == (True, SuppressionKind.IN_SOURCE)
    assert first.message == second.message
    assert md5.rule_fix == 'hash_of("sha256", store)'


def test_what_an_engine_withholds_without_a_login_is_empty() -> None:
    withheld = list(payload("semgrep/withheld.json"))

    assert {finding.lines for finding in withheld} == {""}
    assert {finding.scanner_fingerprint for finding in withheld} == {""}


def test_both_generations_tell_of_the_same_findings() -> None:
    signed_in = [f for f in payload("semgrep/signed_in.json") if not f.is_suppressed]
    withheld = list(payload("semgrep/withheld.json"))

    assert [(f.rule_identifier, f.path, f.span, f.message) for f in signed_in] == [
        (f.rule_identifier, f.path, f.span, f.message) for f in withheld
    ]


def test_a_scan_that_stopped_is_not_taken_for_one_without_findings() -> None:
    with pytest.raises(ReportUnreadable, match="stopped before it looked at any file: Invalid YAML file"):
        payload("semgrep/stopped.json")


def test_errors_beside_scanned_files_are_told_and_no_obstacle() -> None:
    errors = [{"level": "error", "message": "Timeout", "path": "src/slow.js"}]

    report = opened(semgrep_report(errors=errors, paths={"scanned": ["src/gate.py"]}))

    assert list(report) == []
    assert (report.complaints.count, report.complaints.kept[0].message, report.complaints.kept[0].path) == (
        1,
        "Timeout",
        "src/slow.js",
    )


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("ERROR", Severity.HIGH),
        ("WARNING", Severity.MEDIUM),
        ("INFO", Severity.LOW),
        ("CRITICAL", Severity.CRITICAL),
        ("HIGH", Severity.HIGH),
        ("MEDIUM", Severity.MEDIUM),
        ("LOW", Severity.LOW),
        ("something new", Severity.MEDIUM),
    ],
)
def test_severities_of_both_vocabularies(word: str, severity: Severity) -> None:
    assert semgrep_finding(extra={"severity": word}).severity is severity


@pytest.mark.parametrize(
    ("reported", "kept"),
    [
        ("./src/gate.py", "src/gate.py"),
        ("src\\win\\gate.cs", "src/win/gate.cs"),
        ("src//./gate.py", "src/gate.py"),
        ("src/old/../gate.py", "src/gate.py"),
        ("sp ace/a%20b.py", "sp ace/a%20b.py"),
        ("größe/файл.py", "größe/файл.py"),
    ],
)
def test_paths_are_kept_as_posix_and_relative(reported: str, kept: str) -> None:
    assert semgrep_finding(path=reported).path == kept


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"path": "/home/runner/src/gate.py"}, "absolute"),
        ({"path": "C:\\work\\gate.py"}, "absolute"),
        ({"path": "../other/gate.py"}, "leaves the repository"),
        ({"path": "a/../../gate.py"}, "leaves the repository"),
        ({"path": "src/ga\x00te.py"}, "characters"),
        ({"path": ""}, "names no file"),
        ({"path": 7}, "names no file"),
        ({"path": "d/" * 600 + "gate.py"}, "longer than"),
        ({"check_id": None}, "names no rule"),
        ({"check_id": "r" * 600}, "longer than"),
        ({"start": {"line": "three"}}, "line"),
        ({"start": None}, "line"),
        ({"start": {"line": 10**12, "col": 1}}, "line"),
    ],
)
def test_a_bad_result_is_skipped_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    report = opened(semgrep_report(semgrep_result(), semgrep_result(**changes), semgrep_result(path="other.py")))

    found = list(report)

    assert [finding.path for finding in found] == ["src/gate.py", "other.py"]
    assert report.problems.count == 1
    assert report.problems.kept[0].position == 2
    assert reason in report.problems.kept[0].reason


def test_a_report_with_bad_results_only_is_refused() -> None:
    report = opened(semgrep_report(semgrep_result(path="/abs/gate.py"), "not even an object"))

    with pytest.raises(ReportUnreadable, match="None of the 2 results could be used"):
        list(report)


def test_only_the_first_problems_are_kept_and_all_are_counted() -> None:
    report = opened(semgrep_report(semgrep_result(), *(["bad"] * 50)))

    list(report)

    assert report.problems.count == 50
    assert len(report.problems.kept) == 20


def test_identical_results_are_one_finding() -> None:
    report = opened(semgrep_report(semgrep_result(), semgrep_result(), semgrep_result(check_id="other.rule")))

    assert [finding.rule_identifier for finding in report] == ["garden.rule", "other.rule"]
    assert report.duplicates == 1


def test_nul_and_lone_surrogates_are_taken_out_of_texts() -> None:
    finding = semgrep_finding(extra={"message": "a\x00b", "lines": "x\x00 = 1", "fix": "\x00y"})

    assert (finding.message, finding.lines, finding.rule_fix) == ("ab", "x = 1", "y")


def test_a_fix_too_long_to_keep_is_dropped_rather_than_cut() -> None:
    assert semgrep_finding(extra={"fix": "f" * 30_000}).rule_fix == ""


@pytest.mark.parametrize(
    ("extra", "product"),
    [
        ({}, Product.CODE),
        ({"validation_state": "NO_VALIDATOR"}, Product.CODE),
        ({"validation_state": "CONFIRMED_VALID"}, Product.SECRETS),
        ({"sca_info": {"reachable": True}}, Product.SUPPLY_CHAIN),
    ],
)
def test_the_product_is_inferred(extra: dict[str, Any], product: Product) -> None:
    assert semgrep_finding(extra=extra).product is product


@pytest.mark.parametrize(
    ("metadata", "cwe", "owasp"),
    [
        ({"cwe": "CWE-079: words", "owasp": "A3:2017 - words"}, ("CWE-79",), ("A03:2017",)),
        (
            {"cwe": ["cwe-22", "CWE-22: again"], "owasp": ["A01:2017", "A03:2021 - x"]},
            ("CWE-22",),
            ("A03:2021", "A01:2017"),
        ),
        ({"cwe": [None, 5, {}], "owasp": {"a": 1}}, (), ()),
        ({"owasp": ["API1:2023 - x", "LLM01:2025 - y"]}, (), ("LLM01:2025", "API1:2023")),
    ],
)
def test_weaknesses_are_read_in_any_spelling(
    metadata: dict[str, Any], cwe: tuple[str, ...], owasp: tuple[str, ...]
) -> None:
    finding = semgrep_finding(extra={"metadata": metadata})

    assert (finding.cwe, finding.owasp) == (cwe, owasp)


def place(line: int, path: str = "src/gate.py") -> dict[str, Any]:
    return {"path": path, "start": {"line": line, "col": 1}, "end": {"line": line, "col": 9}}


def test_a_trace_through_calls_is_flattened_from_source_to_sink() -> None:
    source = ["CliCall", [[place(20), "outer()"], [], ["CliLoc", [place(5, "src/lib.py"), "read()"]]]]
    between = [{"location": place(21), "content": "value"}]
    sink = [
        "CliCall",
        [[place(22), "save(value)"], [{"location": place(30), "content": "v"}], ["CliLoc", [place(31), "run(v)"]]],
    ]
    trace = {"taint_source": source, "intermediate_vars": between, "taint_sink": sink}

    steps = semgrep_finding(extra={"dataflow_trace": trace}).trace

    assert [step.text for step in steps] == ["read()", "outer()", "value", "save(value)", "v", "run(v)"]
    assert steps[0].path == "src/lib.py"
    assert (steps[0].role, steps[-1].role) == (TraceRole.SOURCE, TraceRole.SINK)


def test_a_trace_of_an_older_engine_is_read() -> None:
    trace = {"taint_source": [place(4), "ask()"], "taint_sink": {"location": place(9), "content": "run()"}}

    assert [step.text for step in semgrep_finding(extra={"dataflow_trace": trace}).trace] == ["ask()", "run()"]


def test_an_endless_trace_keeps_its_ends() -> None:
    between = [{"location": place(n), "content": str(n)} for n in range(1, 500)]
    trace = {
        "taint_source": ["CliLoc", [place(1), "source"]],
        "intermediate_vars": between,
        "taint_sink": ["CliLoc", [place(900), "sink"]],
    }

    steps = semgrep_finding(extra={"dataflow_trace": trace}).trace

    assert len(steps) == 100
    assert (steps[0].text, steps[-1].text) == ("source", "sink")


@given(JSON, st.sampled_from(["check_id", "path", "start", "end", "extra"]))
@settings(deadline=None)
def test_no_value_in_a_result_breaks_the_report(value: Any, key: str) -> None:
    report = opened(semgrep_report(semgrep_result(path="sound.py"), semgrep_result() | {key: value}))

    assert "sound.py" in {finding.path for finding in report}


@given(
    JSON,
    st.sampled_from(["message", "severity", "metadata", "lines", "fix", "fingerprint", "dataflow_trace", "sca_info"]),
)
@settings(deadline=None)
def test_no_value_in_the_details_loses_the_finding(value: Any, key: str) -> None:
    assert semgrep_finding(extra={key: value}).path == "src/gate.py"


@given(JSON, JSON, JSON)
@settings(deadline=None)
def test_no_value_in_a_trace_loses_the_finding(source: Any, between: Any, sink: Any) -> None:
    trace = {"taint_source": ["CliCall", [source, between, sink]], "intermediate_vars": between, "taint_sink": sink}

    assert semgrep_finding(extra={"dataflow_trace": trace}).path == "src/gate.py"


@given(JSON, JSON)
@settings(deadline=None)
def test_no_value_beside_the_results_breaks_the_report(errors: Any, paths: Any) -> None:
    report = opened(semgrep_report(semgrep_result(), errors=errors, paths=paths, version=errors))

    assert len(list(report)) == 1
