"""Pages of a list: opaque cursors, and the addresses of the neighbouring pages."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import F, Model, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

M = TypeVar("M", bound=Model)

DEFAULT_PAGE_SIZE = 100
LARGEST_PAGE = 200
LONGEST_CURSOR = 1000

CURSOR = OpenApiParameter("cursor", str, description="Where the page begins: take it from `next` or `previous`.")
PAGE_SIZE = OpenApiParameter("page_size", int, description=f"1 to {LARGEST_PAGE}; {DEFAULT_PAGE_SIZE} if not given.")
PAGED = (CURSOR, PAGE_SIZE)


@dataclass(frozen=True)
class Position:
    """The row a page begins behind, or ends before."""

    is_before: bool
    values: tuple[Any, ...]

    def __str__(self) -> str:
        packed = json.dumps([int(self.is_before), *self.values], separators=(",", ":"))
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def position_of(request: Request, *shape: type) -> Position | None:
    """Return where the page of a request begins, None for the first. Refuses what is no cursor of this shape."""
    text = request.query_params.get("cursor", "")
    if not text:
        return None
    refused = ValidationError({"cursor": ["This is no cursor of this list. Take it from `next` or `previous`."]})
    if len(text) > LONGEST_CURSOR:
        raise refused
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError) as problem:
        raise refused from problem
    if not isinstance(found, list) or len(found) != len(shape) + 1 or found[0] not in (0, 1):
        raise refused
    values = tuple(found[1:])
    if not all(_fits(value, kind) for value, kind in zip(values, shape, strict=True)):
        raise refused
    return Position(bool(found[0]), values)


def _fits(value: Any, kind: type) -> bool:
    if kind is int:
        return type(value) is int and 0 <= value < 2**63
    return isinstance(value, str) and "\0" not in value


def size_of(request: Request, *, default: int = DEFAULT_PAGE_SIZE, largest: int = LARGEST_PAGE) -> int:
    """Return how many rows a page of the request has."""
    return number_of(request, "page_size", default=default, smallest=1, largest=largest)


def number_of(request: Request, name: str, *, default: int, smallest: int, largest: int) -> int:
    """Return a whole number of the query. Refuses others, and those out of bounds."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19 and smallest <= int(text) <= largest):  # noqa: PLR2004
        raise ValidationError({name: [f"Use a whole number from {smallest} to {largest}."]})
    return int(text)


@dataclass(frozen=True)
class Page:
    """Some rows, with where the neighbouring pages begin (None: there is none)."""

    rows: list[Any]
    after: Position | None
    before: Position | None


def page_of(
    rows: QuerySet[M],
    request: Request,
    *,
    order: tuple[tuple[str, type], ...],
    is_descending: bool,
    size: int,
    skipped: int = 0,
) -> Page:
    """Return the page that a request asks for, of rows in the order of these columns, the last of them unique.

    Begins behind a row instead of counting rows: the thousandth page costs what the first one does, and what comes or
    goes in between moves nothing. `skipped` rows are left out before a page without a cursor, for numbered pages.
    """
    names = [name for name, _ in order]
    position = position_of(request, *(kind for _, kind in order))
    is_before = position is not None and position.is_before
    if position is not None:
        rows = rows.filter(_behind(names, position.values, is_greater=is_descending is is_before))
    directed = [f"-{name}" if is_descending is not is_before else name for name in names]
    start = 0 if position is not None else skipped
    found = list(rows.order_by(*directed)[start : start + size + 1])
    has_more, found = len(found) > size, found[:size]
    if is_before:
        found.reverse()
    has_next = bool(found) if is_before else has_more
    has_previous = has_more if is_before else (position is not None or start > 0) and bool(found)
    return Page(
        rows=found,
        after=_at(found[-1], names, is_before=False) if has_next else None,
        before=_at(found[0], names, is_before=True) if has_previous else None,
    )


def _behind(names: list[str], values: tuple[Any, ...], *, is_greater: bool) -> Any:
    if len(names) == 1:
        return Q(**{f"{names[0]}__{'gt' if is_greater else 'lt'}": values[0]})
    columns = Tuple(*(F(name) for name in names))
    return TupleGreaterThan(columns, values) if is_greater else TupleLessThan(columns, values)


def _at(row: Model, names: list[str], *, is_before: bool) -> Position:
    return Position(is_before, tuple(getattr(row, name) for name in names))


def answer(request: Request, name: str, rows: Collection[Any], page: Page, **more: Any) -> Response:
    """Answer a page under the name of its resource, with the addresses of its neighbours in body and `Link` header."""
    addresses = {"next": _address(request, page.after), "previous": _address(request, page.before)}
    relations = {"next": "next", "previous": "prev"}
    link = ", ".join(f'<{address}>; rel="{relations[key]}"' for key, address in addresses.items() if address)
    headers = {"Link": link} if link else None
    return Response({name: rows, **addresses, **more}, headers=headers)


def _address(request: Request, position: Position | None) -> str | None:
    if position is None:
        return None
    kept = [(key, value) for key, values in request.query_params.lists() for value in values]
    pairs = [(key, value) for key, value in kept if key not in {"cursor", "page"}]
    return request.build_absolute_uri(f"{request.path}?{urlencode([*pairs, ('cursor', str(position))])}")
