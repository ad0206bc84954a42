"""The month's money: never more is spent than allowed, Admins are told, and what was stopped says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

import events.draining
import findings.services
import orgs.services
import providers.budget
import remediation.tasks
import triage.services
import triage.tasks
from events.kinds import SYSTEM, Kind
from events.models import Event, Job, JobState, Queue
from findings.models import Finding, NotAnalysed, Scan, ScanState
from lib.failures import TemporaryFailure
from providers.gate import StoppedByBudget, ask
from providers.models import BudgetMonth, ModelCall, Outcome, Price, Reservation
from providers.prompts import Prompt
from remediation.models import Guidance
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.providers import situations
from tests.integration.providers.situations import ORDERS, a_finding_in, run_job, verdict
from tests.vendors.openai_server import Exchange, OpenAIServer, Scripted, completion, error
from triage.answers import ComponentAnswer
from triage.models import Source, Verdict

TAG = {"tag": "API", "risk": "neutral", "reason": "It has routes."}
# A reply of the loopback vendor uses 900 and 120 tokens.
COST_OF_A_CALL = Decimal("0.00114")
NONE = Decimal(0)


@pytest.fixture
def priced(db: None) -> None:
    """A dollar a million tokens in, two out."""
    Price.objects.create(vendor="compatible", model="gpt-5-mini*", input=1, output=2, since=date(2020, 1, 1))


def budget_of(amount: str) -> None:
    providers.budget.set_monthly_limit(Decimal(amount), actor=SYSTEM)


def judge(finding: Finding) -> Job:
    job = run_job(triage.tasks.judge_finding, finding_id=finding.pk)
    finding.refresh_from_db()
    return job


def spent(amount: str) -> None:
    """Have so much spent this month."""
    with transaction.atomic():
        allowance = providers.budget.reserve(Decimal(0), under=providers.budget.terms())
        providers.budget.settle(allowance, cost=Decimal(amount), is_assumed=False)


def month() -> BudgetMonth:
    return BudgetMonth.objects.get()


# --- What a call costs ------------------------------------------------------------------------------------------------


def test_a_call_costs_what_the_list_of_prices_says(openai: OpenAIServer, finding: Finding, priced: None) -> None:
    openai.answer(completion(verdict()))

    judge(finding)

    call = ModelCall.objects.get()
    assert (call.cost, call.project_id) == (COST_OF_A_CALL, finding.project_id)
    assert (month().spent, month().assumed, month().reserved) == (COST_OF_A_CALL, NONE, NONE)


def test_both_tries_are_paid(openai: OpenAIServer, finding: Finding, priced: None) -> None:
    openai.answer_always(completion("no JSON"))

    judge(finding)

    assert (ModelCall.objects.get().cost, month().spent) == (2 * COST_OF_A_CALL, 2 * COST_OF_A_CALL)


def test_an_unknown_price_is_said_and_reckoned_high(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer(completion(verdict()))

    judge(finding)

    assumed = (15 * 900 + 75 * 120) / Decimal(1_000_000)
    assert ModelCall.objects.get().cost is None
    assert (month().spent, month().assumed) == (assumed, assumed)


def test_an_answer_used_again_costs_nothing_and_says_what_it_saved(
    openai: OpenAIServer, finding: Finding, priced: None
) -> None:
    openai.answer(completion(verdict()))
    judge(finding)

    judge(a_finding_in(ORDERS, branch="feature", project=finding.project))

    again = ModelCall.objects.latest("pk")
    assert (again.outcome, again.cost, again.saved) == ("reused", NONE, COST_OF_A_CALL)
    assert month().spent == COST_OF_A_CALL


# --- The limit --------------------------------------------------------------------------------------------------------


def test_a_finding_that_the_budget_stops_says_so(openai: OpenAIServer, finding: Finding, priced: None) -> None:
    budget_of("0.00")

    job = judge(finding)

    assert (openai.asked, job.state, finding.not_analysed) == (0, JobState.DONE, NotAnalysed.BUDGET)
    assert "budget is used up" in finding.not_analysed_detail
    assert ModelCall.objects.get().outcome == Outcome.STOPPED
    assert not Reservation.objects.exists()


def test_a_stopped_finding_settles_its_scan(openai: OpenAIServer, finding: Finding) -> None:
    scan = finding.first_scan
    with transaction.atomic():
        findings.services.begin_analysis(scan=scan, finding_ids=[finding.pk])
    budget_of("0.00")

    judge(finding)

    assert Scan.objects.get(pk=scan.pk).state == ScanState.SETTLED


def test_guidance_is_built_in_while_the_money_is_used_up_and_says_why(openai: OpenAIServer, finding: Finding) -> None:
    factories.a_verdict(finding, "true_positive")
    budget_of("0.00")

    run_job(remediation.tasks.write_guidance, finding_id=finding.pk)

    guidance = Guidance.objects.get()
    assert (openai.asked, guidance.source) == (0, Source.BUILT_IN)
    assert "budget is used up" in guidance.stood_in_because


def test_a_known_answer_needs_no_money(openai: OpenAIServer, finding: Finding, priced: None) -> None:
    openai.answer(completion(verdict()))
    judge(finding)
    budget_of("0.00")

    again = a_finding_in(ORDERS, branch="feature", project=finding.project)
    judge(again)

    assert again.recommendation == "fix"


def test_the_price_may_be_zero_and_then_no_budget_stops_it(openai: OpenAIServer, finding: Finding) -> None:
    Price.objects.create(vendor="compatible", model="*", input=0, output=0, since=date(2020, 1, 1))
    openai.answer(completion(verdict()))
    budget_of("0.00")

    judge(finding)

    assert finding.recommendation == "fix"


def test_money_held_for_others_is_waited_for(openai: OpenAIServer, finding: Finding, priced: None) -> None:
    budget_of("0.02")
    with transaction.atomic():
        providers.budget.reserve(Decimal("0.019"), under=providers.budget.terms())

    job = judge(finding)

    assert (openai.asked, job.state, job.attempt, finding.not_analysed) == (0, JobState.WAITING, 0, "waiting")


def test_a_failed_request_gives_its_money_back(openai: OpenAIServer, finding: Finding, priced: None) -> None:
    budget_of("1.00")
    openai.answer(error(500, "oops"))

    judge(finding)

    assert (month().reserved, month().spent, Reservation.objects.count()) == (NONE, NONE, 0)


def test_what_a_dead_worker_held_is_given_back(in_acme: Organization, priced: None) -> None:
    budget_of("1.00")
    with transaction.atomic():
        allowance = providers.budget.reserve(Decimal("0.50"), under=providers.budget.terms())
    Reservation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert providers.budget.sweep_reservations() == 1
    with transaction.atomic():  # it was alive after all: what it cost counts, and nothing is given back twice
        providers.budget.settle(allowance, cost=Decimal("0.10"), is_assumed=False)

    assert (month().reserved, month().spent) == (NONE, Decimal("0.10"))


@pytest.mark.parametrize(
    ("zone", "expected"), [("Pacific/Auckland", date(2026, 12, 1)), ("America/Los_Angeles", date(2026, 11, 1))]
)
def test_the_month_is_that_of_the_organizations_time_zone(
    in_acme: Organization, monkeypatch: pytest.MonkeyPatch, zone: str, expected: date
) -> None:
    Organization.objects.filter(pk=in_acme.pk).update(time_zone=zone)
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 30, 20, 0, tzinfo=UTC))

    assert providers.budget.terms().month == expected


# --- Many at once -----------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(committed: None, openai_server: OpenAIServer, settings: Settings) -> Iterator[Organization]:
    """An organization with the platform's model, its rows committed."""
    situations.set_up(settings, openai_server)
    cache.clear()
    organization = factories.an_organization("shop", admin=factories.a_person("ann@shop.example"))
    Price.objects.create(vendor="compatible", model="gpt-5-mini*", input=1, output=2, since=date(2020, 1, 1))
    with acting_for(organization.pk):
        orgs.services.give_consent(actor=SYSTEM)
        yield organization


