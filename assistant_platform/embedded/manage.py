"""`python -m assistant_platform.embedded.manage COMMAND`: a management command within the platform that `up` runs.

It finds the servers, keys and addresses in the data folder (`ASSISTANT_DATA`, or `.data` of the checkout).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from assistant_platform.embedded.environment import (
    CHECKOUT,
    address_settings,
    data_folder,
    database_url,
    fill_in,
    generated_settings,
    is_set,
    redis_url,
)
from assistant_platform.embedded.ports import LOOPBACK
from assistant_platform.embedded.state import load_state, lock


def main() -> NoReturn:
    """Become the command; say what to do where nothing runs."""
    folder = data_folder()
    state = load_state(folder)
    if not is_set(os.environ, "DATABASE_URL"):
        if not _is_claimed(folder):
            sys.exit("The platform does not run: start it first (python3 bootstrap.py run).")
        os.environ["DATABASE_URL"] = database_url(port=state.postgres_port, password=state.postgres_password)
    if not is_set(os.environ, "REDIS_URL"):
        os.environ["REDIS_URL"] = redis_url(port=state.valkey_port, password=state.valkey_password)
    fill_in(os.environ, generated_settings(state, folder))
    fill_in(os.environ, address_settings(state.url, LOOPBACK, listens_everywhere=False))
    os.chdir(CHECKOUT)
    os.execv(sys.executable, [sys.executable, "manage.py", *sys.argv[1:]])  # noqa: S606  (no shell is wanted)


def _is_claimed(folder: Path) -> bool:
    if not folder.exists():
        return False
    claim = lock(folder)
    if claim is not None:
        claim.close()
    return claim is None


if __name__ == "__main__":
    main()
