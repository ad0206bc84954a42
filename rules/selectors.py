"""Reading rules."""

from __future__ import annotations

from collections.abc import Sequence

from lib.languages import GENERIC, language_of
from rules.engine.files import FILE_HEAD
from rules.models import Rule


def yaml_of_rules_for(*, path: str, except_rule: Rule) -> str:
    """Return the text of the other known rules that can match a file, as one rules file; empty where there are none."""
    language = language_of(path)
    known = Rule.objects.exclude(yaml="").exclude(pk=except_rule.pk).values_list("yaml", "languages")
    bodies = [text.removeprefix(FILE_HEAD) for text, languages in known if {language, GENERIC} & set(languages)]
    return FILE_HEAD + "".join(bodies) if bodies else ""


def identifiers(rule_ids: Sequence[int]) -> dict[int, str]:
    """Return the identifiers of rules by their ids."""
    return dict(Rule.objects.filter(pk__in=rule_ids).values_list("pk", "identifier"))
