"""The dashboard: the week's tasks, and how the production backlog stands and moves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

import findings.selectors
import orgs.selectors
import remediation.saved
import rules.selectors
import triage.weeks
from assistant_platform.web.base import OrgRequest, org_page
from findings import history, listing
from findings.history import Day, Standing
from findings.listing import FindingFilter
from orgs.permissions import Permission
from rules.models import Severity

PERIODS = {30: "30 days", 90: "90 days", 365: "A year"}
USUAL_PERIOD = 90
PRE_PRODUCTION_HELD = FindingFilter(backlog=("pre_production",), held=(listing.HELD_BACK,))
WORST_FIRST = tuple(reversed(Severity))


@dataclass(frozen=True)
class Week:
    """What one week brought."""

    monday: date
    opened: int
    fixed: int
    ignored: int

    @property
    def net(self) -> int:
        """By how many the backlog grew, with its sign."""
        return self.opened - self.fixed - self.ignored


@require_safe
@org_page(Permission.FINDINGS_VIEW)
def dashboard_page(request: OrgRequest) -> HttpResponse:
    """Show the week's tasks and the figures of the production backlog."""
    if not findings.selectors.visible_to(request.member).exists():
        return render(request, "dashboard/empty.html")
    chosen = request.GET.get("days", "")
    days = int(chosen) if chosen in {str(period) for period in PERIODS} else USUAL_PERIOD
    now = timezone.now()
    standing = history.standing(request.member)
    shown = history.days_shown(viewer=request.member, days=days)
    weeks = weeks_of(shown)
    context = {
        "week": triage.weeks.week_shown(viewer=request.member, now=now),
        "days": days,
        "periods": PERIODS,
        "standing": standing,
        "severities": [
            (severity, severity.label.lower(), standing.by_severity.get(severity, 0)) for severity in WORST_FIRST
        ],
        "open_table": [(day, [day.open.get(severity, 0) for severity in WORST_FIRST]) for day in ends_of_weeks(shown)],
        "open_chart": open_chart(shown),
        "weeks": weeks,
        "flow_chart": flow_chart(weeks),
        "total": Week(shown[0].day, *(sum(getattr(week, name) for week in weeks) for name in _FLOWS)),
        "counted_since": next((day.day for day in shown if not day.is_derived), None),
        "is_derived": any(day.is_derived for day in shown),
        "is_one_day": len(shown) == 1,
        "held_back": listing.held_back_count(PRE_PRODUCTION_HELD, viewer=request.member),
        "saved": remediation.saved.saved_since(now - timedelta(days=days), viewer=request.member),
        "minutes_per_false_positive": remediation.saved.MINUTES_PER_FALSE_POSITIVE,
        "minutes_per_fix": remediation.saved.MINUTES_PER_FIX,
        "projects": _named(standing.projects, orgs.selectors.names_of_projects([pk for pk, _ in standing.projects])),
        "rules": _named(standing.rules, _names_of_rules(standing)),
    }
    return render(request, "dashboard/dashboard.html", context)


_FLOWS = ("opened", "fixed", "ignored")


def weeks_of(days: Sequence[Day]) -> list[Week]:
    """Return what each week brought, the oldest first; the first and the last may be parts of weeks."""
    found: dict[date, list[Day]] = {}
    for day in days:
        found.setdefault(day.day - timedelta(days=day.day.weekday()), []).append(day)
    return [
        Week(monday, *(sum(getattr(day, name) for day in within) for name in _FLOWS))
        for monday, within in found.items()
    ]


def ends_of_weeks(days: Sequence[Day]) -> list[Day]:
    """Return the last day of each week, the latest first: a table of a year has room for no more."""
    last = {day.day - timedelta(days=day.day.weekday()): day for day in days}
    return list(reversed(last.values()))


def open_chart(days: Sequence[Day]) -> str:
    """Return what draws the open findings by severity, the worst at the bottom."""
    series = [
        {
            "label": severity.label,
            "tone": severity.label.lower(),
            "values": [day.open.get(severity, 0) for day in days],
        }
        for severity in WORST_FIRST
    ]
    return json.dumps({"kind": "stacked", "days": [day.day.isoformat() for day in days], "series": series})


def flow_chart(weeks: Sequence[Week]) -> str:
    """Return what draws the findings opened, fixed and ignored in each week."""
    tones = {"opened": "bad", "fixed": "good", "ignored": "quiet"}
    series = [
        {"label": name.capitalize(), "tone": tones[name], "values": [getattr(week, name) for week in weeks]}
        for name in _FLOWS
    ]
    return json.dumps({"kind": "lines", "days": [week.monday.isoformat() for week in weeks], "series": series})


def _named(counted: Sequence[tuple[int, int]], names: dict[int, str]) -> list[tuple[int, str, int]]:
    return [(pk, names[pk], number) for pk, number in counted if pk in names]


def _names_of_rules(standing: Standing) -> dict[int, str]:
    return rules.selectors.identifiers([pk for pk, _ in standing.rules])
