"""What a person decided stays, whatever the machine does; only a person changes it."""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

import findings.selectors
import findings.services
import triage.services
import triage.tasks
from assistant_platform.pipeline import DAILY
from events.draining import drain
from events.kinds import SYSTEM
from events.services import Task
from findings.models import Confidence, Finding, IgnoreReason, NotAnalysed, Recommendation, Triage
from orgs.services import ProjectChanges, actor_of
from tests import factories
from tests.integration.findings.importing import imported, matches, report_of
from triage.planning import give_up_planning, plan_analysis

ROOT = Path(settings.BASE_DIR)
PATH, NEEDLE = "park/gate.py", "gate.open(visitor)"

pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.fixture
def decided(bob: User) -> Finding:
    imported(report_of(*matches(PATH, NEEDLE, NEEDLE)))
    finding = Finding.objects.get()
    findings.services.ignore(
        finding=finding, reason=IgnoreReason.ACCEPTABLE_RISK, comment="Nobody walks there.", actor=actor_of(bob)
    )
    return finding


def decision_on(finding: Finding) -> tuple[str, ...]:
    finding.refresh_from_db()
    return finding.triage, finding.ignore_reason, finding.triage_comment, finding.triaged_by


DECISION = ("ignored", "acceptable_risk", "Nobody walks there.", "bob@acme.example")


@pytest.mark.parametrize(
    "report",
    [
        report_of(*matches(PATH, NEEDLE, NEEDLE, message="Other words")),
        report_of(*matches(PATH, NEEDLE, NEEDLE, is_ignored=True)),
        report_of(paths={"scanned": [PATH]}),
        report_of(paths={"scanned": ["elsewhere.py"]}),
    ],
    ids=["reported again", "suppressed", "fixed", "removed"],
)
def test_a_decision_outlives_a_scan(decided: Finding, report: dict[str, object]) -> None:
    imported(report)
    imported(report_of(*matches(PATH, NEEDLE, NEEDLE)), commit="abcdef1")

    assert decision_on(decided) == DECISION


# --- Every automatic path ---------------------------------------------------------------------------------------------


