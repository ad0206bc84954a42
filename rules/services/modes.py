"""What rules may do: their modes, of many at once and undone again, and a project's own."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max, QuerySet

from events.kinds import Actor, Kind
from events.models import Event
from events.services import record
from orgs.models import Project
from rules.models import ChangeOf, Mode, Rule, RuleChange, RuleOverride
from rules.services.locking import locked, locked_ids


class SelectionChanged(Exception):
    """The chosen rules are not what they were when they were chosen."""

    def __init__(self) -> None:
        super().__init__("Somebody changed these rules in the meantime, so nothing was done. Look at them again.")


@dataclass(frozen=True)
class Selection:
    """Rules as somebody saw them when they were chosen: their ids, and a stamp of the modes that they had."""

    ids: tuple[int, ...]
    stamp: str

    @property
    def count(self) -> int:
        """How many rules were chosen."""
        return len(self.ids)


@dataclass(frozen=True)
class Undone:
    """What an undoing did: `kept` rules had been changed again since, and stay."""

    restored: int
    kept: int


def freeze(rules: Iterable[Rule]) -> Selection:
    """Return the rules as they are now, to be changed only if they still are so then."""
    ordered = sorted(rules, key=lambda rule: rule.pk)
    return Selection(ids=tuple(rule.pk for rule in ordered), stamp=_stamp(ordered))


def hold(found: QuerySet[Rule]) -> Selection:
    """Return rules as they are, held until the transaction ends, so that they surely still are so when changed."""
    return freeze(locked(found.only("organization_id", "identifier", "mode")))


def _stamp(rules: Sequence[Rule]) -> str:
    seen = ",".join(f"{rule.pk}:{rule.mode}" for rule in rules)
    return hashlib.sha256(seen.encode()).hexdigest()[:32]


def change_modes(*, selection: Selection, mode: Mode, actor: Actor) -> Event | None:
    """Give the chosen rules a mode, which can be undone; None where all of them have it already.

    Raises SelectionChanged where a rule is gone or has another mode than when it was chosen.
    """
    with transaction.atomic():
        found = _locked(selection.ids)
        if _stamp(found) != selection.stamp:
            raise SelectionChanged
        changed = [rule for rule in found if rule.mode != mode]
        if not changed:
            return None
        event = record(
            Kind.RULE_MODES_CHANGED,
            actor=actor,
            count=len(changed),
            before=_in_words(rule.mode for rule in changed),
            after=mode.value,
            rule_id=_only(changed),
        )
        _write(changed, [mode.value] * len(changed), event)
    return event


def undo_modes(*, event: Event, actor: Actor) -> Undone:
    """Give the rules of a change the modes that they had before it, but for those that were changed again since."""
    with transaction.atomic():
        parts = RuleChange.objects.filter(event_id=event.pk, what=ChangeOf.MODE)
        before = dict(parts.values_list("rule_id", "before"))
        found = _locked(list(before))
        latest = dict(
            RuleChange.objects.filter(rule__in=list(before), what=ChangeOf.MODE)
            .values_list("rule_id")
            .annotate(latest=Max("event_id"))
            .order_by()
        )
        own = [rule for rule in found if latest[rule.pk] == event.pk]
        if own:
            undoing = record(
                Kind.RULE_MODES_CHANGED,
                actor=actor,
                count=len(own),
                before=_in_words(rule.mode for rule in own),
                after=_in_words(before[rule.pk] for rule in own),
                undoes=event.pk,
                rule_id=_only(own),
            )
            _write(own, [before[rule.pk] for rule in own], undoing)
    return Undone(restored=len(own), kept=len(before) - len(own))


def set_override(*, rule: Rule, project: Project, mode: Mode, actor: Actor) -> None:
    """Give a rule a mode of its own in a project."""
    _override(rule=rule, project=project, mode=mode, actor=actor)


def remove_override(*, rule: Rule, project: Project, actor: Actor) -> None:
    """Let a rule have the organization's mode in a project again."""
    _override(rule=rule, project=project, mode=None, actor=actor)


def _override(*, rule: Rule, project: Project, mode: Mode | None, actor: Actor) -> None:
    with transaction.atomic():
        _locked([rule.pk])  # two people at once: one after the other
        known = RuleOverride.objects.filter(rule=rule, project=project).first()
        before, after = known.mode if known else "", mode.value if mode else ""
        if before == after:
            return
        if mode is None:
            RuleOverride.objects.filter(rule=rule, project=project).delete()
        else:
            RuleOverride.objects.update_or_create(rule=rule, project=project, defaults={"mode": mode})
        event = record(
            Kind.RULE_OVERRIDE_CHANGED,
            actor=actor,
            rule_id=rule.pk,
            rule=rule.identifier[:200],
            project_id=project.pk,
            project=project.name,
            before=before or "the organization's",
            after=after or "the organization's",
        )
        RuleChange.objects.create(
            rule=rule, project=project, event_id=event.pk, what=ChangeOf.OVERRIDE, before=before, after=after
        )


def _locked(ids: Iterable[int]) -> list[Rule]:
    held = locked_ids(ids).only("organization_id", "identifier", "mode")
    return sorted(held, key=lambda rule: rule.pk)  # as a selection is stamped


def _write(rules: Sequence[Rule], modes: Sequence[str], event: Event) -> None:
    changes = [
        RuleChange(rule=rule, event_id=event.pk, what=ChangeOf.MODE, before=rule.mode, after=mode)
        for rule, mode in zip(rules, modes, strict=True)
    ]
    RuleChange.objects.bulk_create(changes, batch_size=1000)
    for mode in set(modes):
        Rule.objects.filter(pk__in=[change.rule_id for change in changes if change.after == mode]).update(mode=mode)


def _in_words(modes: Iterable[str]) -> str:
    counted = Counter(modes)
    return ", ".join(f"{counted[mode]} {mode}" for mode in Mode.values if counted[mode])


def _only(rules: Sequence[Rule]) -> int | None:
    return rules[0].pk if len(rules) == 1 else None
