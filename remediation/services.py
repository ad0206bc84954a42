"""Writing guidance and fixes; a fix is worth what its gates say."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from django.db import transaction

import findings.services
import memories.services
import orgs.selectors
import providers.gate
from events.kinds import ASSISTANT, Actor, Kind
from events.services import record, result_of_job
from findings.context import FindingContext
from findings.models import Confidence, Finding
from memories.models import Memory, MemorySource, Purpose
from memories.scopes import Scope
from providers.gate import Answer
from remediation import gates
from remediation.answers import FixAnswer, GuidanceAnswer
from remediation.asking import FixQuestion, fix_question, guidance_question
from remediation.cookbook import guidance_for
from remediation.models import Autofix, Guidance
from remediation.recipes import fix_for
from rules.selectors import yaml_of_rules_for
from triage.models import Source

MANIFESTS = (
    "requirements.txt",
    "pyproject.toml",
    "Pipfile",
    "package.json",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "go.mod",
    "composer.json",
    "Gemfile",
)
# Each is perhaps a request to the code host, so only those that a language's imports are found in.
_OF_JAVASCRIPT = ("package.json",)
MANIFESTS_OF = {
    "python": ("requirements.txt", "pyproject.toml", "Pipfile"),
    "javascript": _OF_JAVASCRIPT,
    "typescript": _OF_JAVASCRIPT,
    "vue": _OF_JAVASCRIPT,
    "java": ("pom.xml", "build.gradle", "build.gradle.kts"),
    "kotlin": ("pom.xml", "build.gradle", "build.gradle.kts"),
    "go": ("go.mod",),
    "php": ("composer.json",),
    "ruby": ("Gemfile",),
}
NO_RECIPE = "Built-in has no safe change for this pattern; the guidance says what to do."
CONFIDENCE_ORDER = {None: 0, "": 0, "low": 1, "medium": 2, "high": 3}


def write_guidance(*, finding: Finding, beside: Memory | None = None) -> Guidance:
    """Write step-by-step guidance for a finding, with the memories that hold for it and perhaps one more.

    Raises as the gate does.
    """
    question = guidance_question(finding, beside=beside)
    answer = providers.gate.ask_or_stand_in(
        question.prompt,
        answer=GuidanceAnswer,
        without_model=lambda: guidance_for(question.context),
        finding_id=finding.pk,
        project_id=finding.project_id,
    )
    with result_of_job():
        guidance = Guidance.objects.create(
            finding=finding,
            summary=answer.value.summary,
            steps=[step.model_dump() for step in answer.value.steps],
            **_origin(answer),
        )
        used = () if answer.is_built_in else question.taught.memories
        memories.services.note_use(memories=used, finding=finding, guidance_id=guidance.pk)
        record(Kind.GUIDANCE_WRITTEN, actor=ASSISTANT, finding_id=finding.pk, guidance_id=guidance.pk)
    return guidance


def write_fix(*, finding: Finding, beside: Memory | None = None) -> Autofix:
    """Write a fix, run every gate on it, and keep it with what they said. Raises as the gate does.

    A model whose first attempt fails a gate gets one more, with the reasons. `beside` is a memory that counts although
    it is not in force.
    """
    question = fix_question(finding, beside=beside)
    context = question.context
    with transaction.atomic():
        other_rules = yaml_of_rules_for(path=finding.path, except_rule=finding.rule)
        minimum = orgs.selectors.settings_for(finding.project_id).fix_confidence
    dependencies = dependencies_near(context)
    answer = _ask_for_fix(finding, question, failed="")
    check = _check(context, answer, other_rules, dependencies)
    if check is not None and not answer.is_built_in and not check.is_verified:
        again = _ask_for_fix(finding, question, failed=_failures(answer, check))
        second = _check(context, again, other_rules, dependencies)
        if second is not None and _worth(second) > _worth(check):
            answer, check = again, second
    used = () if answer.is_built_in else question.taught.memories
    return _keep_fix(finding, answer, check, minimum=minimum, used=used)


def _ask_for_fix(finding: Finding, question: FixQuestion, *, failed: str) -> Answer[FixAnswer]:
    return providers.gate.ask_or_stand_in(
        question.prompt(failed=failed),
        answer=FixAnswer,
        without_model=lambda: fix_for(question.context) or FixAnswer(edits=[], explanation=NO_RECIPE),
        finding_id=finding.pk,
        project_id=finding.project_id,
    )


def _check(
    context: FindingContext, answer: Answer[FixAnswer], other_rules: str, dependencies: frozenset[str] | None
) -> gates.FixCheck | None:
    if not answer.value.edits:
        return None
    return gates.check(
        context=context,
        answer=answer.value,
        rule_yaml=context.rule.yaml or None,
        other_rules_yaml=other_rules or None,
        known_dependencies=dependencies,
    )


def dependencies_near(context: FindingContext) -> frozenset[str] | None:
    """Return what the manifests in the file's folder and above name, None where there is none to read."""
    manifests = {}
    for folder in PurePosixPath(context.path).parents:
        for name in MANIFESTS_OF.get(context.language, MANIFESTS):
            path = str(folder / name)
            text = context.read_file(path)
            if text is not None:
                manifests[path] = text
    return gates.dependencies_in(manifests) if manifests else None


