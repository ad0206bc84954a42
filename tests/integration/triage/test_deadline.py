"""Comments and the CI job of a pull request wait for verdicts, but not for ever; what comes later is told as late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

import findings.blocking
import findings.services
import findings.tasks
import orgs.services
import triage.services
import triage.tasks
from events.draining import drain
from events.kinds import ASSISTANT, SYSTEM, Kind
from events.models import Event, Job, JobState
from events.services import record
from findings.models import Analysis, AnalysisState, Finding, Scan
from orgs.models import AssistantSettings
from tests import factories
from tests.integration.providers.situations import run_job

pytestmark = pytest.mark.usefixtures("in_acme")


def a_pull_request_scan(*, ingested_seconds_ago: int = 0, **fields: Any) -> Scan:
    at = timezone.now() - timedelta(seconds=ingested_seconds_ago)
    return factories.a_scan(pull_request_id="7", branch="", is_full=False, ingested_at=at, **fields)


def planned(scan: Scan) -> Scan:
    triage.tasks.plan_analysis.function(scan_id=scan.pk)
    return Scan.objects.get(pk=scan.pk)


def at_deadline(scan: Scan) -> Job:
    job = run_job(findings.tasks.settle_at_deadline, scan_id=scan.pk)
    scan.refresh_from_db()
    return job


def judged(finding: Finding) -> None:
    factories.a_verdict(finding)
    findings.services.end_analysis(finding=finding, state=AnalysisState.JUDGED, actor=ASSISTANT)


def told(kind: Kind) -> list[tuple[int | None, object]]:
    return [
        (event.finding_id, event.subject.get("scan_id")) for event in Event.objects.filter(kind=kind).order_by("pk")
    ]


def seen_again(finding: Finding, *, by: Scan) -> None:
    finding.presences.update(last_scan=by)


# --- The wait ---------------------------------------------------------------------------------------------------------


def test_the_deadline_is_owed_with_every_scan_that_was_read() -> None:
    scan = a_pull_request_scan()

    record(Kind.SCAN_INGESTED, actor=SYSTEM, scan_id=scan.pk)

    assert Job.objects.filter(task="findings.tasks.settle_at_deadline").exists()


def test_before_the_deadline_it_only_waits() -> None:
    scan = a_pull_request_scan(ingested_seconds_ago=100)
    factories.a_finding(scan=scan)
    planned(scan)

    job = at_deadline(scan)

    assert (job.state, job.attempt, scan.state) == (JobState.WAITING, 0, "ingested")
    assert 190 < (job.run_after - timezone.now()).total_seconds() <= 200


def test_at_the_deadline_the_scan_is_settled_with_what_is_known() -> None:
    scan = a_pull_request_scan(ingested_seconds_ago=300)
    one, _, _ = (factories.a_finding(scan=scan) for _ in range(3))
    planned(scan)
    judged(one)

    job = at_deadline(scan)

    assert (job.state, scan.state, scan.late_count) == (JobState.DONE, "settled", 2)
    assert told(Kind.SCAN_SETTLED) == [(None, scan.pk)]


def test_a_scan_that_nobody_has_planned_yet_is_settled_too_and_planned_afterwards() -> None:
    scan = a_pull_request_scan(ingested_seconds_ago=300)
    finding = factories.a_finding(scan=scan)

    at_deadline(scan)
    planned(scan)

    assert (scan.state, scan.late_count) == ("settled", 1)
    assert Job.objects.filter(task="triage.tasks.judge_finding", arguments={"finding_id": finding.pk}).exists()


def test_a_full_scan_of_a_branch_has_no_deadline() -> None:
    scan = factories.a_scan(ingested_at=timezone.now() - timedelta(days=1))
    factories.a_finding(scan=scan)
    planned(scan)

    at_deadline(scan)

    assert (scan.state, told(Kind.SCAN_SETTLED)) == ("ingested", [])


def test_a_scan_that_was_settled_in_time_is_not_settled_again() -> None:
    scan = a_pull_request_scan(ingested_seconds_ago=300)
    finding = factories.a_finding(scan=scan)
    planned(scan)
    judged(finding)

    at_deadline(scan)

    assert (scan.late_count, told(Kind.SCAN_SETTLED), told(Kind.LATE_ANSWER)) == (0, [(None, scan.pk)], [])


def test_the_ci_job_hears_the_end_when_the_scan_was_settled_without_verdicts() -> None:
    scan = a_pull_request_scan(ingested_seconds_ago=300, completed_at=timezone.now() - timedelta(seconds=10))
    factories.a_finding(scan=scan, rule=factories.a_rule("blocks", mode="block"))
    planned(scan)
    before = findings.blocking.decide(scan)

    at_deadline(scan)

    after = findings.blocking.decide(scan)
    assert (before.is_final, after.is_final, len(after.match_ids)) == (False, True, 1)


# --- What comes later -------------------------------------------------------------------------------------------------


def test_a_verdict_after_the_deadline_is_told_as_late_and_settles_nothing_again() -> None:
    scan = a_pull_request_scan(ingested_seconds_ago=300)
    finding = factories.a_finding(scan=scan)
    planned(scan)
    at_deadline(scan)

    judged(finding)

    assert (told(Kind.LATE_ANSWER), told(Kind.SCAN_SETTLED)) == ([(finding.pk, scan.pk)], [(None, scan.pk)])


def test_a_late_try_without_an_answer_is_no_late_answer() -> None:
    scan = a_pull_request_scan(ingested_seconds_ago=300)
    finding = factories.a_finding(scan=scan)
    planned(scan)
    at_deadline(scan)

    triage.services.give_up_on_verdict(finding=finding, why="The key was refused.")

    assert told(Kind.LATE_ANSWER) == []


def test_a_verdict_that_a_person_asked_for_afterwards_is_late_as_well() -> None:
    scan = a_pull_request_scan()
    finding = factories.a_finding(scan=scan, not_analysed="cap")
    planned(scan)

    triage.services.request_analysis(finding=finding, actor=SYSTEM)
    drain()

    assert told(Kind.LATE_ANSWER) == [(finding.pk, scan.pk)]


def test_a_late_verdict_is_told_of_the_latest_scan_of_the_pull_request() -> None:
    earlier, later = a_pull_request_scan(ingested_seconds_ago=300), a_pull_request_scan(ingested_seconds_ago=300)
    finding = factories.a_finding(scan=earlier)
    planned(earlier)
    seen_again(finding, by=later)
    at_deadline(earlier)
    at_deadline(later)

    judged(finding)

    assert told(Kind.LATE_ANSWER) == [(finding.pk, later.pk)]


# --- Findings that an earlier scan put up -----------------------------------------------------------------------------


def test_a_scan_waits_for_what_an_earlier_one_of_the_pull_request_put_up() -> None:
    earlier, later = a_pull_request_scan(), a_pull_request_scan()
    finding = factories.a_finding(scan=earlier)
    planned(earlier)
    seen_again(finding, by=later)

    before = planned(later).state
    judged(finding)

    earlier.refresh_from_db()
    later.refresh_from_db()
    assert (before, earlier.state, later.state) == ("ingested", "settled", "settled")


def test_a_scan_waits_no_more_for_what_the_planning_of_an_earlier_one_left_out() -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"pull_request_cap": 0})
    earlier, later = a_pull_request_scan(), a_pull_request_scan()
    finding = factories.a_finding(scan=earlier)
    seen_again(finding, by=later)
    before = planned(later).state

    planned(earlier)

    later.refresh_from_db()
    assert (before, later.state, Analysis.objects.get().state) == ("ingested", "settled", "skipped")


def test_nobody_waits_where_the_organization_says_zero_seconds() -> None:
    AssistantSettings.objects.update(verdict_wait_seconds=0)
    scan = a_pull_request_scan()
    factories.a_finding(scan=scan)

    at_deadline(scan)

    assert scan.state == "settled"
