"""What is shown of a finding when it is analysed again, or the Assistant was switched off meanwhile."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

import orgs.services
import providers.gate
import triage.selectors
import triage.services
import triage.tasks
from events.draining import drain
from events.kinds import SYSTEM
from events.models import Job, JobState
from findings.models import Analysis, AnalysisState, Finding, NotAnalysed, Recommendation, ScanState
from orgs.services import actor_of
from providers.gate import NoUsableAnswer
from tenancy.models import Organization
from tests import factories
from triage.models import FileTag, Verdict
from triage.planning import plan_analysis

pytestmark = pytest.mark.usefixtures("in_acme")


def reread(finding: Finding) -> Finding:
    return Finding.objects.get(pk=finding.pk)


def queued(finding: Finding) -> Finding:
    """Return a finding that its scan has put up for analysis."""
    plan_analysis(scan=finding.first_scan, judge=triage.tasks.judge_finding, tag=triage.tasks.tag_file)
    return finding


def test_an_earlier_verdict_stands_when_the_second_analysis_gives_none(alice: User) -> None:
    finding = factories.a_finding()
    factories.a_verdict(finding, "false_positive")
    triage.services.request_analysis(finding=finding, actor=actor_of(alice))

    triage.services.give_up_on_verdict(finding=finding, why="No answer.")

    shown = reread(finding)
    assert (shown.recommendation, shown.not_analysed) == (Recommendation.IGNORE, NotAnalysed.NO)


def test_a_finding_without_any_verdict_says_why_there_is_none() -> None:
    finding = factories.a_finding()

    triage.services.give_up_on_verdict(finding=finding, why="No answer.")

    shown = reread(finding)
    assert (shown.not_analysed, shown.not_analysed_detail) == (NotAnalysed.UNAVAILABLE, "No answer.")


def test_what_waits_is_not_analysed_once_the_assistant_is_switched_off() -> None:
    finding = queued(factories.a_finding())
    orgs.services.change_settings(actor=SYSTEM, changes={"is_enabled": False})

    drain()

    assert reread(finding).not_analysed == NotAnalysed.SWITCHED_OFF
    assert not Verdict.objects.exists()
    assert not FileTag.objects.exists()


def test_a_scan_is_settled_though_the_assistant_was_switched_off_meanwhile() -> None:
    finding = queued(factories.a_finding())
    orgs.services.change_settings(actor=SYSTEM, changes={"is_enabled": False})

    drain()

    scan = reread(finding).first_scan
    assert (scan.state, scan.analysed_count, scan.skipped_count) == (ScanState.SETTLED, 0, 1)
    assert Analysis.objects.get().state == AnalysisState.SKIPPED


def test_auto_triage_switched_off_meanwhile_lets_go_what_a_person_did_not_ask_for(alice: User) -> None:
    asked_for = factories.a_finding()
    orgs.services.change_settings(actor=SYSTEM, changes={"auto_triage": False})

    triage.services.request_analysis(finding=asked_for, actor=actor_of(alice))
    drain()

    assert reread(asked_for).not_analysed == NotAnalysed.NO


def test_planning_twice_counts_what_is_left_out_once() -> None:
    scan = factories.a_scan()
    factories.a_finding(scan=scan, severity=1)
    kept = factories.a_finding(scan=scan)
    queued(kept)

    queued(kept)

    scan.refresh_from_db()
    assert scan.skipped_count == 1
    assert Job.objects.filter(task__endswith="judge_finding", state=JobState.WAITING).count() == 1


def test_a_finding_whose_file_is_not_known_is_judged_unsure_in_words() -> None:
    finding = queued(factories.a_finding(path="gone/" + "x" * 900 + "/views.py"))

    drain()

    verdict = triage.selectors.latest_verdict(finding)
    assert verdict is not None
    assert (verdict.value, bool(verdict.explanation)) == ("unsure", True)
    assert reread(finding).first_scan.state == ScanState.SETTLED


def test_guidance_is_there_though_the_file_is_not_known() -> None:
    finding = queued(factories.a_finding())

    drain()

    assert finding.guidance.count() == 1


def test_two_files_whose_long_paths_differ_at_their_ends_are_both_tagged() -> None:
    scan = factories.a_scan()
    first = factories.a_finding(scan=scan, path="src/" + "x" * 400 + "/payments.py")
    second = factories.a_finding(scan=scan, path="src/" + "x" * 400 + "/tests.py")
    queued(first)

    drain()

    assert FileTag.objects.count() == 2
    assert reread(first).component_tag
    assert reread(second).component_tag


def test_a_file_that_many_jobs_tag_has_one_tag() -> None:
    finding = factories.a_finding()

    for _ in range(3):
        triage.services.tag_file(project=finding.project, path=finding.path, revision=finding.revision)

    assert FileTag.objects.count() == 1


def test_a_task_that_has_no_finding_does_nothing(acme: Organization) -> None:
    triage.tasks.judge_finding.function(finding_id=9_000_000)
    triage.tasks.tag_file.function(project_id=9_000_000, path="x.py", revision="abc")

    assert not Verdict.objects.exists()


def test_a_file_for_which_the_model_has_no_usable_answer_stays_without_a_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = factories.a_finding()
    monkeypatch.setattr(providers.gate, "ask", _no_answer)

    triage.tasks.tag_file.function(project_id=finding.project_id, path=finding.path, revision=finding.revision)

    assert reread(finding).component_tag == ""


def _no_answer(*args: object, **kwargs: object) -> None:
    raise NoUsableAnswer("No answer.")
