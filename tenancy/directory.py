"""The few reads and writes that cross organizations: who a token, a person or a waiting Job belongs to.

Only here, and in the modules that a test lists (tests/contract/test_tenancy.py), may a query see more than one
organization. PostgreSQL agrees: the role assumed has rights on the directory's tables and on no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Q

from tenancy.models import Organization


@contextmanager
def across_organizations() -> Iterator[None]:
    """Run the work inside in a transaction as the directory's role.

    `SET LOCAL ROLE` in the transaction, rather than a second pool of connections: half the connections, and the
    change is undone by the end of the transaction whatever happens (docs/decisions/0001).
    """
    before: str | None = None
    is_nested = connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            if is_nested:
                cursor.execute("SELECT current_user::text")
                before = cursor.fetchone()[0]
            _take_role(cursor, settings.DATABASE_SYSTEM_ROLE)
        yield
        # Else the end of the transaction takes it back; after an exception the rollback does.
        if before is not None:
            with connection.cursor() as cursor:
                _take_role(cursor, before)


def _take_role(cursor: CursorWrapper, role: str) -> None:
    cursor.execute("SELECT set_config('role', %s, true)", [role])  # SET LOCAL ROLE, which takes no parameter


def organization_by_slug(slug: str) -> Organization | None:
    """Return the organization of an address, None where there is none."""
    with across_organizations():
        return Organization.objects.filter(slug=slug).first()


def organizations_with_due_week(now: datetime) -> list[int]:
    """Return the ids of organizations whose week of priorities is to be looked at by now."""
    with across_organizations():
        due = Organization.objects.filter(Q(priorities_due_at=None) | Q(priorities_due_at__lte=now))
        return list(due.order_by("pk").values_list("pk", flat=True))


def organization_ids() -> list[int]:
    """Return the ids of all organizations, for what the operator does to each in turn."""
    with across_organizations():
        return list(Organization.objects.order_by("pk").values_list("pk", flat=True))
