"""`manage.py prepare_database`: the roles that keep organizations apart, made once by a database administrator."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from assistant_platform.embedded import roles
from lib.environment import database_parts, env_secret


class Command(BaseCommand):
    help = (
        "Create the database of DATABASE_URL where it is missing, its login and the roles. An administrator's address"
        " is read from ADMIN_DATABASE_URL (or ADMIN_DATABASE_URL_FILE). Safe to run again; run it before migrate."
    )
    requires_system_checks = []  # they want the roles that this command makes

    def handle(self, *args: Any, **options: Any) -> None:
        admin_url = env_secret("ADMIN_DATABASE_URL")
        if not admin_url:
            raise CommandError(
                "ADMIN_DATABASE_URL is not set: give the address of a PostgreSQL role that may create roles,"
                " as in postgresql://postgres:password@host:5432/postgres"
            )
        application = database_parts(settings.DATABASE_URL)
        if urlsplit(admin_url).username == application["USER"]:
            raise CommandError(
                "DATABASE_URL and ADMIN_DATABASE_URL name the same login; the application needs its own."
            )
        try:
            with psycopg.connect(admin_url, autocommit=True) as connection:
                roles.create_database(connection, database=application["NAME"])
            with psycopg.connect(admin_url, dbname=application["NAME"], autocommit=True) as connection:
                roles.prepare_roles(connection, login=application["USER"], password=application["PASSWORD"] or None)
        except (psycopg.Error, roles.RoleError) as error:
            raise CommandError(f"The database could not be prepared: {error}") from error
        self.stdout.write(f"The roles are ready in the database {application['NAME']}.")
