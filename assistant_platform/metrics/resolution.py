"""How long findings were there until somebody fixed or ignored them, with and without a verdict of the Assistant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Max, Q, QuerySet

from assistant_platform.metrics.choosing import Choice
from assistant_platform.metrics.measures import ENOUGH
from findings.models import Finding, Presence, PresenceState, Recommendation, Triage, TriageSource
from lib.intervals import median_ranks


@dataclass(frozen=True)
class Resolution:
    """How long it took until findings were fixed, or ignored. None where they are too few to say."""

    how: str  # fixed or ignored
    with_verdict: bool
    n: int
    first_quartile: timedelta | None
    median: timedelta | None
    third_quartile: timedelta | None
    low: timedelta | None  # the interval of the median
    high: timedelta | None

    @property
    def status(self) -> str:
        """The findings list's word for them."""
        return self.how


class Ranked(Aggregate):
    """The values at fractions of the sorted ones: PostgreSQL's percentile_disc, which takes a value that is there."""

    function = "percentile_disc"
    template = "%(function)s(%(fractions)s) WITHIN GROUP (ORDER BY %(expressions)s)"

    def __init__(self, expression: F, *, fractions: list[float], filter: Q) -> None:  # noqa: A002  (Django's name)
        told = f"ARRAY[{', '.join(repr(float(fraction)) for fraction in fractions)}]::double precision[]"
        super().__init__(expression, filter=filter, fractions=told, output_field=ArrayField(DurationField()))


def resolutions(choice: Choice) -> list[Resolution]:
    """Return how long it took, for fixed and ignored findings, with a verdict and without. Needs a transaction."""
    return [*_of("fixed", _fixed(choice)), *_of("ignored", _ignored(choice))]


def _within(found: QuerySet[Any], choice: Choice, *, finding: str) -> QuerySet[Any]:
    if choice.project_ids is not None:
        found = found.filter(**{f"{finding}project__in": choice.project_ids})
    if choice.project_id is not None:
        found = found.filter(**{f"{finding}project": choice.project_id})
    if choice.rule_id is not None:
        found = found.filter(**{f"{finding}rule": choice.rule_id})
    return found


def _fixed(choice: Choice) -> QuerySet[Any]:
    """Return the findings that were last seen fixed in the period, and are nowhere any more."""
    begin, end = choice.period.bounds
    gone = Presence.objects.filter(
        state=PresenceState.FIXED, changed_at__gte=begin, finding__is_present=False, finding__is_removed=False
    ).exclude(finding__triage=Triage.IGNORED)
    judged = F("finding__recommendation")
    ended: QuerySet[Any] = (
        _within(gone, choice, finding="finding__")
        .values("finding", created=F("finding__created_at"), judged=judged)
        .annotate(at=Max("changed_at"))
        .filter(at__lt=end)
    )
    timed: QuerySet[Any] = ended.annotate(took=ExpressionWrapper(F("at") - F("created"), output_field=DurationField()))
    return timed


def _ignored(choice: Choice) -> QuerySet[Any]:
    begin, end = choice.period.bounds
    ignored = Finding.objects.filter(
        triage=Triage.IGNORED, triage_source=TriageSource.PERSON, triaged_at__gte=begin, triaged_at__lt=end
    )
    took = ExpressionWrapper(F("triaged_at") - F("created_at"), output_field=DurationField())
    timed: QuerySet[Any] = _within(ignored, choice, finding="").annotate(judged=F("recommendation"), took=took)
    return timed


def _of(how: str, ended: QuerySet[Any]) -> list[Resolution]:
    groups = {True: ~Q(judged=Recommendation.NONE), False: Q(judged=Recommendation.NONE)}
    counts = ended.aggregate(
        with_verdict=Count("took", filter=groups[True]), without=Count("took", filter=groups[False])
    )
    sizes = {True: counts["with_verdict"], False: counts["without"]}
    enough = {judged: n for judged, n in sizes.items() if n >= ENOUGH}
    ranked = (
        ended.aggregate(
            **{
                str(judged): Ranked(F("took"), fractions=_fractions(n), filter=groups[judged])
                for judged, n in enough.items()
            }
        )
        if enough
        else {}
    )
    return [_resolution(how, judged, n, ranked.get(str(judged))) for judged, n in sizes.items()]


def _fractions(n: int) -> list[float]:
    ranks = median_ranks(n)
    assert ranks is not None  # ENOUGH is more than median_ranks needs
    low, high = ranks
    # Half a rank lower, so that rounding cannot reach the next value.
    return [0.25, 0.5, 0.75, (low - 0.5) / n, (high - 0.5) / n]


def _resolution(how: str, with_verdict: bool, n: int, found: list[timedelta] | None) -> Resolution:
    nothing: list[timedelta | None] = [None] * 5
    first, middle, third, low, high = found or nothing
    return Resolution(
        how=how,
        with_verdict=with_verdict,
        n=n,
        first_quartile=first,
        median=middle,
        third_quartile=third,
        low=low,
        high=high,
    )
