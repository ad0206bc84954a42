"""What an organization's requests to models came to: money, tokens, answers used again; and what more would cost."""

from __future__ import annotations

import datetime
import statistics
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from orgs.models import Project
from providers import budget, prices
from providers.models import BudgetMonth, ModelCall, Outcome, Step
from providers.selectors import BUILT_IN, choices_for
from tenancy.models import Organization
from tenancy.scope import current_organization_id

NOTHING = Decimal(0)
LINES_AT_MOST = 50
# Of a step's own past, as many requests are looked at for an estimate, and no fewer than so many are believed.
PAST_LOOKED_AT = 500
PAST_BELIEVED_FROM = 20
# What a step's question and answer come to where there is no past: (tokens in, tokens out), short ones and long ones.
# Reckoned from the lengths of our prompts and excerpts; models that think aloud need the longer answer.
TYPICAL_TOKENS: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    Step.COMPONENT: ((350, 40), (1800, 600)),
    Step.VERDICT: ((1100, 150), (3500, 2000)),
    Step.SECOND_VOTE: ((900, 200), (3200, 2000)),
    Step.GUIDANCE: ((900, 250), (3500, 3000)),
    Step.AUTOFIX: ((1200, 250), (5000, 4000)),
}
ESTIMATED_STEPS = (Step.VERDICT, Step.GUIDANCE, Step.AUTOFIX)


@dataclass(frozen=True)
class Period:
    """Days of the organization's time zone, the last one included."""

    first: datetime.date
    last: datetime.date
    zone: zoneinfo.ZoneInfo

    @property
    def bounds(self) -> tuple[datetime.datetime, datetime.datetime]:
        """When it begins, and when the day after it begins."""
        begin = datetime.datetime.combine(self.first, datetime.time(), self.zone)
        return begin, datetime.datetime.combine(self.last + datetime.timedelta(days=1), datetime.time(), self.zone)

    def calls(self) -> QuerySet[ModelCall]:
        """Return the requests of these days."""
        begin, end = self.bounds
        return ModelCall.objects.filter(created_at__gte=begin, created_at__lt=end)

    def days(self) -> Iterator[datetime.date]:
        """Yield each day."""
        for number in range((self.last - self.first).days + 1):
            yield self.first + datetime.timedelta(days=number)


PERIODS = {
    "month": "This month",
    "last-month": "Last month",
    "30-days": "Last 30 days",
    "90-days": "Last 90 days",
}


def period_named(name: str) -> Period:
    """Return the days of one of PERIODS, this month where the name is unknown. Needs a transaction."""
    zone = _zone()
    today = timezone.now().astimezone(zone).date()
    this_month = today.replace(day=1)
    match name:
        case "last-month":
            last = this_month - datetime.timedelta(days=1)
            return Period(last.replace(day=1), last, zone)
        case "30-days" | "90-days":
            return Period(today - datetime.timedelta(days=int(name[:2]) - 1), today, zone)
    return Period(this_month, today, zone)


def period_of(first: datetime.date, last: datetime.date) -> Period:
    """Return the days from one to another. Needs a transaction."""
    return Period(first, last, _zone())


def _zone() -> zoneinfo.ZoneInfo:
    name = Organization.objects.filter(pk=current_organization_id()).values_list("time_zone", flat=True).get()
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")


@dataclass(frozen=True)
class Line:
    """What some requests came to, in US dollars and tokens; `unpriced` of them cost something that nobody knows."""

    label: str
    asked: int
    reused: int
    stopped: int
    input_tokens: int
    output_tokens: int
    cost: Decimal
    saved: Decimal
    unpriced: int


@dataclass(frozen=True)
class Usage:
    """What a period's requests came to, altogether and by day, step, model and project."""

    total: Line
    days: list[Line]
    steps: list[Line]
    models: list[Line]
    projects: list[Line]


