"""What to do before waiting for a network: nobody else should wait for the database meanwhile."""

from __future__ import annotations

from django.conf import settings
from django.db import connection


def let_go_of_connection() -> None:
    """Give the database connection back for the time of a call; eight of them serve 64 threads only so."""
    if connection.in_atomic_block:
        if settings.IS_TEST:
            return  # a test's own transaction is around everything
        raise RuntimeError("nobody outside must be asked inside a transaction")
    connection.close()
