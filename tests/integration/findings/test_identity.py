"""The same finding in the next scan, whatever has changed around it; and never another one."""

from __future__ import annotations

import json

import pytest

import findings.services
from events.kinds import SYSTEM
from findings.models import Finding, IgnoreReason, Triage
from tests.integration.findings.importing import (
    CODE,
    LOANS,
    at_line,
    imported,
    matches,
    only_finding,
    report_of,
    snapshot,
    withheld,
)

pytestmark = pytest.mark.usefixtures("in_acme")

GATE = """import gate


def enter(visitor):
    gate.open(visitor)


def leave(visitor):
    gate.open(visitor)
"""
PATH = "park/gate.py"
NEEDLE = "gate.open(visitor)"
ONE = GATE.partition("def leave")[0]

LOANS_JSON, LOANS_SARIF = (LOANS / "report.json").read_bytes(), (LOANS / "report.sarif").read_bytes()


def ignore(finding: Finding) -> None:
    findings.services.ignore(finding=finding, reason=IgnoreReason.ACCEPTABLE_RISK, comment="", actor=SYSTEM)


def test_the_first_import_finds_all_of_it() -> None:
    scan = imported(LOANS_JSON, files=CODE)

    assert (scan.state, scan.found_count, scan.new_count, scan.fixed_count) == ("ingested", 6, 6, 0)
    assert (scan.tool, scan.tool_version, scan.problems) == ("Semgrep", "1.182.0", [])


def test_the_same_upload_again_is_the_same_scan() -> None:
    first = imported(LOANS_JSON, files=CODE)

    assert imported(LOANS_JSON, files=CODE).pk == first.pk


def test_the_same_findings_in_another_upload_change_nothing() -> None:
    imported(LOANS_JSON, files=CODE, commit="1" * 40)
    before = snapshot()

    scan = imported(LOANS_JSON, files=CODE, commit="2" * 40)

    assert snapshot() == before
    assert (scan.found_count, scan.new_count, scan.fixed_count) == (6, 0, 0)


@pytest.mark.parametrize("files", [CODE, None], ids=["with the code", "without"])
def test_json_and_sarif_of_one_run_have_the_same_findings(files: dict[str, str] | None) -> None:
    code_was_shown = json.loads(LOANS_JSON)
    for result in code_was_shown["results"]:
        lines = CODE[result["path"]].split("\n")
        result["extra"]["lines"] = "\n".join(lines[result["start"]["line"] - 1 : result["end"]["line"]])
    imported(code_was_shown, files=files)
    before = snapshot()

    scan = imported(LOANS_SARIF, files=files)

    assert snapshot()[:6] == before
    # SARIF also has the one that a comment in the code suppresses.
    assert (scan.new_count, Finding.objects.get(first_scan=scan).triage) == (1, Triage.IGNORED)


@pytest.mark.parametrize("files", [{PATH: GATE}, None], ids=["with the code", "without"])
def test_an_engine_that_withholds_the_code_has_the_same_findings(files: dict[str, str] | None) -> None:
    results = matches(PATH, GATE, NEEDLE)
    imported(report_of(*results), files=files)
    ignore(at_line(9))

    scan = imported(report_of(*withheld(results), version="1.182.0"), files=files)

    assert (scan.new_count, scan.fixed_count) == (0, 0)
    assert (at_line(5).triage, at_line(9).triage) == (Triage.OPEN, Triage.IGNORED)


@pytest.mark.parametrize(
    "edited",
    [
        "# A licence\n# of two lines\n" + ONE,
        ONE + "\n\ndef later():\n    pass\n",
        ONE.replace("    ", "\t"),
        ONE.replace("gate.open(visitor)", "gate.open(visitor)  # checked by the porter"),
    ],
    ids=["lines above", "lines below", "indentation", "a comment beside it"],
)
def test_a_finding_outlives_edits_elsewhere(edited: str) -> None:
    imported(report_of(*matches(PATH, ONE, NEEDLE)), files={PATH: ONE})
    before = only_finding().pk

    scan = imported(report_of(*matches(PATH, edited, NEEDLE)), files={PATH: edited})

    assert (only_finding().pk, scan.new_count) == (before, 0)
    assert only_finding().start_line == edited[: edited.index(NEEDLE)].count("\n") + 1