_DOLLARS = DecimalField(max_digits=18, decimal_places=8)
_SUMS = {
    "asked": Count("pk", filter=~Q(outcome__in=[Outcome.REUSED, Outcome.STOPPED])),
    "reused": Count("pk", filter=Q(outcome=Outcome.REUSED)),
    "stopped": Count("pk", filter=Q(outcome=Outcome.STOPPED)),
    "tokens_in": Coalesce(Sum("input_tokens"), 0),
    "tokens_out": Coalesce(Sum("output_tokens"), 0),
    "dollars": Coalesce(Sum("cost"), Value(NOTHING), output_field=_DOLLARS),
    "spared": Coalesce(Sum("saved"), Value(NOTHING), output_field=_DOLLARS),
    "unpriced": Count("pk", filter=Q(cost=None) & ~Q(outcome=Outcome.ASKING)),
}


def usage_in(period: Period) -> Usage:
    """Return what a period's requests came to. Needs a transaction."""
    calls = period.calls()
    by_day = {
        row["day"]: _line(str(row["day"]), dict(row))
        for row in calls.annotate(day=TruncDate("created_at", tzinfo=period.zone)).values("day").annotate(**_SUMS)
    }
    names = dict(Project.objects.values_list("pk", "name"))
    return Usage(
        total=_line("Altogether", calls.aggregate(**_SUMS)),
        days=[by_day.get(day) or _none(str(day)) for day in period.days()],
        steps=[_line(_step_in_words(row["purpose"]), row) for row in _grouped(calls, "purpose")],
        models=[_line(row["model"] or row["adapter"], row) for row in _grouped(calls, "model", "adapter")],
        projects=[_line(names.get(row["project_id"] or 0, "No project"), row) for row in _grouped(calls, "project_id")],
    )


def _grouped(calls: QuerySet[ModelCall], *fields: str) -> list[dict[str, Any]]:
    rows = calls.values(*fields).annotate(**_SUMS).order_by("-dollars", "-asked", *fields)
    return [dict(row) for row in rows[:LINES_AT_MOST]]


def _line(label: str, row: dict[str, Any]) -> Line:
    return Line(
        label=label,
        asked=row["asked"],
        reused=row["reused"],
        stopped=row["stopped"],
        input_tokens=row["tokens_in"],
        output_tokens=row["tokens_out"],
        cost=row["dollars"],
        saved=row["spared"],
        unpriced=row["unpriced"],
    )


def _none(label: str) -> Line:
    return Line(label, 0, 0, 0, 0, 0, NOTHING, NOTHING, 0)


def _step_in_words(purpose: str) -> str:
    return Step(purpose).label if purpose in Step.values else purpose


EXPORTED = (
    "day",
    "step",
    "model",
    "project",
    "requests",
    "reused",
    "tokens_in",
    "tokens_out",
    "us_dollars",
    "unpriced",
)


def rows_for_export(period: Period) -> Iterator[tuple[object, ...]]:
    """Yield the lines of a table with the columns EXPORTED. Needs a transaction."""
    names = dict(Project.objects.values_list("pk", "name"))
    fields = ("day", "purpose", "model", "adapter", "project_id")
    days = period.calls().annotate(day=TruncDate("created_at", tzinfo=period.zone))
    for row in days.values(*fields).annotate(**_SUMS).order_by(*fields).iterator(chunk_size=2000):
        yield (
            row["day"],
            _step_in_words(row["purpose"]),
            row["model"] or row["adapter"],
            names.get(row["project_id"], ""),
            row["asked"],
            row["reused"],
            row["tokens_in"],
            row["tokens_out"],
            row["dollars"],
            row["unpriced"],
        )


# --- The month against its budget -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MonthNow:
    """How the month stands, in US dollars; `monthly_limit` None: no limit, and `percent` is None then."""

    month: datetime.date
    monthly_limit: Decimal | None
    spent: Decimal
    assumed: Decimal
    reserved: Decimal
    alerted: int

    @property
    def percent(self) -> int | None:
        """How much of the budget is spent, rounded down; more than 100 after it was lowered."""
        if self.monthly_limit is None:
            return None
        return int(self.spent * 100 / self.monthly_limit) if self.monthly_limit else 100

    @property
    def left(self) -> Decimal | None:
        """What may still be spent."""
        return None if self.monthly_limit is None else max(NOTHING, self.monthly_limit - self.spent - self.reserved)


