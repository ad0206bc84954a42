"""The production backlog by day: counted once a day, and for the days before anybody counted made from what is known.

A finding was opened when it was first seen, fixed when its primary branch lost it, and ignored when somebody decided
so. What was open when a day ended is what is open now, less what was opened and plus what was closed since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

import orgs.selectors
from findings.listing import FindingFilter
from findings.listing.counting import cached_for
from findings.models import DayCount, Finding, Presence, PresenceState, Triage
from orgs.models import Viewer
from rules.models import Severity
from tenancy.models import Organization
from tenancy.scope import current_organization_id

LONGEST_DAYS = 366
ROWS_AT_ONCE = 2000
TOP = 5

_Key = tuple[date, int, int]  # day, project, severity


@dataclass(frozen=True)
class Flows:
    """How many findings of each day, project and severity were opened, fixed, ignored, or went with their file."""

    opened: Counter[_Key]
    fixed: Counter[_Key]
    ignored: Counter[_Key]
    removed: Counter[_Key]


@dataclass(frozen=True)
class Day:
    """A day's end: what was open by severity, and what the day brought."""

    day: date
    open: dict[int, int]
    opened: int
    fixed: int
    ignored: int
    is_derived: bool


@dataclass(frozen=True)
class Standing:
    """The production backlog as it is now: open findings by severity, and the projects and rules with the most."""

    by_severity: dict[int, int]
    projects: list[tuple[int, int]]
    rules: list[tuple[int, int]]

    @property
    def total(self) -> int:
        """All that is open."""
        return sum(self.by_severity.values())


# --- Counting ---------------------------------------------------------------------------------------------------------


def count_days(*, now: datetime) -> int:
    """Count the days that ended since the last count, a year's at most. Returns how many. Safe to run twice."""
    with transaction.atomic():
        zone = _zone()
        today = now.astimezone(zone).date()
        first = _first_uncounted(today, zone)
        if first is None:
            return 0
        flows = _flows(first, zone)
        is_first_time = not DayCount.objects.exists()
        rows = _rows(first, today, flows, _open_now(None), is_first_time=is_first_time)
        DayCount.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE, ignore_conflicts=True)
    return (today - first).days


def _first_uncounted(today: date, zone: ZoneInfo) -> date | None:
    counted = DayCount.objects.filter(project=None).aggregate(last=Max("day"))["last"]
    if counted is None:
        oldest = Finding.objects.aggregate(first=Min("created_at"))["first"]
        first = None if oldest is None else oldest.astimezone(zone).date()
    else:
        first = counted + timedelta(days=1)
    if first is None or first >= today:
        return None
    earliest: date = max(first, today - timedelta(days=LONGEST_DAYS))
    return earliest


def _rows(
    first: date, today: date, flows: Flows, standing: Counter[tuple[int, int]], *, is_first_time: bool
) -> list[DayCount]:
    """Return the rows of each day from `first` until yesterday, going back from what is open now."""
    rows: list[DayCount] = []
    groups = {(key[1], key[2]) for counted in vars(flows).values() for key in counted} | set(standing)
    after = today
    while after > first:
        day = after - timedelta(days=1)
        totals: dict[int, DayCount] = {
            severity: DayCount(day=day, severity=severity, is_derived=is_first_time) for severity in Severity.values
        }
        for project_id, severity in groups:
            later: _Key = (after, project_id, severity)
            closed = flows.fixed[later] + flows.ignored[later] + flows.removed[later]
            standing[project_id, severity] = max(standing[project_id, severity] - flows.opened[later] + closed, 0)
            own: _Key = (day, project_id, severity)
            row = DayCount(
                project_id=project_id,
                day=day,
                severity=severity,
                open=standing[project_id, severity],
                opened=flows.opened[own],
                fixed=flows.fixed[own],
                ignored=flows.ignored[own],
                is_derived=is_first_time,
            )
            total = totals[severity]
            for name in ("open", "opened", "fixed", "ignored"):
                setattr(total, name, getattr(total, name) + getattr(row, name))
            if row.open or row.opened or row.fixed or row.ignored:
                rows.append(row)
        rows += totals.values()
        after = day
    return rows


def _flows(first: date, zone: ZoneInfo, project_ids: frozenset[int] | None = None) -> Flows:
    """Return what was opened and closed on a day and after it, on primary branches."""
    since = datetime.combine(first, time(), tzinfo=zone)
    there = Presence.objects.filter(is_pull_request=False, ref=F("project__primary_branch"))
    if project_ids is not None:
        there = there.filter(project__in=project_ids)
    kept = there.exclude(finding__triage=Triage.IGNORED)
    # Two conditions rather than one on the coalesced moment, which no index knows.
    since_then = Q(finding__triaged_at__gte=since) | Q(finding__triaged_at=None, finding__created_at__gte=since)
    ignored = there.filter(since_then, finding__triage=Triage.IGNORED)
    ignored = ignored.annotate(at=Coalesce("finding__triaged_at", "finding__created_at"))
    return Flows(
        opened=_by_day(there.filter(finding__created_at__gte=since), "finding__created_at", zone),
        fixed=_by_day(kept.filter(state=PresenceState.FIXED, changed_at__gte=since), "changed_at", zone),
        ignored=_by_day(ignored, "at", zone),
        removed=_by_day(kept.filter(state=PresenceState.REMOVED, changed_at__gte=since), "changed_at", zone),
    )


