"""The money of an organization's month: held back before a request, settled with its result, never more than allowed.

All of it is in PostgreSQL: a conditional UPDATE of the month's row decides, so that all workers see one truth.
"""

from __future__ import annotations

import datetime
import zoneinfo
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Subquery, Value
from django.utils import timezone

from events.kinds import SYSTEM, Actor, Kind
from events.services import record
from lib.failures import TemporaryFailure
from providers.models import Budget, BudgetMonth, Reservation
from tenancy.directory import across_organizations
from tenancy.models import Organization
from tenancy.scope import acting_for, current_organization_id

THRESHOLDS = (50, 75, 90, 100)  # percent of the budget at which Admins are told
# How long a request may hold money back: longer than any request with its second try lasts.
HELD_FOR = datetime.timedelta(minutes=15)
# The rest of the budget is held back for requests on their way, which will need less than that.
WAIT_FOR_OTHERS_SECONDS = 3.0
NOTHING = Decimal(0)


class OverBudget(Exception):
    """What is left of the month's budget does not cover what the request can cost."""


@dataclass(frozen=True)
class Terms:
    """Which month it is for the organization, and what it may spend in it; None: as much as it likes."""

    month: datetime.date
    monthly_limit: Decimal | None


@dataclass
class Allowance:
    """Money held back for one request; with `reservation_id` None nothing is, since there is no limit or no price."""

    month: datetime.date
    monthly_limit: Decimal | None
    amount: Decimal = NOTHING
    reservation_id: int | None = None
    is_settled: bool = False


def terms() -> Terms:
    """Return the organization's month and limit, in one read. Needs a transaction."""
    zone, limit = (
        Organization.objects.filter(pk=current_organization_id())
        .values_list("time_zone", Subquery(Budget.objects.values("monthly_limit")[:1]))
        .get()
    )
    return Terms(month=_month_in(zone), monthly_limit=limit)


def _month_in(zone: str) -> datetime.date:
    try:
        here = timezone.now().astimezone(zoneinfo.ZoneInfo(zone))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        here = timezone.now()
    return here.date().replace(day=1)


def reserve(amount: Decimal, *, under: Terms) -> Allowance:
    """Hold back what a request can cost at most, where there is a limit.

    Raises OverBudget where the budget is used up, TemporaryFailure where only requests on their way hold the rest.
    """
    allowance = Allowance(month=under.month, monthly_limit=under.monthly_limit)
    if under.monthly_limit is not None and amount > 0:
        with transaction.atomic():
            allowance.reservation_id = _hold(allowance, amount)
        allowance.amount = amount
    return allowance


def extend(allowance: Allowance, amount: Decimal) -> None:
    """Hold back more for the same request. Raises OverBudget where there is no room now."""
    if allowance.reservation_id is None:
        return
    with transaction.atomic():
        if not _take(allowance, amount):
            raise OverBudget("the month's budget left no room for a second try")
        Reservation.objects.filter(pk=allowance.reservation_id).update(amount=F("amount") + amount)
    allowance.amount += amount


def _hold(allowance: Allowance, amount: Decimal) -> int:
    if not _take(allowance, amount):
        BudgetMonth.objects.bulk_create([BudgetMonth(month=allowance.month)], ignore_conflicts=True)
        if not _take(allowance, amount):
            assert allowance.monthly_limit is not None
            spent = BudgetMonth.objects.filter(month=allowance.month).values_list("spent", flat=True).get()
            if spent + amount <= allowance.monthly_limit:
                raise TemporaryFailure(
                    "the rest of the budget is held back for requests on their way",
                    retry_after_seconds=WAIT_FOR_OTHERS_SECONDS,
                    spends_attempt=False,
                )
            raise OverBudget(f"US$ {spent:.2f} of US$ {allowance.monthly_limit:.2f} are spent this month")
    expires_at = timezone.now() + HELD_FOR
    return Reservation.objects.create(month=allowance.month, amount=amount, expires_at=expires_at).pk


