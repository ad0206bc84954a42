"""Writing rules: those that reports name, and the text of those that came along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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


def keep_rule_texts(texts: Mapping[str, str]) -> None:
    """Keep the YAML of rules by their identifier, so that fixes can be proved with the very rule."""
    changed = []
    for rule in Rule.objects.filter(identifier__in=list(texts)):
        if rule.yaml != texts[rule.identifier]:
            rule.yaml = texts[rule.identifier]
            changed.append(rule)
    Rule.objects.bulk_update(changed, ["yaml"], batch_size=200)
