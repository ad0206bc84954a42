"""Outlives the process that started it, for a moment: stops what that process would have left behind.

Run as a program. Its standard input is a pipe that only the parent holds, so that the pipe ends when the parent does,
even by `kill -9`. A death signal (`prctl`) would reach children but not theirs, and exists on Linux only.
Lines read: `watch PID SIGNAL` (the leader of a process group and how it is asked to stop), `forget PID`,
`remove FOLDER` (deleted at the end).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time

GRACE_SECONDS = 6.0
POLL_SECONDS = 0.05


def main() -> None:
    """Follow the parent until it ends, then stop its children and delete its folders."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watched: dict[int, int] = {}
    folders: list[str] = []
    for line in sys.stdin:
        verb, _, rest = line.rstrip("\n").partition(" ")
        if verb == "watch":
            pid, stop_signal = rest.split()
            watched[int(pid)] = int(stop_signal)
        elif verb == "forget":
            watched.pop(int(rest), None)
        elif verb == "remove":
            folders.append(rest)
    stop_all(watched)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def stop_all(watched: dict[int, int]) -> None:
    """Ask each leader to stop, wait a little, then kill whatever is left of its group."""
    for pid, stop_signal in watched.items():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop_signal)
    give_up_at = time.monotonic() + GRACE_SECONDS
    while any(is_alive(pid) for pid in watched) and time.monotonic() < give_up_at:
        time.sleep(POLL_SECONDS)
    for pid in watched:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a dead one that nobody has collected counts as gone where the system tells."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        if os.path.isdir("/proc/self"):
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
