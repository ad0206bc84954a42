"""Where findings are: present, fixed, removed, and back again, on each branch and pull request."""

from __future__ import annotations

from typing import Any

import pytest

import findings.services
from events.kinds import SYSTEM, Kind
from events.models import Event
from findings.models import Finding, IgnoreReason, Presence, Triage
from orgs.models import Project
from tests.integration.findings.importing import PAYLOADS, imported, matches, only_finding, received, report_of

pytestmark = pytest.mark.usefixtures("in_acme")

PATH, NEEDLE = "park/gate.py", "gate.open(visitor)"
RESULT = matches(PATH, NEEDLE, NEEDLE)[0]
PRESENT = report_of(RESULT)
GONE = report_of(paths={"scanned": [PATH]})


def states() -> dict[str, str]:
    return dict(Presence.objects.values_list("ref", "state"))


def sarif(*, tool: str, results: int, notifications: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    location = {"artifactLocation": {"uri": PATH}, "region": {"startLine": 1, "snippet": {"text": NEEDLE}}}
    result = {"ruleId": "garden.open-gate", "message": {"text": "x"}, "locations": [{"physicalLocation": location}]}
    return {
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": tool, "rules": [{"id": "garden.open-gate"}]}},
                "results": [result] * results,
                "invocations": [
                    {"executionSuccessful": True, "toolExecutionNotifications": notifications or []},
                ],
            }
        ],
    }


def test_a_full_scan_that_no_longer_reports_a_finding_fixed_it() -> None:
    imported(PRESENT)

    scan = imported(GONE)

    assert (scan.fixed_count, only_finding().is_present, only_finding().status, states()) == (
        1,
        False,
        "Fixed",
        {"main": "fixed"},
    )


def test_a_finding_whose_file_is_gone_was_removed() -> None:
    imported(PRESENT)

    imported(report_of(paths={"scanned": ["park/pond.py"]}))

    assert (states(), only_finding().is_present) == ({"main": "removed"}, False)


@pytest.mark.parametrize("named", [PATH, f"./{PATH}", PATH.replace("/", "\\")])
def test_a_finding_in_a_file_that_the_scanner_failed_on_stays(named: str) -> None:
    imported(PRESENT)

    scan = imported(
        report_of(errors=[{"level": "warn", "message": "Timeout", "path": named}], paths={"scanned": [PATH]})
    )

    assert (states(), scan.fixed_count) == ({"main": "present"}, 0)


def test_it_stays_also_where_a_hundred_other_files_failed_before() -> None:
    imported(PRESENT)
    others = [{"level": "warn", "message": "Timeout", "path": f"park/{n}.py"} for n in range(150)]

    imported(
        report_of(errors=[*others, {"level": "warn", "message": "Timeout", "path": PATH}], paths={"scanned": [PATH]})
    )

    assert states() == {"main": "present"}


def test_it_stays_where_only_the_words_of_the_scanner_name_the_file() -> None:
    imported(sarif(tool="Semgrep OSS", results=1))
    complaint = {"level": "warning", "message": {"text": f"Syntax error at line {PATH}:3: `(` was unexpected"}}

    imported(sarif(tool="Semgrep OSS", results=0, notifications=[complaint]))

    assert states() == {"main": "present"}


def test_a_complaint_about_another_file_keeps_nothing() -> None:
    imported(sarif(tool="Semgrep OSS", results=1))
    complaint = {"level": "warning", "message": {"text": "Syntax error at line park/pond.py:3: `(` was unexpected"}}

    imported(sarif(tool="Semgrep OSS", results=0, notifications=[complaint]))

    assert states() == {"main": "fixed"}


def test_a_scan_that_looked_at_no_file_fixes_nothing_and_says_so() -> None:
    imported(PRESENT)

    scan = imported(report_of(paths={"scanned": []}))

    assert (states(), scan.problems) == (
        {"main": "present"},
        ["The scan looked at no file, so nothing was marked as fixed."],
    )


def test_another_tool_does_not_fix_what_it_does_not_look_for() -> None:
    imported(PRESENT)

    imported(sarif(tool="Lintel", results=0))

    assert states() == {"main": "present"}


def test_the_same_tool_is_known_in_both_formats() -> None:
    imported(PRESENT)

    imported(sarif(tool="Semgrep OSS", results=0))

    assert states() == {"main": "fixed"}


