"""Whose work this is: one organization at a time, in a context variable.

No models here, so that the database backend can use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[int | None] = ContextVar("current_organization_id", default=None)

ORGANIZATION_SETTING = "app.current_org"

# The database layer hears of a change of scope inside an open transaction; set by tenancy.backend on import.
_listeners: list[Callable[[int | None], None]] = []


class NoOrganization(RuntimeError):
    """A tenant's rows were asked for before anyone said whose work this is."""

    def __init__(self) -> None:
        super().__init__("no organization in scope: wrap this in tenancy.scope.acting_for(organization_id)")


def current_organization_id() -> int:
    """Return the organization in scope, or raise NoOrganization."""
    organization_id = _current.get()
    if organization_id is None:
        raise NoOrganization
    return organization_id


def organization_id_or_none() -> int | None:
    """Return the organization in scope, None outside any."""
    return _current.get()


@contextmanager
def acting_for(organization_id: int) -> Iterator[None]:
    """Do the work inside for one organization: managers filter by it, and PostgreSQL's policies compare with it.

    Nests: the outer organization is in force again afterwards, also in a transaction that is open across both.
    """
    token = _current.set(organization_id)
    _tell(organization_id)
    try:
        yield
    finally:
        _current.reset(token)
        _tell(_current.get())


def on_change(listener: Callable[[int | None], None]) -> None:
    """Register what must hear of every change of scope."""
    _listeners.append(listener)


def _tell(organization_id: int | None) -> None:
    for listener in _listeners:
        listener(organization_id)
