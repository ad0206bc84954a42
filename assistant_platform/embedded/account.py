"""Which account the embedded servers run as, and a folder it can reach.

PostgreSQL refuses to run as root. Started as root, the servers run as `nobody`, in a folder of its own.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from assistant_platform.embedded.errors import StartError

# Where an unprivileged account can always be given a folder, when a checkout lies below a private home.
SHARED_FOLDER = Path("/var/lib/assistant-platform")


class Identity(TypedDict):
    """The arguments of `subprocess.Popen` that change the account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """An unprivileged account that root starts servers as."""

    uid: int
    gid: int

    def identity(self) -> Identity:
        """Return what `subprocess.Popen` needs to start a process as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_run(self, program: Path) -> bool:
        """Tell whether this account can run a program, by running it: modes alone do not know of access lists."""
        try:
            done = subprocess.run(  # noqa: S603  (a program of the wheels)
                [program, "--version"], cwd="/", capture_output=True, check=False, timeout=30, **self.identity()
            )
        except OSError:
            return False
        return done.returncode == 0

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this account can reach what lies in a folder."""
        done = subprocess.run(  # noqa: S603  (the folder is an argument, not part of the script)
            ["/bin/sh", "-c", 'cd "$1"', "sh", folder],
            cwd="/",
            stderr=subprocess.DEVNULL,
            check=False,
            **self.identity(),
        )
        return done.returncode == 0


def server_account() -> Account | None:
    """Return the account that servers run as, None where it is our own (we are not root)."""
    if os.geteuid() != 0:
        _refuse_a_user_without_account()
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise StartError(
            "PostgreSQL does not run as root, and this system has no account named nobody to run it as. "
            "Start as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from error
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def _refuse_a_user_without_account() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise StartError(
            f"PostgreSQL looks its account up, and user id {os.geteuid()} has none on this system (a container started"
            " with --user?). Use a user that exists, or set DATABASE_URL and REDIS_URL."
        ) from error


def private_folder(wanted: Path, account: Account | None) -> Path:
    """Make a folder that only the servers' account may read, and return it.

    It is `wanted`, or a folder under /var/lib that stands for it when the account cannot reach `wanted`.
    """
    wanted = wanted.absolute()
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        if account is not None and not account.can_enter(wanted.parent):
            SHARED_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
            wanted = SHARED_FOLDER / hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
        wanted.mkdir(mode=0o700, exist_ok=True)
        give(wanted, account)
        wanted.chmod(0o700)
    except OSError as error:
        raise StartError(
            f"{error.filename or wanted} cannot be used ({error.strerror})."
            " Give a folder you may write to: --data FOLDER."
        ) from error
    return wanted


def give(path: Path, account: Account | None) -> None:
    """Make an account the owner of a file or folder of ours."""
    if account is not None:
        os.chown(path, account.uid, account.gid)
