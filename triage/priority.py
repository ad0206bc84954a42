"""The week's three priorities: one ranking over all products, each of whose reasons is a sentence.

A score is the sum of the points of its factors; the points are ours, and stand here so that they can be argued about.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from findings.models import Confidence, Product, Recommendation
from rules.models import Severity

TASKS_A_WEEK = 3
# A second task of the same project must be this much better than the best one of another.
LEAD_OVER_ANOTHER_PROJECT = 1.25

SEVERITY_POINTS = {Severity.CRITICAL: 40.0, Severity.HIGH: 28.0, Severity.MEDIUM: 12.0, Severity.LOW: 3.0}
VERDICT_POINTS = {Confidence.HIGH: 20.0, Confidence.MEDIUM: 14.0, Confidence.LOW: 7.0}
RULE_CONFIDENCE_POINTS = {"high": 8.0, "medium": 4.0}
RISK_POINTS = {"high": 12.0, "low": -10.0}
PRODUCT_POINTS = {Product.SECRETS: 10.0}
# Classes whose weaknesses are most often exploited: those of the CWE Top 25 of 2024 that let somebody run code, read
# or change data, or become somebody else.
EXPLOITED = frozenset(
    {"CWE-22", "CWE-77", "CWE-78", "CWE-79", "CWE-89", "CWE-94", "CWE-287", "CWE-306", "CWE-352", "CWE-434", "CWE-502"}
    | {"CWE-798", "CWE-862", "CWE-863", "CWE-918"}
)
EXPLOITED_POINTS = 8.0
LIKELY_POINTS = 4.0
IMPACT_POINTS = 4.0
FROM_INPUT_POINTS = 5.0
REACHABLE_POINTS = 12.0
UNREACHABLE_POINTS = -15.0
VERIFIED_FIX_POINTS = 6.0
MOST_AGE_POINTS = 8.0
DAYS_FOR_MOST_AGE = 90
MOST_REACH_POINTS = 8.0


@dataclass(frozen=True)
class Candidate:
    """A finding that may come first, with what the ranking looks at; `equal` counts it and its like in the project."""

    finding_id: int
    project_id: int
    rule_id: int
    product: str
    severity: int
    recommendation: str
    verdict_confidence: str
    rule_confidence: str
    component_tag: str
    component_risk: str
    cwe: tuple[str, ...]
    likelihood: str
    impact: str
    is_reachable: bool | None
    comes_from_input: bool
    has_verified_fix: bool
    days_open: int
    equal: int = 1


@dataclass(frozen=True)
class Ranked:
    """A candidate with its score and the sentences behind it, strongest first."""

    candidate: Candidate
    score: float
    reasons: tuple[str, ...]


def rank(candidate: Candidate) -> Ranked:
    """Return a candidate's score and why."""
    factors = [factor for factor in _factors(candidate) if factor[0]]
    said = sorted((factor for factor in factors if factor[0] > 0), key=lambda factor: -factor[0])
    doubts = [sentence for points, sentence in factors if points < 0]
    return Ranked(
        candidate, round(sum(points for points, _ in factors), 1), (*(sentence for _, sentence in said), *doubts)
    )


def choose(candidates: Iterable[Candidate]) -> list[Ranked]:
    """Return the week's tasks, the most pressing first: at most one of each rule, and not all of one project.

    Equal scores are ordered by the older finding, so that the same backlog gives the same tasks.
    """
    ranked = sorted(map(rank, candidates), key=lambda entry: (-entry.score, entry.candidate.finding_id))
    chosen: list[Ranked] = []
    while len(chosen) < TASKS_A_WEEK:
        rules = {entry.candidate.rule_id for entry in chosen}
        left = [entry for entry in ranked if entry.candidate.rule_id not in rules]
        if not left:
            break
        chosen.append(_next(left, chosen))
    return sorted(chosen, key=lambda entry: (-entry.score, entry.candidate.finding_id))


def _next(left: Sequence[Ranked], chosen: Sequence[Ranked]) -> Ranked:
    projects = {entry.candidate.project_id for entry in chosen}
    best = left[0]
    of_others = next((entry for entry in left if entry.candidate.project_id not in projects), None)
    if of_others is None or best.score > of_others.score * LEAD_OVER_ANOTHER_PROJECT:
        return best
    return of_others


def _factors(candidate: Candidate) -> list[tuple[float, str]]:
    """Return points and sentence of everything that is looked at; no points where it says nothing."""
    return [
        (SEVERITY_POINTS[Severity(candidate.severity)], f"{Severity(candidate.severity).label} severity."),
        _of_verdict(candidate),
        (
            RULE_CONFIDENCE_POINTS.get(candidate.rule_confidence, 0.0),
            f"The rule has {candidate.rule_confidence} confidence.",
        ),
        _of_component(candidate),
        (PRODUCT_POINTS.get(Product(candidate.product), 0.0), "A secret in the code works until it is replaced."),
        _of_reachability(candidate),
        (EXPLOITED_POINTS * bool(EXPLOITED & set(candidate.cwe)), "Weaknesses of this class are exploited often."),
        (LIKELY_POINTS * (candidate.likelihood == "high"), "The rule says that an attack is likely."),
        (IMPACT_POINTS * (candidate.impact == "high"), "The rule says that an attack would do much harm."),
        (FROM_INPUT_POINTS * candidate.comes_from_input, "The report follows data from its source to here."),
        (VERIFIED_FIX_POINTS * candidate.has_verified_fix, "A verified fix is ready."),
        (
            _age_points(candidate.days_open),
            f"Open for {candidate.days_open} day{'' if candidate.days_open == 1 else 's'}.",
        ),
        (
            _reach_points(candidate.equal),
            f"{candidate.equal} findings of this rule are open in the project, which can be gone through together.",
        ),
    ]


def _of_verdict(candidate: Candidate) -> tuple[float, str]:
    if candidate.recommendation != Recommendation.FIX:
        return 0.0, ""
    points = VERDICT_POINTS.get(Confidence(candidate.verdict_confidence), 0.0)
    return points, f"The Assistant calls it a true positive, with {candidate.verdict_confidence} confidence."


def _of_component(candidate: Candidate) -> tuple[float, str]:
    points = RISK_POINTS.get(candidate.component_risk, 0.0)
    return points, f"Its file is about {candidate.component_tag}, which is of {candidate.component_risk} risk."


def _of_reachability(candidate: Candidate) -> tuple[float, str]:
    if candidate.is_reachable is None:
        return 0.0, ""
    if candidate.is_reachable:
        return REACHABLE_POINTS, "The code uses the vulnerable part of the dependency."
    return UNREACHABLE_POINTS, "The code does not seem to use the vulnerable part of the dependency."


def _age_points(days: int) -> float:
    return 0.0 if days < 1 else MOST_AGE_POINTS * min(days, DAYS_FOR_MOST_AGE) / DAYS_FOR_MOST_AGE


def _reach_points(equal: int) -> float:
    """Twice as many is a step more, so that a thousand notes do not outweigh one hole."""
    return 0.0 if equal < 2 else min(MOST_REACH_POINTS, 2.0 * math.log2(equal))  # noqa: PLR2004
