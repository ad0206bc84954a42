"""The random audit: what is drawn, what checking does, and who sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

import findings.services
import orgs.teams
import triage.auditing
import triage.services
from events.kinds import SYSTEM, Kind
from events.models import Event
from findings.models import Finding, IgnoreReason, Triage
from orgs.models import Membership
from orgs.permissions import Role
from orgs.services import actor_of
from tests import factories
from triage.models import AuditSample, Feedback, Verdict

pytestmark = pytest.mark.usefixtures("in_acme")


def called_false(**fields: object) -> Verdict:
    return factories.a_verdict(factories.a_finding(**fields))  # type: ignore[arg-type]  # columns of a finding


def a_sample(**fields: object) -> AuditSample:
    verdict = called_false(**fields)
    return AuditSample.objects.create(verdict=verdict, finding=verdict.finding)


def limit_to_a_team(person: User) -> None:
    """Let a member see the project `open` only."""
    member = Membership.objects.get(user=person)
    team = orgs.teams.create_team(name="Open", actor=SYSTEM)
    orgs.teams.set_members(team=team, members=[member], actor=SYSTEM)
    orgs.teams.set_projects(team=team, projects=[factories.a_project("open")], actor=SYSTEM)
    orgs.teams.set_limit(member=member, is_limited=True, actor=SYSTEM)


def test_five_a_week_are_drawn_and_no_more() -> None:
    for _ in range(12):
        called_false()

    with time_machine.travel(timezone.now() + timedelta(days=1), tick=False):
        counts = [triage.auditing.draw_samples(), triage.auditing.draw_samples()]
    with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
        counts.append(triage.auditing.draw_samples())

    assert counts == [5, 0, 5]
    assert AuditSample.objects.values("verdict").distinct().count() == 10


def test_the_same_week_draws_the_same() -> None:
    for _ in range(12):
        called_false()

    with time_machine.travel("2026-11-25T10:00:00Z", tick=False):
        triage.auditing.draw_samples()
        first = set(AuditSample.objects.values_list("verdict_id", flat=True))
        AuditSample.objects.all().delete()
        triage.auditing.draw_samples()

    assert set(AuditSample.objects.values_list("verdict_id", flat=True)) == first


def test_nothing_is_drawn_that_is_gone_was_judged_anew_or_has_feedback(bob: User) -> None:
    called_false(is_present=False)
    factories.a_verdict(factories.a_finding(), "true_positive")
    judged_anew = called_false()
    factories.a_verdict(judged_anew.finding, "unsure")
    triage.services.give_feedback(verdict=called_false(), user=bob, agrees=True)
    drawable = called_false()

    triage.auditing.draw_samples()

    assert [sample.verdict_id for sample in AuditSample.objects.all()] == [drawable.pk]


def test_a_right_one_counts_and_changes_nothing_else(bob: User) -> None:
    sample = a_sample()

    triage.auditing.check(sample=sample, is_right=True, reason="A constant.", user=bob)

    sample.refresh_from_db()
    assert (sample.is_right, sample.reason, sample.checked_by) == (True, "A constant.", "bob@acme.example")
    assert (Finding.objects.get().triage, Feedback.objects.count()) == (Triage.OPEN, 0)
    assert Event.objects.filter(kind=Kind.VERDICT_AUDITED, finding_id=sample.finding_id).count() == 1


def test_a_wrong_one_is_disagreed_with_and_opened(bob: User, alice: User) -> None:
    sample = a_sample()
    findings.services.ignore(
        finding=sample.finding, reason=IgnoreReason.FALSE_POSITIVE, comment="", actor=actor_of(alice)
    )

    triage.auditing.check(sample=sample, is_right=False, reason="It is sent by visitors.", user=bob)

    assert Finding.objects.get().triage == Triage.OPEN
    assert list(Feedback.objects.values_list("agrees", "of_audit", "reason")) == [
        (False, True, "It is sent by visitors.")
    ]


def test_each_is_checked_once_and_taken_back_by_whoever_checked(alice: User, bob: User) -> None:
    sample = a_sample()
    triage.auditing.check(sample=sample, is_right=False, reason="", user=bob)

    with pytest.raises(triage.auditing.AlreadyChecked):
        triage.auditing.check(sample=sample, is_right=True, reason="", user=alice)
    of_somebody_else = triage.auditing.take_back_check(sample=sample, user=alice)
    own = triage.auditing.take_back_check(sample=sample, user=bob)

    sample.refresh_from_db()
    assert (of_somebody_else, own, sample.is_right) == (False, True, None)
    assert not Feedback.objects.exists()


def test_the_page_shows_one_at_a_time_and_takes_the_answer(bob: User, client: Client) -> None:
    sample, other = a_sample(path="app/first.py"), a_sample(path="app/second.py")
    client.force_login(bob)

    page = client.get("/orgs/acme/metrics/audit/").content.decode()
    after = client.get(f"/orgs/acme/metrics/audit/?after={sample.pk}").content.decode()
    answered = client.post(f"/orgs/acme/metrics/audit/{sample.pk}/", {"is_right": "yes"}, follow=True).content.decode()
    undone = client.post(f"/orgs/acme/metrics/audit/{sample.pk}/undo/", follow=True).content.decode()

    assert ("app/first.py" in page, "app/second.py" in page) == (True, False)
    assert "app/second.py" in after
    assert ("Right, as you found" in answered, "app/second.py" in answered) == (True, True)
    assert ("Taken back" in undone, "app/first.py" in undone) == (True, True)
    assert other.is_right is None


def test_whoever_is_limited_to_teams_checks_their_projects_only(bob: User, client: Client) -> None:
    hidden = a_sample(project=factories.a_project("secret"), path="app/hidden.py")
    limit_to_a_team(bob)
    client.force_login(bob)

    page = client.get("/orgs/acme/metrics/audit/").content.decode()
    answer = client.post(f"/orgs/acme/metrics/audit/{hidden.pk}/", {"is_right": "no"})

    assert ("Nothing waits" in page, answer.status_code) == (True, 404)


def test_whoever_reads_only_checks_nothing(charlie: User, client: Client) -> None:
    factories.a_member(charlie, Role.READ_ONLY)
    sample = a_sample()
    client.force_login(charlie)

    answers = [
        client.get("/orgs/acme/metrics/audit/").status_code,
        client.post(f"/orgs/acme/metrics/audit/{sample.pk}/", {"is_right": "yes"}).status_code,
    ]

    assert answers == [403, 403]