def _by_day(found: QuerySet[Presence], moment: str, zone: ZoneInfo) -> Counter[_Key]:
    grouped = found.values_list(TruncDate(moment, tzinfo=zone), "project_id", "finding__severity")
    return Counter({row[:3]: row[3] for row in grouped.annotate(number=Count("pk")).order_by()})


def _open_now(project_ids: frozenset[int] | None) -> Counter[tuple[int, int]]:
    grouped = _open_in_production(project_ids).values_list("project_id", "severity").annotate(number=Count("pk"))
    return Counter({(project_id, severity): number for project_id, severity, number in grouped.order_by()})


def _open_in_production(project_ids: frozenset[int] | None) -> QuerySet[Finding]:
    # Written so that PostgreSQL can prove the condition of the partial index `finding_production_backlog`.
    is_open = Finding.objects.filter(
        triage__in=[Triage.OPEN, Triage.REVIEWING, Triage.TO_FIX], is_present=True, is_production=True
    )
    return is_open if project_ids is None else is_open.filter(project__in=project_ids)


def _zone() -> ZoneInfo:
    return ZoneInfo(Organization.objects.get(pk=current_organization_id()).time_zone)


# --- Reading ----------------------------------------------------------------------------------------------------------


def standing(viewer: Viewer) -> Standing:
    """Return how the production backlog stands that somebody sees, by one reading of an index. At most 30 s old."""
    return cached_for(
        "standing", FindingFilter(), viewer, lambda: _standing(orgs.selectors.visible_project_ids(viewer))
    )


def _standing(project_ids: frozenset[int] | None) -> Standing:
    columns = _open_in_production(project_ids).values("severity", "project_id", "rule_id").order_by()
    inner, parameters = columns.query.sql_with_params()
    with connection.cursor() as cursor:
        # The ORM has no grouping sets, which count three ways in one reading.
        # nosemgrep: no-raw-sql  (a fixed statement around the ORM's own and its parameters)
        cursor.execute(
            "SELECT severity, project_id, rule_id, count(*) FROM (" + inner + ") backlog"  # noqa: S608
            " GROUP BY GROUPING SETS ((severity), (project_id), (rule_id))",
            parameters,
        )
        rows: list[tuple[int | None, int | None, int | None, int]] = cursor.fetchall()
    return Standing(
        by_severity={severity: number for severity, _, _, number in rows if severity is not None},
        projects=_most((project, number) for _, project, _, number in rows if project is not None),
        rules=_most((rule, number) for _, _, rule, number in rows if rule is not None),
    )


def _most(counted: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    return sorted(counted, key=lambda entry: (-entry[1], entry[0]))[:TOP]


def days_shown(*, viewer: Viewer, days: int) -> list[Day]:
    """Return the last days that somebody sees, the oldest first, ending with today as it is now. At most 30 s old."""
    return cached_for(f"days-{days}", FindingFilter(), viewer, lambda: _days(viewer, days, timezone.now()))


def _days(viewer: Viewer, days: int, now: datetime) -> list[Day]:
    zone, ids = _zone(), orgs.selectors.visible_project_ids(viewer)
    today = now.astimezone(zone).date()
    counted = DayCount.objects.filter(day__gt=today - timedelta(days=days), day__lt=today)
    counted = counted.filter(project=None) if ids is None else counted.filter(project__in=ids)
    rows = counted.values("day", "severity", "is_derived").annotate(
        **{f"all_{name}": Sum(name) for name in ("open", "opened", "fixed", "ignored")}
    )
    by_day: dict[date, list[dict[str, Any]]] = {}
    for row in rows.order_by("day"):
        by_day.setdefault(row["day"], []).append(dict(row))
    past = [_day(day, found) for day, found in by_day.items()]
    flows = _flows(today, zone, ids)
    return [*past, Day(today, standing(viewer).by_severity, *_totals(flows), is_derived=False)]


def _totals(flows: Flows) -> tuple[int, int, int]:
    return flows.opened.total(), flows.fixed.total(), flows.ignored.total()


def _day(day: date, rows: list[dict[str, Any]]) -> Day:
    return Day(
        day=day,
        open={row["severity"]: row["all_open"] for row in rows},
        opened=sum(row["all_opened"] for row in rows),
        fixed=sum(row["all_fixed"] for row in rows),
        ignored=sum(row["all_ignored"] for row in rows),
        is_derived=any(row["is_derived"] for row in rows),
    )
