"""Findings as SARIF: what a reader of the standard, and our own importer, make of them."""

from __future__ import annotations

import io
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from findings.context import Span, TraceRole, TraceStep
from findings.export.finding import (
    ExportedFinding,
    ExportedFix,
    ExportedGuidance,
    ExportedRule,
    ExportedTriage,
    ExportedVerdict,
)
from findings.export.sarif import sarif_in_parts, sarif_of
from findings.export.sarif_fixes import fix_of_diff
from findings.ingest import open_report
from findings.ingest.base import ReportedFinding
from lib.diffs import unified_diff
from tests.contract.contracts import contract

RULE = ExportedRule(
    identifier="garden.fence.open-gate",
    message="The gate stands open.",
    severity="high",
    cwe=("CWE-601",),
    owasp=("A01:2021",),
    category="security",
    help_uri="https://example.org/gate",
)
BEFORE = "def gate():\n    return visitor\n"
AFTER = "def gate():\n    return known(visitor)\n"


def a_finding(**changes: Any) -> ExportedFinding:
    values: dict[str, Any] = {
        "fingerprint": "00112233445566778899aabbccddeeff",
        "rule": RULE,
        "path": "src/gate.py",
        "span": Span(2, 5, 2, 19),
        "severity": "high",
        "message": "The gate stands open for a visitor.",
        "matched_lines": "    return visitor",
    }
    return ExportedFinding(**{**values, **changes})


def a_verdict(value: str = "true_positive", **changes: Any) -> ExportedVerdict:
    recommendation = {"true_positive": "fix", "false_positive": "ignore", "unsure": "unsure"}[value]
    quote = {"path": "src/gate.py", "start_line": 2, "end_line": 2, "role": "sink", "quote": "return visitor"}
    values: dict[str, Any] = {
        "confidence": "medium",
        "explanation": "The visitor is not asked who they are.",
        "evidence": ({**quote, "holds": True}, {**quote, "quote": "closed", "holds": False}),
    }
    return ExportedVerdict(value=value, recommendation=recommendation, **{**values, **changes})


def a_fix(*, is_verified: bool = True, before: str = BEFORE, after: str = AFTER) -> ExportedFix:
    diff = unified_diff("src/gate.py", before, after)
    return ExportedFix(diff=diff, confidence="high", explanation="Ask first.", is_verified=is_verified)


EVERYTHING = (
    a_finding(verdict=a_verdict(), fix=a_fix(), guidance=ExportedGuidance("Ask.", ({"text": "Ask.", "code": ""},))),
    a_finding(verdict=a_verdict("false_positive"), component_tag="API", component_risk="high"),
    a_finding(triage=ExportedTriage("ignored", "person", "Acceptable risk", "Only staff pass here.")),
    a_finding(not_analysed="cap", not_analysed_reason="Too many.", scanner_fingerprint="abc_0"),
    a_finding(
        rule_fix="return nobody",
        trace=(
            TraceStep(TraceRole.SOURCE, "src/street.py", Span(1, 1, 1, 8), "visitor"),
            TraceStep(TraceRole.SINK, "src/gate.py", Span(2, 5, 2, 19), "return visitor"),
        ),
    ),
    a_finding(path="src/späti/ein zaun#1.py", rule=ExportedRule("plain", "", "low", category="style"), severity="low"),
)


def results(*exported: ExportedFinding) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sarif_of(exported)["runs"][0]["results"]
    return found


def imported(*exported: ExportedFinding) -> list[ReportedFinding]:
    with open_report(io.BytesIO(json.dumps(sarif_of(exported)).encode())) as report:
        return list(report)


# --- The standard -----------------------------------------------------------------------------------------------------


def test_the_log_fits_the_standards_schema() -> None:
    validator = jsonschema.Draft4Validator(contract("sarif-2.1.0-rtm.5.json"))

    problems = [f"{list(error.path)}: {error.message[:200]}" for error in validator.iter_errors(sarif_of(EVERYTHING))]

    assert problems == []


def test_the_log_of_no_findings_has_an_empty_run() -> None:
    assert results() == []


def test_the_log_in_parts_is_the_same_log() -> None:
    whole = sarif_of(EVERYTHING, scanner="Semgrep 1.100.0")

    in_parts = "".join(sarif_in_parts(EVERYTHING, scanner="Semgrep 1.100.0"))

    assert json.loads(in_parts) == whole


def test_the_log_of_no_findings_can_be_written_in_parts() -> None:
    assert json.loads("".join(sarif_in_parts(()))) == sarif_of(())


def test_a_rule_is_described_once_and_named_by_its_place() -> None:
    other = ExportedRule("garden.hedge", "Too high.", "medium")

    run = sarif_of([a_finding(), a_finding(rule=other), a_finding()])["runs"][0]

    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["garden.fence.open-gate", "garden.hedge"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 1, 0]


# --- Suppressions -----------------------------------------------------------------------------------------------------