def _sarif(finding: Finding) -> None:
    physical = {"artifactLocation": {"uri": PATH}, "region": {"startLine": 1, "snippet": {"text": NEEDLE}}}
    result = {"ruleId": "garden.open-gate", "message": {"text": "x"}, "locations": [{"physicalLocation": physical}]}
    suppressed = {**result, "suppressions": [{"kind": "external", "justification": "The park says so."}]}
    imported({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Semgrep"}}, "results": [suppressed]}]})


def _semgrep_ci(finding: Finding) -> None:
    place = {"path": PATH, "line": 1, "column": 1, "end_line": 1, "end_column": 19}
    said = {"check_id": "garden.open-gate", "message": "x", "severity": 2, "metadata": {}, "match_based_id": "a_0"}
    around = {"searched_paths": [PATH], "skipped_paths": [], "renamed_paths": [], "rule_ids": ["garden.open-gate"]}
    imported({"findings": [], "ignores": [{**said, **place, "hashes": {"code_hash": "aa"}}], **around})


def _gitlab(finding: Finding) -> None:
    found = {"name": "x", "severity": "Low", "location": {"file": PATH, "start_line": 1}}
    named = {"identifiers": [{"type": "semgrep_id", "name": "garden.open-gate", "value": "garden.open-gate"}]}
    scan = {"type": "sast", "status": "success", "scanner": {"id": "semgrep", "name": "Semgrep"}}
    imported({"version": "15.0.4", "scan": scan, "vulnerabilities": [{**found, **named}]})


def _pull_request(finding: Finding) -> None:
    imported(report_of(*matches(PATH, NEEDLE, NEEDLE, is_ignored=True)), pull_request_id="7", is_full=False)


def _apply_verdict(finding: Finding) -> None:
    findings.services.apply_verdict(finding=finding, recommendation=Recommendation.FIX, confidence=Confidence.HIGH)


def _give_up(finding: Finding) -> None:
    triage.services.give_up_on_verdict(finding=finding, why="The provider is down.")


def _analyse_again(finding: Finding) -> None:
    triage.services.request_analysis(finding=finding, actor=SYSTEM)
    drain()


def _plan(finding: Finding) -> None:
    plan_analysis(scan=finding.first_scan, judge=triage.tasks.judge_finding, tag=triage.tasks.tag_file)


def _give_up_planning(finding: Finding) -> None:
    give_up_planning(scan=finding.first_scan)


def _resume(finding: Finding) -> None:
    findings.services.not_analysed(finding_ids=[finding.pk], why=NotAnalysed.BUDGET)
    triage.tasks.resume_stopped.function(count=1)
    drain()


def _not_analysed(finding: Finding) -> None:
    findings.services.not_analysed(finding_ids=[finding.pk], why=NotAnalysed.UNAVAILABLE)
    findings.services.skip_analysis(finding=finding, why=NotAnalysed.FIXED)


def _columns_of_the_assistant(finding: Finding) -> None:
    findings.services.apply_component(finding_ids=[finding.pk], tag="tests", risk="low")
    findings.services.apply_fix(finding=finding, confidence="high", is_verified=True)


def _another_primary_branch(finding: Finding) -> None:
    changes = ProjectChanges(primary_branch="other")
    findings.services.change_project(project=finding.project, changes=changes, actor=SYSTEM)


def _import_of_decisions(finding: Finding) -> None:
    found = {"match_based_id": "", "location": {"file_path": PATH, "line": 1}, "rule": {"name": "garden.open-gate"}}
    content = json.dumps({"findings": [{**found, "triage_state": "fixing"}]}).encode()
    made = findings.services.preview_triage_import(
        file=io.BytesIO(content), file_name="old.json", project=finding.project, actor=SYSTEM
    )
    every = findings.selectors.every_finding()
    findings.services.apply_triage_import(triage_import=made, among=every, actor=SYSTEM)
    findings.services.undo_triage_import(triage_import=made, actor=SYSTEM)


AUTOMATIC = [
    _sarif,
    _semgrep_ci,
    _gitlab,
    _pull_request,
    _apply_verdict,
    _give_up,
    _analyse_again,
    _plan,
    _give_up_planning,
    _resume,
    _not_analysed,
    _columns_of_the_assistant,
    _another_primary_branch,
    _import_of_decisions,
]


@pytest.mark.parametrize("path", AUTOMATIC, ids=lambda path: path.__name__.strip("_"))
def test_a_decision_outlives_every_automatic_path(decided: Finding, path: Callable[[Finding], None]) -> None:
    path(decided)

    assert decision_on(decided) == DECISION


@pytest.mark.parametrize("task", DAILY, ids=lambda task: task.name)
def test_a_decision_outlives_what_is_done_daily(decided: Finding, task: Task) -> None:
    task.function()

    assert decision_on(decided) == DECISION


# Where findings are written, by module and function (or the statement's name), and why a decision is safe there.
BY_A_PERSON = "a person decides"
TRIED = "tried above"
OWN_COLUMNS = "other columns only; tried above"
EXPIRY = "what the person decided; test_expiry"
WRITERS = {
    "findings/ingest/merging.py: _FIND_AGAIN": OWN_COLUMNS,
    "findings/ingest/merging.py: MERGE_FINDINGS": OWN_COLUMNS,
    "findings/ingest/merging.py: FOLLOW_SUPPRESSIONS": TRIED,
    "findings/ingest/merging.py: _DERIVE": OWN_COLUMNS,
    "findings/services/analysing.py: apply_verdict": OWN_COLUMNS,
    "findings/services/analysing.py: apply_component": OWN_COLUMNS,
    "findings/services/analysing.py: apply_fix": OWN_COLUMNS,
    "findings/services/analysing.py: not_analysed": OWN_COLUMNS,
    "findings/services/deciding.py: _decide": BY_A_PERSON,
    "findings/services/deciding.py: _reopen_some_expired": EXPIRY,
    "findings/services/deciding_in_bulk.py: _decide": BY_A_PERSON,
    "findings/services/deciding_in_bulk.py: undo_bulk_triage": BY_A_PERSON,
    "findings/services/deciding_in_bulk.py: _wait_again": OWN_COLUMNS,
    "findings/services/importing_triage.py: APPLY": TRIED,
    "findings/services/importing_triage.py: UNDO": BY_A_PERSON,
    "findings/services/importing_triage.py: _follow": OWN_COLUMNS,
    "triage/planning.py: _leave_out": OWN_COLUMNS,
    "triage/planning.py: queue_stopped": OWN_COLUMNS,
    "triage/services.py: request_analysis": OWN_COLUMNS,
}
STATEMENT = re.compile(r"(UPDATE|INSERT INTO|DELETE FROM)\s+findings_finding\b")
COLUMNS = {field.name for field in Finding._meta.get_fields()} - {"organization", "project", "id"}
# Columns that other tables have too; of those only a call on findings counts, which names another column as well.
SHARED = {"state", "revision", "message", "severity", "path", "product", "rule", "details", "created_at", "updated_at"}


def writers_in(file: Path) -> Iterator[str]:
    """Yield the functions, and the named statements, that write findings."""
    tree = ast.parse(file.read_text())
    for node in tree.body:
        name = node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else ""
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        if any(writes_findings(inner) for inner in ast.walk(node)):
            yield f"{file.relative_to(ROOT).as_posix()}: {name}"


def writes_findings(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and STATEMENT.search(node.value) is not None
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    if node.func.attr in {"save", "bulk_update", "bulk_create", "delete"}:
        return "finding" in ast.unparse(node.func.value).lower().split(".")
    named = {keyword.arg for keyword in node.keywords}
    return node.func.attr in {"update", "update_or_create"} and bool(named & (COLUMNS - SHARED))


def test_every_writer_of_findings_is_known_here() -> None:
    apps = ("assistant_platform", "findings", "memories", "notifications", "orgs", "remediation", "rules", "triage")
    files = (file for app in apps for file in (ROOT / app).rglob("*.py") if "migrations" not in file.parts)

    assert {writer for file in files for writer in writers_in(file)} == set(WRITERS), (
        "a new writer of findings is tried in AUTOMATIC, unless a person decides there"
    )


@pytest.mark.parametrize(
    "change",
    [
        "triage = 'open', ignore_reason = ''",
        "triage = 'open', triage_source = '', ignore_reason = ''",
        "ignore_reason = 'no_time'",
        "triage_comment = 'mine'",
        "triaged_by = 'somebody else'",
        "triage_source = 'suppression', triage_change = triage_change + 1",
        "triage_change = 0",
    ],
)
def test_the_database_refuses_to_overwrite_a_decision(decided: Finding, change: str) -> None:
    with (
        pytest.raises(IntegrityError, match="only a person changes that"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE findings_finding SET {change} WHERE id = %s", [decided.pk])

    assert decision_on(decided) == DECISION


def test_a_person_changes_a_person_s_decision(decided: Finding, alice: User) -> None:
    findings.services.set_triage(finding=decided, triage=Triage.TO_FIX, comment="Somebody does.", actor=actor_of(alice))

    assert decision_on(decided) == ("to_fix", "", "Somebody does.", "alice@acme.example")


def test_the_same_person_decides_as_often_as_they_like(decided: Finding, bob: User) -> None:
    findings.services.ignore(
        finding=decided, reason=IgnoreReason.ACCEPTABLE_RISK, comment="Nobody walks there.", actor=actor_of(bob)
    )

    assert (decision_on(decided), decided.triage_change) == (DECISION, 2)


def test_a_reopened_finding_is_no_longer_said_to_be_unanalysed_because_it_is_ignored(bob: User) -> None:
    finding = factories.a_finding(not_analysed="ignored", triage="ignored", triage_source="person")

    findings.services.set_triage(finding=finding, triage=Triage.OPEN, comment="", actor=actor_of(bob))

    assert finding.not_analysed == "not_new"


def test_ignoring_a_finding_that_waits_for_its_verdict_ends_the_wait(bob: User) -> None:
    finding = factories.a_finding()
    findings.services.begin_analysis(scan=finding.first_scan, finding_ids=[finding.pk])

    findings.services.ignore(finding=finding, reason=IgnoreReason.NO_TIME, comment="", actor=actor_of(bob))

    finding.first_scan.refresh_from_db()
    assert (finding.not_analysed, finding.first_scan.state) == ("ignored", "settled")
