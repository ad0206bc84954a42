"""The week's tasks: chosen once out of the whole production backlog, kept, and shown with what has been done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, Case, Count, F, IntegerField, Max, Q, QuerySet, Value, When
from django.db.models.functions import Cast

import findings.selectors
import orgs.selectors
from events.kinds import ASSISTANT, Kind
from events.services import record
from findings.models import Finding, Product, Recommendation, Scan, ScanState, Triage
from orgs.models import Viewer
from tenancy.models import Organization
from tenancy.scope import current_organization_id
from triage import priority
from triage.models import PriorityTask, PriorityWeek
from triage.priority import Candidate, Ranked

# So many groups of equal findings are ranked in full: the first by what the index holds, which decides most points.
GROUPS_RANKED = 400
# A task shows the progress of so many of its findings, the oldest ones.
FINDINGS_FOLLOWED = 200
FIRST_SCAN_MAY_TAKE = timedelta(days=1)
OPEN_TRIAGE = (Triage.OPEN, Triage.REVIEWING, Triage.TO_FIX)
_IDS = 1 << 40  # more findings than anybody has
_TENTHS = 10
_ABOVE_ZERO = 100 * _TENTHS


@dataclass(frozen=True)
class TaskShown:
    """One of the week's tasks as somebody sees it: `done` of `followed` findings are fixed or ignored since."""

    task: PriorityTask
    finding: Finding
    done: int
    followed: int

    @property
    def is_done(self) -> bool:
        """Whether nothing is left of it."""
        return self.done == self.followed

    @property
    def title(self) -> str:
        """The rule's name, which is what people call the weakness."""
        return self.finding.rule.name

    @property
    def query(self) -> str:
        """The query string that makes the findings list show what is open of it."""
        return f"project={self.finding.project_id}&rule={self.finding.rule_id}&backlog=production"


@dataclass(frozen=True)
class WeekShown:
    """The tasks of a week that somebody sees, and how many others there are."""

    week: PriorityWeek
    tasks: Sequence[TaskShown]
    hidden: int

    @property
    def sunday(self) -> date:
        """The last day of the week."""
        return self.week.monday + timedelta(days=6)

    @property
    def done(self) -> int:
        """How many of the tasks are done."""
        return sum(task.is_done for task in self.tasks)


def monday_of(moment: datetime, *, zone: ZoneInfo) -> date:
    """Return the Monday of the week that a moment is in, where the organization is."""
    day = moment.astimezone(zone).date()
    return day - timedelta(days=day.weekday())


def beginning_of(monday: date, *, hour: int = 0, zone: ZoneInfo) -> datetime:
    """Return the moment at which it is that hour on a day, where the organization is."""
    return datetime.combine(monday, time(hour), tzinfo=zone)


def choose_week(*, organization: Organization, now: datetime) -> PriorityWeek | None:
    """Return the tasks of the present week, chosen now where nobody has yet; None while there is nothing to choose.

    Safe to run twice, and at once: the week's row is there once.
    """
    zone = ZoneInfo(organization.time_zone)
    monday = monday_of(now, zone=zone)
    with transaction.atomic():
        known = PriorityWeek.objects.filter(monday=monday).first()
        if known is not None or _first_scan_goes_on(now):
            return known
        chosen = priority.choose(candidates(now=now))
    if not chosen:
        return None
    try:
        with transaction.atomic():
            week = PriorityWeek.objects.create(monday=monday)
            for rank, entry in enumerate(chosen, start=1):
                _keep(week, rank, entry)
            record(Kind.PRIORITIES_CHOSEN, actor=ASSISTANT, monday=monday.isoformat(), tasks=len(chosen))
    except IntegrityError:
        with transaction.atomic():
            return PriorityWeek.objects.get(monday=monday)
    return week


def _first_scan_goes_on(now: datetime) -> bool:
    """Tell whether an organization that never had tasks is still being scanned: its verdicts shall count."""
    going_on = Scan.objects.filter(
        state__in=[ScanState.RUNNING, ScanState.RECEIVED, ScanState.INGESTED], received_at__gt=now - FIRST_SCAN_MAY_TAKE
    )
    return not PriorityWeek.objects.exists() and going_on.exists()


def _keep(week: PriorityWeek, rank: int, entry: Ranked) -> None:
    candidate = entry.candidate
    equal = backlog().filter(project=candidate.project_id, rule=candidate.rule_id).order_by("pk")
    oldest = list(equal.values_list("pk", flat=True)[:FINDINGS_FOLLOWED])
    PriorityTask.objects.create(
        week=week,
        rank=rank,
        finding_id=candidate.finding_id,
        finding_ids=sorted({candidate.finding_id, *oldest}),
        count=candidate.equal,
        score=entry.score,
        reasons=list(entry.reasons),
    )


