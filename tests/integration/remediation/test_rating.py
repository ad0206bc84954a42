"""What people say of guidance, fixes and verdicts, taken back too, and told to later prompts."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.test import Client

import findings.services
import remediation.rating
import triage.services
from events.kinds import Actor, ActorKind
from findings.models import Finding, IgnoreReason, Triage
from orgs.permissions import Role
from orgs.services import actor_of
from remediation.models import AdviceFeedback, Autofix, Guidance
from remediation.selectors import feedback_on_fixes
from tests import factories
from triage.models import Feedback, Source
from triage.selectors import feedback_on_rule

pytestmark = pytest.mark.usefixtures("in_acme")

DIFF = "--- a/app/orders.py\n+++ b/app/orders.py\n@@ -3 +3 @@\n-old()\n+new()\n"


def guidance_for(finding: Finding) -> Guidance:
    return Guidance.objects.create(finding=finding, summary="Bind the value.", source=Source.BUILT_IN)


def fix_for(finding: Finding) -> Autofix:
    return Autofix.objects.create(finding=finding, diff=DIFF, source=Source.BUILT_IN, is_shown=True, is_verified=True)


def test_each_person_rates_once_and_two_of_one_name_are_two(alice: User, bob: User) -> None:
    guidance = guidance_for(factories.a_finding())
    one, other = (Actor(ActorKind.PERSON, "Sam", person.pk) for person in (alice, bob))

    for actor, is_helpful in ((one, True), (other, True), (one, False)):
        remediation.rating.rate(advice=guidance, is_helpful=is_helpful, reason="", actor=actor)

    assert sorted(AdviceFeedback.objects.values_list("user_id", "is_helpful")) == [(alice.pk, False), (bob.pk, True)]


def test_the_database_keeps_one_rating_of_a_name_on_a_code_host() -> None:
    fix = fix_for(factories.a_finding())
    AdviceFeedback.objects.create(finding=fix.finding, autofix=fix, by="octo", is_helpful=True)

    with pytest.raises(IntegrityError):
        AdviceFeedback.objects.create(finding=fix.finding, autofix=fix, by="octo", is_helpful=False)


def test_a_rating_is_taken_back_and_only_ones_own(alice: User, bob: User) -> None:
    fix = fix_for(factories.a_finding())
    for person in (alice, bob):
        remediation.rating.rate(advice=fix, is_helpful=True, reason="", actor=actor_of(person))

    was_there = remediation.rating.take_back_rating(advice=fix, actor=actor_of(bob))
    again = remediation.rating.take_back_rating(advice=fix, actor=actor_of(bob))

    assert (was_there, again) == (True, False)
    assert [rating.user_id for rating in AdviceFeedback.objects.all()] == [alice.pk]


def test_taking_back_an_agreement_opens_what_it_ignored(bob: User) -> None:
    verdict = factories.a_verdict(factories.a_finding())
    triage.services.give_feedback(verdict=verdict, user=bob, agrees=True)

    triage.services.take_back_feedback(verdict=verdict, user=bob)

    finding = Finding.objects.get()
    assert (finding.triage, finding.triage_source, finding.triaged_by) == ("open", "person", "bob@acme.example")
    assert not Feedback.objects.exists()


def test_taking_back_an_agreement_leaves_it_ignored_while_somebody_else_agrees(alice: User, bob: User) -> None:
    verdict = factories.a_verdict(factories.a_finding())
    for person in (alice, bob):
        triage.services.give_feedback(verdict=verdict, user=person, agrees=True)

    triage.services.take_back_feedback(verdict=verdict, user=bob)

    assert Finding.objects.get().triage == Triage.IGNORED


def test_taking_back_an_agreement_leaves_what_somebody_else_decided_since(alice: User, bob: User) -> None:
    verdict = factories.a_verdict(factories.a_finding())
    triage.services.give_feedback(verdict=verdict, user=bob, agrees=True)
    findings.services.ignore(
        finding=Finding.objects.get(), reason=IgnoreReason.FALSE_POSITIVE, comment="Looked.", actor=actor_of(alice)
    )

    triage.services.take_back_feedback(verdict=verdict, user=bob)

    assert (Finding.objects.get().triage, Finding.objects.get().triaged_by) == ("ignored", "alice@acme.example")


def test_feedback_is_history_for_later_prompts_without_names_and_places(bob: User) -> None:
    finding = factories.a_finding()
    verdict = factories.a_verdict(finding)
    triage.services.give_feedback(verdict=verdict, user=bob, agrees=False, reason="The id comes from the visitor.")
    remediation.rating.rate(advice=fix_for(finding), is_helpful=False, reason="We use q().", actor=actor_of(bob))

    of_rule = feedback_on_rule(rule=finding.rule, limit=5)
    of_fixes = feedback_on_fixes(rule=finding.rule, project=finding.project, limit=5)
    elsewhere = feedback_on_fixes(rule=finding.rule, project=factories.a_project("other"), limit=5)

    said = "Somebody disagreed with the verdict false positive on another finding of this rule:"
    assert of_rule == [f"{said} The id comes from the visitor."]
    assert of_fixes == ["A fix for app/orders.py:3 was called not helpful: We use q()."]
    assert elsewhere == []


def test_people_rate_on_the_findings_page_and_take_it_back(bob: User, client: Client) -> None:
    finding = factories.a_finding()
    factories.a_verdict(finding, "true_positive")
    fix, guidance = fix_for(finding), guidance_for(finding)
    client.force_login(bob)
    page = f"/orgs/acme/findings/{finding.pk}/"

    client.post(f"{page}rate/", {"about": "fix", "number": fix.pk, "helpful": "no", "reason": "It breaks login."})
    client.post(f"{page}rate/", {"about": "guidance", "number": guidance.pk, "helpful": "yes"})
    shown = client.get(page).content.decode()
    client.post(f"{page}rate/", {"about": "fix", "number": fix.pk, "helpful": "undo"})
    after = client.get(page).content.decode()

    assert "You called this not helpful" in shown
    assert "called the fix not helpful" in shown
    assert shown.count("It breaks login.") == 2  # with the fix, and in the activity
    assert "took back what they said of the fix" in after
    assert "It breaks login." not in after
    assert [rating.autofix_id for rating in AdviceFeedback.objects.all()] == [None]


def test_an_older_fix_is_rated_no_more(bob: User, client: Client) -> None:
    finding = factories.a_finding()
    old = fix_for(finding)
    fix_for(finding)
    client.force_login(bob)

    client.post(f"/orgs/acme/findings/{finding.pk}/rate/", {"about": "fix", "number": old.pk, "helpful": "yes"})

    assert not AdviceFeedback.objects.exists()


def test_whoever_reads_only_rates_nothing(charlie: User, client: Client) -> None:
    finding = factories.a_finding()
    guidance = guidance_for(finding)
    factories.a_member(charlie, Role.READ_ONLY)
    client.force_login(charlie)

    page = client.get(f"/orgs/acme/findings/{finding.pk}/").content.decode()
    answer = client.post(
        f"/orgs/acme/findings/{finding.pk}/rate/", {"about": "guidance", "number": guidance.pk, "helpful": "yes"}
    )

    assert (answer.status_code, "Not helpful" in page) == (403, False)
