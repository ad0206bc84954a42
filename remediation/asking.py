"""What is asked for guidance and for a fix: the one place that makes these questions, to be sent or to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

import findings.code
import findings.selectors
import triage.selectors
from findings.context import FindingContext
from findings.models import Finding
from memories.models import Memory, Purpose
from memories.selectors import NOTHING, Relevant, relevant_to
from providers.prompts import Prompt, render
from remediation.selectors import experience_with_fixes, latest_guidance
from rules.sanitizers import sanitizers_for
from triage import excerpt

FIX_LINES_SHOWN = 120


@dataclass(frozen=True)
class FixQuestion:
    """What a fix is asked for with; a second try says in `failed` what was wrong with the first."""

    context: FindingContext
    explanation: str
    advice: str
    taught: Relevant = NOTHING
    sanitizers: tuple[str, ...] = ()
    experience: tuple[str, ...] = ()

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
            memories=[memory.text for memory in self.taught.memories],
            memories_left_out=self.taught.left_out,
            sanitizers=self.sanitizers,
            experience=self.experience,
            failed=failed,
        )


@dataclass(frozen=True)
class GuidanceQuestion:
    """What guidance is asked for with: the prompt, the code it is about, and the memories that it carries."""

    prompt: Prompt
    context: FindingContext
    taught: Relevant


def guidance_question(finding: Finding, *, beside: Memory | None = None) -> GuidanceQuestion:
    """Return the question how to fix a finding, with the latest verdict; `beside` is a memory to try with it."""
    with transaction.atomic():
        context = findings.selectors.context_of(finding)
        verdict = triage.selectors.latest_verdict(finding)
        taught = relevant_to(finding=finding, purpose=Purpose.REMEDIATION, beside=beside)
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
        memories=[memory.text for memory in taught.memories],
        memories_left_out=taught.left_out,
    )
    return GuidanceQuestion(prompt=prompt, context=context, taught=taught)


def fix_question(finding: Finding, *, beside: Memory | None = None) -> FixQuestion:
    """Return the question for a fix, with the latest verdict and guidance; `beside` is a memory to try with it."""
    with transaction.atomic():
        context = findings.selectors.context_of(finding)
        verdict = triage.selectors.latest_verdict(finding)
        guidance = latest_guidance(finding)
        taught = relevant_to(finding=finding, purpose=Purpose.REMEDIATION, beside=beside)
        sanitizers = sanitizers_for(cwe=finding.rule.cwe, language=context.language)
        experience = experience_with_fixes(finding)
    return FixQuestion(
        context=findings.code.with_code(context, finding),
        explanation=verdict.explanation if verdict else "",
        advice=guidance.summary if guidance else "",
        taught=taught,
        sanitizers=tuple(sanitizers),
        experience=tuple(experience),
    )
