"""What is asked of a finding and of a file: the one place that makes these questions, to be sent or to be looked at."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from django.db import transaction

import findings.code
import findings.selectors
import orgs.selectors
import scm.fetching
from findings.context import FindingContext
from findings.models import Finding
from lib.syntax import lines_of
from memories.models import Memory, Purpose
from memories.selectors import NOTHING, Relevant, relevant_to
from orgs.models import Project
from orgs.settings.effective import EffectiveSettings
from providers.prompts import Prompt, render
from triage import excerpt, facts
from triage.questions import questions_for
from triage.selectors import earlier_decisions, feedback_on_rule

FEEDBACK_SHOWN = 5
COMPONENT_LINES_SHOWN = 120
COMPONENT_LINE_CHARACTERS = 300


@dataclass(frozen=True)
class VerdictQuestion:
    """Whether a finding is real: the prompt, and what it was made of, for checking the answer."""

    prompt: Prompt
    context: FindingContext
    shown: excerpt.Excerpt
    known: tuple[facts.Fact, ...]
    test_paths_decide: bool
    taught: Relevant = NOTHING


@dataclass(frozen=True)
class VerdictMaterial:
    """What the question whether a finding is real is made of, as it was read in one transaction."""

    context: FindingContext
    decisions: list[str]
    settings: EffectiveSettings
    taught: Relevant = NOTHING
    feedback: tuple[str, ...] = ()


@dataclass(frozen=True)
class ComponentQuestion:
    """What a file is for: the prompt, and the text it is about (None where it is not known) with its digest."""

    prompt: Prompt
    text: str | None
    digest: bytes


def verdict_question(finding: Finding) -> VerdictQuestion:
    """Return the question whether a finding is real, as things are now."""
    with transaction.atomic():
        material = material_for_verdict(finding)
    return verdict_question_of(with_code(material, finding))


def with_code(material: VerdictMaterial, finding: Finding) -> VerdictMaterial:
    """Return the material with the code from the project's host, where none was known here.

    Not inside a transaction. Raise TemporaryFailure where the code may come later.
    """
    return replace(material, context=findings.code.with_code(material.context, finding))


def material_for_verdict(finding: Finding, *, beside: Memory | None = None) -> VerdictMaterial:
    """Return what the question whether a finding is real is made of. Needs a transaction.

    `beside` is a memory that counts although it is not in force, since somebody tries it out.
    """
    return VerdictMaterial(
        context=findings.selectors.context_of(finding),
        decisions=earlier_decisions(finding),
        settings=orgs.selectors.settings_for(finding.project_id),
        taught=relevant_to(finding=finding, purpose=Purpose.TRIAGE, beside=beside),
        feedback=tuple(feedback_on_rule(rule=finding.rule, limit=FEEDBACK_SHOWN)),
    )


def verdict_question_of(material: VerdictMaterial) -> VerdictQuestion:
    """Return the question whether a finding is real, made of what was read; opens transactions only to read code."""
    context = material.context
    shown = excerpt.around(context)
    known = facts.gather(context)
    prompt = render(
        "triage/verdict",
        rule=context.rule,
        path=context.path,
        span=context.span,
        code=shown.as_text(),
        facts=[fact.statement for fact in known],
        earlier=material.decisions,
        feedback=material.feedback,
        memories=[memory.text for memory in material.taught.memories],
        memories_left_out=material.taught.left_out,
        questions=questions_for(context.rule),
    )
    return VerdictQuestion(
        prompt=prompt,
        context=context,
        shown=shown,
        known=known,
        test_paths_decide=material.settings.test_paths_decide,
        taught=material.taught,
    )


def second_question_of(asked: VerdictQuestion) -> Prompt:
    """Return the question whether a finding could be exploited after all: the same code, nothing of the first answer.

    What people decided earlier, what they taught, and what is known without a model, is left out as well: it led to the
    first answer.
    """
    context = asked.context
    return render(
        "triage/second_vote", rule=context.rule, path=context.path, span=context.span, code=asked.shown.as_text()
    )


def component_question(*, project: Project, path: str, revision: str) -> ComponentQuestion:
    """Return the question what a file is for."""
    with transaction.atomic():
        read_file = scm.fetching.fetching_reader(project=project, revision=revision)
    text = read_file(path)
    lines = lines_of(text or "")[:COMPONENT_LINES_SHOWN]
    code = "\n".join(line[:COMPONENT_LINE_CHARACTERS] for line in lines)
    return ComponentQuestion(
        prompt=render("triage/component", path=path, code=code),
        text=text,
        digest=hashlib.sha256((text or "").encode()).digest(),
    )
