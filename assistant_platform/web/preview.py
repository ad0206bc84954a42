"""What would be sent to a model for a finding, step by step, without sending anything."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

import findings.code
import findings.selectors
import orgs.selectors
import providers.gate
import providers.selectors
import remediation.asking
import triage.asking
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.rendering.prompts import hidden_kinds
from findings.models import Finding, Recommendation
from lib.failures import TemporaryFailure
from orgs.permissions import Permission
from providers import prices
from providers.adapters.base import Question
from providers.models import Step
from providers.prompts import Prompt
from providers.selectors import BUILT_IN, Choice
from triage.second_vote import needs_second_vote

CHARACTERS_PER_TOKEN = 4  # of English prose and code, roughly; a provider counts exactly


@dataclass(frozen=True)
class StepPreview:
    """One request as it would leave: to whom, its two texts, what was hidden, and how large it is about."""

    title: str
    prompt: Prompt
    choice: Choice
    system: str
    user: str
    hidden_count: int
    hidden_kinds: list[str]
    tokens: int
    cost: Decimal | None
    when: str

    @property
    def is_sent(self) -> bool:
        """Whether anything would leave this server."""
        return self.choice.adapter != BUILT_IN.adapter


@require_safe
@org_page(Permission.FINDINGS_ANALYZE, waits_for_network=True)
def preview_page(request: OrgRequest, finding_id: int) -> HttpResponse:
    """Show what each step would send for a finding if it were analysed now."""
    with transaction.atomic():
        finding = get_object_or_404(findings.selectors.visible_to(request.member), pk=finding_id)
    problem, prompts = "", []
    try:
        # The code that would be sent is read from the host first, as it would be by the step.
        prompts = _prompts(finding)
    except TemporaryFailure as failure:
        problem = str(failure)
    with transaction.atomic():
        steps = [_preview(step, prompt, _when(step, finding)) for step, prompt in prompts]
        context = {
            "finding": finding,
            "steps": steps,
            "is_sent": any(step.is_sent for step in steps),
            "problem": problem or findings.code.why_unknown(finding),
        }
        return render(request, "findings/preview.html", context)


def _prompts(finding: Finding) -> list[tuple[Step, Prompt]]:
    component = triage.asking.component_question(project=finding.project, path=finding.path, revision=finding.revision)
    guidance = remediation.asking.guidance_question(finding).prompt
    return [
        (Step.COMPONENT, component.prompt),
        *_verdict_prompts(finding),
        (Step.GUIDANCE, guidance),
        (Step.AUTOFIX, remediation.asking.fix_question(finding).prompt()),
    ]


def _verdict_prompts(finding: Finding) -> list[tuple[Step, Prompt]]:
    asked = triage.asking.verdict_question(finding)
    with transaction.atomic():
        settings = orgs.selectors.settings_for(finding.project_id)
    may_be_asked_twice = settings.noise_filter and needs_second_vote(
        severity=finding.severity, cwes=finding.rule.cwe, careful_cwes=settings.careful_cwes
    )
    second = [(Step.SECOND_VOTE, triage.asking.second_question_of(asked))] if may_be_asked_twice else []
    return [(Step.VERDICT, asked.prompt), *second]


def _preview(step: Step, prompt: Prompt, when: str) -> StepPreview:
    question, redactor = providers.gate.as_sent(prompt)
    choice = providers.selectors.choices_for(step)[0]
    return StepPreview(
        title=step.label,
        prompt=prompt,
        choice=choice,
        system=question.system,
        user=question.user,
        hidden_count=redactor.count,
        hidden_kinds=hidden_kinds(question.user),
        tokens=-(-(len(question.system) + len(question.user)) // CHARACTERS_PER_TOKEN),
        cost=_highest_cost(question, choice),
        when=when,
    )


def _highest_cost(question: Question, choice: Choice) -> Decimal | None:
    tariff = prices.tariff_of(choice)
    return providers.gate.highest_cost(question, tariff) if tariff.rate().is_known else None


def _when(step: Step, finding: Finding) -> str:
    """Say on what it depends whether a step is taken, and what of it may still change."""
    match step:
        case Step.COMPONENT:
            return "Asked once for each content of the file; the same file is not asked about again."
        case Step.VERDICT:
            return "Asked whenever the finding is analysed, unless it is in test code and that decides alone."
        case Step.SECOND_VOTE:
            return "Asked only if the verdict is a false positive: one verdict is not enough for this finding."
        case Step.GUIDANCE:
            return "Asked after the verdict, which stands in it; here it is the latest one, if there is any."
        case Step.AUTOFIX if finding.rule_fix:
            return "Not asked for this finding: its rule brings a fix of its own."
        case Step.AUTOFIX if finding.recommendation in {Recommendation.IGNORE, Recommendation.UNSURE}:
            return "Asked only for true positives; as the finding is judged now, it is not."
    return "Asked after the verdict if that is a true positive; again, with the reasons, if a check of the fix fails."
