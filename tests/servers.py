"""Starts the servers that the tests run on, before Django reads its settings; loaded by pytest with `-p`.

The first process (pytest itself, or xdist's controller) starts PostgreSQL and Valkey and makes a template database;
each worker clones it. A DATABASE_URL or REDIS_URL that is set is used instead; that PostgreSQL user must be allowed to
create roles and databases.
"""

from __future__ import annotations

import atexit
import os
import secrets
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from assistant_platform.embedded.ephemeral import ephemeral_servers
from assistant_platform.embedded.roles import create_database, prepare_roles

ADMIN_URL = "TEST_ADMIN_DATABASE_URL"
TEMPLATE = "assistant_test"
LOGIN = "assistant_test"
ROOT = Path(__file__).resolve().parent.parent

_stack = ExitStack()
atexit.register(_stack.close)


def database_named(url: str, name: str) -> str:
    """Return a database address with another database in it."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def with_login(url: str, *, user: str, password: str) -> str:
    """Return a database address with other credentials in it."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.hostname}{port}"))


def clone_template(name: str, *, template: str = TEMPLATE) -> str:
    """Make a database of that name as a copy of a template (with the schema in it), and return its address."""
    with psycopg.connect(os.environ[ADMIN_URL], autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER assistant_owner").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        # Rights on a database are not cloned with it; COPY into a temporary table needs this one.
        admin.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO assistant_app").format(sql.Identifier(name)))
    return database_named(os.environ["DATABASE_URL"], name)


def drop_database(name: str) -> None:
    """Remove a database, whoever is still connected."""
    with psycopg.connect(os.environ[ADMIN_URL], autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _start() -> None:
    os.environ.update(
        ASSISTANT_MODE="test", SECRET_KEY="tests-only", LOG_LEVEL="CRITICAL", PUBLIC_URL="http://testserver"
    )
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        os.environ.pop(name, None)
    given_database, given_redis = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if not (given_database and given_redis):
        urls = _stack.enter_context(ephemeral_servers())
        os.environ.setdefault("REDIS_URL", urls.redis_url)
        admin_url = urls.admin_database_url
    if given_database:
        admin_url = given_database
    os.environ[ADMIN_URL] = admin_url
    password = secrets.token_hex(16)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(TEMPLATE)))
        create_database(admin, database=TEMPLATE)
    with psycopg.connect(database_named(admin_url, TEMPLATE), autocommit=True) as admin:
        prepare_roles(admin, login=LOGIN, password=password)
    os.environ["DATABASE_URL"] = with_login(database_named(admin_url, TEMPLATE), user=LOGIN, password=password)
    subprocess.run([sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"], check=True, cwd=ROOT)


def _redis_of_this_process() -> None:
    """Give each process of xdist a database of its own, so that none empties another's cache; 15 is the browser's."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        number = 1 + int(worker.removeprefix("gw")) % 14
        os.environ["REDIS_URL"] = urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{number}"))


if ADMIN_URL not in os.environ:
    _start()
_redis_of_this_process()
