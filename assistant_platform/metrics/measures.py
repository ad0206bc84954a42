"""The shares that are measured: of which rows, when is one a success, and what it is broken down by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from assistant_platform.metrics.choosing import Choice
from lib.intervals import Interval, wilson
from notifications.models import CommentDecision, Outcome
from remediation.models import AdviceFeedback, Autofix, FixPullRequest, FixPullRequestState
from triage import answers
from triage.models import AuditSample, Feedback

ENOUGH = 10  # of fewer, no share is told
BREAKDOWNS = {"rule": "Rule", "project": "Project", "model": "Model", "prompt": "Prompt version"}


@dataclass(frozen=True)
class Proportion:
    """So many of so many."""

    successes: int
    n: int

    @property
    def is_enough(self) -> bool:
        """Whether they are enough to tell a share of."""
        return self.n >= ENOUGH

    @property
    def share(self) -> float | None:
        """The share, 0 to 1; None where they are too few."""
        return self.successes / self.n if self.is_enough else None

    @property
    def interval(self) -> Interval | None:
        """Between what the share lies in 95 of 100 such cases; None where they are too few."""
        return wilson(self.successes, self.n) if self.is_enough else None

    def plus(self, other: Proportion) -> Proportion:
        """Return both together."""
        return Proportion(self.successes + other.successes, self.n + other.n)

    @property
    def others(self) -> Proportion:
        """The failures as the successes."""
        return Proportion(self.n - self.successes, self.n)


@dataclass(frozen=True)
class Measure:
    """A share. `answer` leads from a row to what has model and prompt version, None where neither is known.

    `at` is the time by which a row belongs to a period, `unit` what is counted.
    """

    key: str
    title: str
    explanation: str
    unit: str
    rows: Callable[[], QuerySet[Any]]
    success: Callable[[], Q]
    at: str
    answer: str | None
    step: str

    def column(self, breakdown: str) -> str | None:
        """Return the column that a breakdown groups by, None where the measure has none."""
        if breakdown in {"rule", "project"}:
            return f"finding__{breakdown}"
        if self.answer is None:
            return None
        return f"{self.answer}{'model' if breakdown == 'model' else 'prompt_version'}"

    def within(self, choice: Choice) -> QuerySet[Any] | None:
        """Return the rows that are asked for, None where the measure cannot tell them apart so."""
        begin, end = choice.period.bounds
        found = self.rows().filter(**{f"{self.at}__gte": begin, f"{self.at}__lt": end})
        if choice.project_ids is not None:
            found = found.filter(finding__project__in=choice.project_ids)
        if choice.project_id is not None:
            found = found.filter(finding__project=choice.project_id)
        if choice.rule_id is not None:
            found = found.filter(finding__rule=choice.rule_id)
        if choice.model:
            if self.answer is None:
                return None
            found = found.filter(**of_model(choice.model, self.answer))
        return found


BUILT_IN = "Built-in (no model)"


def of_model(model: str, answer: str) -> dict[str, str]:
    """Return the condition that a model, or Built-in, answered."""
    return {f"{answer}source": "built_in"} if model == BUILT_IN else {f"{answer}model": model}


def _said() -> QuerySet[Feedback]:
    return Feedback.objects.filter(of_audit=False)


def _said_of_false_positives() -> QuerySet[Feedback]:
    return _said().filter(verdict__value=answers.Verdict.FALSE_POSITIVE)


def _checked() -> QuerySet[AuditSample]:
    return AuditSample.objects.filter(is_right__isnull=False)


def _verified_fixes() -> QuerySet[Autofix]:
    newer = Autofix.objects.filter(finding=OuterRef("finding"), pk__gt=OuterRef("pk"))
    return Autofix.objects.filter(is_verified=True).exclude(Exists(newer))


def _is_merged() -> Q:
    merged = FixPullRequest.objects.filter(autofix=OuterRef("pk"), state=FixPullRequestState.MERGED)
    return Q(Exists(merged))


def _is_undisputed() -> Q:
    disputed = Feedback.objects.filter(
        finding=OuterRef("finding"), agrees=False, verdict__value=answers.Verdict.FALSE_POSITIVE
    )
    return ~Q(Exists(disputed))


MEASURES: tuple[Measure, ...] = (
    Measure(
        key="agree_rate",
        title="Agree rate",
        explanation="Of the answers that people gave to verdicts, so many agreed.",
        unit="answers",
        rows=_said,
        success=lambda: Q(agrees=True),
        at="created_at",
        answer="verdict__",
        step="Verdict",
    ),
    Measure(
        key="precision_said",
        title="Precision, as people said",
        explanation="Of the false-positive calls that people answered, so many they agreed with."
        " They chose themselves what to look at.",
        unit="answers",
        rows=_said_of_false_positives,
        success=lambda: Q(agrees=True),
        at="created_at",
        answer="verdict__",
        step="Verdict",
    ),
    Measure(
        key="precision_audit",
        title="Precision, by random audit",
        explanation="Of the false-positive calls that were drawn at random and checked, so many were right.",
        unit="checked verdicts",
        rows=_checked,
        success=lambda: Q(is_right=True),
        at="checked_at",
        answer="verdict__",
        step="Verdict",
    ),
    Measure(
        key="fix_accept_rate",
        title="Fixes accepted",
        explanation="Of the findings for which a verified fix was shown, so many had it merged by a fix pull request."
        " Fixes that people apply by hand are not known, so the truth is higher.",
        unit="findings with a verified fix",
        rows=_verified_fixes,
        success=_is_merged,
        at="created_at",
        answer="",
        step="Fix",
    ),
    Measure(
        key="fix_helpful_rate",
        title="Fixes called helpful",
        explanation="Of the thumbs that people gave to fixes, so many pointed up.",
        unit="thumbs",
        rows=lambda: AdviceFeedback.objects.filter(autofix__isnull=False),
        success=lambda: Q(is_helpful=True),
        at="created_at",
        answer="autofix__",
        step="Fix",
    ),
    Measure(
        key="guidance_helpful_rate",
        title="Guidance called helpful",
        explanation="Of the thumbs that people gave to guidance, so many pointed up.",
        unit="thumbs",
        rows=lambda: AdviceFeedback.objects.filter(guidance__isnull=False),
        success=lambda: Q(is_helpful=True),
        at="created_at",
        answer="guidance__",
        step="Guidance",
    ),
    Measure(
        key="comments_prevented",
        title="Comments prevented",
        explanation="Of the comments that the noise filter held back, so many nobody disagreed with.",
        unit="comments held back",
        rows=lambda: CommentDecision.objects.filter(outcome=Outcome.HELD_BACK),
        success=_is_undisputed,
        at="decided_at",
        answer=None,
        step="",
    ),
)