def tag(number: int) -> None:
    prompt = Prompt(
        name="triage/component",
        version=1,
        answer=ComponentAnswer,
        system="Tag.",
        user=f"x = {number:03}",
        max_output_tokens=600,
    )
    ask(prompt, answer=ComponentAnswer, without_model=_no_model)


def _no_model() -> Any:
    raise AssertionError("the model answers")


def test_many_threads_never_spend_more_than_the_budget(shop: Organization, openai_server: OpenAIServer) -> None:
    openai_server.rule = lambda _: completion(TAG)
    budget_of("0.01")  # 8 calls of 0.00114, and not a ninth
    together = threading.Barrier(32)

    def worker(number: int) -> str:
        together.wait()
        with acting_for(shop.pk):
            try:
                return _until_decided(number)
            finally:
                connection.close()

    with ThreadPoolExecutor(32) as threads:
        ends = list(threads.map(worker, range(32)))

    with transaction.atomic():
        row = month()
    assert row.spent <= Decimal("0.01")
    assert (row.spent, row.reserved) == (openai_server.asked * COST_OF_A_CALL, NONE)
    assert 1 <= ends.count("asked") == openai_server.asked <= 8
    assert ends.count("asked") + ends.count("stopped") == 32


def _until_decided(number: int) -> str:
    """Ask as a Job would, which comes back when it was put off."""
    pause = threading.Event()
    while True:
        try:
            tag(number)
        except StoppedByBudget:
            return "stopped"
        except TemporaryFailure:
            pause.wait(0.02)
        else:
            return "asked"


