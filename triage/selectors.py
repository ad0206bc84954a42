"""Reading verdicts and what people said of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from findings.models import Finding, NotAnalysed, Triage, TriageSource
from rules.models import Rule
from triage.models import Feedback, Verdict

DECISIONS_SHOWN = 3
REASONS_SHOWN = 100  # of one finding
REASON_SHOWN = 300  # characters of what somebody said, where a model is told of it


@dataclass(frozen=True)
class Agreement:
    """How many answers people gave to verdicts, and how many of these agreed."""

    agreed: int
    said: int

    @property
    def percent(self) -> int:
        """The agree rate in percent."""
        return round(100 * self.agreed / self.said)


def latest_verdict(finding: Finding) -> Verdict | None:
    """Return the verdict that counts, None before there is one."""
    return Verdict.objects.filter(finding=finding).order_by("-pk").first()


def feedback_by(user_id: int, verdict: Verdict) -> Feedback | None:
    """Return what a person said of a verdict."""
    return Feedback.objects.filter(verdict=verdict, user_id=user_id).first()


def earlier_decisions(finding: Finding) -> list[str]:
    """Return what people decided about other findings of the rule in the project, newest first, without their names."""
    decided = (
        Finding.objects.filter(project=finding.project_id, rule=finding.rule_id, triage_source=TriageSource.PERSON)
        .exclude(pk=finding.pk)
        .exclude(triage=Triage.OPEN)
        .order_by("-triaged_at")[:DECISIONS_SHOWN]
    )
    return [
        f"{entry.path}:{entry.start_line} was set to {entry.get_triage_display()}"
        + (f" ({entry.get_ignore_reason_display()})" if entry.ignore_reason else "")
        + (f": {entry.triage_comment[:300]}" if entry.triage_comment else "")
        for entry in decided
    ]


def feedback_on_rule(*, rule: Rule, limit: int) -> list[str]:
    """Return what people said of verdicts on findings of a rule, newest first, as sentences.

    They name nobody and no place, as they may be about another project than the one whose finding is judged.
    """
    said = Feedback.objects.filter(finding__rule=rule).select_related("verdict").order_by("-pk")[:limit]
    return [
        f"Somebody {'agreed' if entry.agrees else 'disagreed'} with the verdict"
        f" {entry.verdict.get_value_display().lower()} on another finding of this rule"
        + (f": {entry.reason[:REASON_SHOWN]}" if entry.reason else ".")
        for entry in said
    ]


def reasons_given(finding: Finding) -> dict[int, str]:
    """Return why people said what they did of a finding's verdicts, by the number of the feedback."""
    said = Feedback.objects.filter(finding=finding).exclude(reason="")
    return dict(said.order_by("-pk").values_list("pk", "reason")[:REASONS_SHOWN])


def stopped_by_budget() -> QuerySet[Finding]:
    """Return the findings that have no verdict since the month's money was used up, worst first."""
    stopped = Finding.objects.filter(not_analysed=NotAnalysed.BUDGET, is_present=True).exclude(triage=Triage.IGNORED)
    return stopped.order_by("-severity", "pk")


def latest_verdicts(finding_ids: Sequence[int]) -> dict[int, Verdict]:
    """Return the verdict that counts of each finding that has one, with what a list shows of it."""
    newest = (
        Verdict.objects.filter(finding__in=finding_ids)
        .order_by("finding_id", "-pk")
        .distinct("finding_id")
        .only("organization_id", "finding_id", "value", "confidence", "explanation", "source", "model")
    )
    return {verdict.finding_id: verdict for verdict in newest}


def latest_verdicts_in_full(finding_ids: Sequence[int]) -> dict[int, Verdict]:
    """Return the verdict that counts of each finding that has one, with all that exports tell of it."""
    newest = Verdict.objects.filter(finding__in=finding_ids).order_by("finding_id", "-pk").distinct("finding_id")
    return {verdict.finding_id: verdict for verdict in newest}


def agreement_by_rule(rule_ids: Sequence[int], *, project_ids: Iterable[int] | None = None) -> dict[int, Agreement]:
    """Return how often people agreed with verdicts on the findings of rules, for those with any feedback.

    `project_ids` narrows it to some projects; None is all of them.
    """
    said = Feedback.objects.filter(finding__rule__in=list(rule_ids))
    if project_ids is not None:
        said = said.filter(finding__project__in=list(project_ids))
    counted = said.values_list("finding__rule").annotate(agreed=Count("pk", filter=Q(agrees=True)), said=Count("pk"))
    return {rule_id: Agreement(agreed=agreed, said=number) for rule_id, agreed, number in counted.order_by()}
