"""How many findings each value of a filter would show; counted at most every 30 seconds."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import connection
from django.db.models import QuerySet
from redis.exceptions import RedisError

import orgs.selectors
from findings.listing.filtering import (
    FIXED,
    HELD_BACK,
    NOT_ANALYSED,
    OPEN_TRIAGE,
    REMOVED,
    FindingFilter,
    matching,
    outside_counts,
)
from findings.models import Finding
from orgs.models import Viewer
from rules.models import Severity
from tenancy.scope import current_organization_id

T = TypeVar("T")

# Counts read at most this many rows (about 0.1 s of the database); a larger organization is told "at least".
COUNTED_AT_MOST = 100_000
COUNTS_LIVE_SECONDS = 30
TOP_VALUES = 12


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
    return cached_for("counts", chosen, viewer, lambda: _count(chosen, viewer))


def _count(chosen: FindingFilter, viewer: Viewer) -> Counts:
    # Toggling filters counts nothing anew: one reading of the groups answers every choice among the facets.
    groups, is_capped = cached_for("groups", _scope_of_groups(chosen), viewer, lambda: _groups(chosen, viewer))
    by_facet: dict[str, Mapping[str, int]] = {}
    for facet in _COUNTED_FACETS:
        found: Counter[str] = Counter()
        others = chosen.without(facet)
        for group in groups:
            if _shows(others, group, ignoring=facet):
                found[group.values[facet]] += group.count
        by_facet[facet] = dict(found)
    total = sum(group.count for group in groups if _shows(chosen, group, ignoring=""))
    by_facet["held"] = {HELD_BACK: held_back_count(chosen, viewer=viewer)}
    for facet in ("project", "rule"):
        by_facet[facet] = cached_for(
            facet, chosen.without(facet), viewer, partial(_most_frequent, chosen, viewer, facet)
        )
    return Counts(by_facet=by_facet, total=total, is_capped=is_capped)


def held_back_count(chosen: FindingFilter, *, viewer: Viewer) -> int:
    """Return how many findings of a filter the noise filter held back, whether or not those are chosen.

    At most 30 seconds old.
    """
    held = replace(chosen, held=(HELD_BACK,))
    return cached_for("held", held, viewer, lambda: matching(held, viewer=viewer).count())


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

    return cached_for("open-by-project", FindingFilter(), viewer, count)


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
    rows = _grouped(outside_counts(chosen, viewer).values(*_COLUMNS)[:COUNTED_AT_MOST], _COLUMNS)
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


def cached_for(what: str, chosen: FindingFilter, viewer: Viewer, make: Callable[[], T]) -> T:
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