def backlog() -> QuerySet[Finding]:
    """Return what may become a task: open in production, and not likely a false positive."""
    # Written so that PostgreSQL can prove the condition of the partial index `finding_production_backlog`.
    is_open = Finding.objects.filter(triage__in=OPEN_TRIAGE, is_present=True, is_production=True)
    return is_open.exclude(recommendation=Recommendation.IGNORE)


def candidates(*, now: datetime) -> list[Candidate]:
    """Return the worst finding of each group that may come first, equal findings (rule and project) counted together.

    All of the backlog is grouped by one index; the first GROUPS_RANKED groups are read in full.
    """
    points = _points_in_tenths(now)
    best = Max(points * _IDS + (Value(_IDS - 1, BigIntegerField()) - Cast(F("pk"), BigIntegerField())))
    groups = backlog().values("project_id", "rule_id").annotate(equal=Count("pk"), best=best)
    first = {_IDS - 1 - group["best"] % _IDS: group["equal"] for group in groups.order_by("-best")[:GROUPS_RANKED]}
    rows = findings.selectors.every_finding().filter(pk__in=first)
    return [_candidate(finding, first[finding.pk], now) for finding in rows]


def _points_in_tenths(now: datetime) -> Cast:
    """Return the points that the index can tell, as whole numbers above zero; the rule's own are not among them."""

    def words(column: str, table: Mapping[Any, float]) -> Case:
        return _table(*((Q(**{column: word}), points) for word, points in table.items()))

    severity = _table(*((Q(severity=value), points) for value, points in priority.SEVERITY_POINTS.items()))
    verdict = _table(
        *(
            (Q(recommendation=Recommendation.FIX, verdict_confidence=word), points)
            for word, points in priority.VERDICT_POINTS.items()
        )
    )
    age = _table(
        *(
            (Q(created_at__lte=now - timedelta(days=days)), priority.MOST_AGE_POINTS * days / 90)
            for days in (90, 60, 30, 7)
        )
    )
    fix = _table((Q(has_verified_fix=True), priority.VERIFIED_FIX_POINTS))
    risk, product = words("component_risk", priority.RISK_POINTS), words("product", priority.PRODUCT_POINTS)
    return Cast(severity + verdict + age + fix + risk + product + Value(_ABOVE_ZERO), BigIntegerField())


def _table(*rows: tuple[Q, float]) -> Case:
    return Case(
        *(When(condition, then=Value(round(points * _TENTHS))) for condition, points in rows),
        default=Value(0),
        output_field=IntegerField(),
    )


def _candidate(finding: Finding, equal: int, now: datetime) -> Candidate:
    details = finding.details
    return Candidate(
        finding_id=finding.pk,
        project_id=finding.project_id,
        rule_id=finding.rule_id,
        product=finding.product,
        severity=finding.severity,
        recommendation=finding.recommendation,
        verdict_confidence=finding.verdict_confidence,
        rule_confidence=finding.rule.confidence,
        component_tag=finding.component_tag,
        component_risk=finding.component_risk,
        cwe=tuple(finding.rule.cwe),
        likelihood=str(details.get("likelihood", "")),
        impact=str(details.get("impact", "")),
        is_reachable=details.get("is_reachable") if finding.product == Product.SUPPLY_CHAIN else None,
        comes_from_input=bool(finding.trace),
        has_verified_fix=finding.has_verified_fix,
        days_open=max((now - finding.created_at).days, 0),
        equal=equal,
    )


def week_shown(*, viewer: Viewer, now: datetime) -> WeekShown | None:
    """Return the present week's tasks of the projects that somebody sees; None before they are chosen."""
    organization = Organization.objects.get(pk=current_organization_id())
    monday = monday_of(now, zone=ZoneInfo(organization.time_zone))
    week = PriorityWeek.objects.filter(monday=monday).first()
    return None if week is None else _shown(week, orgs.selectors.visible_project_ids(viewer))


def whole_week(week: PriorityWeek) -> WeekShown:
    """Return all tasks of a week: for Admins, who see every project."""
    return _shown(week, None)


def _shown(week: PriorityWeek, project_ids: frozenset[int] | None) -> WeekShown:
    tasks = list(week.tasks.select_related("finding__rule", "finding__project").order_by("rank"))
    seen = [task for task in tasks if project_ids is None or task.finding.project_id in project_ids]
    followed = [pk for task in seen for pk in task.finding_ids]
    left = set(
        Finding.objects.filter(pk__in=followed, is_present=True, triage__in=OPEN_TRIAGE).values_list("pk", flat=True)
    )
    shown = [
        TaskShown(
            task=task,
            finding=task.finding,
            done=sum(pk not in left for pk in task.finding_ids),
            followed=len(task.finding_ids),
        )
        for task in seen
    ]
    return WeekShown(week=week, tasks=shown, hidden=len(tasks) - len(seen))
