"""Starting and stopping child processes so that none outlives us, whatever ends us."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from assistant_platform.embedded import guardian
from assistant_platform.embedded.account import Account

LOG_LIMIT_BYTES = 10 * 1024 * 1024


class Children:
    """The processes we started, each the leader of its own group, with a guardian that survives us."""

    def __init__(self) -> None:
        # A session of its own: Ctrl-C and a closed terminal must not end it before us.
        self._guardian = subprocess.Popen(  # noqa: S603  (our own file)
            [sys.executable, "-I", "-S", guardian.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            text=True,
        )

    def start(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        account: Account | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> subprocess.Popen[bytes]:
        """Start a process that writes to a log, as another account where one is given."""
        with open_log(log) as output:
            process = subprocess.Popen(  # noqa: S603  (commands are composed by us, without a shell)
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=folder or "/",
                # Out of the terminal's group: Ctrl-C is for us, and we stop things in order.
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        self._tell(f"watch {process.pid} {int(stop_signal)}")
        return process

    def stop(
        self,
        process: subprocess.Popen[bytes],
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        timeout_seconds: float = 5.0,
    ) -> None:
        """Ask a process to stop, wait, then kill what is left of its group."""
        if process.poll() is None:
            process.send_signal(stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout_seconds)
        self.bury(process)

    def bury(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the leftovers of a process that has ended (or will not), and collect it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._tell(f"forget {process.pid}")

    def remove_at_end(self, folder: Path) -> None:
        """Have a folder deleted once we and the children are gone."""
        self._tell(f"remove {folder}")

    def close(self) -> None:
        """Let the guardian end; it stops and deletes whatever was not stopped before."""
        if self._guardian.stdin:
            self._guardian.stdin.close()
        self._guardian.wait()

    def _tell(self, line: str) -> None:
        if self._guardian.stdin is None or self._guardian.stdin.closed:
            return
        # A guardian that was killed takes nothing with it: we go on without that safety net.
        with contextlib.suppress(BrokenPipeError):
            self._guardian.stdin.write(f"{line}\n")
            self._guardian.stdin.flush()


def open_log(log: Path) -> BinaryIO:
    """Open a log to append to; one that has grown large is put aside first, and the one before it dropped."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".old.log"))
    return log.open("ab")
