"""The findings list: what it is filtered by, its pages, and how many findings each filter value would show."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Protocol, Self, TypeVar

from django.core.cache import cache
from django.db import connection
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.functions import Left
from redis.exceptions import RedisError

import orgs.selectors
from findings.models import Finding, NotAnalysed, Presence, PresenceState, Product, Recommendation, Triage
from orgs.models import Project, Viewer
from rules.models import Rule, Severity
from tenancy.scope import current_organization_id

T = TypeVar("T")

PAGE_SIZE = 50
MESSAGE_START_CHARACTERS = 180
# Counts read at most this many rows (about 0.1 s of the database); a larger organization is told "at least".
COUNTED_AT_MOST = 100_000
COUNTS_LIVE_SECONDS = 30
VALUES_AT_MOST = 30
TOP_VALUES = 12

OPEN_TRIAGE = (Triage.OPEN, Triage.REVIEWING, Triage.TO_FIX)
FIXED = "fixed"
REMOVED = "removed"
NOT_ANALYSED = "none"


class Parameters(Protocol):
    """A query string, as Django's QueryDict reads it."""

    def getlist(self, key: str, /) -> list[str]:
        """Return every value given under a name."""


@dataclass(frozen=True)
class FindingFilter:
    """What of the findings is shown; an empty field filters nothing, an empty `status` means: still to be dealt with.

    The fields are the names in the query string.
    """

    recommendation: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    component: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()
    backlog: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    ref: tuple[str, ...] = ()
    scan: tuple[str, ...] = ()
    why: tuple[str, ...] = ()

    @classmethod
    def parse(cls, parameters: Parameters) -> Self:
        """Return the filter of a query string; values that cannot be meant are left out."""
        return cls(
            **{
                name: tuple(sorted({value for value in parameters.getlist(name) if accepts(value)}))[:VALUES_AT_MOST]
                for name, accepts in _ACCEPTED.items()
            }
        )

    def as_pairs(self) -> list[tuple[str, str]]:
        """Return the filter as names and values of a query string."""
        return [(field.name, value) for field in fields(self) for value in getattr(self, field.name)]

    def without(self, name: str, value: str | None = None) -> Self:
        """Return the filter without one value of a field, or without the field."""
        kept = () if value is None else tuple(entry for entry in getattr(self, name) if entry != value)
        return replace(self, **{name: kept})

    @property
    def is_empty(self) -> bool:
        """Whether nothing was chosen."""
        return not self.as_pairs()


_SEVERITY_OF_WORD = {severity.label.lower(): severity for severity in Severity}
SEVERITIES = {severity.label.lower(): severity.label for severity in reversed(Severity)}
RECOMMENDATIONS = {
    Recommendation.FIX.value: "Fix",
    Recommendation.IGNORE.value: "Ignore",
    Recommendation.UNSURE.value: "Unsure",
    NOT_ANALYSED: "Not analysed",
}
STATUSES = {**{triage.value: triage.label for triage in Triage}, FIXED: "Fixed", REMOVED: "Removed"}
PRODUCTS = {product.value: product.label for product in Product}
BACKLOGS = {"production": "Production", "pre_production": "Pre-production"}
RISKS = {"high": "High risk", "neutral": "Neutral", "low": "Low risk"}
FIXES = {"verified": "Has a verified fix"}
# Why there is no verdict; not a facet of its own, but other pages link to it.
REASONS = {entry.value: entry.label for entry in NotAnalysed if entry.value}


