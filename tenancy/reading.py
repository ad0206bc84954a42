"""Reading much of one organization, for somebody who takes it slowly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet

from tenancy.scope import acting_for

M = TypeVar("M", bound=Model)


def read_through(rows: Callable[[], QuerySet[M]], *, organization_id: int, together: int) -> Iterator[M]:
    """Yield the rows of a query, newest id first, reading so many together.

    Holds no transaction, and leaves nobody in the organization's scope, while the reader takes its time.
    """
    last: int | None = None
    while True:
        with acting_for(organization_id), transaction.atomic():
            newest_first = rows().order_by("-pk")
            batch = list((newest_first if last is None else newest_first.filter(pk__lt=last))[:together])
        yield from batch
        if len(batch) < together:
            return
        last = batch[-1].pk