def test_a_likely_false_positive_is_suppressed_under_review_only() -> None:
    [result] = results(a_finding(verdict=a_verdict("false_positive")))

    [suppression] = result["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "underReview")
    assert "The visitor is not asked who they are." in suppression["justification"]


def test_what_a_person_ignored_is_suppressed_with_the_reason() -> None:
    [result] = results(a_finding(triage=ExportedTriage("ignored", "person", "Acceptable risk", "Only staff.")))

    assert result["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "Acceptable risk: Only staff."}
    ]


def test_what_a_comment_in_the_code_ignores_is_suppressed_in_the_source() -> None:
    ignored = ExportedTriage("ignored", "suppression", "No reason")

    [result] = results(a_finding(triage=ignored, matched_lines="return visitor  # nosemgrep"))

    assert result["suppressions"][0]["kind"] == "inSource"


@pytest.mark.parametrize("value", ["true_positive", "unsure"])
def test_any_other_verdict_suppresses_nothing(value: str) -> None:
    [result] = results(a_finding(verdict=a_verdict(value)))

    assert result["suppressions"] == []


# --- What the Assistant says ------------------------------------------------------------------------------------------


def test_only_evidence_that_holds_is_handed_on() -> None:
    [result] = results(a_finding(verdict=a_verdict()))

    assert [quote["quote"] for quote in result["properties"]["assistantEvidence"]] == ["return visitor"]


def test_a_finding_without_a_verdict_says_why() -> None:
    [result] = results(a_finding(not_analysed="cap", not_analysed_reason="There were too many."))

    assert result["properties"]["notAnalysed"] == "There were too many."


# --- Fixes ------------------------------------------------------------------------------------------------------------


def test_a_verified_fix_is_handed_on() -> None:
    [result] = results(a_finding(fix=a_fix()))

    [change] = result["fixes"][0]["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "src/gate.py"
    assert applied(BEFORE, change["replacements"]) == AFTER


def test_a_fix_that_is_not_verified_is_not_handed_on() -> None:
    [result] = results(a_finding(fix=a_fix(is_verified=False)))

    assert "fixes" not in result


def test_the_rules_own_fix_replaces_what_it_matched() -> None:
    [result] = results(a_finding(rule_fix="return nobody", fix=a_fix()))

    [fix] = result["fixes"]
    assert applied(BEFORE, fix["artifactChanges"][0]["replacements"]) == "def gate():\n    return nobody\n"


def test_changes_of_two_files_are_two_artifacts() -> None:
    diff = unified_diff("a.py", "x = 1\n", "x = 2\n") + unified_diff("b/c d.py", "y = 1\n", "y = 2\n")

    fix = fix_of_diff(diff, explanation="")

    assert fix is not None
    assert [change["artifactLocation"]["uri"] for change in fix["artifactChanges"]] == ["a.py", "b/c%20d.py"]


def test_a_diff_that_changes_nothing_is_no_fix() -> None:
    assert fix_of_diff("", explanation="Nothing to do.") is None


LINES = st.lists(st.sampled_from(["", "a", "b", "- c", "+ d", "\\ e", "@@ -1 +1 @@"]), max_size=12)


@given(before=LINES, after=LINES, end=st.sampled_from(["\n", "\r\n"]), ends=st.tuples(st.booleans(), st.booleans()))
def test_the_replacements_turn_the_old_text_into_the_new(
    before: list[str], after: list[str], end: str, ends: tuple[bool, bool]
) -> None:
    old = end.join(before) + end * ends[0]
    new = end.join(after) + end * ends[1]

    fix = fix_of_diff(unified_diff("a.py", old, new), explanation="")

    replacements = fix["artifactChanges"][0]["replacements"] if fix else []
    assert applied(old, replacements) == new


def applied(text: str, replacements: list[dict[str, Any]]) -> str:
    """Carry out replacements as the standard says, from the last to the first."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)

    def offset(line: int, column: int) -> int:
        return min(starts[line - 1] + column - 1, len(text))

    for replacement in reversed(replacements):
        deleted = replacement["deletedRegion"]
        start = offset(deleted["startLine"], deleted["startColumn"])
        end = offset(deleted["endLine"], deleted["endColumn"])
        text = text[:start] + replacement["insertedContent"]["text"] + text[end:]
    return text


# --- There and back ---------------------------------------------------------------------------------------------------


def test_our_own_importer_reads_back_what_was_found() -> None:
    [back] = imported(a_finding(scanner_fingerprint="abc_0", verdict=a_verdict()))

    assert (back.rule_identifier, back.path, back.span) == ("garden.fence.open-gate", "src/gate.py", Span(2, 5, 2, 19))
    assert (back.severity, back.cwe, back.owasp) == ("high", ("CWE-601",), ("A01:2021",))
    assert (back.message, back.lines) == ("The gate stands open for a visitor.", "    return visitor")
    assert back.scanner_fingerprint == "abc_0"


def test_a_path_that_no_address_may_hold_comes_back_as_it_was() -> None:
    [back] = imported(a_finding(path="src/späti/ein zaun#1.py"))

    assert back.path == "src/späti/ein zaun#1.py"


def test_the_trace_comes_back_step_by_step() -> None:
    [back] = imported(EVERYTHING[4])

    assert [(step.path, step.span) for step in back.trace] == [
        ("src/street.py", Span(1, 1, 1, 8)),
        ("src/gate.py", Span(2, 5, 2, 19)),
    ]


def test_only_what_somebody_ignored_comes_back_as_ignored() -> None:
    ignored = a_finding(triage=ExportedTriage("ignored", "person", "No time"))
    doubted = a_finding(verdict=a_verdict("false_positive"), message="Another.")

    assert [back.is_suppressed for back in imported(ignored, doubted)] == [True, False]
