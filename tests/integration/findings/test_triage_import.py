"""Decisions made elsewhere are brought along: previewed, set where nobody here has decided, and taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

import findings.selectors
import findings.services
from events.kinds import Kind
from events.models import Event
from findings.ingest.unpacking import ReportUnreadable
from findings.models import Finding, IgnoreReason, Triage, TriageImport
from findings.services import Comparison
from orgs.models import Project
from orgs.services import actor_of
from tests import factories
from tests.integration.findings.importing import imported, matches, report_of

pytestmark = pytest.mark.usefixtures("in_acme")

PATH, NEEDLE, RULE = "park/gate.py", "gate.open(visitor)", "garden.open-gate"
TEXT = f"{NEEDLE}\n{NEEDLE}\n{NEEDLE}\n"


@pytest.fixture
def three() -> list[Finding]:
    """Return three findings, in lines 1 to 3 of one file, with the scanner's ids of lines 1 and 2."""
    results = matches(PATH, TEXT, NEEDLE)
    for number, result in enumerate(results[:2]):
        result["extra"]["fingerprint"] = f"abc_{number}"
    imported(report_of(*results))
    return list(Finding.objects.order_by("start_line"))


def of_api(**entry: Any) -> dict[str, Any]:
    """Return an entry as Semgrep's API has it."""
    at = {"file_path": PATH, "line": entry.pop("line", 99)}
    said = {"triage_state": "ignored", "triage_reason": "acceptable_risk", "repository": {"name": "shop"}}
    return {"location": at, "rule": {"name": RULE}, **said, **entry}


def suppressed(line: int, **suppression: str) -> dict[str, Any]:
    """Return a result of SARIF that somebody suppressed."""
    physical = {"artifactLocation": {"uri": PATH}, "region": {"startLine": line}}
    result = {"ruleId": RULE, "message": {"text": "x"}, "locations": [{"physicalLocation": physical}]}
    return {**result, "suppressions": [{"kind": "external", **suppression}]}


def sarif(*results: dict[str, Any]) -> dict[str, Any]:
    return {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Lintel"}}, "results": list(results)}]}


def preview(content: object, by: User, project: Project | None = None) -> TriageImport:
    file = BytesIO(json.dumps(content).encode())
    return findings.services.preview_triage_import(file=file, file_name="old.json", project=project, actor=actor_of(by))


def apply(made: TriageImport, by: User) -> Comparison:
    return findings.services.apply_triage_import(
        triage_import=made, among=findings.selectors.every_finding(), actor=actor_of(by)
    )


def decisions() -> list[tuple[str, str, str]]:
    return list(Finding.objects.order_by("start_line").values_list("triage", "ignore_reason", "triage_comment"))


def test_decisions_of_semgrep_s_api_are_set_by_id_and_by_place(three: list[Finding], bob: User) -> None:
    export = {
        "findings": [
            of_api(match_based_id="abc_1", triage_comment="The park is closed."),
            of_api(line=3, triage_state="fixing", triage_reason=None),
            of_api(match_based_id="abc_0", triage_state="untriaged"),
        ]
    }

    done = apply(preview(export, bob), bob)

    assert decisions() == [("open", "", ""), ("ignored", "acceptable_risk", "The park is closed."), ("to_fix", "", "")]
    assert (len(done.to_set), len(done.kept), len(done.unknown)) == (2, 0, 0)
    assert set(Finding.objects.exclude(triage="open").values_list("triaged_by", "triage_source")) == {
        ("import of old.json, by bob@acme.example", "person")
    }
    event = Event.objects.get(kind=Kind.TRIAGE_IMPORTED)
    assert {name: event.subject[name] for name in ("set", "kept", "not_found")} == {"set": 2, "kept": 0, "not_found": 0}


def test_suppressions_of_sarif_are_set_by_their_status(three: list[Finding], bob: User) -> None:
    log = sarif(
        suppressed(1, justification="False positive: the visitor is known"),
        suppressed(2, status="underReview"),
        suppressed(3, status="rejected", justification="Not convincing"),
        {**suppressed(4), "suppressions": [{"kind": "inSource"}]},
    )

    apply(preview(log, bob, Project.objects.get()), bob)

    assert decisions() == [
        ("ignored", "false_positive", "the visitor is known"),
        ("reviewing", "", ""),
        ("open", "", "Not convincing"),
    ]
    assert set(Finding.objects.values_list("triage_source", flat=True)) == {"person"}


def test_a_preview_changes_nothing_and_tells_what_would_be(three: list[Finding], bob: User, alice: User) -> None:
    findings.services.set_triage(finding=three[0], triage=Triage.TO_FIX, comment="", actor=actor_of(alice))
    made = preview(
        {"findings": [*(of_api(line=line) for line in (1, 2, 77)), of_api(repository={"name": "unknown"}), {}]}, bob
    )

    told = findings.services.compare_triage_import(made, among=findings.selectors.every_finding())

    assert [match.finding.start_line for match in told.to_set] == [2]
    assert [match.finding.start_line for match in told.kept] == [1]
    assert (len(told.unknown), made.left_out) == (2, 1)
    assert [triage for triage, _, _ in decisions()] == ["to_fix", "open", "open"]


def test_what_people_here_decided_is_kept(three: list[Finding], bob: User, alice: User) -> None:
    findings.services.ignore(finding=three[0], reason=IgnoreReason.NO_TIME, comment="Mine.", actor=actor_of(alice))

    apply(preview({"findings": [of_api(line=1, triage_state="reviewing")]}, bob), bob)

    assert decisions()[0] == ("ignored", "no_time", "Mine.")


def test_a_suppression_of_a_report_gives_way_to_a_decision(bob: User) -> None:
    imported(report_of(*matches(PATH, NEEDLE, NEEDLE, is_ignored=True)))

    apply(preview({"findings": [of_api(line=1, triage_reason="false_positive")]}, bob), bob)

    assert Finding.objects.values_list("triage_source", "ignore_reason").get() == ("person", "false_positive")


def test_the_same_file_again_sets_nothing(three: list[Finding], bob: User) -> None:
    export = {"findings": [of_api(line=1)]}
    apply(preview(export, bob), bob)

    again = apply(preview(export, bob), bob)

    assert (len(again.to_set), len(again.kept)) == (0, 1)
    assert Finding.objects.get(start_line=1).triage_change == 1


def test_an_import_is_applied_once(three: list[Finding], bob: User) -> None:
    made = preview({"findings": [of_api(line=1)]}, bob)
    apply(made, bob)

    with pytest.raises(findings.services.ImportUnusable, match="applied before"):
        apply(made, bob)


def test_an_import_is_taken_back_but_for_what_was_decided_since(three: list[Finding], bob: User, alice: User) -> None:
    made = preview({"findings": [of_api(line=1), of_api(line=2)]}, bob)
    apply(made, bob)
    later = Finding.objects.get(start_line=2)
    findings.services.set_triage(finding=later, triage=Triage.TO_FIX, comment="Now.", actor=actor_of(alice))

    count = findings.services.undo_triage_import(triage_import=made, actor=actor_of(bob))

    assert (count, decisions()[:2]) == (1, [("open", "", ""), ("to_fix", "", "Now.")])


def test_a_place_of_two_findings_is_of_neither(bob: User) -> None:
    imported(report_of(*matches(PATH, f"{NEEDLE}; {NEEDLE}", NEEDLE)))

    done = apply(preview({"findings": [of_api(line=1)]}, bob), bob)

    assert (len(done.to_set), len(done.unknown)) == (0, 1)


def test_a_file_of_several_repositories_is_taken_apart(three: list[Finding], bob: User) -> None:
    export = {"findings": [of_api(line=1), of_api(line=2, repository={"name": "elsewhere"})]}

    done = apply(preview(export, bob, Project.objects.get(name="shop")), bob)

    assert ([match.finding.start_line for match in done.to_set], len(done.unknown)) == ([1], 1)


def test_our_own_export_is_read_by_our_fingerprint(three: list[Finding], bob: User) -> None:
    fingerprint = bytes(three[1].fingerprint).hex()
    result = {**suppressed(77), "partialFingerprints": {"assistantFingerprint/v1": fingerprint}}

    apply(preview(sarif(result), bob, Project.objects.get()), bob)

    assert [triage for triage, _, _ in decisions()] == ["open", "ignored", "open"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"what": "else"}', "neither SARIF"),
        (b"[]", "list"),
        (b'{"findings": [', "cut off"),
        (b'{"findings": ' + b"[" * 200 + b"]" * 200 + b"}", "deep"),
    ],
)
def test_what_holds_no_decisions_is_refused_in_words(content: bytes, words: str, bob: User) -> None:
    with pytest.raises(ReportUnreadable, match=words):
        findings.services.preview_triage_import(file=BytesIO(content), file_name="x", project=None, actor=actor_of(bob))


