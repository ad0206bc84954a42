"""What the list of findings is filtered by: the page's own filter, and Semgrep's names for the same and for more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError

import orgs.selectors
import rules.selectors
from findings import listing
from findings.listing import FindingFilter
from findings.listing.filtering import VALUES_AT_MOST, Parameters
from findings.models import Finding, IgnoreReason, Product
from orgs.models import Viewer
from rules.models import Mode

OWN = {
    "recommendation": "What the Assistant recommends.",
    "severity": "How bad the rule says it is.",
    "status": "Where it stands. With none: all that is still to be dealt with.",
    "component": "What the file is for.",
    "risk": "How risky that part of the code is.",
    "backlog": "Present on the primary branch, or only elsewhere.",
    "fix": "Has a fix whose checks all passed.",
    "product": "Which kind of analysis found it.",
    "why": "Why it was not analysed.",
    "project": "Ids of projects.",
    "rule": "Ids of rules.",
    "ref": "Branches, or `pull/NUMBER`: present there now.",
    "scan": "Ids of scans: first seen in one of them.",
    "held": "Whether the noise filter held its comment back in a pull request where it is.",
    "path": "Paths: in such a file, or below such a folder.",
    "cwe": "CWEs of the rule, like `CWE-79`.",
    "tag": "Tags of the project.",
}
VALUES: dict[str, Mapping[str, str]] = {
    "recommendation": listing.RECOMMENDATIONS,
    "severity": listing.SEVERITIES,
    "status": listing.STATUSES,
    "risk": listing.RISKS,
    "backlog": listing.BACKLOGS,
    "fix": listing.FIXES,
    "why": listing.REASONS,
    "held": listing.HELD,
    "product": dict(Product.choices),
}
# Semgrep's words for what our filter knows under another name.
STATUS_WORDS = {"fixing": "to_fix", "removed": "fixed"}
PRODUCTS = {"sast": Product.CODE, "sca": Product.SUPPLY_CHAIN, "secrets": Product.SECRETS}
VERDICTS = {"true_positive": "fix", "false_positive": "ignore"}
CONFIDENCES = ("low", "medium", "high")
POLICY_IDS: dict[int, Mode] = dict(enumerate(Mode, start=1))


def _many(name: str, words: str, values: Any = None) -> OpenApiParameter:
    enum = list(values) if values else None
    return OpenApiParameter(name, str, many=True, enum=enum, description=words)


FILTER_PARAMETERS = (
    *(
        _many(
            name,
            words,
            [*VALUES[name], *(STATUS_WORDS if name == "status" else ())] if name in VALUES else None,
        )
        for name, words in OWN.items()
    ),
    _many("severities", "Semgrep's name for `severity`.", listing.SEVERITIES),
    _many("repos", "Names of projects."),
    _many("repository_ids", "Semgrep's name for `project`."),
    _many("rules", "Identifiers of rules."),
    _many("categories", "Categories of rules, like `security`."),
    _many("confidence", "How sure the rule is.", CONFIDENCES),
    _many("component_tags", "Semgrep's name for `component`."),
    _many("autotriage_verdict", "Semgrep's name for `recommendation`.", VERDICTS),
    _many("triage_reasons", "Why it was ignored.", IgnoreReason.values),
    _many("policies", "Ids of policies: findings of the rules in those modes."),
    OpenApiParameter("issue_type", str, enum=list(PRODUCTS), description="The product. With none: all."),
    OpenApiParameter("since", float, description="First seen since then, in seconds since 1970."),
    OpenApiParameter("dedup", bool, description="Accepted and of no effect: a finding is one over all branches here."),
)
FILTER_NAMES = frozenset(entry.name for entry in FILTER_PARAMETERS)


class Given:
    """A filter as a write sends it: names with a value or a list of values."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def getlist(self, key: str, /) -> list[str]:
        """Return every value given under a name."""
        value = self._values.get(key, [])
        return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]


@dataclass(frozen=True)
class AskedFilter:
    """What of the findings is meant: the page's filter, and what the page has no filter for."""

    chosen: FindingFilter
    viewer: Viewer
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    confidence: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    since: datetime | None = None
    is_nothing: bool = False  # a project or a rule was named that is not there

    def applied(self) -> QuerySet[Finding]:
        """Return the findings that are meant, in no order. Needs a transaction."""
        found = listing.matching(self.chosen, viewer=self.viewer)
        if self.is_nothing:
            return found.none()
        if self.categories or self.confidence or self.modes:
            # Looked up first: joined, a rare value would have PostgreSQL read every finding.
            found = found.filter(rule__in=self._rules())
        conditions: dict[str, Any] = {
            "product__in": self.products,
            "ignore_reason__in": self.reasons,
            "created_at__gte": self.since,
        }
        return found.filter(**{name: value for name, value in conditions.items() if value})

    def _rules(self) -> list[int]:
        return rules.selectors.ids_where(categories=self.categories, confidence=self.confidence, modes=self.modes)


