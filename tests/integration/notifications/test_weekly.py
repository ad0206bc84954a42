"""The Monday e-mail: chosen once, sent once, at eight in the organization's own time, caught up, and stopped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

import notifications.weekly
import orgs.services
from assistant_platform.embedded.ports import any_free_port
from events.draining import drain
from events.kinds import SYSTEM
from events.models import Event
from findings.models import Finding, Triage
from notifications.models import Delivery, DeliveryState
from notifications.tasks import look_for_due_weeks
from orgs.models import Membership
from orgs.permissions import Role
from rules.models import Severity
from tenancy.models import Organization
from tests import factories
from tests.vendors.smtp import PASSWORD, USER, MailServer, mail_server
from triage.models import PriorityTask, PriorityWeek

ClientFor = Callable[[User], Client]

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2027, 3, 29, tzinfo=BERLIN)  # the day after clocks went forward
EIGHT = MONDAY.replace(hour=8)


@pytest.fixture
def smtp(settings: Settings) -> Settings:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", any_free_port()
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, PASSWORD
    settings.DEFAULT_FROM_EMAIL = "Assistant <assistant@acme.example>"
    settings.PUBLIC_URL = "https://assistant.acme.example/"
    return settings


@pytest.fixture
def server(smtp: Settings) -> Iterator[MailServer]:
    with mail_server(smtp.EMAIL_PORT) as running:
        yield running


@pytest.fixture
def backlog(alice: User, in_acme: Organization) -> list[Finding]:
    """Four rules' findings in two projects of an organization in Berlin, of which one is likely no finding."""
    orgs.services.change_organization(
        organization=in_acme, name="Acme", time_zone="Europe/Berlin", requires_second_factor=False, actor=SYSTEM
    )
    shop, blog = factories.a_project("shop"), factories.a_project("blog")
    rows = [
        factories.a_finding(project=shop, rule=factories.a_rule("py.sql", severity=Severity.CRITICAL)),
        factories.a_finding(project=shop, rule=factories.a_rule("py.sql")),
        factories.a_finding(project=blog, rule=factories.a_rule("py.xss", severity=Severity.HIGH)),
        factories.a_finding(project=shop, rule=factories.a_rule("py.log", severity=Severity.LOW)),
        factories.a_finding(project=blog, rule=factories.a_rule("py.rce", severity=Severity.CRITICAL)),
    ]
    factories.a_verdict(rows[-1], "false_positive")
    return rows


def tick(moment: datetime) -> None:
    """Let beat look at what is due at a moment, and workers do it."""
    with time_machine.travel(moment.astimezone(UTC), tick=False):
        look_for_due_weeks()
        drain()


def sent_to(server: MailServer) -> list[str]:
    return sorted(mail["To"] for mail in server.received)


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def link_out_of(mail: EmailMessage) -> str:
    found = re.fullmatch(r"<https://assistant\.acme\.example(/.*)>", mail["List-Unsubscribe"].strip())
    assert found is not None
    return found[1]


# --- When, and to whom ------------------------------------------------------------------------------------------------


def test_all_admins_are_told_at_eight_in_their_own_time_and_nobody_else(
    server: MailServer, backlog: list[Finding], bob: User
) -> None:
    factories.a_member(factories.a_person("second@acme.example"), Role.ADMIN)
    tick(MONDAY)
    before = sent_to(server)
    tick(EIGHT - timedelta(seconds=1))
    tick(EIGHT)

    assert (before, sent_to(server)) == ([], ["alice@acme.example", "second@acme.example"])


def test_nobody_is_told_twice_in_a_week(server: MailServer, backlog: list[Finding]) -> None:
    for hours in (0, 1, 24, 100):
        tick(EIGHT + timedelta(hours=hours))
        Organization.objects.update(priorities_due_at=None)  # as a change of the time zone would
    tick(EIGHT + timedelta(days=7))

    assert sent_to(server) == ["alice@acme.example"] * 2


@pytest.mark.parametrize(("days", "mails"), [(1, 1), (6, 1), (7, 1)])
def test_a_monday_on_which_beat_was_down_is_caught_up_and_an_earlier_week_is_over(
    server: MailServer, backlog: list[Finding], days: int, mails: int
) -> None:
    tick(EIGHT + timedelta(days=days))

    assert len(server.received) == mails
    assert PriorityWeek.objects.count() == 1


def test_a_mail_server_that_is_away_only_delays_the_mail(smtp: Settings, backlog: list[Finding]) -> None:
    tick(EIGHT)
    waiting = Delivery.objects.get()
    with mail_server(smtp.EMAIL_PORT) as server:
        tick(EIGHT + timedelta(hours=1))

    assert (waiting.state, Delivery.objects.get().state) == (DeliveryState.CLAIMED, DeliveryState.SENT)
    assert len(server.received) == 1


