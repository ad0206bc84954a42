"""One data folder, one platform: claiming the folder, and giving it up in order when asked to stop."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import BinaryIO, NoReturn

from assistant_platform.embedded.errors import StartError
from assistant_platform.embedded.state import lock

MEGABYTE = 1024 * 1024
MINIMUM_FREE_MEGABYTES = 300


@contextmanager
def claimed(folder: Path) -> Iterator[BinaryIO | None]:
    """Claim the data folder for this process; yield None when another process holds it."""
    try:
        # Root's servers run as another account, which has to pass through to its own folder.
        folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        claim = lock(folder)
    except OSError as error:
        raise StartError(
            f"{folder} cannot be used ({error.strerror}). Give a folder you may write to: --data FOLDER."
        ) from error
    free = shutil.disk_usage(folder).free
    if free < MINIMUM_FREE_MEGABYTES * MEGABYTE:
        raise StartError(
            f"{folder} has {free // MEGABYTE} MB of space left and about {MINIMUM_FREE_MEGABYTES} MB are needed."
            " Make room, or give a folder on another disk: --data FOLDER."
        )
    try:
        yield claim
    finally:
        if claim is not None:
            claim.close()


@contextmanager
def stop_signals_interrupt() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end us as Ctrl-C does: in order, children first."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