def month_now() -> MonthNow:
    """Return how the organization's month stands. Needs a transaction."""
    terms = budget.terms()
    row = BudgetMonth.objects.filter(month=terms.month).first() or BudgetMonth(month=terms.month)
    return MonthNow(
        month=terms.month,
        monthly_limit=terms.monthly_limit,
        spent=Decimal(row.spent),
        assumed=Decimal(row.assumed),
        reserved=Decimal(row.reserved),
        alerted=row.alerted,
    )


def has_budget_alert() -> bool:
    """Tell whether a threshold of this month's budget was passed; for every page. Needs a transaction."""
    # One read where nothing is to be told, which is nearly always.
    newest = BudgetMonth.objects.filter(alerted__gt=0).order_by("-month").values_list("month", flat=True).first()
    if newest is None:
        return False
    terms = budget.terms()
    return newest == terms.month and terms.monthly_limit is not None


# --- What more would cost ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """What steps would cost for some findings, in US dollars, as a range; None where the price is not known.

    `past_requests` says from how many of the organization's own it was reckoned; 0: from typical sizes.
    """

    low: Decimal | None
    high: Decimal | None
    past_requests: int
    by: str

    @property
    def is_known(self) -> bool:
        """Whether there are figures."""
        return self.low is not None


def estimate(steps: Sequence[str], findings: int) -> Estimate:
    """Return what steps would cost for a number of findings, by those who would be asked now.

    From the quarter to the ninetieth percentile of this organization's own requests by the same model where there are
    enough of them, else from typical sizes and the list of prices. Answers used again cost nothing, and are not counted
    on. Needs a transaction.
    """
    low, high, counted = NOTHING, NOTHING, []
    names: dict[str, None] = {}
    for step in steps:
        choice = choices_for(step)[0]
        names[choice.label] = None
        if choice.adapter == BUILT_IN.adapter:
            counted.append(0)
            continue
        tariff = prices.tariff_of(choice)
        past = _past_costs(step, choice.adapter, choice.connection_id)
        if len(past) >= PAST_BELIEVED_FROM:
            cuts = statistics.quantiles(past, n=20)
            low, high = low + cuts[4], high + cuts[17]
            counted.append(len(past))
        elif tariff.rate().is_known:
            (short_in, short_out), (long_in, long_out) = TYPICAL_TOKENS[step]
            low += tariff.rate().cost(input_tokens=short_in, output_tokens=short_out)
            high += tariff.rate().cost(input_tokens=long_in, output_tokens=long_out)
            counted.append(0)
        else:
            return Estimate(low=None, high=None, past_requests=0, by=", ".join(names))
    return Estimate(
        low=low * findings, high=high * findings, past_requests=min(counted, default=0), by=", ".join(names)
    )


def _past_costs(step: str, adapter: str, connection_id: int | None) -> list[Decimal]:
    answered = ModelCall.objects.filter(
        purpose=step, adapter=adapter, connection_id=connection_id, outcome=Outcome.ANSWERED
    )
    recent = answered.exclude(cost=None).order_by("-pk").values_list("cost", flat=True)[:PAST_LOOKED_AT]
    return [cost for cost in recent if cost is not None]


# --- Prices -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PriceInUse:
    """What a model costs that the organization would ask now, in US dollars per million tokens."""

    label: str
    steps: str
    input: Decimal
    output: Decimal
    is_known: bool
    is_own: bool


def prices_in_use() -> list[PriceInUse]:
    """Return the prices of everybody who may be asked now, with the steps. Needs a transaction."""
    found: dict[str, tuple[prices.Tariff, list[str]]] = {}
    for step in Step:
        for choice in choices_for(step):
            if choice.adapter != BUILT_IN.adapter:
                tariff = found[choice.label][0] if choice.label in found else prices.tariff_of(choice)
                found.setdefault(choice.label, (tariff, []))[1].append(step.label)
    return [
        PriceInUse(
            label=label,
            steps=", ".join(dict.fromkeys(steps)),
            input=tariff.rate().input,
            output=tariff.rate().output,
            is_known=tariff.rate().is_known,
            is_own=tariff.own is not None,
        )
        for label, (tariff, steps) in found.items()
    ]