def asked(parameters: Parameters, *, viewer: Viewer) -> AskedFilter:
    """Return the filter of a query string or of a write, for what somebody sees. Refuses values that cannot be meant.

    Needs a transaction: names of projects and rules are looked up.
    """
    problems: dict[str, list[str]] = {}
    own = _Own(parameters)
    chosen = FindingFilter.parse(own)
    for name in OWN:
        kept = getattr(chosen, name)
        if wrong := [value for value in own.getlist(name) if value not in kept]:
            problems[name] = [_refused(name, wrong[0])]
    products = _among("issue_type", parameters, PRODUCTS, problems)
    verdicts = _among("autotriage_verdict", parameters, VERDICTS, problems)
    modes = _among("policies", parameters, {str(pk): mode for pk, mode in POLICY_IDS.items()}, problems)
    confidence = _among("confidence", parameters, CONFIDENCES, problems)
    reasons = _among("triage_reasons", parameters, IgnoreReason.values, problems)
    _among("dedup", parameters, ("true", "false", "True", "False"), problems)
    since = _since(parameters, problems)
    if problems:
        raise ValidationError(problems)
    if verdicts:
        chosen = replace(chosen, recommendation=_both(chosen.recommendation, [VERDICTS[word] for word in verdicts]))
    chosen, is_nothing = _with_names(chosen, parameters, viewer)
    return AskedFilter(
        chosen=chosen,
        viewer=viewer,
        products=tuple(PRODUCTS[word] for word in products),
        categories=tuple(value for value in parameters.getlist("categories") if "\0" not in value),
        confidence=tuple(confidence),
        reasons=tuple(reasons),
        modes=tuple(POLICY_IDS[int(word)] for word in modes),
        since=since,
        is_nothing=is_nothing,
    )


class _Own:
    """The query string with Semgrep's names and words replaced by the page's."""

    _SAME = {"severity": "severities", "component": "component_tags", "project": "repository_ids"}

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters

    def getlist(self, key: str, /) -> list[str]:
        """Return every value given under a name of the page."""
        values = [*self._parameters.getlist(key)]
        if key in self._SAME:
            values += self._parameters.getlist(self._SAME[key])
        return [STATUS_WORDS.get(value, value) for value in values] if key == "status" else values


def _refused(name: str, value: str) -> str:
    if name in VALUES:
        return f"{value[:60]!r} is none of: {', '.join(VALUES[name])}."
    if name in {"project", "rule", "scan"}:
        return f"{value[:60]!r} is no id."
    return f"{value[:60]!r} cannot be meant, or more than {VALUES_AT_MOST} values are given."


def _among(name: str, parameters: Parameters, words: Any, problems: dict[str, list[str]]) -> list[str]:
    values = parameters.getlist(name)
    if wrong := [value for value in values if value not in words]:
        problems[name] = [f"{wrong[0][:60]!r} is none of: {', '.join(words)}."]
    return values


def _since(parameters: Parameters, problems: dict[str, list[str]]) -> datetime | None:
    values = parameters.getlist("since")
    if not values:
        return None
    try:
        return datetime.fromtimestamp(float(values[-1]), UTC)
    except (ValueError, OverflowError, OSError):
        problems["since"] = ["Give seconds since 1970."]
        return None


def _with_names(chosen: FindingFilter, parameters: Parameters, viewer: Viewer) -> tuple[FindingFilter, bool]:
    """Return the filter with the ids of the projects and rules that are named, and whether none of them is there."""
    names = _clean(parameters.getlist("repos"))
    identifiers = _clean(parameters.getlist("rules"))
    if names is not None:
        found = orgs.selectors.projects_visible_to(viewer).filter(name__in=names).values_list("pk", flat=True)
        chosen = replace(chosen, project=_both(chosen.project, [str(pk) for pk in found]))
    if identifiers is not None:
        chosen = replace(chosen, rule=_both(chosen.rule, [str(pk) for pk in rules.selectors.ids_of(identifiers)]))
    is_nothing = (names is not None and not chosen.project) or (identifiers is not None and not chosen.rule)
    return chosen, is_nothing


def _clean(values: list[str]) -> list[str] | None:
    return [value for value in values if "\0" not in value] if values else None


def _both(given: tuple[str, ...], more: list[str]) -> tuple[str, ...]:
    """Return what two filters of the same thing allow together."""
    return tuple(sorted({*more} & {*given} if given else {*more}))
