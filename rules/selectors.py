"""Reading rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

import events.selectors
from events.kinds import Kind
from events.models import Event
from lib.languages import GENERIC, language_of
from rules.engine.files import FILE_HEAD
from rules.listing import with_delivery
from rules.models import ImportedRule, Mode, PolicySettings, Rule, RuleChange, RuleImport, RuleOverride


def yaml_of_rules_for(*, path: str, except_rule: Rule) -> str:
    """Return the text of the other known rules that can match a file, as one rules file; empty where there are none."""
    language = language_of(path)
    known = Rule.objects.exclude(yaml="").exclude(pk=except_rule.pk).values_list("yaml", "languages")
    bodies = [text.removeprefix(FILE_HEAD) for text, languages in known if {language, GENERIC} & set(languages)]
    return FILE_HEAD + "".join(bodies) if bodies else ""


def identifiers(rule_ids: Sequence[int]) -> dict[int, str]:
    """Return the identifiers of rules by their ids."""
    return dict(Rule.objects.filter(pk__in=rule_ids).values_list("pk", "identifier"))


def ids_of(identifiers: Sequence[str]) -> list[int]:
    """Return the ids of the rules with these identifiers, of those that are known."""
    return list(Rule.objects.filter(identifier__in=identifiers).values_list("pk", flat=True))


def ids_where(*, categories: Sequence[str], confidence: Sequence[str], modes: Sequence[str]) -> list[int]:
    """Return the ids of the rules of some categories, confidences and modes; an empty sequence allows every one."""
    conditions = {"category__in": categories, "confidence__in": confidence, "mode__in": modes}
    chosen = Rule.objects.filter(**{name: values for name, values in conditions.items() if values})
    return list(chosen.values_list("pk", flat=True))


def policy_settings() -> PolicySettings:
    """Return how the organization in scope treats rules in general, with the defaults where nothing was saved."""
    return PolicySettings.objects.first() or PolicySettings()


def mode_in(project_id: int | None) -> Coalesce:
    """Return the expression for a rule's mode in a project: the project's own, or else the organization's."""
    override = RuleOverride.objects.filter(project=project_id, rule=OuterRef("pk")).values("mode")[:1]
    return Coalesce(Subquery(override), "mode")


def mode_of_rule_in(project_id: int) -> Subquery:
    """Return the same expression for rows that have a rule."""
    rule = Rule.objects.filter(pk=OuterRef("rule"))
    return Subquery(rule.annotate(mode_here=mode_in(project_id)).values("mode_here"))


def ids_in_block_mode(project_id: int) -> QuerySet[Any, Any]:
    """Return the ids of the rules whose findings block a CI job of a project, as a subquery."""
    return Rule.objects.annotate(mode_here=mode_in(project_id)).filter(mode_here=Mode.BLOCK).values("pk")


def identifiers_in_block_mode(project_id: int) -> set[str]:
    """Return the identifiers of the rules whose findings block a CI job of a project."""
    return set(
        Rule.objects.annotate(mode_here=mode_in(project_id))
        .filter(mode_here=Mode.BLOCK)
        .values_list("identifier", flat=True)
    )


def delivered_to(project_id: int | None) -> list[str]:
    """Return the rules that `semgrep ci` is given, each as one JSON object that the engine has accepted."""
    delivered = (
        Rule.objects.annotate(mode_here=mode_in(project_id)).exclude(mode_here=Mode.DISABLED).exclude(delivered="")
    )
    return list(delivered.order_by("identifier").values_list("delivered", flat=True))


def known() -> QuerySet[Rule]:
    """Return the organization's rules with `delivery_state`."""
    return with_delivery(Rule.objects.all())


def without_delivery(rule_ids: Sequence[int]) -> int:
    """Return how many of some rules have no text that the engine has accepted."""
    return Rule.objects.filter(pk__in=list(rule_ids), delivered="").count()


def override_counts(rule_ids: Sequence[int], *, project_ids: Iterable[int] | None = None) -> dict[int, int]:
    """Return in how many projects each of the rules has a mode of its own, where it has."""
    own = RuleOverride.objects.filter(rule__in=list(rule_ids))
    if project_ids is not None:
        own = own.filter(project__in=list(project_ids))
    return dict(own.values_list("rule_id").annotate(number=Count("pk")).order_by())


def overrides_of(rule: Rule, *, project_ids: Iterable[int] | None = None) -> QuerySet[RuleOverride]:
    """Return the projects in which a rule has a mode of its own, by name."""
    own = RuleOverride.objects.filter(rule=rule).select_related("project").order_by("project__name")
    return own if project_ids is None else own.filter(project__in=list(project_ids))


def overrides_in(project_id: int) -> QuerySet[RuleOverride]:
    """Return the rules that have a mode of their own in a project, by name."""
    return RuleOverride.objects.filter(project=project_id).select_related("rule").order_by("rule__identifier")


def overrides_among(rule_ids: Sequence[int]) -> QuerySet[RuleOverride]:
    """Return what projects have decided themselves about some rules, with rule and project."""
    own = RuleOverride.objects.filter(rule__in=list(rule_ids)).select_related("rule", "project")
    return own.order_by("project__name", "rule__identifier")


def changes_of(rule: Rule, *, project_ids: Iterable[int] | None = None) -> QuerySet[RuleChange]:
    """Return what people changed of a rule, newest first."""
    made = RuleChange.objects.filter(rule=rule).select_related("project").order_by("-pk")
    return made if project_ids is None else made.filter(Q(project=None) | Q(project__in=list(project_ids)))


def imports() -> QuerySet[RuleImport]:
    """Return the imports of rules, newest first."""
    return RuleImport.objects.order_by("-pk")


def entries_of(rule_import: RuleImport) -> QuerySet[ImportedRule]:
    """Return the rules of an import, by name, each with what the engine says of it."""
    return ImportedRule.objects.filter(rule_import=rule_import).select_related("rule").order_by("identifier", "pk")


def change_of_modes(event_id: int) -> Event | None:
    """Return a change of modes, which can be undone; None where there is no such one."""
    return events.selectors.of_kind(Kind.RULE_MODES_CHANGED).filter(pk=event_id).first()