def _is_id(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 18  # noqa: PLR2004  (fits a bigint)


def _is_word(most: int) -> Callable[[str], bool]:
    return lambda value: 0 < len(value) <= most and value.isprintable()


_ACCEPTED: dict[str, Callable[[str], bool]] = {
    "recommendation": RECOMMENDATIONS.__contains__,
    "severity": SEVERITIES.__contains__,
    "status": STATUSES.__contains__,
    "component": _is_word(30),
    "risk": RISKS.__contains__,
    "backlog": BACKLOGS.__contains__,
    "fix": FIXES.__contains__,
    "product": PRODUCTS.__contains__,
    "why": REASONS.__contains__,
    "project": _is_id,
    "rule": _is_id,
    "ref": _is_word(255),
    "scan": _is_id,
}


# --- Filtering --------------------------------------------------------------------------------------------------------


def matching(chosen: FindingFilter, *, viewer: Viewer) -> QuerySet[Finding]:
    """Return the findings that a filter shows somebody, in no order."""
    found = _outside_counts(chosen, viewer).filter(_of_status(chosen.status))
    if chosen.recommendation:
        found = found.filter(recommendation__in=["" if r == NOT_ANALYSED else r for r in chosen.recommendation])
    if chosen.severity:
        found = found.filter(severity__in=[_SEVERITY_OF_WORD[word].value for word in chosen.severity])
    if chosen.component:
        found = found.filter(component_tag__in=chosen.component)
    if chosen.risk:
        found = found.filter(component_risk__in=chosen.risk)
    if len(chosen.backlog) == 1:
        found = found.filter(is_production="production" in chosen.backlog)
    if chosen.fix:
        found = found.filter(has_verified_fix=True)
    if chosen.product:
        found = found.filter(product__in=chosen.product)
    return found


def _outside_counts(chosen: FindingFilter, viewer: Viewer) -> QuerySet[Finding]:
    """Apply what the counted facets are not: who asks, project, rule, branch and scan."""
    found = Finding.objects.all()
    if (ids := orgs.selectors.visible_project_ids(viewer)) is not None:
        found = found.filter(project__in=ids)
    if chosen.project:
        found = found.filter(project__in=[int(value) for value in chosen.project])
    if chosen.rule:
        found = found.filter(rule__in=[int(value) for value in chosen.rule])
    if chosen.scan:
        found = found.filter(first_scan__in=[int(value) for value in chosen.scan])
    if chosen.why:
        found = found.filter(not_analysed__in=chosen.why, recommendation=Recommendation.NONE)
    if chosen.ref:
        found = found.filter(
            Exists(Presence.objects.filter(finding=OuterRef("pk"), ref__in=chosen.ref, state=PresenceState.PRESENT))
        )
    return found


def _of_status(statuses: Sequence[str]) -> Q:
    # Written so that PostgreSQL can prove the condition of the partial index `finding_open_worst_first`.
    triage = [entry for entry in statuses if entry not in {FIXED, REMOVED}] if statuses else list(OPEN_TRIAGE)
    present = Q(triage__in=triage, is_present=True)
    gone = Q(is_present=False)
    if FIXED not in statuses or REMOVED not in statuses:
        gone &= Q(is_removed=REMOVED in statuses)
    if not {FIXED, REMOVED}.intersection(statuses):
        return present
    return gone | present if triage else gone


# --- Pages ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cursor:
    """The row a page begins behind (or ends before): its severity and id."""

    severity: int
    pk: int

    def __str__(self) -> str:
        return f"{self.severity}-{self.pk}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the cursor of a query string, None where it is none."""
        severity, _, pk = text.partition("-")
        if not (severity in {"1", "2", "3", "4"} and _is_id(pk)):
            return None
        return cls(int(severity), int(pk))

    @classmethod
    def of(cls, finding: Finding) -> Self:
        """Return the cursor of a finding."""
        return cls(finding.severity, finding.pk)


@dataclass(frozen=True)
class Page:
    """Some findings, worst first, with where the neighbouring pages begin (None: there is none)."""

    findings: list[Finding]
    next_after: Cursor | None
    previous_before: Cursor | None


def page(chosen: FindingFilter, *, viewer: Viewer, after: Cursor | None = None, before: Cursor | None = None) -> Page:
    """Return one page of the list: worst first, newest first among equals.

    Begins behind a row instead of counting rows, so that the thousandth page costs what the first one does, and a
    finding that comes or goes in between moves nothing.
    """
    rows = _as_listed(matching(chosen, viewer=viewer))
    position = Tuple(F("severity"), F("pk"))
    if before is not None:
        ahead = rows.filter(TupleGreaterThan(position, (before.severity, before.pk))).order_by("severity", "pk")
        found = list(ahead[: PAGE_SIZE + 1])
        has_previous, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE][::-1]
        return _page(found, has_next=bool(found), has_previous=has_previous)
    if after is not None:
        rows = rows.filter(TupleLessThan(position, (after.severity, after.pk)))
    found = list(rows.order_by("-severity", "-pk")[: PAGE_SIZE + 1])
    has_next, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    return _page(found, has_next=has_next, has_previous=after is not None)


