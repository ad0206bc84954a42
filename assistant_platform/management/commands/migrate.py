"""`migrate`, run as the role that owns the tables, with the application's rights granted first."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import connections
from django.db.utils import OperationalError

OBJECTS_BEFORE_A_LOOK = 200_000


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> Any:
        try:
            with connections["owner"].cursor() as cursor:
                role = settings.DATABASE_APP_ROLE
                # nosemgrep: no-raw-sql  (names of roles, constants of the settings; no parameter may stand there)
                cursor.execute(
                    "ALTER DEFAULT PRIVILEGES IN SCHEMA public"
                    f" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
                )
                # nosemgrep: no-raw-sql  (the same names)
                cursor.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role}")
        except OperationalError as error:
            raise CommandError(
                f"{error}\nIf the roles are missing, run `manage.py prepare_database` once, as an administrator."
            ) from error
        with _garbage_left_for_later():
            return super().handle(*args, **options)


@contextmanager
def _garbage_left_for_later() -> Iterator[None]:
    """Look for garbage rarely: among the thousands of classes of replayed models that is a quarter of the work."""
    thresholds = gc.get_threshold()
    gc.set_threshold(OBJECTS_BEFORE_A_LOOK)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
