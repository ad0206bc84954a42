"""Findings keep their identity through what `semgrep ci` uploads, which holds hashes in place of code.

The payloads were taken from the real client (1.182) over small edits of one file.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

import findings.services
from events.draining import drain
from events.kinds import SCANNER, SYSTEM
from findings.models import Finding, IgnoreReason, Presence, Scan, Triage
from findings.services import ScanDescription

pytestmark = pytest.mark.usefixtures("in_acme")

PAYLOADS = Path(__file__).parents[2] / "payloads" / "semgrep_ci"
PATH = "park/gate.py"


def uploaded(name: str, *, is_full: bool = True, **changed: Any) -> Scan:
    """Hand in what the client sent after an edit, and ingest it."""
    body = {**json.loads((PAYLOADS / f"{name}.json").read_text()), **changed}
    return handed_in(body, is_full=is_full)


def handed_in(body: dict[str, Any], *, is_full: bool = True, pull_request_id: str = "") -> Scan:
    branch = "" if pull_request_id else "main" if is_full else "feature"
    description = ScanDescription(project="park", branch=branch, pull_request_id=pull_request_id, is_full=is_full)
    upload = io.BytesIO(json.dumps(body).encode())
    scan = findings.services.receive_scan(description=description, report=upload, actor=SCANNER)
    drain()
    return Scan.objects.get(pk=scan.pk)


def ignore(*chosen: Finding) -> None:
    for finding in chosen:
        findings.services.ignore(finding=finding, reason=IgnoreReason.ACCEPTABLE_RISK, comment="fenced", actor=SYSTEM)


def ladder() -> Finding:
    return Finding.objects.get(rule__identifier="garden.left-ladder")


@pytest.mark.parametrize("edit", ["lines_above", "file_renamed"])
def test_findings_outlive_edits_that_leave_the_match_alone(edit: str) -> None:
    uploaded("base")
    ignore(*Finding.objects.all())

    scan = uploaded(edit)

    assert (scan.new_count, scan.fixed_count) == (0, 0)
    assert set(Finding.objects.values_list("triage", "is_present")) == {(Triage.IGNORED, True)}


def test_a_renamed_file_is_where_its_findings_are_now() -> None:
    uploaded("base")

    uploaded("file_renamed")

    assert set(Finding.objects.values_list("path", flat=True)) == {"park/entrance.py"}


def test_an_argument_that_the_rule_does_not_look_at_changes_nothing() -> None:
    uploaded("base")
    before = set(Finding.objects.values_list("pk", flat=True))

    scan = uploaded("argument_added")

    assert (scan.new_count, set(Finding.objects.values_list("pk", flat=True))) == (0, before)


def test_a_match_that_was_edited_is_another_finding() -> None:
    uploaded("base")
    ignore(Finding.objects.get(start_line=3))

    scan = uploaded("variable_renamed")

    assert (scan.new_count, scan.fixed_count) == (2, 2)
    assert Finding.objects.filter(is_present=True, triage=Triage.IGNORED).count() == 0


def test_of_two_equal_matches_the_one_that_stays_where_it_was_stays_what_it_was() -> None:
    uploaded("base")
    fixed, kept = Finding.objects.get(start_line=3), Finding.objects.get(start_line=7)
    ignore(fixed)

    # The client counts equal matches: what was the second is now called the first.
    scans = [uploaded("one_fixed"), uploaded("one_fixed", skipped_paths=["elsewhere.py"])]

    fixed.refresh_from_db()
    kept.refresh_from_db()
    assert [(scan.new_count, scan.fixed_count) for scan in scans] == [(0, 1), (0, 0)]
    assert (fixed.is_present, kept.is_present, kept.triage, kept.start_line) == (False, True, Triage.OPEN, 7)


def test_an_equal_match_that_comes_back_is_the_one_that_went() -> None:
    uploaded("base")
    ignore(Finding.objects.get(start_line=3))
    uploaded("one_fixed")

    scan = uploaded("base", skipped_paths=["elsewhere.py"])

    assert scan.new_count == 0
    assert list(Finding.objects.order_by("start_line").values_list("triage", flat=True)) == ["ignored", "open", "open"]


def test_a_comment_in_the_code_ignores_and_its_going_opens_again() -> None:
    uploaded("base")
    uploaded("suppressed")
    suppressed = ladder().triage

    uploaded("base", skipped_paths=["elsewhere.py"])

    assert (suppressed, ladder().triage) == (Triage.IGNORED, Triage.OPEN)


def test_a_rule_that_is_no_longer_run_removes_its_findings_rather_than_fixing_them() -> None:
    uploaded("base")
    body = json.loads((PAYLOADS / "base.json").read_text())
    body["findings"] = [finding for finding in body["findings"] if finding["check_id"] != "garden.left-ladder"]
    body["rule_ids"] = ["garden.open-gate"]

    handed_in(body)

    assert (ladder().is_present, ladder().status) == (False, "Removed")


def test_a_file_that_was_skipped_keeps_its_findings() -> None:
    uploaded("base")
    nothing = {"findings": [], "ignores": [], "rule_ids": ["garden.open-gate", "garden.left-ladder"]}

    handed_in({**nothing, "searched_paths": ["other.py"], "skipped_paths": [PATH], "renamed_paths": []})

    assert Finding.objects.filter(is_present=True).count() == 3


def test_a_diff_aware_scan_of_a_branch_fixes_nothing() -> None:
    uploaded("base")

    scan = uploaded("one_fixed", is_full=False)

    assert (scan.fixed_count, Finding.objects.filter(is_present=True).count()) == (0, 3)


# --- Pull requests ----------------------------------------------------------------------------------------------------


def of_pull_request(name: str, *, is_full: bool = False, **changed: Any) -> Scan:
    """Hand in what the client sent after an edit, as a scan of a pull request, and ingest it."""
    body = {**json.loads((PAYLOADS / f"{name}.json").read_text()), **changed}
    return handed_in(body, is_full=is_full, pull_request_id="7")


def states_on(ref: str) -> list[str]:
    return list(Presence.objects.filter(ref=ref).order_by("start_line").values_list("state", flat=True))


def test_what_a_pull_request_s_next_scan_no_longer_reports_is_fixed_there() -> None:
    of_pull_request("base")

    scan = of_pull_request("base", findings=[])

    assert (scan.fixed_count, states_on("pull/7")) == (3, ["fixed"] * 3)
    assert set(Finding.objects.values_list("is_present", flat=True)) == {False}


def test_what_a_pull_request_fixes_stays_where_else_it_is() -> None:
    uploaded("base")
    of_pull_request("base")

    of_pull_request("base", findings=[])

    assert (states_on("pull/7"), states_on("main")) == (["fixed"] * 3, ["present"] * 3)
    assert set(Finding.objects.values_list("is_present", flat=True)) == {True}


@pytest.mark.parametrize(
    "changed",
    [
        {"searched_paths": ["elsewhere.py"]},
        {"skipped_paths": [PATH]},
        {"rule_ids": ["garden.other"]},
    ],
    ids=["file not looked at", "file skipped", "rule not run"],
)
def test_a_pull_request_fixes_only_what_its_scan_can_know_of(changed: dict[str, Any]) -> None:
    of_pull_request("base")

    scan = of_pull_request("base", findings=[], **changed)

    assert (scan.fixed_count, states_on("pull/7")) == (0, ["present"] * 3)


def test_a_diff_aware_scan_after_a_full_one_of_the_pull_request_fixes_nothing() -> None:
    of_pull_request("base", is_full=True)

    scan = of_pull_request("base", findings=[])

    assert (scan.fixed_count, states_on("pull/7")) == (0, ["present"] * 3)


def test_a_file_that_a_pull_request_renames_takes_its_own_findings_along() -> None:
    of_pull_request("base")
    before = set(Finding.objects.values_list("pk", flat=True))

    scan = of_pull_request("file_renamed", renamed_paths=[PATH])

    assert (scan.new_count, scan.fixed_count) == (0, 0)
    assert set(Finding.objects.values_list("pk", "path")) == {(pk, "park/entrance.py") for pk in before}


def test_a_file_that_a_pull_request_renames_leaves_production_where_it_is() -> None:
    uploaded("base")
    before = set(Finding.objects.values_list("pk", flat=True))
    of_pull_request("file_renamed", renamed_paths=[PATH])

    scan = uploaded("base", skipped_paths=["elsewhere.py"])

    assert scan.new_count == 0
    assert set(Finding.objects.filter(is_production=True).values_list("pk", "path")) == {(pk, PATH) for pk in before}


@pytest.mark.parametrize("with_ids", [True, False], ids=["with the scanner's ids", "without them"])
def test_a_report_with_the_code_finds_what_the_client_uploaded(with_ids: bool) -> None:
    uploaded("base")
    ignore(*Finding.objects.all())
    lines = {3: "        gate.open(visitor)", 7: "    gate.open(visitor)", 8: "    ladder.lean(wall)"}
    results = [
        {
            "check_id": finding["check_id"],
            "path": finding["path"],
            "start": {"line": finding["line"], "col": finding["column"]},
            "end": {"line": finding["end_line"], "col": finding["end_column"]},
            "extra": {
                "message": finding["message"],
                "severity": "ERROR",
                "lines": lines[finding["line"]],
                "fingerprint": finding["match_based_id"] if with_ids else "requires login",
            },
        }
        for finding in json.loads((PAYLOADS / "base.json").read_text())["findings"]
    ]

    scan = handed_in({"version": "1.182.0", "results": results, "errors": [], "paths": {"scanned": [PATH]}})

    assert (scan.new_count, scan.fixed_count) == (0, 0)
    assert set(Finding.objects.values_list("triage", flat=True)) == {Triage.IGNORED}
