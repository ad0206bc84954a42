"""Pages that begin behind a row instead of counting rows.

The thousandth page costs what the first one does, and a row that comes or goes in between moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page(Generic[M]):
    """Some rows in the order of the list, and whether there are more after and before them."""

    rows: list[M]
    has_next: bool
    has_previous: bool


def page_from(rows: QuerySet[M], *, size: int, is_first: bool) -> Page[M]:
    """Return the first rows of what lies behind where the page begins."""
    found = list(rows[: size + 1])
    return Page(found[:size], has_next=len(found) > size, has_previous=not is_first)


def page_up_to(rows: QuerySet[M], *, size: int) -> Page[M]:
    """Return the last rows of what lies before where the page ends."""
    found = list(rows.reverse()[: size + 1])
    return Page(found[:size][::-1], has_next=bool(found), has_previous=len(found) > size)