def test_what_could_not_be_sent_until_sunday_is_not_sent_on_monday(smtp: Settings, backlog: list[Finding]) -> None:
    tick(EIGHT)
    with mail_server(smtp.EMAIL_PORT) as server, time_machine.travel(EIGHT + timedelta(days=6, hours=20), tick=False):
        drain()

    assert server.received == []
    assert Delivery.objects.get().problem == notifications.weekly.WEEK_OVER


def test_a_mail_whose_worker_died_while_it_was_sent_is_not_sent_again(
    server: MailServer, backlog: list[Finding]
) -> None:
    tick(EIGHT)
    Delivery.objects.update(state=DeliveryState.CLAIMED, receipt=notifications.weekly.HANDED_OVER)
    with time_machine.travel(EIGHT, tick=False):
        notifications.weekly.send(Delivery.objects.get().pk)

    assert len(server.received) == 1
    assert Delivery.objects.get().problem == notifications.weekly.LOST_ON_THE_WAY


def test_who_becomes_admin_later_in_the_week_gets_the_next_one(server: MailServer, backlog: list[Finding]) -> None:
    tick(EIGHT)
    with time_machine.travel(EIGHT + timedelta(days=1), tick=False):
        factories.a_member(factories.a_person("new@acme.example"), Role.ADMIN)
    tick(EIGHT + timedelta(days=2))

    assert sent_to(server) == ["alice@acme.example"]


def test_nothing_is_sent_where_there_is_nothing_to_do(server: MailServer, backlog: list[Finding]) -> None:
    Finding.objects.filter(recommendation="").update(triage=Triage.IGNORED, triage_source="person")
    tick(EIGHT)

    assert (server.received, PriorityWeek.objects.count()) == ([], 0)


def test_nothing_is_sent_where_the_setting_is_off_and_the_tasks_are_chosen_all_the_same(
    server: MailServer, backlog: list[Finding]
) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"weekly_priority_emails": False})
    tick(EIGHT)

    assert (server.received, PriorityTask.objects.count()) == ([], 3)


# --- What it says -----------------------------------------------------------------------------------------------------


def test_the_mail_has_each_task_with_its_reasons_and_a_button_in_both_forms(
    server: MailServer, backlog: list[Finding]
) -> None:
    tick(EIGHT)

    (mail,) = server.received
    text, html = body(mail, "plain"), body(mail, "html")
    assert mail["Subject"] == "Acme: 3 priorities for the week of 29 March"
    assert html.count('class="button"') == 3
    assert "2 findings of this rule are open in the project, which can be gone through together." in text
    first = backlog[0]
    address = f"/orgs/acme/findings/?project={first.project_id}&rule={first.rule_id}&backlog=production"
    assert f"https://assistant.acme.example{address}" in text
    assert "rce" not in text + html
    for reason in PriorityTask.objects.get(rank=1).reasons:
        assert reason in text


# --- The way out ------------------------------------------------------------------------------------------------------


def test_the_mail_program_unsubscribes_by_one_post(server: MailServer, backlog: list[Finding], alice: User) -> None:
    tick(EIGHT)
    (mail,) = server.received

    answer = Client(enforce_csrf_checks=True).post(link_out_of(mail), {"List-Unsubscribe": "One-Click"})
    tick(EIGHT + timedelta(days=7))

    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (answer.status_code, len(server.received)) == (200, 1)
    assert Event.objects.get(kind="priority_emails_chosen").actor_user_id == alice.pk


def test_looking_at_the_link_unsubscribes_nobody(server: MailServer, backlog: list[Finding]) -> None:
    tick(EIGHT)
    page = Client().get(link_out_of(server.received[0]))

    assert b"Stop these e-mails" in page.content
    assert Membership.objects.get(role=Role.ADMIN).gets_priority_emails is True


def test_a_link_that_was_changed_is_of_no_use(server: MailServer, backlog: list[Finding]) -> None:
    tick(EIGHT)
    address = link_out_of(server.received[0])
    changed = address.replace(address.split(":")[-1], "x" * 43 + "/")

    assert Client().post(changed).status_code == 404


def test_the_account_page_takes_it_back(in_acme: Organization, alice: User, client_for: ClientFor) -> None:
    browser = client_for(alice)
    address = "/orgs/acme/priority-emails/"
    browser.post(address, {"gets_them": "off"})
    off = browser.get("/accounts/organizations/").content
    browser.post(address, {"gets_them": "on"})

    assert b"Get weekly priorities" in off
    assert b"Stop weekly priorities" in browser.get("/accounts/organizations/").content
    assert Event.objects.filter(kind="priority_emails_chosen").count() == 2