@pytest.mark.parametrize("described", [{"is_full": False}, {"pull_request_id": "7", "is_full": False}])
def test_a_scan_of_a_part_fixes_nothing(described: dict[str, Any]) -> None:
    imported(PRESENT, **described)

    scan = imported(GONE, **described)

    assert (scan.fixed_count, only_finding().is_present) == (0, True)


def test_a_fixed_finding_that_returns_is_open_again() -> None:
    imported(PRESENT)
    imported(GONE)

    scan = imported(PRESENT, commit="abcdef1")

    assert (only_finding().status, states(), scan.new_count) == ("Open", {"main": "present"}, 0)
    kinds = Event.objects.filter(finding_id=only_finding().pk).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == [Kind.FINDING_FOUND, Kind.FINDING_FIXED, Kind.FINDING_RETURNED]


def test_an_ignored_finding_that_returns_stays_ignored() -> None:
    imported(PRESENT)
    findings.services.ignore(finding=only_finding(), reason=IgnoreReason.NO_TIME, comment="", actor=SYSTEM)
    imported(GONE)

    imported(PRESENT, commit="abcdef1")

    assert (only_finding().status, only_finding().is_present) == ("Ignored", True)


def test_a_branch_does_not_fix_what_is_on_another() -> None:
    imported(PRESENT)
    imported(PRESENT, branch="topic")

    imported(GONE, branch="topic")

    assert (states(), only_finding().is_production) == ({"main": "present", "topic": "fixed"}, True)


def test_a_pull_request_s_finding_is_not_in_production_until_it_is_merged() -> None:
    imported(report_of(), branch="main")
    imported(PRESENT, pull_request_id="7", is_full=False)
    before = (only_finding().is_present, only_finding().is_production)

    imported(PRESENT)

    assert before == (True, False)
    assert (only_finding().is_production, states()) == (True, {"pull/7": "present", "main": "present"})


def test_a_branch_called_like_a_pull_request_is_another_place() -> None:
    imported(report_of(), branch="main")
    imported(PRESENT, pull_request_id="7", is_full=False)

    imported(GONE, branch="pull/7")

    assert only_finding().is_present


def test_what_a_closed_pull_request_said_does_not_outlive_the_fix_on_the_primary_branch() -> None:
    imported(PRESENT)
    imported(PRESENT, pull_request_id="7", is_full=False)

    imported(GONE)

    assert (only_finding().status, only_finding().is_production) == ("Fixed", False)


def test_a_pull_request_that_brings_a_fixed_finding_back_opens_it() -> None:
    imported(PRESENT)
    imported(GONE)

    imported(PRESENT, pull_request_id="7", is_full=False)

    assert (only_finding().status, only_finding().is_production) == ("Open", False)


def test_the_first_branch_scanned_in_full_is_the_primary_one() -> None:
    imported(PRESENT, branch="topic", is_full=False)
    imported(PRESENT, branch="trunk")

    imported(PRESENT, branch="other")

    assert Project.objects.get().primary_branch == "trunk"


def test_a_scan_that_names_no_branch_is_of_the_primary_one() -> None:
    imported(PRESENT, branch="trunk")

    imported(GONE, branch="")

    assert states() == {"trunk": "fixed"}


def test_what_was_scanned_before_any_branch_was_named_belongs_to_the_first_one_named() -> None:
    imported(PRESENT, branch="")
    was_production = only_finding().is_production

    imported(GONE, branch="trunk")

    assert (was_production, states(), only_finding().is_present) == (True, {"trunk": "fixed"}, False)


def test_a_scan_ingested_late_takes_nothing_back() -> None:
    imported(PRESENT)
    older = received(PRESENT, commit="abcdef1")
    imported(GONE)

    findings.services.ingest_scan(scan=older)

    assert (states(), only_finding().is_present) == ({"main": "fixed"}, False)


def test_a_finding_fixed_before_its_turn_is_not_analysed_any_more() -> None:
    first = imported(PRESENT)
    findings.services.begin_analysis(scan=first, finding_ids=[only_finding().pk])

    imported(GONE)

    first.refresh_from_db()
    assert (only_finding().not_analysed, first.state, first.skipped_count) == ("fixed", "settled", 1)


# --- Suppressions -----------------------------------------------------------------------------------------------------

