"""Reading rules."""

from __future__ import annotations

from lib.languages import GENERIC, language_of
from rules.engine import bundle
from rules.models import Rule


def yaml_of_rules_for(*, path: str, except_rule: Rule) -> str:
    """Return the text of the other known rules that can match a file, as one rules file; empty where there are none."""
    language = language_of(path)
    if language == GENERIC:
        return ""
    texts = Rule.objects.exclude(yaml="").exclude(pk=except_rule.pk).values_list("yaml", flat=True)
    return bundle(list(texts), language=language)
