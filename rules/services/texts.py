"""Writing rules: those that reports name, and the text of those that came along."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from events.kinds import SYSTEM, Actor, Kind
from events.services import record, result_of_job
from rules import delivery, selectors
from rules.engine.files import languages_of
from rules.engine.rule_text import Unreadable, rule_texts_for, written_rules
from rules.models import Origin, Rule

UPDATED_BY_REPORTS = ["message", "severity", "cwe", "owasp", "category", "technology", "help_uri", "confidence"]


class RuleFileUnusable(Exception):
    """A file of rules cannot be read; the text says why, for whoever uploaded it."""


def note_rules(rules: Iterable[Rule]) -> None:
    """Write what a report says of its rules; one not seen before starts in the organization's default mode.

    What people decided stays: the mode, the labels, and all that the text of a rule says where people brought one.
    """
    reported = {rule.identifier: rule for rule in rules}
    default_mode = selectors.policy_settings().default_mode
    known = {rule.identifier: rule for rule in Rule.objects.filter(identifier__in=list(reported))}
    changed = [rule for rule in reported.values() if not _says_the_same(rule, known.get(rule.identifier))]
    for rule in changed:
        rule.mode = default_mode  # of new ones: what is known keeps its mode
    Rule.objects.bulk_create(
        # In one order, so that two scans of an organization at once do not wait for each other in a circle.
        sorted(changed, key=lambda rule: rule.identifier),
        batch_size=500,
        update_conflicts=True,
        unique_fields=["organization", "identifier"],
        update_fields=UPDATED_BY_REPORTS,
    )


def _says_the_same(rule: Rule, known: Rule | None) -> bool:
    if known is None:
        return False
    # A report gives the message of one match; the text has the rule's own.
    return known.origin != Origin.REPORTED or all(
        getattr(rule, name) == getattr(known, name) for name in UPDATED_BY_REPORTS
    )


def keep_rule_texts(rules_yaml: str, *, identifiers: Iterable[str], actor: Actor) -> int:
    """Keep the text of the rules that a report names, so that fixes can be proved with the very rule.

    A rule that the file does not hold, or not clearly, keeps what it had. Returns how many texts were found; raises
    RuleFileUnusable. Needs a transaction.
    """
    try:
        texts = rule_texts_for(rules_yaml, identifiers)
    except (Unreadable, RecursionError) as problem:
        raise RuleFileUnusable(str(problem)) from problem
    # What is written here is changed here.
    known = Rule.objects.filter(identifier__in=list(texts)).exclude(origin=Origin.CUSTOM).order_by("pk")
    found = [rule for rule in known if rule.yaml != texts[rule.identifier]]
    for rule in found:
        rule.yaml = texts[rule.identifier]
        rule.languages = list(languages_of(written_rules(rule.yaml)[0]))
        # What was delivered before is, until the engine has read this.
        rule.objection, rule.checked_at = "", None
        rule.origin = Origin.IMPORTED
    Rule.objects.bulk_update(found, ["yaml", "languages", "objection", "checked_at", "origin"], batch_size=200)
    if found:
        record(Kind.RULES_IMPORTED, actor=actor, count=len(found))
    return len(texts)


def check_texts() -> int:
    """Have the engine read every text that it has not read yet, so that what it accepts is delivered to `semgrep ci`.

    Returns how many were read. Raises EngineError where the engine cannot be asked.
    """
    with transaction.atomic():
        unread = list(Rule.objects.filter(checked_at=None).exclude(yaml="").order_by("pk"))
    delivery.check(unread)
    now = timezone.now()
    with result_of_job():
        for rule in unread:
            # Where the text has changed meanwhile, it is read again.
            same = Rule.objects.filter(pk=rule.pk, yaml=rule.yaml, checked_at=None)
            if rule.objection:
                same.update(objection=rule.objection, checked_at=now)
            else:
                same.update(delivered=rule.delivered, objection="", checked_at=now)
        refused = [rule.identifier for rule in unread if rule.objection]
        if refused:
            record(Kind.RULES_REFUSED, actor=SYSTEM, count=len(refused), rules=", ".join(refused)[:200])
    return len(unread)