SUPPRESSED = report_of(matches(PATH, NEEDLE, NEEDLE, is_ignored=True)[0])


def test_a_suppression_in_the_source_ignores_a_finding() -> None:
    imported(SUPPRESSED)

    finding = only_finding()
    assert (finding.triage, finding.triage_source, finding.ignore_reason) == ("ignored", "suppression", "no_reason")


def test_a_suppression_that_goes_opens_it_again() -> None:
    imported(SUPPRESSED)

    imported(PRESENT)

    finding = only_finding()
    assert (finding.triage, finding.triage_source, finding.ignore_reason) == ("open", "", "")
    assert finding.not_analysed != "ignored"


def test_activity_tells_of_suppressions() -> None:
    imported(PRESENT)
    imported(SUPPRESSED)
    imported(PRESENT, commit="abcdef1")

    kinds = Event.objects.filter(finding_id=only_finding().pk, actor_kind="scanner").order_by("pk")
    assert list(kinds.values_list("kind", flat=True)) == ["finding_found", "finding_ignored", "finding_triaged"]


def test_the_justification_of_a_suppression_is_kept() -> None:
    report = sarif(tool="Lintel", results=1)
    report["runs"][0]["results"][0]["suppressions"] = [{"kind": "external", "justification": "The park is closed."}]

    imported(report)

    assert only_finding().triage_comment == "The park is closed."


def test_a_pull_request_does_not_suppress_what_is_in_production() -> None:
    imported(PRESENT)

    imported(SUPPRESSED, pull_request_id="7", is_full=False)

    assert only_finding().triage == Triage.OPEN


def test_a_suppression_does_not_change_a_person_s_decision() -> None:
    imported(PRESENT)
    findings.services.set_triage(finding=only_finding(), triage=Triage.TO_FIX, comment="Mine.", actor=SYSTEM)

    imported(SUPPRESSED)

    assert (only_finding().triage, only_finding().triage_comment) == (Triage.TO_FIX, "Mine.")


# --- Rules and products -----------------------------------------------------------------------------------------------


def test_semgrep_s_sarif_tells_which_rules_were_run() -> None:
    imported(sarif(tool="Semgrep OSS", results=1))
    without_the_rule = sarif(tool="Semgrep OSS", results=0)
    without_the_rule["runs"][0]["tool"]["driver"]["rules"] = [{"id": "garden.other"}]

    imported(without_the_rule)

    assert only_finding().status == "Removed"


def test_sarif_of_other_tools_lists_only_what_it_found() -> None:
    imported(sarif(tool="Lintel", results=1))
    without_the_rule = sarif(tool="Lintel", results=0)
    without_the_rule["runs"][0]["tool"]["driver"]["rules"] = [{"id": "garden.other"}]

    imported(without_the_rule)

    assert only_finding().status == "Fixed"


@pytest.mark.parametrize(
    ("tool", "rule", "product"),
    [
        ("Trivy", "CVE-2025-1", "supply_chain"),
        ("Trivy", "AVD-AWS-0001", "code"),
        ("Grype", "made-up", "supply_chain"),
        ("osv-scanner", "GHSA-xxxx", "supply_chain"),
        ("gitleaks", "aws-access-token", "secrets"),
        ("TruffleHog", "github", "secrets"),
        ("Checkov", "CKV_AWS_20", "code"),
        ("Checkov", "CKV_SECRET_6", "secrets"),
    ],
)
def test_the_product_is_inferred_from_tool_and_rule(tool: str, rule: str, product: str) -> None:
    report = sarif(tool=tool, results=1)
    report["runs"][0]["results"][0]["ruleId"] = rule

    imported(report)

    assert only_finding().product == product


def test_a_product_that_is_said_with_the_upload_holds_and_can_be_corrected() -> None:
    imported(PRESENT)

    imported(PRESENT, product="secrets")

    assert (only_finding().product, Finding.objects.count()) == ("secrets", 1)


def test_a_gitlab_report_is_imported_and_seen_again() -> None:
    content = (PAYLOADS / "gitlab" / "sast.json").read_bytes()
    imported(content)

    scan = imported(content, commit="abcdef1")

    assert (scan.report_format, scan.tool, scan.found_count, scan.new_count) == ("gitlab", "Semgrep", 2, 0)