# --- Telling people ---------------------------------------------------------------------------------------------------


def alerts() -> list[int]:
    return [event.subject["threshold"] for event in Event.objects.filter(kind=Kind.BUDGET_ALERT).order_by("pk")]


def test_each_threshold_is_told_once_a_month(in_acme: Organization) -> None:
    budget_of("10.00")

    for amount in ("4.90", "0.20", "0.20", "2.50", "1.40", "0.90"):
        spent(amount)

    assert alerts() == [50, 75, 90, 100]


def test_being_stopped_is_the_last_threshold(openai: OpenAIServer, finding: Finding, priced: None) -> None:
    budget_of("1.00")
    spent("0.9999")

    judge(finding)
    judge(a_finding_in(ORDERS.replace("orders", "invoices")))

    assert alerts() == [90, 100]


def test_a_higher_budget_is_told_of_anew(in_acme: Organization) -> None:
    budget_of("10.00")
    spent("6.00")
    budget_of("100.00")

    spent("50.00")

    assert alerts() == [50, 50]


def test_admins_get_mail_and_nobody_else(in_acme: Organization, bob: User) -> None:
    budget_of("10.00")
    spent("7.60")

    events.draining.drain()

    assert [message.to for message in mail.outbox] == [["alice@acme.example"]]
    assert mail.outbox[0].subject == "Acme: 75 % of the budget for AI providers is used"
    assert "US$ 7.60 of US$ 10.00" in mail.outbox[0].body
    assert "/orgs/acme/settings/usage/" in mail.outbox[0].body


# --- Going on ---------------------------------------------------------------------------------------------------------


def test_what_was_stopped_is_analysed_after_the_budget_was_raised(
    openai: OpenAIServer, finding: Finding, priced: None
) -> None:
    openai.rule = _answer_either
    orgs.services.change_settings(actor=SYSTEM, changes={"remediation": False})
    budget_of("0.00")
    judge(finding)
    budget_of("5.00")

    resumed = triage.services.resume_stopped(actor=SYSTEM)
    events.draining.drain()

    finding.refresh_from_db()
    assert (resumed, finding.recommendation, finding.not_analysed) == (1, "fix", "")
    assert Verdict.objects.get().source == Source.MODEL
    assert triage.services.resume_stopped(actor=SYSTEM) == 0


def _answer_either(exchange: Exchange) -> Scripted:
    is_tag = exchange.body["response_format"]["json_schema"]["name"] == "ComponentAnswer"
    return completion(TAG if is_tag else verdict())


def test_pull_requests_are_resumed_first(in_acme: Organization) -> None:
    project = factories.a_project()
    waiting = factories.a_finding(scan=factories.a_scan(project), not_analysed=NotAnalysed.BUDGET)
    of_request = factories.a_scan(project, pull_request_id="7", is_full=False)
    factories.a_finding(scan=of_request, not_analysed=NotAnalysed.BUDGET, path="b.py")
    triage.services.resume_stopped(actor=SYSTEM)

    run_job(triage.tasks.resume_stopped, count=2)

    queues = Job.objects.filter(task__endswith="judge_finding").order_by("pk").values_list("queue", flat=True)
    assert list(queues) == [Queue.PULL_REQUEST, Queue.BACKLOG]
    assert Finding.objects.get(pk=waiting.pk).not_analysed == NotAnalysed.WAITING
