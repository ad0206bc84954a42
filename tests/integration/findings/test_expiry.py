"""A risk may be accepted until a date; then the finding is open again, and only then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

import findings.services
from assistant_platform.pipeline import DAILY
from events.kinds import Kind
from events.models import Event
from findings.models import Finding, IgnoreReason, Triage
from orgs.services import actor_of
from tests import factories

pytestmark = pytest.mark.usefixtures("in_acme")


def accepted(by: User, *, until: datetime) -> Finding:
    """Return a finding whose risk was accepted two days ago."""
    finding = factories.a_finding()
    with time_machine.travel(timezone.now() - timedelta(days=2), tick=False):
        findings.services.ignore(
            finding=finding,
            reason=IgnoreReason.ACCEPTABLE_RISK,
            comment="The park is closed.",
            actor=actor_of(by),
            expires_at=until,
        )
    return finding


@pytest.fixture
def expired(bob: User) -> Finding:
    return accepted(bob, until=timezone.now() - timedelta(days=1))


def reopen() -> None:
    next(task for task in DAILY if task.name == "findings.tasks.reopen_expired").function()


def test_an_accepted_risk_is_open_again_when_its_time_has_come(expired: Finding) -> None:
    reopen()

    expired.refresh_from_db()
    assert (expired.triage, expired.triage_source, expired.ignore_reason, expired.triaged_by) == ("open", "", "", "")
    assert expired.triage_expires_at is None
    event = Event.objects.get(kind=Kind.TRIAGE_EXPIRED)
    assert (event.finding_id, event.actor_kind) == (expired.pk, "system")


def test_a_second_run_opens_nothing_twice(expired: Finding) -> None:
    reopen()
    reopen()

    assert Event.objects.filter(kind=Kind.TRIAGE_EXPIRED).count() == 1


def test_an_accepted_risk_stays_ignored_until_then(bob: User) -> None:
    finding = accepted(bob, until=timezone.now() + timedelta(days=1))

    reopen()

    finding.refresh_from_db()
    assert (finding.triage, finding.triaged_by) == (Triage.IGNORED, "bob@acme.example")


def test_a_later_decision_does_not_expire(expired: Finding, alice: User) -> None:
    findings.services.ignore(finding=expired, reason=IgnoreReason.NO_TIME, comment="", actor=actor_of(alice))

    reopen()

    expired.refresh_from_db()
    assert (expired.triage, expired.ignore_reason, expired.triage_expires_at) == ("ignored", "no_time", None)


NEITHER_MORE_NOR_LESS = (
    "triage = 'open', triage_source = '', triage_change = triage_change + 1, ignore_reason = '', triage_comment = '',"
    " triaged_by = '', triaged_at = NULL, triage_expires_at = NULL"
)


@pytest.mark.parametrize(
    "change",
    [
        NEITHER_MORE_NOR_LESS.replace("'open'", "'reviewing'"),
        NEITHER_MORE_NOR_LESS.replace("triage_source = ''", "triage_source = 'suppression'"),
        NEITHER_MORE_NOR_LESS.replace("triaged_by = ''", "triaged_by = 'somebody'"),
        NEITHER_MORE_NOR_LESS.replace("triage_change + 1", "triage_change"),
        "triage_expires_at = NULL",
    ],
)
def test_the_database_lets_an_expired_decision_become_open_and_nothing_else(expired: Finding, change: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE findings_finding SET {change} WHERE id = %s", [expired.pk])


@pytest.mark.parametrize("change", [NEITHER_MORE_NOR_LESS, "triage_expires_at = now()"])
def test_the_database_refuses_to_end_a_decision_before_its_time(bob: User, change: str) -> None:
    finding = accepted(bob, until=timezone.now() + timedelta(days=1))

    with (
        pytest.raises(IntegrityError, match="only a person changes that"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE findings_finding SET {change} WHERE id = %s", [finding.pk])


@pytest.mark.parametrize(
    ("reason", "days"), [(IgnoreReason.NO_TIME, 1), (IgnoreReason.ACCEPTABLE_RISK, -1)], ids=["reason", "past"]
)
def test_only_an_acceptable_risk_expires_and_only_ahead(bob: User, reason: IgnoreReason, days: int) -> None:
    finding = factories.a_finding()

    with pytest.raises(findings.services.ExpiryUnusable):
        findings.services.ignore(
            finding=finding,
            reason=reason,
            comment="",
            actor=actor_of(bob),
            expires_at=timezone.now() + timedelta(days=days),
        )


# --- The page ---------------------------------------------------------------------------------------------------------


def ignore_on_page(browser: Client, finding: Finding, **fields: str) -> str:
    address = f"/orgs/acme/findings/{finding.pk}/"
    browser.post(f"{address}ignore/", {"reason": "acceptable_risk", "comment": "", **fields})
    finding.refresh_from_db()
    return browser.get(address).content.decode()


def test_the_page_takes_a_date_and_shows_it(bob: User, client_for: Callable[[User], Client]) -> None:
    finding, browser = factories.a_finding(), client_for(bob)
    day = timezone.now().date() + timedelta(days=30)

    page = ignore_on_page(browser, finding, expires_on=day.isoformat())

    assert finding.triage_expires_at == datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert f"acceptable risk until {day:%-d %B %Y}" in page
    assert f"Ignored until {day:%-d %b %Y}" in browser.get("/orgs/acme/findings/?status=ignored").content.decode()


@pytest.mark.parametrize("day", ["2001-01-01", "9999-12-31", "soon"])
def test_the_page_refuses_a_date_that_nobody_means(day: str, bob: User, client_for: Callable[[User], Client]) -> None:
    finding = factories.a_finding()

    page = ignore_on_page(client_for(bob), finding, expires_on=day)

    assert (finding.triage, "Not ignored" in page) == (Triage.OPEN, True)


def test_a_date_left_beside_another_reason_is_no_expiry(bob: User, client_for: Callable[[User], Client]) -> None:
    finding = factories.a_finding()

    ignore_on_page(client_for(bob), finding, reason="no_time", expires_on="2030-01-01")

    assert (finding.triage, finding.triage_expires_at) == (Triage.IGNORED, None)
