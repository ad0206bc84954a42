"""Reading rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from lib.languages import GENERIC, language_of
from rules.engine.files import FILE_HEAD
from rules.models import Mode, PolicySettings, Rule, RuleOverride


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


def policy_settings() -> PolicySettings:
    """Return how the organization in scope treats rules in general, with the defaults where nothing was saved."""
    return PolicySettings.objects.first() or PolicySettings()


def mode_in(project_id: int | None) -> Coalesce:
    """Return the expression for a rule's mode in a project: the project's own, or else the organization's."""
    override = RuleOverride.objects.filter(project=project_id, rule=OuterRef("pk")).values("mode")[:1]
    return Coalesce(Subquery(override), "mode")


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