def _page(found: list[Finding], *, has_next: bool, has_previous: bool) -> Page:
    return Page(
        findings=found,
        next_after=Cursor.of(found[-1]) if found and has_next else None,
        previous_before=Cursor.of(found[0]) if found and has_previous else None,
    )


def _as_listed(found: QuerySet[Finding]) -> QuerySet[Finding]:
    # Rules and projects are read beside, not joined: with the joins PostgreSQL expects few rows and sorts thousands.
    return (
        found.prefetch_related(
            Prefetch("rule", Rule.objects.only("organization_id", "identifier")),
            Prefetch("project", Project.objects.only("organization_id", "name")),
        )
        .annotate(message_start=Left("message", MESSAGE_START_CHARACTERS))
        .only(
            "organization_id",
            "project_id",
            "rule_id",
            "path",
            "start_line",
            "severity",
            "is_present",
            "is_removed",
            "triage",
            "triage_expires_at",
            "recommendation",
            "verdict_confidence",
            "not_analysed",
            "component_tag",
            "component_risk",
            "has_verified_fix",
            "fix_confidence",
        )
    )


# --- Counts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counts:
    """How many findings each value of each facet would show; `is_capped` means: at least as many.

    `by_facet` maps a facet's name to value and count; projects and rules are the most frequent ones, by id.
    """

    by_facet: Mapping[str, Mapping[str, int]]
    total: int
    is_capped: bool


# The order of the columns in the counted groups.
_COLUMNS = (
    "severity",
    "triage",
    "is_present",
    "is_removed",
    "recommendation",
    "component_tag",
    "component_risk",
    "is_production",
    "has_verified_fix",
    "product",
)


@dataclass(frozen=True)
class _Group:
    """Findings that are equal in every counted column, as values of the facets."""

    values: Mapping[str, str]
    count: int


def counts(chosen: FindingFilter, *, viewer: Viewer) -> Counts:
    """Return the counts of a filter: each facet's as if nothing of that facet were chosen. At most 30 seconds old."""
    return _cached("counts", chosen, viewer, lambda: _count(chosen, viewer))


def _count(chosen: FindingFilter, viewer: Viewer) -> Counts:
    # Toggling filters counts nothing anew: one reading of the groups answers every choice among the facets.
    groups, is_capped = _cached("groups", _scope_of_groups(chosen), viewer, lambda: _groups(chosen, viewer))
    by_facet: dict[str, Mapping[str, int]] = {}
    for facet in _COUNTED_FACETS:
        found: Counter[str] = Counter()
        others = chosen.without(facet)
        for group in groups:
            if _shows(others, group, ignoring=facet):
                found[group.values[facet]] += group.count
        by_facet[facet] = dict(found)
    total = sum(group.count for group in groups if _shows(chosen, group, ignoring=""))
    for facet in ("project", "rule"):
        by_facet[facet] = _cached(facet, chosen.without(facet), viewer, partial(_most_frequent, chosen, viewer, facet))
    return Counts(by_facet=by_facet, total=total, is_capped=is_capped)


def known_counts(chosen: FindingFilter, *, viewer: Viewer) -> Counts | None:
    """Return the counts of a filter if they were made not long ago, None otherwise: never waits for counting."""
    try:
        known: Counts | None = cache.get(_key("counts", chosen, viewer))
    except RedisError:
        return None
    return known


