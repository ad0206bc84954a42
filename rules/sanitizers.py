"""What an organization's own rules accept as making a value safe: the sanitizers of their taint rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ruamel.yaml.error import YAMLError

from rules.engine.rule_text import content_of
from rules.models import Origin, Rule

MOST_RULES_READ = 40
MOST_SANITIZERS = 12
LONGEST_SANITIZER = 300
# Of a list of conditions, those that say what code looks like; what it must not look like tells nobody how to write it.
_LISTS = ("patterns", "pattern-either")


def sanitizers_for(*, cwe: Iterable[str], language: str) -> list[str]:
    """Return the code that imported and written rules of a weakness and language name as sanitizers, each once.

    Patterns as the rules have them, at most 12, those of the newest rules first.
    """
    known = Rule.objects.filter(
        origin__in=[Origin.IMPORTED, Origin.CUSTOM],
        cwe__overlap=list(cwe),
        languages__contains=[language],
        yaml__contains="pattern-sanitizers",
    )
    texts = known.order_by("-pk").values_list("yaml", flat=True)[:MOST_RULES_READ]
    found = dict.fromkeys(pattern for text in texts for pattern in sanitizers_in(text))
    return list(found)[:MOST_SANITIZERS]


def sanitizers_in(rules_yaml: str) -> list[str]:
    """Return the sanitizers that a rules file names; none where it cannot be read."""
    try:
        content = content_of(rules_yaml)
    except (YAMLError, RecursionError):
        return []
    rules = content.get("rules") if isinstance(content, dict) else None
    return [
        pattern
        for rule in (rules if isinstance(rules, list) else [])
        if isinstance(rule, dict)
        for entry in _listed(rule.get("pattern-sanitizers"))
        for pattern in _of_entry(entry)
    ]


def _of_entry(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        return
    effect = " (makes the variable itself safe)" if entry.get("by-side-effect") in (True, "only") else ""
    for pattern in _patterns_in(entry):
        plain = pattern.strip()
        if plain and len(plain) <= LONGEST_SANITIZER:
            yield plain + effect


def _patterns_in(entry: dict[str, Any]) -> Iterator[str]:
    if isinstance(entry.get("pattern"), str):
        yield entry["pattern"]
    for name in _LISTS:
        for inner in _listed(entry.get(name)):
            if isinstance(inner, dict):
                yield from _patterns_in(inner)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
