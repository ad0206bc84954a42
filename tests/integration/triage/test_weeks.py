"""The week's tasks out of a real backlog: what may become one, what is grouped, and what is done of them since."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

import triage.weeks
from findings.models import Finding, ScanState, Triage
from orgs.models import Membership
from orgs.permissions import Role
from rules.models import Severity
from tenancy.models import Organization
from tests import factories
from triage.models import PriorityTask, PriorityWeek
from triage.weeks import WeekShown


def choose(organization: Organization) -> PriorityWeek | None:
    return triage.weeks.choose_week(organization=organization, now=timezone.now())


def shown_to(viewer: Membership) -> WeekShown:
    shown = triage.weeks.week_shown(viewer=viewer, now=timezone.now())
    assert shown is not None
    return shown


@pytest.fixture
def settled(in_acme: Organization) -> None:
    """An organization that had tasks before, so that a scan which goes on is not waited for."""
    PriorityWeek.objects.create(monday=timezone.now().date() - timedelta(days=30))


@pytest.mark.usefixtures("settled")
def test_what_is_ignored_fixed_not_in_production_or_likely_no_finding_is_never_a_task(in_acme: Organization) -> None:
    wanted = factories.a_finding(rule=factories.a_rule("py.wanted", severity=Severity.LOW))
    factories.a_finding(rule=factories.a_rule("py.fixed"), is_present=False)
    factories.a_finding(rule=factories.a_rule("py.ignored"), triage=Triage.IGNORED, triage_source="person")
    factories.a_finding(rule=factories.a_rule("py.branch"), is_production=False)
    factories.a_verdict(factories.a_finding(rule=factories.a_rule("py.false")), "false_positive")

    choose(in_acme)

    assert [task.finding_id for task in PriorityTask.objects.all()] == [wanted.pk]


@pytest.mark.usefixtures("settled")
def test_equal_findings_are_one_task_about_the_worst_of_them(in_acme: Organization) -> None:
    rule = factories.a_rule("py.sql")
    plain, sure, _ = (factories.a_finding(rule=rule) for _ in range(3))
    factories.a_verdict(sure, "true_positive")

    choose(in_acme)

    task = PriorityTask.objects.get()
    assert (task.finding_id, task.count, len(task.finding_ids)) == (sure.pk, 3, 3)
    assert plain.pk in task.finding_ids


@pytest.mark.usefixtures("settled")
def test_a_task_is_chosen_once_and_shows_what_is_done_since(in_acme: Organization, alices: Membership) -> None:
    first, second = (factories.a_finding(rule=factories.a_rule("py.sql")) for _ in range(2))
    chosen = choose(in_acme)
    Finding.objects.filter(pk=first.pk).update(is_present=False)
    factories.a_finding(rule=factories.a_rule("py.worse", severity=Severity.CRITICAL))
    half = shown_to(alices)
    Finding.objects.filter(pk=second.pk).update(triage=Triage.IGNORED, triage_source="person")

    again = choose(in_acme)

    assert again == chosen
    assert [(task.done, task.followed, task.is_done) for task in half.tasks] == [(1, 2, False)]
    assert shown_to(alices).done == 1


def test_the_first_scans_verdicts_are_waited_for(in_acme: Organization) -> None:
    scan = factories.a_scan()
    factories.a_finding(scan=scan)
    before = choose(in_acme)
    type(scan).objects.update(state=ScanState.SETTLED)

    assert (before, choose(in_acme) is None) == (None, False)


@pytest.mark.usefixtures("settled")
def test_who_is_limited_to_teams_sees_the_tasks_of_their_projects_only(in_acme: Organization) -> None:
    factories.a_finding(project=factories.a_project("shop"), rule=factories.a_rule("py.sql"))
    factories.a_finding(project=factories.a_project("secret"), rule=factories.a_rule("py.xss"))
    member = factories.a_member(factories.a_person("liam@acme.example"), Role.MEMBER)
    member.is_limited_to_teams = True
    member.ids_of_team_projects = frozenset({factories.a_project("shop").pk})

    choose(in_acme)

    shown = shown_to(member)
    assert ([task.finding.project.name for task in shown.tasks], shown.hidden) == (["shop"], 1)


@pytest.fixture
def alices(in_acme: Organization, alice: User) -> Membership:
    return Membership.objects.get(user=alice)
