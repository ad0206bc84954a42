"""What one installation remembers between starts: its ports, passwords and keys, readable by its owner only."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

from assistant_platform.embedded.errors import StartError

DEMO_EMAIL = "demo@example.com"


def _password() -> str:
    return secrets.token_urlsafe(24)


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@dataclass
class State:
    """The generated values; made once, so that a second start finds its data and its sessions again."""

    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(50))
    field_encryption_key: str = field(default_factory=_key)
    postgres_port: int = 0
    postgres_admin_password: str = field(default_factory=_password)
    postgres_password: str = field(default_factory=_password)
    valkey_port: int = 0
    valkey_password: str = field(default_factory=_password)
    demo_email: str = DEMO_EMAIL
    demo_password: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    is_demo_loaded: bool = False
    servers_folder: str = ""
    static_files_stamp: str = ""
    url: str = ""
    pid: int = 0


def load_state(folder: Path) -> State:
    """Read the state of a data folder, or make a new one where there is none."""
    try:
        kept = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        return State(**kept)
    except FileNotFoundError:
        return State()
    except (ValueError, TypeError) as error:
        raise StartError(
            f"{folder / 'state.json'} cannot be read: {error}. It holds the keys of the data beside it; restore it,"
            " or begin anew with another folder: --data FOLDER."
        ) from error


def save_state(folder: Path, state: State) -> None:
    """Write the state in one step, so that a crash leaves the old one or the new one."""
    draft = folder / "state.json.new"
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(state), file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / "state.json")


def lock(folder: Path) -> BinaryIO | None:
    """Claim a data folder until the returned file is closed; None when another process has claimed it."""
    file = (folder / "up.lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
