"""What is asked for guidance and for a fix: the one place that makes these questions, to be sent or to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

import findings.code
import findings.selectors
import triage.selectors
from findings.context import FindingContext
from findings.models import Finding
from providers.prompts import Prompt, render
from remediation.selectors import latest_guidance
from triage import excerpt

FIX_LINES_SHOWN = 120


@dataclass(frozen=True)
class FixQuestion:
    """What a fix is asked for with; a second try says in `failed` what was wrong with the first."""

    context: FindingContext
    explanation: str
    advice: str

    def prompt(self, *, failed: str = "") -> Prompt:
        """Return the prompt, of the first try or of one after it."""
        return render(
            "remediation/autofix",
            rule=self.context.rule,
            path=self.context.path,
            span=self.context.span,
            code=excerpt.around(self.context, max_lines=FIX_LINES_SHOWN).as_text(),
            explanation=self.explanation,
            guidance=self.advice,
            failed=failed,
        )


def guidance_question(finding: Finding) -> tuple[Prompt, FindingContext]:
    """Return the question how to fix a finding, with the latest verdict, and the code it is about."""
    with transaction.atomic():
        context = findings.selectors.context_of(finding)
        verdict = triage.selectors.latest_verdict(finding)
    context = findings.code.with_code(context, finding)
    prompt = render(
        "remediation/guidance",
        rule=context.rule,
        path=context.path,
        span=context.span,
        code=excerpt.around(context).as_text(),
        verdict=verdict.get_value_display() if verdict else "",
        explanation=verdict.explanation if verdict else "",
        rule_fix=context.rule_fix,
    )
    return prompt, context


def fix_question(finding: Finding) -> FixQuestion:
    """Return the question for a fix, with the latest verdict and guidance."""
    with transaction.atomic():
        context = findings.selectors.context_of(finding)
        verdict = triage.selectors.latest_verdict(finding)
        guidance = latest_guidance(finding)
    return FixQuestion(
        context=findings.code.with_code(context, finding),
        explanation=verdict.explanation if verdict else "",
        advice=guidance.summary if guidance else "",
    )
