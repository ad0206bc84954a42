"""What the metrics are about: whose projects, which of them, which rule or model, and which days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

import orgs.selectors
import providers.usage
from lib.text import is_id
from orgs.models import Viewer

PERIODS = {"7-days": "Last 7 days", "30-days": "Last 30 days", "90-days": "Last 90 days", "365-days": "Last 365 days"}
USUAL_PERIOD = "90-days"
CUSTOM = "custom"
LONGEST_DAYS = 1100
LONGEST_MODEL = 120


class PeriodUnusable(Exception):
    """The days that were asked for are none; the text says why."""


@dataclass(frozen=True)
class Choice:
    """What is counted. `project_ids` are those that the reader may see, None where it is all of them."""

    period: providers.usage.Period
    period_name: str
    project_ids: frozenset[int] | None
    project_id: int | None = None
    rule_id: int | None = None
    model: str = ""


def chosen_by(parameters: Mapping[str, str], *, viewer: Viewer) -> Choice:
    """Return what a query string asks for; what cannot be meant is left out. Needs a transaction.

    Raises PeriodUnusable where days of one's own were asked for and are none.
    """
    name = parameters.get("period", "")
    if name == CUSTOM or parameters.get("since") or parameters.get("until"):
        first, last = _day(parameters.get("since", ""), "first"), _day(parameters.get("until", ""), "last")
        if not 0 <= (last - first).days < LONGEST_DAYS:
            raise PeriodUnusable(f"Let the last day follow the first, within {LONGEST_DAYS} days.")
        name, period = CUSTOM, providers.usage.period_of(first, last)
    else:
        name = name if name in PERIODS else USUAL_PERIOD
        today = providers.usage.period_of(date.min, date.min).zone
        last = timezone.now().astimezone(today).date()
        period = providers.usage.period_of(last - timedelta(days=int(name.split("-")[0]) - 1), last)
    return Choice(
        period=period,
        period_name=name,
        project_ids=orgs.selectors.visible_project_ids(viewer),
        project_id=_id(parameters.get("project", "")),
        rule_id=_id(parameters.get("rule", "")),
        model=parameters.get("model", "")[:LONGEST_MODEL],
    )


def _id(value: str) -> int | None:
    return int(value) if is_id(value) else None


def _day(text: str, which: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PeriodUnusable(f"Give the {which} day as 2026-01-31.") from error
