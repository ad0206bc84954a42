"""Writing rules: those that reports name, and the text of those that came along."""

from __future__ import annotations

from collections.abc import Iterable

from rules.engine import rule_yaml_for
from rules.engine.files import languages_of
from rules.engine.rule_text import written_rules
from rules.models import Rule

UPDATED_BY_REPORTS = ["message", "severity", "cwe", "owasp", "category", "technology", "help_uri"]


def note_rules(rules: Iterable[Rule]) -> None:
    """Write what a report says of its rules; a mode that people chose, and a text that was uploaded, stay."""
    Rule.objects.bulk_create(
        rules,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["organization", "identifier"],
        update_fields=UPDATED_BY_REPORTS,
    )


def keep_rule_texts(rules_yaml: str, *, identifiers: Iterable[str]) -> int:
    """Keep the text of the rules that a report names, so that fixes can be proved with the very rule.

    A rule that the file does not hold, or not clearly, keeps what it had. Returns how many texts were found.
    """
    found = []
    for rule in Rule.objects.filter(identifier__in=list(identifiers)):
        text = rule_yaml_for(rules_yaml, rule.identifier)
        if text is not None:
            rule.yaml = text
            rule.languages = list(languages_of(written_rules(text)[0]))
            found.append(rule)
    Rule.objects.bulk_update(found, ["yaml", "languages"], batch_size=200)
    return len(found)
