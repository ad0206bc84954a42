"""The pages of the findings list: worst first, newest first among equals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.db.models import F, Prefetch, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.functions import Left

from findings.listing.filtering import FindingFilter, matching
from findings.models import Finding
from lib.pages import page_from, page_up_to
from lib.text import is_id
from orgs.models import Project, Viewer
from rules.models import Rule

PAGE_SIZE = 50
MESSAGE_START_CHARACTERS = 180


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
        if not (severity in {"1", "2", "3", "4"} and is_id(pk)):
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
    rows = _as_listed(matching(chosen, viewer=viewer)).order_by("-severity", "-pk")
    position = Tuple(F("severity"), F("pk"))
    if before is not None:
        ahead = rows.filter(TupleGreaterThan(position, (before.severity, before.pk)))
        found = page_up_to(ahead, size=PAGE_SIZE)
    elif after is not None:
        behind = rows.filter(TupleLessThan(position, (after.severity, after.pk)))
        found = page_from(behind, size=PAGE_SIZE, is_first=False)
    else:
        found = page_from(rows, size=PAGE_SIZE, is_first=True)
    return Page(
        findings=found.rows,
        next_after=Cursor.of(found.rows[-1]) if found.rows and found.has_next else None,
        previous_before=Cursor.of(found.rows[0]) if found.rows and found.has_previous else None,
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