def _failures(answer: Answer[FixAnswer], check: gates.FixCheck) -> str:
    edits = "\n".join(f"--- replaced\n{edit.old}\n--- by\n{edit.new}" for edit in answer.value.edits)
    reasons = "\n".join(
        f"{result.gate}: {result.explanation}" for result in check.results if result.outcome == gates.Outcome.FAILED
    )
    return f"{edits}\n\n{reasons}"


def _worth(check: gates.FixCheck) -> tuple[bool, bool, int]:
    return check.is_verified, check.is_shown, CONFIDENCE_ORDER[check.highest_confidence]


def _keep_fix(
    finding: Finding,
    answer: Answer[FixAnswer],
    check: gates.FixCheck | None,
    *,
    minimum: str,
    used: tuple[Memory, ...],
) -> Autofix:
    confidence = (check.highest_confidence or "") if check and check.is_shown else ""
    if answer.is_built_in and confidence == Confidence.HIGH:
        confidence = Confidence.MEDIUM  # a recipe knows the pattern, not what the code is for
    is_shown = bool(confidence) and CONFIDENCE_ORDER[confidence] >= CONFIDENCE_ORDER[minimum]
    with result_of_job():
        autofix = Autofix.objects.create(
            finding=finding,
            edits=[edit.model_dump() for edit in answer.value.edits],
            diff=check.diff if check else "",
            explanation=answer.value.explanation,
            gates=[
                {"gate": result.gate, "outcome": result.outcome, "explanation": result.explanation}
                for result in (check.results if check else ())
            ],
            confidence=confidence,
            is_shown=is_shown,
            is_verified=is_shown and check is not None and check.is_verified,
            revision=finding.revision,
            **_origin(answer),
        )
        memories.services.note_use(memories=used, finding=finding, autofix_id=autofix.pk)
        findings.services.apply_fix(
            finding=finding, confidence=confidence if is_shown else "", is_verified=autofix.is_verified
        )
        kind = Kind.AUTOFIX_WRITTEN if is_shown else Kind.AUTOFIX_NOT_POSSIBLE
        record(kind, actor=ASSISTANT, finding_id=finding.pk, autofix_id=autofix.pk, confidence=confidence)
    return autofix


def customize_fix(*, finding: Finding, text: str, actor: Actor, goes_live: bool) -> Memory:
    """Keep how somebody wants such findings fixed, and have this one's guidance and fix written anew by it.

    Where the memory is only suggested, it counts for this finding alone until an Admin approves it. Raises
    MemoryUnusable.
    """
    with transaction.atomic():
        memory = memories.services.teach(
            text=text,
            purpose=Purpose.REMEDIATION,
            scope=Scope.of_finding(finding),
            source=MemorySource.FIX,
            actor=actor,
            goes_live=goes_live,
            finding=finding,
        )
        record(Kind.FIX_REGENERATION_REQUESTED, actor=actor, finding_id=finding.pk, memory_id=memory.pk)
    return memory


def withdraw_fix(*, finding: Finding) -> None:
    """Show no fix any more for a finding that is not judged real, however good the fix was."""
    with result_of_job():
        Autofix.objects.filter(finding=finding, is_shown=True).update(is_shown=False, is_verified=False)
        findings.services.apply_fix(finding=finding, confidence="", is_verified=False)


def give_up_on(*, finding: Finding, kind: Kind, why: str) -> None:
    """Note that a step gave nothing, so that the page can say so."""
    with result_of_job():
        record(kind, actor=ASSISTANT, finding_id=finding.pk, reason=why[:200])


def _origin(answer: Answer[Any]) -> dict[str, Any]:
    return {
        "source": Source.BUILT_IN if answer.is_built_in else Source.MODEL,
        "model": answer.model,
        "prompt_version": answer.prompt_version,
        "model_call_id": answer.model_call_id,
        "stood_in_because": answer.stood_in_because,
    }
