"""Holding rules while they are changed."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.db.models.functions import Collate

from rules.models import Rule


def locked(found: QuerySet[Rule]) -> QuerySet[Rule]:
    """Return rules to be read locked, by name as Python sorts names.

    In one order wherever rules are written, reports included: two writers then wait for each other, never in a circle.
    """
    return found.select_for_update().order_by(Collate("identifier", "C"))


def locked_ids(rule_ids: Iterable[int]) -> QuerySet[Rule]:
    """Return the rules of some ids, to be read locked."""
    return locked(Rule.objects.filter(pk__in=list(rule_ids)))
