"""Which findings of a scan are analysed without being asked, and what is said of the others."""

from __future__ import annotations

from typing import Any

import pytest

import orgs.services
import triage.tasks
from events.kinds import SYSTEM, Kind
from events.models import Event, Job
from findings.models import Analysis, Finding, Scan
from orgs.models import AssistantSettings
from rules.models import Severity
from tests import factories
from triage.planning import give_up_planning, plan_analysis

pytestmark = pytest.mark.usefixtures("in_acme")

PULL_REQUEST: dict[str, Any] = {"pull_request_id": "7", "branch": "", "is_full": False}


def plan(scan: Scan) -> None:
    plan_analysis(scan=scan, judge=triage.tasks.judge_finding, tag=triage.tasks.tag_file)
    scan.refresh_from_db()


def reasons(scan: Scan) -> list[str]:
    return list(Finding.objects.filter(first_scan=scan).order_by("pk").values_list("not_analysed", flat=True))


def judged_jobs() -> int:
    return Job.objects.filter(task="triage.tasks.judge_finding").count()


def findings_of(scan: Scan, *severities: int, **fields: Any) -> list[Finding]:
    return [factories.a_finding(scan=scan, severity=severity, **fields) for severity in severities]


def test_of_a_full_scan_high_and_critical_ones_are_analysed() -> None:
    scan = factories.a_scan()
    findings_of(scan, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)

    plan(scan)

    assert reasons(scan) == ["severity", "severity", "waiting", "waiting"]
    assert (judged_jobs(), scan.skipped_count, scan.state) == (2, 2, "ingested")


def test_of_a_full_scan_all_are_analysed_where_the_organization_says_so() -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"analyses_all_severities": True})
    scan = factories.a_scan()
    findings_of(scan, Severity.LOW, Severity.HIGH)

    plan(scan)

    assert reasons(scan) == ["waiting", "waiting"]


@pytest.mark.parametrize("described", [PULL_REQUEST, {**PULL_REQUEST, "is_full": True}, {"is_full": False}])
def test_of_a_part_the_worst_are_analysed_up_to_the_cap(described: dict[str, Any]) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"pull_request_cap": 2})
    scan = factories.a_scan(**described)
    findings_of(scan, Severity.LOW, Severity.CRITICAL, Severity.MEDIUM, Severity.MEDIUM)

    plan(scan)

    assert reasons(scan) == ["cap", "waiting", "waiting", "cap"]


def test_a_pull_request_is_worked_on_before_a_backlog() -> None:
    scan = factories.a_scan(**PULL_REQUEST)
    findings_of(scan, Severity.HIGH)

    plan(scan)

    assert set(Job.objects.values_list("queue", flat=True)) == {"pull_request"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"product": "supply_chain"}, "product"),
        ({"product": "secrets"}, "product"),
        ({"triage": "ignored", "triage_source": "suppression"}, "ignored"),
    ],
)
def test_what_is_left_out_says_why(fields: dict[str, str], reason: str) -> None:
    scan = factories.a_scan()
    findings_of(scan, Severity.HIGH, **fields)

    plan(scan)

    assert (reasons(scan), scan.state) == ([reason], "settled")


@pytest.mark.parametrize(
    ("category", "reason"), [("", "waiting"), ("security", "waiting"), ("maintainability", "not_security")]
)
def test_only_security_rules_are_judged(category: str, reason: str) -> None:
    scan = factories.a_scan()
    findings_of(scan, Severity.HIGH, rule=factories.a_rule("garden.rule", category=category))

    plan(scan)

    assert reasons(scan) == [reason]


@pytest.mark.parametrize("setting", ["is_enabled", "auto_triage"])
def test_nothing_is_analysed_where_it_is_switched_off(setting: str) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={setting: False})
    scan = factories.a_scan()
    findings_of(scan, Severity.CRITICAL)

    plan(scan)

    assert (reasons(scan), scan.state, judged_jobs()) == (["switched_off"], "settled", 0)


def test_only_new_findings_are_analysed() -> None:
    scan = factories.a_scan()
    factories.a_finding(scan=factories.a_scan())

    plan(scan)

    assert (judged_jobs(), scan.state) == (0, "settled")


def test_a_file_is_tagged_once_however_many_findings_it_has() -> None:
    scan = factories.a_scan()
    findings_of(scan, Severity.HIGH, Severity.HIGH, path="a.py")
    findings_of(scan, Severity.HIGH, path="b.py")

    plan(scan)

    assert Job.objects.filter(task="triage.tasks.tag_file").count() == 2


def test_long_paths_that_differ_at_their_end_are_two_files() -> None:
    scan = factories.a_scan()
    for name in ("a.py", "b.py"):
        findings_of(scan, Severity.HIGH, path="deep/" * 60 + name)

    plan(scan)

    assert Job.objects.filter(task="triage.tasks.tag_file").count() == 2


def test_planning_twice_changes_nothing() -> None:
    scan = factories.a_scan()
    findings_of(scan, Severity.LOW, Severity.HIGH)
    plan(scan)

    plan(scan)

    assert (reasons(scan), scan.skipped_count) == (["severity", "waiting"], 1)
    assert (Job.objects.count(), Analysis.objects.count()) == (2, 1)


def test_one_event_tells_of_a_plan() -> None:
    scan = factories.a_scan()
    findings_of(scan, Severity.LOW, Severity.HIGH)

    plan(scan)

    assert Event.objects.get(kind=Kind.ANALYSIS_PLANNED).subject == {"scan_id": scan.pk, "picked": 1, "left_out": 1}


def test_a_scan_that_could_not_be_planned_is_done_and_says_so() -> None:
    scan = factories.a_scan()
    findings_of(scan, Severity.HIGH)

    give_up_planning(scan=scan)

    scan.refresh_from_db()
    assert (reasons(scan), scan.state) == (["unavailable"], "settled")


def test_the_settings_of_an_organization_without_any_are_the_defaults() -> None:
    AssistantSettings.objects.all().delete()
    scan = factories.a_scan()
    findings_of(scan, Severity.LOW, Severity.HIGH)

    plan(scan)

    assert reasons(scan) == ["severity", "waiting"]
