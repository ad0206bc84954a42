"""From an ignored finding to a memory: whether the person's reason holds beyond it."""

from __future__ import annotations

import posixpath
import re

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

import orgs.selectors
import providers.gate
from events.kinds import ASSISTANT, Actor, Kind
from events.services import record, result_of_job
from findings.models import BulkTriage, Finding, IgnoreReason, Triage, TriageSource
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
KNOWN_ALREADY = "The Assistant knew this already."
NO_ANSWER = "The AI provider gave no answer, so nothing was learned."
NOTHING_WITHOUT_MODEL = (
    "Built-in recognises two kinds of reasons only: that a path is not production, and that a framework protects."
)


def can_teach(finding: Finding) -> bool:
    """Tell whether a person ignored the finding and said enough, in words of their own, to learn from."""
    if (
        finding.triage != Triage.IGNORED
        or finding.triage_source != TriageSource.PERSON
        or finding.ignore_reason in SAYS_NOTHING_OF_CODE
        or len(finding.triage_comment.strip()) < SHORTEST_COMMENT
    ):
        return False
    # Who agrees without a word takes over the Assistant's; from itself it learns nothing.
    return not Finding.objects.filter(pk=finding.pk, verdicts__explanation=finding.triage_comment).exists()


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
    answer = providers.gate.ask_or_stand_in(
        prompt,
        answer=LearnAnswer,
        without_model=lambda: learn_without_model(finding),
        finding_id=finding.pk,
        project_id=finding.project_id,
    )
    template = template_of(finding.triage_comment) if answer.is_built_in else Template.NONE
    with result_of_job():
        if not answer.value.generalises:
            note_nothing(finding=finding, why=answer.value.because)
            return None
        before = timezone.now()
        try:
            memory = teach(
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
            note_nothing(finding=finding, why=str(problem))
            return None
        if memory.changed_at < before:  # the same was taught before
            note_nothing(finding=finding, why=KNOWN_ALREADY, memory_id=memory.pk)
    return memory


def note_nothing(*, finding: Finding, why: str, memory_id: int | None = None) -> None:
    """Note that a finding taught nothing new, so that the page can say why. Needs a transaction."""
    known = {"memory_id": memory_id} if memory_id is not None else {}
    record(Kind.NOTHING_TO_REMEMBER, actor=ASSISTANT, finding_id=finding.pk, reason=why[:200], **known)


def example_of_bulk(bulk_id: int) -> Finding | None:
    """Return the worst finding of the rule and project that a decision about many was about most.

    None where it did not ignore, or was taken back.
    """
    bulk = BulkTriage.objects.filter(pk=bulk_id, triage=Triage.IGNORED, undone_at=None).first()
    if bulk is None:
        return None
    chosen = Finding.objects.filter(bulk_changes__bulk=bulk).order_by()
    most = chosen.values("project_id", "rule_id").annotate(count=Count("pk")).order_by("-count", "rule_id").first()
    if most is None:
        return None
    of_most = chosen.filter(project_id=most["project_id"], rule_id=most["rule_id"])
    return of_most.select_related("rule", "project").order_by("-severity", "pk").first()


def _scope(finding: Finding, path_prefix: str) -> Scope:
    """Return the finding's rule and project, narrowed to a folder that the finding really lies in."""
    scope = Scope.of_finding(finding)
    try:
        narrowed = Scope(project=scope.project, rule=scope.rule, path_prefix=path_prefix).checked()
    except ScopeUnusable:  # a model's idea of a path; what it says still holds for the rule in the project
        return scope
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
