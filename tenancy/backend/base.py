"""Django's PostgreSQL backend plus the fence: each transaction carries its organization, and policies bind it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.postgresql import base as postgresql
from psycopg import OperationalError
from psycopg.pq import ExecStatus, TransactionStatus

from tenancy.scope import ORGANIZATION_SETTING, on_change, organization_id_or_none

_proved: set[str] = set()


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """One connection whose transactions see one organization's rows."""

    def init_connection_state(self) -> None:
        """Make the connection ours: bound by the policies, and with nothing left of whoever had it before."""
        super().init_connection_state()
        if self.pool:
            # Each of our transactions cleans up after itself; this is for a SET that was meant for the session.
            with self.connection.cursor() as cursor:
                cursor.execute("RESET ROLE; SELECT set_config('app.current_org', '', false)")  # ORGANIZATION_SETTING
        if self.alias not in _proved and not self.settings_dict.get("IS_SCHEMA_OWNER"):
            self._require_a_bound_role()
            _proved.add(self.alias)

    def _require_a_bound_role(self) -> None:
        """Refuse a role that PostgreSQL would let past row-level security; asked once a process and alias."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_user, rolsuper OR rolbypassrls,"
                " EXISTS (SELECT 1 FROM pg_class WHERE relowner = r.oid AND relrowsecurity)"
                " FROM pg_roles r WHERE rolname = current_user"
            )
            role, is_exempt, owns_tables = cursor.fetchone()
        if is_exempt or owns_tables:
            raise ImproperlyConfigured(
                f"The application connects as {role!r}, which row-level security does not bind"
                " (a superuser, BYPASSRLS, or the owner of the tables). Run `manage.py prepare_database` with an"
                " administrator's DATABASE_URL once; it creates the roles the application uses."
            )

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]  # where Django begins a transaction; not in the stubs
        if not autocommit and (organization_id := organization_id_or_none()) is not None:
            with self.wrap_database_errors:
                self._begin_for(organization_id)

    def _begin_for(self, organization_id: int) -> None:
        """Begin the transaction and say whose work it is in one round trip; psycopg's own BEGIN would be another."""
        statement = f"BEGIN; SELECT set_config('{ORGANIZATION_SETTING}', '{organization_id:d}', true)"
        result = self.connection.pgconn.exec_(statement.encode())
        if result.status != ExecStatus.TUPLES_OK:
            raise OperationalError(result.get_error_message())

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]  # not in the stubs either
        # PostgreSQL has put back what was set when the savepoint was made, which may be another scope by now.
        self.tell_organization(organization_id_or_none())

    def tell_organization(self, organization_id: int | None) -> None:
        """Set what the policies compare with, until the transaction ends.

        Nothing in scope leaves the setting empty, and a policy then raises instead of finding nothing.
        """
        value = "" if organization_id is None else str(organization_id)
        with self.wrap_database_errors, self.connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, true)", [ORGANIZATION_SETTING, value])


def _tell_open_transactions(organization_id: int | None) -> None:
    for connection in connections.all(initialized_only=True):
        if isinstance(connection, DatabaseWrapper) and connection.connection is not None and connection.in_atomic_block:
            if connection.connection.info.transaction_status != TransactionStatus.INTRANS:
                continue  # failed: nothing can be said before its rollback, which tells again
            connection.tell_organization(organization_id)


on_change(_tell_open_transactions)


def __getattr__(name: str) -> Any:
    # Django reads the neighbours of DatabaseWrapper (such as Database) from this module.
    return getattr(postgresql, name)
