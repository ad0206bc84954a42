"""A database for one analysis: made, used and gone, whatever ends the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import caches
from django.core.management import call_command
from django.db import connections

import events.services
from assistant_platform.embedded.ephemeral import ephemeral_servers
from assistant_platform.pipeline import FOLLOWERS
from lib.environment import database_parts


@contextmanager
def throw_away_servers() -> Iterator[None]:
    """Run PostgreSQL and Valkey for this process alone, whatever the settings name, with the tables made.

    Starting takes about a second and the tables three more (measured); nothing is kept between runs, so that no run can
    meet what another left. Raises StartError.
    """
    with ephemeral_servers() as urls:
        parts = database_parts(urls.database_url)
        for alias in connections:
            connections.settings[alias].update(parts)  # read when a thread opens its first connection
        caches.settings["default"]["LOCATION"] = urls.redis_url
        # Jobs are drained in this process: there is no worker to wake.
        events.services.set_followers(FOLLOWERS, wake_dispatcher=_nobody)
        try:
            call_command("migrate", verbosity=0)
            yield
        finally:
            for connection in connections.all(initialized_only=True):
                connection.close()
                if close_pool := getattr(connection, "close_pool", None):
                    close_pool()


def _nobody() -> None:
    """Wake nobody."""
