"""What the findings list is filtered by, and the findings that a filter shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol, Self

from django.db.models import Exists, OuterRef, Q, QuerySet

import orgs.selectors
from findings.models import Finding, NotAnalysed, Presence, PresenceState, Product, Recommendation, Triage
from lib.text import is_id
from orgs.models import Viewer
from rules.models import Severity

VALUES_AT_MOST = 30

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
    held: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    cwe: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()

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
HELD_BACK, NOT_HELD_BACK = "yes", "no"
# Whether the noise filter left out the comment on it in a pull request where it still is.
HELD = {HELD_BACK: "Held back", NOT_HELD_BACK: "Not held back"}
FIXES = {"verified": "Has a verified fix"}
# Why there is no verdict; not a facet of its own, but other pages link to it.
REASONS = {entry.value: entry.label for entry in NotAnalysed if entry.value}


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
    "held": HELD.__contains__,
    "project": is_id,
    "rule": is_id,
    "ref": _is_word(255),
    "scan": is_id,
    "path": _is_word(500),
    "cwe": _is_word(12),
    "tag": _is_word(60),
}


def matching(chosen: FindingFilter, *, viewer: Viewer) -> QuerySet[Finding]:
    """Return the findings that a filter shows somebody, in no order."""
    found = outside_counts(chosen, viewer).filter(_of_status(chosen.status))
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


def outside_counts(chosen: FindingFilter, viewer: Viewer) -> QuerySet[Finding]:
    """Apply what the counted facets are not: who asks, project, rule, branch, scan, path, CWE, what was held back."""
    found = Finding.objects.all()
    if (ids := orgs.selectors.visible_project_ids(viewer)) is not None:
        found = found.filter(project__in=ids)
    if chosen.project:
        found = found.filter(project__in=[int(value) for value in chosen.project])
    if chosen.rule:
        found = found.filter(rule__in=[int(value) for value in chosen.rule])
    if chosen.tag:
        found = found.filter(project__tags__overlap=list(chosen.tag))
    if chosen.cwe:
        found = found.filter(rule__cwe__overlap=list(chosen.cwe))
    if chosen.path:
        found = found.filter(_below(chosen.path))
    if chosen.scan:
        found = found.filter(first_scan__in=[int(value) for value in chosen.scan])
    if chosen.why:
        found = found.filter(not_analysed__in=chosen.why, recommendation=Recommendation.NONE)
    if len(chosen.held) == 1:
        found = found.filter(is_held_back() if HELD_BACK in chosen.held else ~is_held_back())
    if chosen.ref:
        found = found.filter(
            Exists(Presence.objects.filter(finding=OuterRef("pk"), ref__in=chosen.ref, state=PresenceState.PRESENT))
        )
    return found


def _below(paths: Sequence[str]) -> Q:
    """Return the condition that a finding is in one of some files, or below one of some folders."""
    found = Q()
    for path in paths:
        found |= Q(path=path) | Q(path__startswith=path.rstrip("/") + "/")
    return found


def is_held_back() -> Exists:
    """Return the condition that the noise filter held a comment on a finding back in a pull request where it is."""
    return Exists(Presence.objects.filter(finding=OuterRef("pk"), held_back=True, state=PresenceState.PRESENT))


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
