"""What is done before waiting for somebody else's server: nothing of the database is held meanwhile."""

from __future__ import annotations

from django.conf import settings
from django.db import connection


def let_go_of_connection(*, waiting_for: str = "another server") -> None:
    """Give the database connection back for the time of a call over the network.

    Eight connections serve 64 threads only so. Raise RuntimeError inside a transaction, which would keep its locks.
    """
    if connection.in_atomic_block:
        if settings.IS_TEST:
            return  # a test's own transaction is around everything
        raise RuntimeError(f"{waiting_for} must not be asked inside a transaction")
    connection.close()
