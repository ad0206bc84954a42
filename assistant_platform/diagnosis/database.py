"""PostgreSQL: its version, whom we are to it, whether it keeps organizations apart, its tables, its clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, ProgrammingError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from assistant_platform.diagnosis.check import Unwell
from assistant_platform.rotation import unopened_secrets
from tenancy.models import OwnedByOrganization

OLDEST_VERSION = 150000
# Leases and puttings-off are written with our clock and compared with the database's.
LARGEST_SKEW = timedelta(seconds=5)
CONNECT_SECONDS = 5
MIGRATE = "python manage.py migrate"


def server() -> str:
    """Say which server answers."""
    with _connected() as direct, direct.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
        cursor.execute("SHOW server_version_num")
        (number,) = cursor.fetchone()
    if int(number) < OLDEST_VERSION:
        raise Unwell(f"version {version} is too old", remedy="use PostgreSQL 15 or newer")
    return f"{version} at {direct.settings_dict['HOST']}:{direct.settings_dict['PORT']}"


def roles() -> str:
    """Say that we are a role that row-level security binds."""
    with _connected() as direct, direct.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        role, is_exempt = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND pg_get_userbyid(relowner) = current_user")
        (owned,) = cursor.fetchone()
    if is_exempt or owned:
        why = "is a superuser or has BYPASSRLS" if is_exempt else f"owns {owned} tables"
        raise Unwell(f"the application's role {role} {why}", remedy="python manage.py prepare_database")
    return f"{role} is no superuser and owns no table"


def row_level_security() -> str:
    """Say that every table of an organization's rows has row-level security with a policy."""
    tables = sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, OwnedByOrganization))
    with _connected() as direct, direct.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class c WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
            " AND EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = c.oid)"
        )
        fenced = {name for (name,) in cursor.fetchall()}
    open_tables = [table for table in tables if table not in fenced]
    if open_tables:
        raise Unwell(f"not on {', '.join(open_tables)}", remedy=MIGRATE)
    return f"on all {len(tables)} tables of organizations"


def migrations() -> str:
    """Say that every migration is applied."""
    with _connected() as direct:
        executor = MigrationExecutor(direct)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        first, _ = plan[0]
        raise Unwell(f"{len(plan)} are not applied, the first is {first}", remedy=MIGRATE)
    return f"all {len(executor.loader.applied_migrations)} applied"


def clock() -> str:
    """Say that the database's clock and ours agree."""
    with _connected() as direct, direct.cursor() as cursor:
        before = datetime.now(UTC)
        cursor.execute("SELECT clock_timestamp()")
        (theirs,) = cursor.fetchone()
        after = datetime.now(UTC)
    skew = theirs - (before + (after - before) / 2)
    if abs(skew) > LARGEST_SKEW:
        raise Unwell(
            f"the database is {skew.total_seconds():+.1f} s away from this machine",
            remedy="let both machines take their time from the network (NTP)",
        )
    return f"{abs(skew.total_seconds()) * 1000:.0f} ms apart from the database"


@contextmanager
def _connected() -> Iterator[BaseDatabaseWrapper]:
    """Give a connection of our own, with its faults in our words: the pool would try again for half a minute."""
    direct = connections["default"].copy()
    direct.settings_dict["OPTIONS"].pop("pool", None)
    direct.settings_dict["OPTIONS"]["connect_timeout"] = CONNECT_SECONDS
    try:
        yield direct
    except ImproperlyConfigured as error:
        raise Unwell(str(error), remedy="python manage.py prepare_database") from error
    except OperationalError as error:
        raise Unwell(
            f"cannot be reached: {_first_line(error)}", remedy="check DATABASE_URL, and that the server lets us in"
        ) from error
    except ProgrammingError as error:
        raise Unwell(f"refuses a question: {_first_line(error)}", remedy=MIGRATE) from error
    finally:
        direct.close()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "")


def stored_secrets() -> str:
    """Say that FIELD_ENCRYPTION_KEYS opens every stored secret."""
    unopened = unopened_secrets()
    if unopened:
        more = f" and {len(unopened) - 1} more" if len(unopened) > 1 else ""
        raise Unwell(
            f"cannot be opened: {unopened[0]}{more}",
            remedy="put the former key back into FIELD_ENCRYPTION_KEYS, or have the secrets entered again",
        )
    return "every one can be opened"
