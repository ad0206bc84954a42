"""Writing rules: those that reports name, and the text of those that came along."""

from __future__ import annotations

from collections.abc import Iterable

from rules.engine.files import languages_of
from rules.engine.rule_text import Unreadable, rule_texts_for, written_rules
from rules.models import Rule

UPDATED_BY_REPORTS = ["message", "severity", "cwe", "owasp", "category", "technology", "help_uri"]


class RuleFileUnusable(Exception):
    """A file of rules cannot be read; the text says why, for whoever uploaded it."""


def note_rules(rules: Iterable[Rule]) -> None:
    """Write what a report says of its rules; a mode that people chose, and a text that was uploaded, stay."""
    reported = {rule.identifier: rule for rule in rules}
    known = {rule.identifier: rule for rule in Rule.objects.filter(identifier__in=list(reported))}
    changed = [rule for rule in reported.values() if not _says_the_same(rule, known.get(rule.identifier))]
    Rule.objects.bulk_create(
        # In one order, so that two scans of an organization at once do not wait for each other in a circle.
        sorted(changed, key=lambda rule: rule.identifier),
        batch_size=500,
        update_conflicts=True,
        unique_fields=["organization", "identifier"],
        update_fields=UPDATED_BY_REPORTS,
    )


def _says_the_same(rule: Rule, known: Rule | None) -> bool:
    return known is not None and all(getattr(rule, name) == getattr(known, name) for name in UPDATED_BY_REPORTS)


def keep_rule_texts(rules_yaml: str, *, identifiers: Iterable[str]) -> int:
    """Keep the text of the rules that a report names, so that fixes can be proved with the very rule.

    A rule that the file does not hold, or not clearly, keeps what it had. Returns how many texts were found; raises
    RuleFileUnusable.
    """
    try:
        texts = rule_texts_for(rules_yaml, identifiers)
    except (Unreadable, RecursionError) as problem:
        raise RuleFileUnusable(str(problem)) from problem
    known = Rule.objects.filter(identifier__in=list(texts)).order_by("pk")
    found = [rule for rule in known if rule.yaml != texts[rule.identifier]]
    for rule in found:
        rule.yaml = texts[rule.identifier]
        rule.languages = list(languages_of(written_rules(rule.yaml)[0]))
    Rule.objects.bulk_update(found, ["yaml", "languages"], batch_size=200)
    return len(texts)
