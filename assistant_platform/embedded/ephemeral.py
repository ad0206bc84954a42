"""Servers for the length of a test session or of one analysis: quick, and gone afterwards."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from assistant_platform.embedded import roles
from assistant_platform.embedded.account import SHARED_FOLDER, Account, give, server_account
from assistant_platform.embedded.binaries import binaries_for
from assistant_platform.embedded.children import Children
from assistant_platform.embedded.environment import database_url, redis_url
from assistant_platform.embedded.ports import LOOPBACK, any_free_port
from assistant_platform.embedded.servers import FORGETFUL, SUPERUSER, Postgres, Valkey


@dataclass(frozen=True)
class Urls:
    """Where the servers are; `admin_database_url` is the superuser's, for making databases."""

    database_url: str
    redis_url: str
    admin_database_url: str


@contextmanager
def ephemeral_servers(*, fsync: bool = False) -> Iterator[Urls]:
    """Run PostgreSQL, with the roles prepared in an empty database, and Valkey while the block runs.

    Nothing is left behind, also when this process is killed.
    """
    account = server_account()
    binaries = binaries_for(account)
    with ExitStack() as stack:
        children = Children()
        stack.callback(children.close)
        folder = _temporary_folder(account)
        children.remove_at_end(folder)
        postgres = Postgres(
            folder=folder,
            port=any_free_port(),
            password=secrets.token_urlsafe(24),
            binaries=binaries,
            account=account,
            children=children,
            log=folder / "postgres.log",
            settings={} if fsync else FORGETFUL,
        )
        valkey = Valkey(
            folder=folder,
            port=any_free_port(),
            password=secrets.token_urlsafe(24),
            binaries=binaries,
            account=account,
            children=children,
            log=folder / "valkey.log",
        )
        stack.callback(valkey.stop)
        valkey.start()
        postgres.initialize()
        stack.callback(postgres.stop)
        postgres.start()
        login_password = secrets.token_urlsafe(24)
        postgres.wait_until_ready()
        prepare_database(postgres, login_password=login_password)
        valkey.wait_until_ready()
        yield Urls(
            database_url=database_url(port=postgres.port, password=login_password),
            redis_url=redis_url(port=valkey.port, password=valkey.password),
            admin_database_url=f"postgresql://{SUPERUSER}:{postgres.password}@{LOOPBACK}:{postgres.port}/postgres",
        )


def prepare_database(postgres: Postgres, *, login_password: str) -> None:
    """Make the application's database and roles where they are missing."""
    with postgres.connect() as connection:
        roles.create_database(connection)
    with postgres.connect(roles.DEFAULT_DATABASE) as connection:
        roles.prepare_roles(connection, password=login_password)


def _temporary_folder(account: Account | None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="assistant-"))
    if account is not None and not account.can_enter(folder.parent):  # a TMPDIR below a private home
        shutil.rmtree(folder)
        SHARED_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="assistant-", dir=SHARED_FOLDER))
    give(folder, account)
    return folder