def test_a_finding_outlives_other_words() -> None:
    imported(report_of(*matches(PATH, ONE, NEEDLE)))

    imported(report_of(*matches(PATH, ONE, NEEDLE, message="The gate stays open.", severity="WARNING")))

    assert (only_finding().message, only_finding().get_severity_display()) == ("The gate stays open.", "Medium")


@pytest.mark.parametrize(("old", "new"), [("def enter", "def go_in"), ("def enter", "async def arrive")])
def test_a_finding_outlives_the_name_of_its_function(old: str, new: str) -> None:
    imported(report_of(*matches(PATH, ONE, NEEDLE)), files={PATH: ONE})
    ignore(only_finding())
    renamed = "# moved as well\n" + ONE.replace(old, new)

    scan = imported(report_of(*matches(PATH, renamed, NEEDLE)), files={PATH: renamed})

    assert (only_finding().triage, scan.new_count, scan.fixed_count) == (Triage.IGNORED, 0, 0)


def test_triage_outlives_the_code_coming_with_the_upload_and_going() -> None:
    plain, with_code = report_of(*matches(PATH, GATE, NEEDLE)), {PATH: GATE}
    imported(plain)
    ignore(at_line(9))

    news = [
        imported(plain, files=files, commit=f"{n}" * 40).new_count
        for n, files in enumerate([with_code, None, with_code])
    ]

    assert news == [0, 0, 0]
    assert (at_line(5).triage, at_line(9).triage) == (Triage.OPEN, Triage.IGNORED)


def test_code_outside_any_function_is_not_confused_with_code_inside_one() -> None:
    text = "def enter(visitor):\n    gate.open(visitor)\n\n\ngate.open(visitor)\n"
    imported(report_of(*matches(PATH, text, NEEDLE)))
    ignore(at_line(2))

    imported(report_of(*matches(PATH, text, NEEDLE)), files={PATH: text})

    assert (at_line(2).triage, at_line(5).triage) == (Triage.IGNORED, Triage.OPEN)


def test_a_finding_that_knows_its_function_is_not_found_again_in_another() -> None:
    imported(report_of(*matches(PATH, GATE, NEEDLE)), files={PATH: GATE})
    ignore(at_line(5))
    third = "def visit(visitor):\n    gate.open(visitor)\n\n\n" + GATE

    scan = imported(report_of(*matches(PATH, third, NEEDLE)), files={PATH: third})

    assert scan.new_count == 1
    assert [at_line(line).triage for line in (2, 9, 13)] == ["open", "ignored", "open"]


def test_two_equal_matches_are_two_findings() -> None:
    twice = "def enter(visitor):\n    gate.open(visitor)\n    gate.open(visitor); gate.open(visitor)\n"

    scan = imported(report_of(*reversed(matches(PATH, twice, NEEDLE))), files={PATH: twice})

    assert (scan.found_count, Finding.objects.values("fingerprint").distinct().count()) == (3, 3)


@pytest.mark.parametrize("files", [True, False], ids=["with the code", "without"])
def test_of_equal_matches_those_that_stayed_where_they_were_stay_what_they_were(files: bool) -> None:
    text = "gate.open(visitor)\n\ngate.open(visitor)\n\ngate.open(visitor)\n"
    results = matches(PATH, text, NEEDLE)
    imported(report_of(*results), files={PATH: text} if files else None)
    ignore(at_line(3))
    without_the_second = text.replace("\n\ngate.open(visitor)\n\n", "\n\ngate.shut(visitor)\n\n")

    scan = imported(
        report_of(results[0], results[2]), commit="abcdef1", files={PATH: without_the_second} if files else None
    )

    assert (scan.new_count, scan.fixed_count) == (0, 1)
    assert [(at_line(line).is_present, at_line(line).triage) for line in (1, 3, 5)] == [
        (True, "open"),
        (False, "ignored"),
        (True, "open"),
    ]


