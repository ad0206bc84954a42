"""Rules that people bring: kept with their texts at once, read by the engine in a Job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from ruamel.yaml.error import YAMLError

from events.kinds import Actor, Kind
from events.models import Event
from events.services import record
from lib.rule_words import confidence_of, cwe_in, owasp_in, text_of, texts_of
from rules import selectors
from rules.engine.files import languages_of
from rules.engine.rule_text import Unreadable, WrittenRule, as_file, content_of, written_rules
from rules.models import ChangeOf, ImportedRule, Origin, Outcome, Rule, RuleChange, RuleImport, Severity
from rules.services.locking import locked

MOST_RULES = 5_000
MOST_PROBLEMS = 200
LONGEST_IDENTIFIER = 500
LONGEST_RULE = 500_000
LONGEST_LANGUAGE = 30

SEVERITY_OF_WORD = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "error": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "warning": Severity.MEDIUM,
    "low": Severity.LOW,
    "info": Severity.LOW,
    "inventory": Severity.LOW,
    "experiment": Severity.LOW,
}
FROM_TEXT = ["message", "severity", "cwe", "owasp", "category", "technology", "help_uri", "confidence", "languages"]
WRITTEN_HERE = "A rule of this name is written here; change it in its editor."
NAMED_TWICE = "Another rule of the import has this name, too; the first one counts."


@dataclass
class _Brought:
    """What the files hold: the rules by their names, and what could not be read."""

    rules: dict[str, Rule] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def import_rules(*, source: str, files: Iterable[tuple[str, str]], actor: Actor) -> RuleImport:
    """Keep the rules of some files (path, text), each under its own name, and owe their reading by the engine.

    What is no rule is left out and said so in the import's entries and problems; it keeps no other rule out.
    """
    brought = _read(files)
    with transaction.atomic():
        rule_import = RuleImport.objects.create(
            source=source[:200], imported_by=actor.name[:200], problems=brought.problems
        )
        known = _known(brought)
        entries = [_entry(rule_import, known[name], rule) for name, rule in brought.rules.items()]
        kept = [entry.rule for entry in entries if entry.rule and entry.outcome in {Outcome.ADDED, Outcome.UPDATED}]
        # Ten times as fast as an update of so many columns. The rows are there and locked, so nothing is inserted.
        Rule.objects.bulk_create(
            kept,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["organization", "identifier"],
            update_fields=["yaml", "objection", "checked_at", "origin", *FROM_TEXT],
        )
        for identifier, problem in brought.left_out:
            entries.append(
                ImportedRule(
                    rule_import=rule_import, identifier=identifier, outcome=Outcome.LEFT_OUT, problem=problem[:500]
                )
            )
        ImportedRule.objects.bulk_create(entries, batch_size=1000)
        if kept:
            event = record(
                Kind.RULES_IMPORTED,
                actor=actor,
                count=len(kept),
                import_id=rule_import.pk,
                added=sum(entry.outcome == Outcome.ADDED for entry in entries),
                updated=sum(entry.outcome == Outcome.UPDATED for entry in entries),
            )
            _remember(entries, event)
    return rule_import


def _known(brought: _Brought) -> dict[str, Rule]:
    """The rows of the names, made where there is none, locked. New ones have no text yet."""
    names = sorted(brought.rules)
    present = set(Rule.objects.filter(identifier__in=names).values_list("identifier", flat=True))
    mode = selectors.policy_settings().default_mode
    new = [Rule(identifier=name, mode=mode, origin=Origin.IMPORTED) for name in names if name not in present]
    # A scan that names the rule at this moment may be first.
    Rule.objects.bulk_create(new, batch_size=500, ignore_conflicts=True)
    return {rule.identifier: rule for rule in locked(Rule.objects.filter(identifier__in=names))}


def _entry(rule_import: RuleImport, known: Rule, brought: Rule) -> ImportedRule:
    entry = ImportedRule(rule_import=rule_import, rule=known, identifier=known.identifier)
    if known.origin == Origin.CUSTOM:
        entry.outcome, entry.problem = Outcome.LEFT_OUT, WRITTEN_HERE
    elif known.yaml == brought.yaml and known.origin == Origin.IMPORTED:
        entry.outcome = Outcome.UNCHANGED
    else:
        entry.outcome = Outcome.UPDATED if known.yaml else Outcome.ADDED
        for name in ("yaml", *FROM_TEXT):
            setattr(known, name, getattr(brought, name))
        known.origin, known.objection, known.checked_at = Origin.IMPORTED, "", None
    return entry


def _remember(entries: list[ImportedRule], event: Event) -> None:
    RuleChange.objects.bulk_create(
        [
            RuleChange(rule=entry.rule, event_id=event.pk, what=ChangeOf.TEXT, after=entry.outcome)
            for entry in entries
            if entry.rule and entry.outcome in {Outcome.ADDED, Outcome.UPDATED}
        ],
        batch_size=1000,
    )


def _read(files: Iterable[tuple[str, str]]) -> _Brought:
    brought = _Brought()
    for path, text in files:
        try:
            written = written_rules(text.replace("\0", ""))
        except (Unreadable, RecursionError) as problem:
            line = getattr(problem, "line", None)
            _complain(brought, f"{path}{f', line {line}' if line else ''}: {problem}")
            continue
        for rule in written:
            if len(brought.rules) >= MOST_RULES:
                _complain(brought, f"An import takes {MOST_RULES:,} rules; what came after them was left out.")
                return brought
            _take(brought, rule, text.replace("\0", ""))
    return brought


def _take(brought: _Brought, written: WrittenRule, text: str) -> None:
    name = written.identifier
    if len(name) > LONGEST_IDENTIFIER or not name.isprintable():
        brought.left_out.append((text_of(name, limit=LONGEST_IDENTIFIER), "Its name is too long, or unprintable."))
        return
    if name in brought.rules:
        brought.left_out.append((name, NAMED_TWICE))
        return
    try:
        own = as_file(written, text)
        said = content_of(own)["rules"][0]
    except (YAMLError, RecursionError, ValueError, TypeError, LookupError) as problem:
        brought.left_out.append((name, f"It cannot be read: {problem}"))
        return
    if len(own) > LONGEST_RULE:
        brought.left_out.append((name, f"It is longer than {LONGEST_RULE:,} characters."))
        return
    brought.rules[name] = _described(name, own, said, languages_of(written))


def _described(name: str, own: str, said: Mapping[str, Any], languages: tuple[str, ...]) -> Rule:
    metadata = said.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return Rule(
        identifier=name,
        yaml=own,
        languages=[language[:LONGEST_LANGUAGE] for language in languages],
        message=text_of(said.get("message"), limit=10_000).strip(),
        severity=SEVERITY_OF_WORD.get(str(said.get("severity", "")).lower(), Severity.MEDIUM),
        cwe=list(cwe_in(texts_of(metadata.get("cwe")))),
        owasp=list(owasp_in(texts_of(metadata.get("owasp")))),
        category=text_of(metadata.get("category"), limit=60).lower(),
        technology=list(texts_of(metadata.get("technology"), limit=60)),
        help_uri=text_of(metadata.get("source"), limit=1000),
        confidence=confidence_of(metadata.get("confidence")),
    )


def _complain(brought: _Brought, problem: str) -> None:
    if len(brought.problems) < MOST_PROBLEMS:
        brought.problems.append(text_of(problem, limit=500))


def remove_text(*, rule: Rule, actor: Actor) -> bool:
    """Take an imported rule away: it is not delivered any more, and its findings stay until a full scan misses them.

    Returns whether the rule is gone from the list as well, which it is where it never found anything.
    """
    with transaction.atomic():
        rule = Rule.objects.select_for_update().get(pk=rule.pk)
        if rule.origin != Origin.IMPORTED:
            raise NotImported
        event = record(Kind.RULE_REMOVED, actor=actor, rule_id=rule.pk, rule=rule.identifier[:200])
        if not rule.findings.exists():
            rule.delete()
            return True
        rule.yaml, rule.delivered, rule.objection, rule.languages = "", "", "", []
        rule.origin, rule.checked_at = Origin.REPORTED, None
        rule.save(update_fields=["yaml", "delivered", "objection", "languages", "origin", "checked_at"])
        RuleChange.objects.create(rule=rule, event_id=event.pk, what=ChangeOf.TEXT, after="removed")
    return False


class NotImported(Exception):
    """The rule was not imported, so there is no text to take away."""

    def __init__(self) -> None:
        super().__init__("Only an imported rule can be removed. Disable this one instead.")
