"""Labels: words by which people group rules."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from events.kinds import Actor, Kind
from events.services import record
from rules.models import ChangeOf, Rule, RuleChange
from rules.services.locking import locked_ids

MOST_LABELS = 20
LONGEST_LABEL = 40


class LabelRefused(Exception):
    """A label cannot be given; the words say why."""


def label_of(text: str) -> str:
    """Return a label as it is kept. Raises LabelRefused."""
    label = " ".join(text.split())
    if not label or len(label) > LONGEST_LABEL or not label.isprintable() or "," in label:
        raise LabelRefused(f"A label has 1 to {LONGEST_LABEL} characters, and no comma.")
    return label


def change_labels(*, rule_ids: Iterable[int], add: Iterable[str] = (), remove: Iterable[str] = (), actor: Actor) -> int:
    """Add labels to rules and take others away; return how many rules changed. Raises LabelRefused, changing none."""
    added = [label_of(label) for label in add]
    removed = {" ".join(label.split()) for label in remove}
    with transaction.atomic():
        chosen = locked_ids(rule_ids)
        changed, changes = [], []
        for rule in chosen.only("organization_id", "identifier", "labels"):
            labels = sorted({*rule.labels, *added} - removed, key=str.casefold)
            if labels == rule.labels:
                continue
            if len(labels) > MOST_LABELS:
                raise LabelRefused(f"{rule.name} would have {len(labels)} labels; a rule has at most {MOST_LABELS}.")
            changes.append((rule, ", ".join(rule.labels)[:300], ", ".join(labels)[:300]))
            rule.labels = labels
            changed.append(rule)
        if not changed:
            return 0
        Rule.objects.bulk_update(changed, ["labels"], batch_size=1000)
        event = record(
            Kind.RULE_LABELS_CHANGED,
            actor=actor,
            count=len(changed),
            added=", ".join(added)[:200],
            removed=", ".join(sorted(removed))[:200],
        )
        RuleChange.objects.bulk_create(
            [
                RuleChange(rule=rule, event_id=event.pk, what=ChangeOf.LABELS, before=before, after=after)
                for rule, before, after in changes
            ],
            batch_size=1000,
        )
    return len(changed)