def test_many_equal_matches_of_which_some_go_are_told_apart() -> None:
    results = matches(PATH, "gate.open(visitor)\n" * 150, NEEDLE)
    imported(report_of(*results))

    scan = imported(report_of(*results[70:]), commit="abcdef1")

    assert (scan.new_count, scan.fixed_count) == (0, 70)
    assert not Finding.objects.filter(is_present=True, start_line__lte=70).exists()


def test_the_order_of_the_report_makes_no_difference() -> None:
    results = matches(PATH, "gate.open(visitor)\n" * 3, NEEDLE)
    imported(report_of(*results))
    ignore(at_line(2))

    imported(report_of(*reversed(results)))

    assert [at_line(line).triage for line in (1, 2, 3)] == ["open", "ignored", "open"]


def test_a_match_that_was_edited_is_another_finding() -> None:
    imported(report_of(*matches(PATH, ONE, NEEDLE)))
    edited = ONE.replace("gate.open(visitor)", "gate.open(everybody)")

    scan = imported(report_of(*matches(PATH, edited, "gate.open(everybody)")))

    assert (scan.new_count, scan.fixed_count) == (1, 1)


def test_a_copy_of_an_ignored_match_in_a_pull_request_is_a_finding_of_its_own() -> None:
    imported(report_of(*matches(PATH, ONE, NEEDLE)), files={PATH: ONE})
    ignore(only_finding())
    copied = ONE + "\n\ndef climb(visitor):\n    gate.open(visitor)\n"

    # A diff-aware scan reports what is new only.
    scan = imported(
        report_of(matches(PATH, copied, NEEDLE)[1]), files={PATH: copied}, pull_request_id="7", is_full=False
    )

    assert (scan.new_count, Finding.objects.get(first_scan=scan).triage) == (1, Triage.OPEN)


def test_a_pull_request_scanned_without_its_code_knows_findings_by_their_line() -> None:
    imported(report_of(*matches(PATH, GATE, NEEDLE)), files={PATH: GATE})

    scan = imported(report_of(*matches(PATH, GATE, NEEDLE)), pull_request_id="7", is_full=False)

    assert scan.new_count == 0


def test_an_ignored_match_that_was_deleted_lends_nothing_to_a_new_one_elsewhere() -> None:
    imported(report_of(*matches(PATH, ONE, NEEDLE)), files={PATH: ONE})
    ignore(only_finding())
    imported(report_of(paths={"scanned": [PATH]}))
    elsewhere = ONE.replace("def enter", "def climb")

    scan = imported(report_of(*matches(PATH, elsewhere, NEEDLE)), files={PATH: elsewhere})

    assert (scan.new_count, Finding.objects.get(first_scan=scan).triage) == (1, Triage.OPEN)


def test_projects_do_not_share_findings() -> None:
    imported(report_of(*matches(PATH, ONE, NEEDLE)), project="north")

    scan = imported(report_of(*matches(PATH, ONE, NEEDLE)), project="south")

    assert (scan.new_count, Finding.objects.count()) == (1, 2)


def test_rules_keep_what_people_chose_when_they_are_reported_again() -> None:
    rules = (LOANS / "rules.yaml").read_text()
    imported(LOANS_JSON, rules=rules)
    rule = Finding.objects.all()[0].rule
    rule.mode = "block"
    rule.save()

    imported(LOANS_JSON, commit="abcdef1")

    rule.refresh_from_db()
    assert (rule.mode, "unbound-run" in rule.yaml, rule.languages) == ("block", True, ["python", "javascript"])
