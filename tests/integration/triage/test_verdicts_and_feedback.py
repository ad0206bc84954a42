"""Verdicts on their way to a finding, the end of a scan's analysis, and what people make of verdicts."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

import findings.services
import triage.services
import triage.tasks
from events.draining import drain
from events.kinds import ASSISTANT, SYSTEM, Kind
from events.models import Event, Job
from findings.models import AnalysisState, Finding, IgnoreReason, Triage
from orgs.services import actor_of
from tests import factories
from triage.models import Feedback, Verdict
from triage.selectors import earlier_decisions

pytestmark = pytest.mark.usefixtures("in_acme")


def count_of(kind: Kind, finding: Finding) -> int:
    return Event.objects.filter(kind=kind, finding_id=finding.pk).count()


# --- The end of a scan's analysis -------------------------------------------------------------------------------------


def test_a_scan_is_done_with_its_last_finding() -> None:
    scan = factories.a_scan()
    one, two = factories.a_finding(scan=scan), factories.a_finding(scan=scan)
    findings.services.begin_analysis(scan=scan, finding_ids=[one.pk, two.pk])

    findings.services.end_analysis(finding=one, state=AnalysisState.JUDGED, actor=ASSISTANT)
    scan.refresh_from_db()
    before = scan.state
    findings.services.end_analysis(finding=two, state=AnalysisState.UNAVAILABLE, actor=ASSISTANT)

    scan.refresh_from_db()
    assert (before, scan.state, scan.analysed_count) == ("ingested", "settled", 2)
    assert Event.objects.filter(kind=Kind.SCAN_SETTLED).count() == 1


def test_an_analysis_ends_once() -> None:
    finding = factories.a_finding()
    findings.services.begin_analysis(scan=finding.first_scan, finding_ids=[finding.pk])

    for _ in range(2):
        findings.services.end_analysis(finding=finding, state=AnalysisState.JUDGED, actor=ASSISTANT)

    finding.first_scan.refresh_from_db()
    assert (finding.first_scan.analysed_count, Event.objects.filter(kind=Kind.SCAN_SETTLED).count()) == (1, 1)


def test_a_finding_of_two_scans_ends_the_analysis_of_both() -> None:
    finding = factories.a_finding()
    scans = [finding.first_scan, factories.a_scan()]
    for scan in scans:
        findings.services.begin_analysis(scan=scan, finding_ids=[finding.pk])

    findings.services.end_analysis(finding=finding, state=AnalysisState.JUDGED, actor=ASSISTANT)

    for scan in scans:
        scan.refresh_from_db()
    assert [scan.state for scan in scans] == ["settled", "settled"]


def test_a_finding_without_a_verdict_is_shown_and_says_why() -> None:
    finding = factories.a_finding()
    findings.services.begin_analysis(scan=finding.first_scan, finding_ids=[finding.pk])

    triage.services.give_up_on_verdict(finding=finding, why="The key was refused.")

    finding.refresh_from_db()
    assert (finding.triage, finding.not_analysed, finding.not_analysed_detail) == (
        Triage.OPEN,
        "unavailable",
        "The key was refused.",
    )


# --- Analysis on demand -----------------------------------------------------------------------------------------------


def test_what_a_person_asks_for_is_worked_on_before_any_backlog(alice: User) -> None:
    finding = factories.a_finding(not_analysed="severity")

    triage.services.request_analysis(finding=finding, actor=actor_of(alice))

    assert set(Job.objects.values_list("task", "queue")) == {
        ("triage.tasks.judge_finding", "interactive"),
        ("triage.tasks.tag_file", "interactive"),
    }


def test_a_finding_is_judged_once_however_often_it_is_asked_for(alice: User) -> None:
    finding = factories.a_finding(not_analysed="severity")

    for _ in range(3):
        triage.services.request_analysis(finding=finding, actor=actor_of(alice))
    drain()

    assert (Verdict.objects.filter(finding=finding).count(), count_of(Kind.VERDICT_REACHED, finding)) == (1, 1)


def test_an_analysis_that_failed_can_be_asked_for_again(alice: User) -> None:
    finding = factories.a_finding(not_analysed="unavailable", not_analysed_detail="The key was refused.")

    triage.services.request_analysis(finding=finding, actor=actor_of(alice))
    drain()

    finding.refresh_from_db()
    assert (finding.not_analysed, finding.not_analysed_detail) == ("", "")


def test_an_ignored_finding_is_not_judged_any_more(alice: User) -> None:
    finding = factories.a_finding(not_analysed="severity")
    triage.services.request_analysis(finding=finding, actor=actor_of(alice))

    findings.services.ignore(finding=finding, reason=IgnoreReason.NO_TIME, comment="", actor=actor_of(alice))
    drain()

    assert not Verdict.objects.exists()


# --- Feedback ---------------------------------------------------------------------------------------------------------


def test_agreeing_with_a_false_positive_ignores_the_finding(bob: User) -> None:
    verdict = factories.a_verdict(factories.a_finding())

    triage.services.give_feedback(verdict=verdict, user=bob, agrees=True)

    finding = Finding.objects.get()
    assert (finding.triage, finding.triage_source, finding.ignore_reason, finding.triaged_by) == (
        "ignored",
        "person",
        "false_positive",
        "bob@acme.example",
    )
    assert finding.triage_comment == verdict.explanation


@pytest.mark.parametrize("value", ["true_positive", "unsure"])
@pytest.mark.parametrize("agrees", [True, False])
def test_feedback_on_another_verdict_never_ignores(bob: User, value: str, agrees: bool) -> None:
    verdict = factories.a_verdict(factories.a_finding(), value)

    triage.services.give_feedback(verdict=verdict, user=bob, agrees=agrees)

    assert (Finding.objects.get().triage, Finding.objects.get().triage_source) == ("open", "")


def test_disagreeing_with_a_false_positive_opens_what_was_ignored_so(bob: User) -> None:
    verdict = factories.a_verdict(factories.a_finding())
    triage.services.give_feedback(verdict=verdict, user=bob, agrees=True)

    triage.services.give_feedback(verdict=verdict, user=bob, agrees=False, reason="It is real.")

    finding = Finding.objects.get()
    assert (finding.triage, finding.ignore_reason, finding.triage_comment) == ("open", "", "It is real.")
    assert [feedback.agrees for feedback in Feedback.objects.all()] == [False]


def test_disagreeing_leaves_what_was_ignored_for_another_reason(bob: User) -> None:
    finding = factories.a_finding()
    verdict = factories.a_verdict(finding)
    findings.services.ignore(finding=finding, reason=IgnoreReason.ACCEPTABLE_RISK, comment="", actor=SYSTEM)

    triage.services.give_feedback(verdict=Verdict.objects.get(pk=verdict.pk), user=bob, agrees=False)

    assert Finding.objects.get().triage == Triage.IGNORED


def test_each_person_has_one_opinion(bob: User, alice: User) -> None:
    verdict = factories.a_verdict(factories.a_finding(), "true_positive")

    for person, agrees in ((bob, True), (bob, False), (alice, True)):
        triage.services.give_feedback(verdict=verdict, user=person, agrees=agrees)

    assert sorted(Feedback.objects.values_list("user__email", "agrees")) == [
        ("alice@acme.example", True),
        ("bob@acme.example", False),
    ]


# --- Earlier decisions ------------------------------------------------------------------------------------------------


def test_the_newest_decisions_on_the_rule_are_shown_without_names(bob: User) -> None:
    for line in range(1, 6):
        finding = factories.a_finding(start_line=line, end_line=line)
        findings.services.ignore(
            finding=finding, reason=IgnoreReason.FALSE_POSITIVE, comment=f"Reason {line}.", actor=actor_of(bob)
        )

    shown = earlier_decisions(factories.a_finding())

    assert [decision.rsplit(": ")[-1] for decision in shown] == ["Reason 5.", "Reason 4.", "Reason 3."]
    assert "bob" not in " ".join(shown)


def test_decisions_on_other_rules_projects_and_by_nobody_are_not_shown(bob: User) -> None:
    actor = actor_of(bob)
    for finding in (
        factories.a_finding(rule=factories.a_rule("garden.other")),
        factories.a_finding(project=factories.a_project("other")),
    ):
        findings.services.ignore(finding=finding, reason=IgnoreReason.NO_TIME, comment="", actor=actor)
    factories.a_finding(triage="ignored", triage_source="suppression")
    own = factories.a_finding()
    findings.services.ignore(finding=own, reason=IgnoreReason.NO_TIME, comment="", actor=actor)

    assert earlier_decisions(own) == []
