"""All figures of a choice: each share altogether, over time and broken down, what was missed, and how long it took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Case, CharField, Count, F, Q, Value, When
from django.db.models.functions import TruncDate, TruncWeek

from assistant_platform.metrics.choosing import Choice
from assistant_platform.metrics.measures import BUILT_IN, MEASURES, Measure, Proportion, of_model
from assistant_platform.metrics.resolution import Resolution, resolutions
from lib.intervals import Interval
from orgs.models import Project
from rules.models import Rule
from triage import answers
from triage.models import Feedback, Verdict

DAILY_UP_TO = 31  # days; of a longer period, weeks are told
GROUPS_AT_MOST = 20
NOTHING = Proportion(0, 0)


@dataclass(frozen=True)
class Figure:
    """A share: altogether (None where the choice has no such share), and of each day or week of the period."""

    measure: Measure
    total: Proportion | None
    over_time: dict[date, Proportion]


@dataclass(frozen=True)
class Group:
    """A rule, project, model or prompt version with its shares, by the key of the measure; `value` is for filters."""

    label: str
    value: str
    shares: dict[str, Proportion]

    @property
    def n(self) -> int:
        """How much the shares stand on."""
        return sum(share.n for share in self.shares.values())


@dataclass(frozen=True)
class Missed:
    """What share of the true positives was called false: reckoned from the random audit.

    `called_false` and `called_true` are findings of the period; the share of the first that was wrong is estimated.
    """

    checked: Proportion  # successes: the wrong ones
    called_false: int
    called_true: int

    @property
    def rate(self) -> float | None:
        """The share, 0 to 1; None where too few were checked."""
        return None if self.checked.share is None else self._of(self.checked.share)

    @property
    def interval(self) -> Interval | None:
        """Between what it lies, as far as the sample tells; what was called true is taken as it is."""
        found = self.checked.interval
        return None if found is None else Interval(self._of(found.low), self._of(found.high))

    def _of(self, wrong: float) -> float:
        missed = wrong * self.called_false
        return missed / (missed + self.called_true) if missed else 0.0


@dataclass(frozen=True)
class Report:
    """Every figure of a choice."""

    choice: Choice
    step_days: int
    figures: list[Figure]
    missed: Missed | None
    resolutions: list[Resolution]
    breakdown: str
    groups: list[Group]


def report_on(choice: Choice, *, breakdown: str = "rule") -> Report:
    """Return every figure, broken down by one of BREAKDOWNS. Needs a transaction."""
    step_days = 1 if (choice.period.last - choice.period.first).days < DAILY_UP_TO else 7
    figures = [_figure(measure, choice, step_days) for measure in MEASURES]
    audit = next(figure.total for figure in figures if figure.measure.key == "precision_audit")
    return Report(
        choice=choice,
        step_days=step_days,
        figures=figures,
        missed=None if audit is None else _missed(audit.others, choice),
        resolutions=[] if choice.model else resolutions(choice),
        breakdown=breakdown,
        groups=_groups(choice, breakdown),
    )


def _figure(measure: Measure, choice: Choice, step_days: int) -> Figure:
    rows = measure.within(choice)
    if rows is None:
        return Figure(measure, None, {})
    truncated = (TruncDate if step_days == 1 else TruncWeek)(measure.at, tzinfo=choice.period.zone)
    counts = {"good": Count("pk", filter=measure.success()), "n": Count("pk")}
    counted = rows.annotate(bucket=truncated).values("bucket").annotate(**counts)
    by_time = {_as_date(row["bucket"]): Proportion(row["good"], row["n"]) for row in counted.order_by()}
    begins = [day for day in choice.period.days() if step_days == 1 or day.weekday() == 0 or day == choice.period.first]
    over_time = {}
    total = NOTHING
    for day in begins:
        monday = day if step_days == 1 else day - timedelta(days=day.weekday())
        over_time[day] = by_time.get(monday, NOTHING)
        total = total.plus(over_time[day])
    return Figure(measure, total, over_time)


def _as_date(bucket: Any) -> date:
    found: date = bucket.date() if hasattr(bucket, "date") else bucket
    return found


def _missed(wrong: Proportion, choice: Choice) -> Missed:
    begin, end = choice.period.bounds
    judged = Verdict.objects.filter(created_at__gte=begin, created_at__lt=end)
    if choice.project_ids is not None:
        judged = judged.filter(finding__project__in=choice.project_ids)
    if choice.project_id is not None:
        judged = judged.filter(finding__project=choice.project_id)
    if choice.rule_id is not None:
        judged = judged.filter(finding__rule=choice.rule_id)
    if choice.model:
        judged = judged.filter(**of_model(choice.model, ""))
    true = Q(value=answers.Verdict.TRUE_POSITIVE)
    disputed = judged.filter(true, pk__in=Feedback.objects.filter(agrees=False).values("verdict"))
    found = judged.aggregate(
        false=Count("finding", filter=Q(value=answers.Verdict.FALSE_POSITIVE), distinct=True),
        true=Count("finding", filter=true, distinct=True),
    )
    called_true = found["true"] - disputed.aggregate(n=Count("finding", distinct=True))["n"]
    return Missed(checked=wrong, called_false=found["false"], called_true=called_true)


def _groups(choice: Choice, breakdown: str) -> list[Group]:
    shares: defaultdict[tuple[str, str], dict[str, Proportion]] = defaultdict(dict)
    for measure in MEASURES:
        rows, column = measure.within(choice), measure.column(breakdown)
        if rows is None or column is None:
            continue
        grouped = F(column)
        if breakdown == "model":
            rows = rows.annotate(asked=_model_of(measure))
            grouped = F("asked")
        counted = rows.values(value=grouped).annotate(good=Count("pk", filter=measure.success()), n=Count("pk"))
        step = measure.step if breakdown == "prompt" else ""
        for row in counted.order_by("-n", "value")[:GROUPS_AT_MOST]:
            shares[step, str(row["value"])][measure.key] = Proportion(row["good"], row["n"])
    names = _names(breakdown, [value for _, value in shares])
    groups = [
        Group(label=f"{step} prompt {value}" if step else names.get(value, value), value=value, shares=found)
        for (step, value), found in shares.items()
    ]
    return sorted(groups, key=lambda group: (-group.n, group.label))[:GROUPS_AT_MOST]


def _model_of(measure: Measure) -> Case:
    answer = measure.answer or ""
    return Case(
        When(**{f"{answer}source": "built_in"}, then=Value(BUILT_IN)),
        default=F(f"{answer}model"),
        output_field=CharField(),
    )


def _names(breakdown: str, values: list[str]) -> Mapping[str, str]:
    if breakdown == "rule":
        return {str(rule.pk): rule.identifier for rule in Rule.objects.filter(pk__in=values)}
    if breakdown == "project":
        return {str(project.pk): project.name for project in Project.objects.filter(pk__in=values)}
    return {}
