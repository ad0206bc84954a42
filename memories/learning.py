"""From an ignored finding to a memory: whether the person's reason holds beyond it."""

from __future__ import annotations

import posixpath
import re

from django.db import transaction

import orgs.selectors
import providers.gate
from events.kinds import ASSISTANT, Actor, Kind
from events.services import record, result_of_job
from findings.models import Finding, IgnoreReason, Triage, TriageSource
from memories.answers import PURPOSE_OF_LEARNING, LearnAnswer
from memories.models import Memory, MemorySource, Template
from memories.scopes import Scope, ScopeUnusable
from memories.services import MemoryUnusable, teach
from providers.prompts import render

MOST_CODE = 4_000
# A reason that says nothing about code; the model is not asked about these.
SAYS_NOTHING_OF_CODE = frozenset({IgnoreReason.NO_TIME, IgnoreReason.DUPLICATE})
SHORTEST_COMMENT = 12  # "test", "ok" and "see above" teach nothing

# The two things that teams teach most often, as they word them.
_NOT_PRODUCTION = re.compile(
    r"\b(not|never|no|isn't|outside)\b.{0,40}\b(prod|production|deployed|shipped)\b"
    r"|\b(tests?|testing|examples?|sample|demo|dev|development|local|internal)[- ]?(only|code|script|data|tool)",
    re.IGNORECASE | re.DOTALL,
)
_FRAMEWORK_PROTECTS = re.compile(
    r"\b(framework|library|orm|template|engine|middleware|django|rails|react|spring|laravel|angular|vue)\b"
    r".{0,60}\b(escape|escapes|escaped|protect|protects|sanitis|sanitiz|encod|handle|validat|parameteri|autoescap)",
    re.IGNORECASE | re.DOTALL,
)
NOTHING_WITHOUT_MODEL = (
    "Built-in recognises two kinds of reasons only: that a path is not production, and that a framework protects."
)


def can_teach(finding: Finding) -> bool:
    """Tell whether a person ignored the finding and said enough to learn from."""
    return (
        finding.triage == Triage.IGNORED
        and finding.triage_source == TriageSource.PERSON
        and finding.ignore_reason not in SAYS_NOTHING_OF_CODE
        and len(finding.triage_comment.strip()) >= SHORTEST_COMMENT
    )


def learn_from_ignore(*, finding: Finding, actor: Actor, goes_live: bool) -> Memory | None:
    """Ask whether the reason holds beyond the finding, and keep it as a memory if so. Raise as the gate does.

    `actor` is who ignored it; `goes_live` whether that person may decide about memories.
    """
    with transaction.atomic():
        settings = orgs.selectors.settings_for(finding.project_id)
        is_wanted = settings.is_enabled and settings.customize_with_memories and can_teach(finding)
        rule = finding.rule
    if not is_wanted:
        return None
    prompt = render(
        "memories/learn",
        rule=rule,
        path=finding.path,
        code=finding.matched_lines[:MOST_CODE],
        reason=finding.get_ignore_reason_display(),
        comment=finding.triage_comment,
    )
    answer = providers.gate.ask(
        prompt,
        answer=LearnAnswer,
        without_model=lambda: learn_without_model(finding),
        finding_id=finding.pk,
        project_id=finding.project_id,
    )
    template = template_of(finding.triage_comment) if answer.is_built_in else Template.NONE
    with result_of_job():
        if not answer.value.generalises:
            record(Kind.NOTHING_TO_REMEMBER, actor=ASSISTANT, finding_id=finding.pk, reason=answer.value.because[:200])
            return None
        try:
            return teach(
                text=answer.value.text,
                purpose=PURPOSE_OF_LEARNING,
                scope=_scope(finding, answer.value.path_prefix),
                source=MemorySource.TRIAGE,
                actor=actor,
                goes_live=goes_live,
                finding=finding,
                template=template,
            )
        except (MemoryUnusable, ScopeUnusable) as problem:
            record(Kind.NOTHING_TO_REMEMBER, actor=ASSISTANT, finding_id=finding.pk, reason=str(problem)[:200])
            return None


def _scope(finding: Finding, path_prefix: str) -> Scope:
    """Return the finding's rule and project, narrowed to a folder that the finding really lies in."""
    scope = Scope.of_finding(finding)
    narrowed = Scope(project=scope.project, rule=scope.rule, path_prefix=path_prefix).checked()
    return narrowed if narrowed.holds_for_path(finding.path) else scope


def template_of(comment: str) -> Template:
    """Return which of the two templates a comment means, by its words."""
    if _NOT_PRODUCTION.search(comment):
        return Template.NOT_PRODUCTION
    return Template.FRAMEWORK_PROTECTS if _FRAMEWORK_PROTECTS.search(comment) else Template.NONE


def learn_without_model(finding: Finding) -> LearnAnswer:
    """Return what Built-in makes of a reason: one of the two templates, or nothing."""
    match template_of(finding.triage_comment):
        case Template.NOT_PRODUCTION:
            folder = posixpath.dirname(finding.path)
            return LearnAnswer(
                because="The reason says that the code does not run in production.",
                generalises=True,
                text=f"Code below {folder or finding.path} does not run in production. Somebody said: "
                f"{finding.triage_comment.strip()}",
                path_prefix=folder or finding.path,
            )
        case Template.FRAMEWORK_PROTECTS:
            return LearnAnswer(
                because="The reason says that a framework protects against this.",
                generalises=True,
                text=f"What this rule looks for is prevented by the framework. Somebody said: "
                f"{finding.triage_comment.strip()}",
                path_prefix="",
            )
        case _:
            return LearnAnswer(because=NOTHING_WITHOUT_MODEL, generalises=False, text="", path_prefix="")