def _take(allowance: Allowance, amount: Decimal) -> bool:
    # PostgreSQL looks at the condition again once it has the row's lock, so two workers never take the same dollar.
    room = Value(allowance.monthly_limit) - F("reserved") - Value(amount)
    month = BudgetMonth.objects.filter(month=allowance.month, spent__lte=room)
    return bool(month.update(reserved=F("reserved") + amount))


def settle(allowance: Allowance, *, cost: Decimal, is_assumed: bool) -> None:
    """Book what a request cost and give back what was held. Needs the transaction that keeps the request's row."""
    held = NOTHING
    if allowance.reservation_id is not None:
        # The sweep may have given it back already.
        gone, _ = Reservation.objects.filter(pk=allowance.reservation_id).delete()
        held = allowance.amount if gone else NOTHING
    allowance.is_settled = True
    if not (cost or held):
        return
    month = BudgetMonth.objects.filter(month=allowance.month)
    changes = {
        "spent": F("spent") + cost,
        "assumed": F("assumed") + (cost if is_assumed else NOTHING),
        "reserved": F("reserved") - held,
    }
    if not month.update(**changes):
        BudgetMonth.objects.bulk_create([BudgetMonth(month=allowance.month)], ignore_conflicts=True)
        month.update(**changes)
    if allowance.monthly_limit:
        _alert(allowance.month, allowance.monthly_limit)


def release(allowance: Allowance) -> None:
    """Give back what was held for a request that was never settled."""
    if not allowance.is_settled and allowance.reservation_id is not None:
        with transaction.atomic():
            settle(allowance, cost=NOTHING, is_assumed=False)


def note_stop(under: Terms) -> None:
    """Tell Admins, once a month, that requests are not made any more for want of money."""
    with transaction.atomic():
        _alert_at(under.month, THRESHOLDS[-1])


def _alert(month: datetime.date, limit: Decimal) -> None:
    spent = BudgetMonth.objects.filter(month=month).values_list("spent", flat=True).get()
    reached = [threshold for threshold in THRESHOLDS if spent * 100 >= limit * threshold]
    if reached:
        _alert_at(month, reached[-1])


def _alert_at(month: datetime.date, threshold: int) -> None:
    if BudgetMonth.objects.filter(month=month, alerted__lt=threshold).update(alerted=threshold):
        record(Kind.BUDGET_ALERT, actor=SYSTEM, month=month.isoformat(), threshold=threshold)


def set_monthly_limit(limit: Decimal | None, *, actor: Actor) -> Budget:
    """Change what the organization may spend in a month; None takes the limit away.

    Thresholds that are below again with the new limit are told of anew.
    """
    with transaction.atomic():
        Budget.objects.bulk_create([Budget()], ignore_conflicts=True)
        budget = Budget.objects.select_for_update().get()
        if budget.monthly_limit != limit:
            budget.monthly_limit = limit
            budget.save(update_fields=["monthly_limit"])
            _forget_alerts(terms().month, limit)
            record(Kind.BUDGET_CHANGED, actor=actor, monthly_limit="none" if limit is None else f"{limit:.2f}")
    return budget


def _forget_alerts(month: datetime.date, limit: Decimal | None) -> None:
    row = BudgetMonth.objects.select_for_update().filter(month=month).first()
    if row is not None:
        still = [step for step in THRESHOLDS if limit is not None and row.spent * 100 >= limit * step]
        row.alerted = min(row.alerted, still[-1] if still else 0)
        row.save(update_fields=["alerted"])


def sweep_reservations() -> int:
    """Give back what requests held that never ended, since their worker died. Returns how many."""
    with across_organizations():
        now = timezone.now()
        owners = list(
            Reservation.every_organization.filter(expires_at__lt=now)
            .order_by("organization_id")
            .values_list("organization_id", flat=True)
            .distinct()
        )
    return sum(_sweep_one(organization_id, now) for organization_id in owners)


def _sweep_one(organization_id: int, now: datetime.datetime) -> int:
    with acting_for(organization_id), transaction.atomic():
        expired = list(Reservation.objects.select_for_update(skip_locked=True).filter(expires_at__lt=now))
        for reservation in expired:
            reservation.delete()
            BudgetMonth.objects.filter(month=reservation.month).update(reserved=F("reserved") - reservation.amount)
    return len(expired)