@pytest.mark.parametrize(
    "entry",
    [1, None, [], {"triage_state": 7}, of_api(line="1"), of_api(line=-5), of_api(rule=None), of_api(line=True)],
)
def test_odd_entries_decide_nothing(entry: Any, three: list[Finding], bob: User) -> None:
    done = apply(preview({"findings": [entry]}, bob), bob)

    assert done.to_set == ()


# --- The page and the command -----------------------------------------------------------------------------------------


def test_the_page_shows_the_preview_applies_and_undoes(
    three: list[Finding], bob: User, client_for: Callable[[User], Client]
) -> None:
    browser = client_for(bob)
    file = SimpleUploadedFile("old.json", json.dumps({"findings": [of_api(line=1), of_api(line=50)]}).encode())

    shown = browser.post("/orgs/acme/triage-imports/", {"file": file}, follow=True)
    address = shown.redirect_chain[-1][0]
    applied = browser.post(f"{address}apply/", follow=True).content.decode()
    first = decisions()[0]
    browser.post(f"{address}undo/")

    assert "1 would be set, 0 kept as people here decided, 1 not found" in shown.content.decode()
    assert ("1 decision was set" in applied, first[0], decisions()[0][0]) == (True, "ignored", "open")


def test_the_page_refuses_what_it_cannot_read(bob: User, client_for: Callable[[User], Client]) -> None:
    file = SimpleUploadedFile("old.json", b"<html>")

    response = client_for(bob).post("/orgs/acme/triage-imports/", {"file": file})

    assert (response.status_code, TriageImport.objects.count()) == (422, 0)


def test_an_import_elsewhere_is_not_there(charlie: User, client_for: Callable[[User], Client], bob: User) -> None:
    factories.a_project()
    made = preview({"findings": []}, bob)

    assert client_for(charlie).get(f"/orgs/umbrella/triage-imports/{made.pk}/").status_code == 404


def test_the_command_tells_and_then_sets(three: list[Finding], tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"findings": [of_api(line=1), of_api(line=50)]}))
    told, done = StringIO(), StringIO()

    call_command("import_triage", "acme", str(path), stdout=told)
    before = decisions()[0][0]
    call_command("import_triage", "acme", str(path), "--apply", stdout=done)

    assert told.getvalue().startswith("Would set 1; kept 0 that people here decided; 1 not found")
    assert (before, decisions()[0][0]) == ("open", "ignored")