def open_by_project(viewer: Viewer) -> dict[int, dict[str, int]]:
    """Return how many findings somebody sees that are still to be dealt with, by project and severity word.

    At most 30 seconds old.
    """

    def count() -> dict[int, dict[str, int]]:
        found: dict[int, dict[str, int]] = {}
        rows = matching(FindingFilter(), viewer=viewer).values("project_id", "severity")
        for project_id, severity, number in _grouped(rows, ("project_id", "severity")):
            found.setdefault(project_id, {})[Severity(severity).label.lower()] = number
        return found

    return _cached("open-by-project", FindingFilter(), viewer, count)


_COUNTED_FACETS = ("recommendation", "severity", "status", "component", "risk", "backlog", "fix", "product")


def _shows(chosen: FindingFilter, group: _Group, *, ignoring: str) -> bool:
    for facet in _COUNTED_FACETS:
        if facet == ignoring:
            continue
        wanted: Sequence[str] = getattr(chosen, facet) or (OPEN_TRIAGE if facet == "status" else ())
        if wanted and group.values[facet] not in wanted:
            return False
    return True


def _scope_of_groups(chosen: FindingFilter) -> FindingFilter:
    for facet in _COUNTED_FACETS:
        chosen = chosen.without(facet)
    return chosen


def _groups(chosen: FindingFilter, viewer: Viewer) -> tuple[list[_Group], bool]:
    rows = _grouped(_outside_counts(chosen, viewer).values(*_COLUMNS)[:COUNTED_AT_MOST], _COLUMNS)
    groups = [_group(dict(zip(_COLUMNS, row[:-1], strict=True)), row[-1]) for row in rows]
    return groups, sum(group.count for group in groups) >= COUNTED_AT_MOST


def _group(row: Mapping[str, Any], count: int) -> _Group:
    return _Group(
        values={
            "severity": Severity(row["severity"]).label.lower(),
            "status": row["triage"] if row["is_present"] else REMOVED if row["is_removed"] else FIXED,
            "recommendation": row["recommendation"] or NOT_ANALYSED,
            "component": row["component_tag"],
            "risk": row["component_risk"],
            "backlog": "production" if row["is_production"] else "pre_production",
            "fix": "verified" if row["has_verified_fix"] else "",
            "product": row["product"],
        },
        count=count,
    )


def _most_frequent(chosen: FindingFilter, viewer: Viewer, facet: str) -> dict[str, int]:
    column = f"{facet}_id"
    rows = _grouped(matching(chosen.without(facet), viewer=viewer).values(column)[:COUNTED_AT_MOST], (column,))
    return {str(value): number for value, number in sorted(rows, key=lambda row: -row[1])[:TOP_VALUES]}


def _grouped(rows: QuerySet[Finding, Any], columns: Iterable[str]) -> list[tuple[Any, ...]]:
    """Count equal rows. The ORM cannot group what a limit has cut, hence the statement around its own."""
    inner, parameters = rows.query.sql_with_params()
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    with connection.cursor() as cursor:
        # nosemgrep: no-raw-sql  (quoted names around the ORM's own statement and its parameters)
        cursor.execute(f"SELECT {names}, count(*) FROM ({inner}) limited GROUP BY {names}", parameters)  # noqa: S608
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _cached(what: str, chosen: FindingFilter, viewer: Viewer, make: Callable[[], T]) -> T:
    """Return what was made for a filter and for who sees the same projects not long ago, or make it.

    A dead Redis only costs time.
    """
    key = _key(what, chosen, viewer)
    try:
        known: T | None = cache.get(key)
    except RedisError:
        return make()
    if known is not None:
        return known
    made = make()
    with suppress(RedisError):
        cache.set(key, made, COUNTS_LIVE_SECONDS)
    return made


def _key(what: str, chosen: FindingFilter, viewer: Viewer) -> str:
    # People who see the same projects share what was counted; nobody is told of others.
    ids = orgs.selectors.visible_project_ids(viewer)
    counted = (chosen.as_pairs(), None if ids is None else sorted(ids))
    digest = hashlib.sha256(repr(counted).encode()).hexdigest()[:32]
    return f"findings:{current_organization_id()}:{what}:{digest}"
