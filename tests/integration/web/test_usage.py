"""Usage and budget: what is shown, changed, exported and resumed, by whom."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

import orgs.services
import providers.budget
from events.kinds import SYSTEM, Kind
from events.models import Event
from findings.models import NotAnalysed
from orgs.permissions import Scope
from providers import prices, usage
from providers.models import Budget, Connection, ModelCall, Outcome, Price, Step, Vendor
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories

ClientFor = Callable[[User], Client]
ADDRESS = "/orgs/acme/settings/usage/"


def a_call(step: str = Step.VERDICT, **fields: Any) -> ModelCall:
    values = {"outcome": Outcome.ANSWERED, "input_tokens": 1000, "output_tokens": 100, "cost": Decimal("0.01")}
    names = {"purpose": step, "prompt_name": step, "prompt_version": 1, "adapter": "openai", "model": "gpt-5-mini"}
    return ModelCall.objects.create(**{**names, **values, **fields})


def spend(amount: str) -> None:
    with transaction.atomic():
        allowance = providers.budget.reserve(Decimal(0), under=providers.budget.terms())
        providers.budget.settle(allowance, cost=Decimal(amount), is_assumed=False)


def text_of(client: Client, address: str = ADDRESS) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


# --- The page ---------------------------------------------------------------------------------------------------------


def test_usage_is_broken_down(acme: Organization, alice: User, client_for: ClientFor) -> None:
    with acting_for(acme.pk):
        project = factories.a_project("shop")
        a_call(project_id=project.pk)
        a_call(Step.GUIDANCE, cost=Decimal("0.02"), model="gpt-5")
        a_call(outcome=Outcome.REUSED, cost=Decimal(0), saved=Decimal("0.01"), input_tokens=0, output_tokens=0)
        a_call(cost=None)
        with transaction.atomic():
            found = usage.usage_in(usage.period_named("month"))

    total = found.total
    assert (total.asked, total.reused, total.cost, total.saved, total.unpriced) == (
        3, 1, Decimal("0.03"), Decimal("0.01"), 1,
    )  # fmt: skip
    assert [(line.label, line.asked) for line in found.steps] == [("Guidance", 1), ("Auto-triage", 2)]
    assert {line.label for line in found.projects} == {"shop", "No project"}
    assert sum(line.asked for line in found.days) == 3
    page = text_of(client_for(alice))
    assert "which saved US$ 0.0100" in page
    assert "1 request of unknown price" in page


def test_an_organization_sees_its_own_usage_only(acme: Organization, charlie: User, client_for: ClientFor) -> None:
    with acting_for(acme.pk):
        a_call(cost=Decimal("123.45"))

    page = text_of(client_for(charlie), "/orgs/umbrella/settings/usage/")

    assert "123.45" not in page
    assert "Nothing was asked of a model in this time" in page


def test_an_admin_sets_the_budget_and_takes_it_away(acme: Organization, alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)

    client.post(f"{ADDRESS}budget/", {"monthly_limit": "25.50"})
    shown = text_of(client)
    client.post(f"{ADDRESS}budget/", {"monthly_limit": ""})

    with acting_for(acme.pk):
        changes = Event.objects.filter(kind=Kind.BUDGET_CHANGED).order_by("pk").values_list("subject", flat=True)
        assert list(changes) == [{"monthly_limit": "25.50"}, {"monthly_limit": "none"}]
        assert Budget.objects.get().monthly_limit is None
    assert "of US$ 25.50 spent" in shown


@pytest.mark.parametrize("wrong", ["-1", "a lot", "1.234", "99999999999999"])
def test_a_budget_that_is_none_is_refused(acme: Organization, alice: User, client_for: ClientFor, wrong: str) -> None:
    response = client_for(alice).post(f"{ADDRESS}budget/", {"monthly_limit": wrong})

    assert response.status_code == 422
    with acting_for(acme.pk):
        assert not Budget.objects.exists()


def test_members_neither_see_nor_change_it(bob: User, client_for: ClientFor) -> None:
    client = client_for(bob)

    seen = [client.get(ADDRESS), client.get(f"{ADDRESS}usage.csv"), client.post(f"{ADDRESS}budget/")]

    assert [response.status_code for response in seen] == [403, 403, 403]


def test_admins_are_told_on_every_page(acme: Organization, alice: User, bob: User, client_for: ClientFor) -> None:
    with acting_for(acme.pk):
        providers.budget.set_monthly_limit(Decimal(10), actor=SYSTEM)
        spend("7.60")

    assert "76 % of the month's budget" in text_of(client_for(alice), "/orgs/acme/projects/")
    assert "month's budget" not in text_of(client_for(bob), "/orgs/acme/projects/")


def test_what_was_stopped_is_shown_and_resumed(acme: Organization, alice: User, client_for: ClientFor) -> None:
    with acting_for(acme.pk):
        finding = factories.a_finding(not_analysed=NotAnalysed.BUDGET, not_analysed_detail="The budget is used up.")
        factories.a_finding(path="other.py")
        providers.budget.set_monthly_limit(Decimal(0), actor=SYSTEM)
    client = client_for(alice)

    usage_page, finding_page, scan_page, listed = (
        text_of(client, f"/orgs/acme/{place}")
        for place in (
            "settings/usage/",
            f"findings/{finding.pk}/",
            f"scans/{finding.first_scan_id}/",
            "findings/?why=budget",
        )
    )
    client.post(f"{ADDRESS}resume/")

    assert "1 finding was stopped by budget" in usage_page
    assert "raise the budget first" in usage_page
    assert "An Admin can raise the budget" in finding_page
    assert "1 stopped by budget" in scan_page
    assert ("Stopped by budget" in listed, "other.py" in listed) == (True, False)
    with acting_for(acme.pk):
        assert Event.objects.filter(kind=Kind.STOPPED_WORK_RESUMED).get().subject == {"count": 1}


def test_a_finding_says_who_stood_in_and_why(acme: Organization, alice: User, client_for: ClientFor) -> None:
    with acting_for(acme.pk):
        finding = factories.a_finding()
        factories.a_verdict(finding, stood_in_because="OpenAI (gpt-5) could not: The key is wrong <401>")

    page = text_of(client_for(alice), f"/orgs/acme/findings/{finding.pk}/")

    assert "stood in for the first choice. OpenAI (gpt-5) could not: The key is wrong &lt;401&gt;" in page


def test_the_table_to_take_along_holds_no_formula(acme: Organization, alice: User, client_for: ClientFor) -> None:
    with acting_for(acme.pk):
        a_call(project_id=factories.a_project("=cmd()").pk)

    response = client_for(alice).get(f"{ADDRESS}usage.csv?period=30-days")

    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert rows[0]["project"] == "'=cmd()"
    assert (rows[0]["requests"], rows[0]["us_dollars"]) == ("1", "0.01000000")


# --- Estimates --------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_model(in_acme: Organization) -> Connection:
    """A connection whose price the Admin wrote down: a dollar a million tokens in, two out."""
    orgs.services.give_consent(actor=SYSTEM)
    return Connection.objects.create(
        vendor=Vendor.COMPATIBLE, model="m", base_url="https://m.example", input_price=1, output_price=2
    )


def test_an_estimate_without_a_past_is_from_typical_sizes(own_model: Connection) -> None:
    found = usage.estimate([Step.VERDICT], 1000)

    assert (found.past_requests, found.low, found.high) == (0, Decimal("1.4"), Decimal("7.5"))


def test_an_estimate_is_from_the_own_past_where_there_is_enough(own_model: Connection) -> None:
    for number in range(1, 41):
        a_call(adapter="compatible", connection_id=own_model.pk, cost=Decimal(number) / 1000)

    found = usage.estimate([Step.VERDICT], 10)

    assert found.low is not None
    assert found.high is not None
    assert (found.past_requests, round(found.low, 3), round(found.high, 3)) == (
        40, Decimal("0.102"), Decimal("0.369"),
    )  # fmt: skip


def test_an_unknown_price_gives_no_estimate(own_model: Connection) -> None:
    Connection.objects.update(input_price=None)

    assert not usage.estimate([Step.VERDICT], 10).is_known


def test_built_in_costs_nothing(in_acme: Organization) -> None:
    assert usage.estimate([Step.VERDICT, Step.GUIDANCE], 10).high == 0


# --- Prices -----------------------------------------------------------------------------------------------------------


def test_the_shipped_list_is_valid_and_says_of_which_day_it_is() -> None:
    as_of, entries = prices.shipped()

    assert as_of > date(2025, 1, 1)
    assert all(entry.since <= as_of for entry in entries)


def test_the_operator_loads_another_list(db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = {"vendor": "openai", "models": ["gpt-5"], "input": "9", "output": "10", "since": "2025-08-07"}
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"as_of": "2026-01-01", "prices": [line]}))

    call_command("update_prices", file, "--check")
    assert not Price.objects.exists()
    call_command("update_prices", file)

    assert "~ openai gpt-5 since 2025-08-07: 1.25/10 -> 9/10" in capsys.readouterr().out
    assert prices.in_force() == (prices.Entry("openai", "gpt-5", Decimal(9), Decimal(10), date(2025, 8, 7)),)


@pytest.mark.parametrize(
    "wrong",
    [
        "no JSON",
        {"as_of": "2026-01-01", "prices": []},
        {"vendor": "openai", "models": ["m"], "input": "-1", "output": "1", "since": "2026-01-01"},
        {"vendor": "nobody", "models": ["m"], "input": "1", "output": "1", "since": "2026-01-01"},
        {"vendor": "openai", "models": ["m", "m"], "input": "1", "output": "1", "since": "2026-01-01"},
    ],
    ids=["prose", "empty", "negative", "unknown vendor", "twice"],
)
def test_a_list_that_is_wrong_changes_nothing(db: None, tmp_path: Path, wrong: Any) -> None:
    file = tmp_path / "prices.json"
    whole = wrong if "prices" in wrong or isinstance(wrong, str) else {"as_of": "2026-01-01", "prices": [wrong]}
    file.write_text(json.dumps(whole))

    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("update_prices", file)

    assert not Price.objects.exists()


# --- The API ----------------------------------------------------------------------------------------------------------


def with_token(organization: Organization, admin: User, scope: Scope) -> Client:
    with acting_for(organization.pk):
        _, value = orgs.services.create_token(name="t", scopes=[scope], created_by=admin, actor=SYSTEM)
    return Client(headers={"authorization": f"Bearer {value}"})


def test_a_machine_reads_usage_and_sets_the_budget(acme: Organization, alice: User) -> None:
    with acting_for(acme.pk):
        a_call()
    client = with_token(acme, alice, Scope.API_WRITE)
    home = "/api/v1/deployments/acme"

    found = client.get(f"{home}/usage").json()
    put = client.put(f"{home}/budget", {"monthly_limit": "12.00"}, content_type="application/json").json()
    wrong = client.put(f"{home}/budget", {"monthly_limit": "-1"}, content_type="application/json")

    assert (found["total"]["requests"], found["total"]["cost"]) == (1, "0.01000000")
    assert (put["monthly_limit"], client.get(f"{home}/budget").json()["spent"]) == ("12.00", "0.00000000")
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["monthly_limit"])


@pytest.mark.parametrize("query", ["since=2026-01-01", "since=2026-02-01&until=2026-01-01", "since=x&until=y"])
def test_a_wrong_period_is_refused(acme: Organization, alice: User, query: str) -> None:
    client = with_token(acme, alice, Scope.API_READ)

    assert client.get(f"/api/v1/deployments/acme/usage?{query}").status_code == 400


def test_reading_tokens_change_no_budget(acme: Organization, alice: User) -> None:
    client = with_token(acme, alice, Scope.API_READ)

    response = client.put("/api/v1/deployments/acme/budget", {"monthly_limit": "1"}, content_type="application/json")

    assert response.status_code == 403
    with acting_for(acme.pk):
        assert not Budget.objects.exists()
