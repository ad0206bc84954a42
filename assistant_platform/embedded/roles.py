"""The PostgreSQL roles: one owns the tables, one does the application's work, one reads the directory.

Row-level security binds only a role that owns nothing and is no superuser, so the role that migrates and the roles that
serve are different. A login holds no right of its own (NOINHERIT): a connection that forgets to say which role it is
for can do nothing.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

OWNER_ROLE = "assistant_owner"
APPLICATION_ROLE = "assistant_app"
SYSTEM_ROLE = "assistant_system"
ROLES = (OWNER_ROLE, APPLICATION_ROLE, SYSTEM_ROLE)
DEFAULT_LOGIN = "assistant"
DEFAULT_DATABASE = "assistant"

# Two deployments that start together would both find a role missing and both create it.
_LOCK = 7_264_031_944
_FIRST_VERSION_WITH_GRANT_OPTIONS = 160_000


class RoleError(Exception):
    """A role that exists already would step over row-level security."""


def create_database(connection: psycopg.Connection, *, database: str = DEFAULT_DATABASE) -> None:
    """Create a database unless it exists; the connection is an administrator's, in autocommit mode."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


def prepare_roles(connection: psycopg.Connection, *, login: str = DEFAULT_LOGIN, password: str | None = None) -> None:
    """Create or complete the roles, and their rights in the connection's database.

    The connection is an administrator's: a superuser, or a role with CREATEROLE that may grant on the database (as
    managed services give). Safe to run twice. A `password` of None leaves the login's as it is. RoleError is raised
    when one of the roles exists and is a superuser or has BYPASSRLS.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for role in ROLES:
            _ensure_role(connection, role=role, attributes="NOLOGIN")
        _ensure_role(connection, role=login, attributes="LOGIN NOINHERIT")
        connection.execute(sql.SQL("ALTER ROLE {} LOGIN NOINHERIT").format(sql.Identifier(login)))
        if password is not None:
            _set_password(connection, login=login, password=password)
        _let_login_become_the_roles(connection, login=login)
        _grant_rights_in_database(connection, login=login)


def _ensure_role(connection: psycopg.Connection, *, role: str, attributes: str) -> None:
    row = connection.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    if row is None:
        # Neither SUPERUSER nor BYPASSRLS unless asked for; naming their absence would need a superuser.
        connection.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role), sql.SQL(attributes)))
    elif row[0]:
        raise RoleError(
            f"The role {role!r} is a superuser or has BYPASSRLS, so organizations would not be kept apart. Use another"
            f" login in DATABASE_URL, or run as a superuser: ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS"
        )


def _set_password(connection: psycopg.Connection, *, login: str, password: str) -> None:
    # Hashed here, so that the server's log never sees it.
    hashed = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), sql.Literal(hashed)))


def _let_login_become_the_roles(connection: psycopg.Connection, *, login: str) -> None:
    # Since PostgreSQL 16 each grant says whether it is inherited; before, the login's NOINHERIT does.
    options = (
        " WITH INHERIT FALSE, SET TRUE" if connection.info.server_version >= _FIRST_VERSION_WITH_GRANT_OPTIONS else ""
    )
    for role in ROLES:
        connection.execute(
            sql.SQL("GRANT {} TO {}{}").format(sql.Identifier(role), sql.Identifier(login), sql.SQL(options))
        )


def _grant_rights_in_database(connection: psycopg.Connection, *, login: str) -> None:
    database = sql.Identifier(connection.info.dbname)
    owner, application, system = (sql.Identifier(role) for role in ROLES)
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row is None or not row[0]:
        # Default privileges are set for the owner, by someone who may act as the owner.
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(login)))
    # Reports are copied into a temporary table, then merged.
    connection.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}, {}").format(database, application, owner))
    connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, owner))  # for trusted extensions
    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    connection.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA public TO {}").format(owner))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}, {}").format(application, system))
    # Not to the system's role: migrations give it the tables of the directory, one by one.
    for rights in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE, SELECT ON SEQUENCES"):
        connection.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA public GRANT {} TO {}").format(
                owner, sql.SQL(rights), application
            )
        )
