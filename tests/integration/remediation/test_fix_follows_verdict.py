"""A fix is for a true positive: it comes with that verdict and goes with it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

import findings.services
import orgs.services
import remediation.selectors
import remediation.tasks
import triage.services
from events.draining import drain
from events.kinds import SYSTEM
from findings.models import Finding, IgnoreReason
from orgs.services import actor_of
from remediation.models import Autofix, Guidance
from tests import factories
from triage.models import Source

pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.fixture
def fixed(in_acme: object) -> Finding:
    """A true positive with a verified fix."""
    finding = factories.a_finding()
    factories.a_verdict(finding, "true_positive")
    Autofix.objects.create(
        finding=finding,
        diff="--- a/x\n+++ b/x\n",
        confidence="high",
        is_shown=True,
        is_verified=True,
        source=Source.MODEL,
    )
    findings.services.apply_fix(finding=finding, confidence="high", is_verified=True)
    return finding


def test_a_fix_is_taken_back_when_a_second_analysis_does_not_find_the_finding_real(fixed: Finding, alice: User) -> None:
    triage.services.request_analysis(finding=fixed, actor=actor_of(alice))

    drain()  # its file is not known, so the second verdict is Unsure

    fixed.refresh_from_db()
    autofix = remediation.selectors.latest_autofix(fixed)
    assert autofix is not None
    assert (fixed.has_verified_fix, fixed.fix_confidence, autofix.is_shown) == (False, "", False)


def test_a_fix_is_taken_back_also_while_remediation_is_switched_off(fixed: Finding, alice: User) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"remediation": False})
    triage.services.request_analysis(finding=fixed, actor=actor_of(alice))

    drain()

    fixed.refresh_from_db()
    assert not fixed.has_verified_fix


def test_a_fix_stays_while_remediation_is_switched_off_and_the_finding_real(fixed: Finding) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"remediation": False})

    remediation.tasks.write_fix.function(finding_id=fixed.pk)

    fixed.refresh_from_db()
    assert fixed.has_verified_fix


def test_no_fix_is_written_where_the_rule_brings_one() -> None:
    finding = factories.a_finding(rule_fix="execute(query, values)")
    factories.a_verdict(finding, "true_positive")

    remediation.tasks.write_fix.function(finding_id=finding.pk)

    assert not Autofix.objects.exists()


def test_nothing_is_written_about_a_finding_that_was_ignored_meanwhile(alice: User) -> None:
    finding = factories.a_finding()
    factories.a_verdict(finding, "true_positive")
    findings.services.ignore(finding=finding, reason=IgnoreReason.ACCEPTABLE_RISK, comment="", actor=actor_of(alice))

    remediation.tasks.write_guidance.function(finding_id=finding.pk)
    remediation.tasks.write_fix.function(finding_id=finding.pk)

    assert (Guidance.objects.count(), Autofix.objects.count()) == (0, 0)


def test_nothing_is_written_about_a_finding_that_was_fixed_meanwhile() -> None:
    finding = factories.a_finding(is_present=False)
    factories.a_verdict(finding, "true_positive")

    remediation.tasks.write_guidance.function(finding_id=finding.pk)
    remediation.tasks.write_fix.function(finding_id=finding.pk)

    assert (Guidance.objects.count(), Autofix.objects.count()) == (0, 0)


@pytest.mark.parametrize("switch", ["is_enabled", "remediation"])
def test_nothing_is_written_while_it_is_switched_off(switch: str) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={switch: False})
    finding = factories.a_finding()
    factories.a_verdict(finding, "true_positive")

    remediation.tasks.write_guidance.function(finding_id=finding.pk)
    remediation.tasks.write_fix.function(finding_id=finding.pk)

    assert (Guidance.objects.count(), Autofix.objects.count()) == (0, 0)


def test_a_task_without_its_finding_does_nothing() -> None:
    remediation.tasks.write_guidance.function(finding_id=9_000_000)
    remediation.tasks.write_fix.function(finding_id=9_000_000)

    assert (Guidance.objects.count(), Autofix.objects.count()) == (0, 0)


def test_guidance_is_written_for_a_likely_false_positive_too() -> None:
    finding = factories.a_finding()
    factories.a_verdict(finding, "false_positive")

    remediation.tasks.write_guidance.function(finding_id=finding.pk)

    assert Guidance.objects.get().finding == finding
