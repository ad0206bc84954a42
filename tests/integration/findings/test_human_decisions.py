"""What a person decided stays, whatever the machine does; only a person changes it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

import findings.services
import triage.services
from findings.models import Confidence, Finding, IgnoreReason, Recommendation, Triage
from orgs.services import actor_of
from tests import factories
from tests.integration.findings.importing import imported, matches, report_of

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


def test_a_decision_outlives_a_verdict(decided: Finding) -> None:
    findings.services.apply_verdict(finding=decided, recommendation=Recommendation.FIX, confidence=Confidence.HIGH)

    assert decision_on(decided) == DECISION


def test_a_decision_outlives_an_analysis_that_failed(decided: Finding) -> None:
    triage.services.give_up_on_verdict(finding=decided, why="The provider is down.")

    assert decision_on(decided) == DECISION


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
