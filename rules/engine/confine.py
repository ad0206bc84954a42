"""Give up what the engine does not need, then become it. Run as a script, never imported by the product.

Linux only: limits of memory, time and output everywhere; no network and no file outside the named folders where the
kernel offers namespaces and Landlock (https://docs.kernel.org/userspace-api/landlock.html). A kernel that offers less
gives less, silently: the rules' text is checked as well before it comes here.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000
# The numbers are the same on every architecture that Linux gained since 2020.
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_RULE_PATH_BENEATH = 1
LANDLOCK_VERSION_FLAG = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL = 1, 2, 4, 8, 1 << 14, 1 << 15
TO_READ = EXECUTE | READ_FILE | READ_DIR
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL
# How many rights over files each version of Landlock knows: naming one that it does not is an error.
RIGHTS_OF_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}
RIGHTS_OF_NEWEST = 16
VERSION_WITH_TCP, VERSION_WITH_SCOPES = 4, 6
ALL_TCP = 0b11
ALL_SCOPES = 0b11


class Limits(TypedDict):
    """What the engine may use: bytes of memory and of output, seconds of processor time, folders and files."""

    memory_bytes: int
    output_bytes: int
    cpu_seconds: int
    readable: list[str]
    writable: list[str]


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64)]


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def main(arguments: list[str]) -> None:
    """Confine this process as the first argument says (JSON of `Limits`), then run the command in the others."""
    limits: Limits = json.loads(arguments[0])
    command = arguments[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        # A worker that is killed must not leave engines behind.
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _leave_the_network(libc)
        _close_the_files(libc, limits)
    _limit(limits)
    os.execv(command[0], command)  # noqa: S606 - the command is ours and no shell is wanted


def _limit(limits: Limits) -> None:
    wanted = {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_FSIZE: limits["output_bytes"],
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, amount in wanted.items():
        # macOS refuses some; and a limit that is already tighter stays.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (amount, amount))


def _leave_the_network(libc: ctypes.CDLL) -> None:
    """Move to an empty network. A user namespace gives the right to; root tries first to keep its own."""
    if os.geteuid() == 0 and libc.unshare(CLONE_NEWNET) == 0:
        return
    if os.geteuid() != 0:
        libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)


def _close_the_files(libc: ctypes.CDLL, limits: Limits) -> None:
    syscall: Callable[..., int] = libc.syscall
    version = syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_VERSION_FLAG)
    if version < 1:
        return
    all_rights = (1 << RIGHTS_OF_VERSION.get(version, RIGHTS_OF_NEWEST)) - 1
    ruleset = _Ruleset(
        files=all_rights,
        network=ALL_TCP if version >= VERSION_WITH_TCP else 0,
        scopes=ALL_SCOPES if version >= VERSION_WITH_SCOPES else 0,
    )
    size = 24 if version >= VERSION_WITH_SCOPES else 16 if version >= VERSION_WITH_TCP else 8
    handle = syscall(LANDLOCK_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), 0)
    if handle < 0:
        return
    for path in limits["readable"]:
        _allow(syscall, handle, path, TO_READ & all_rights)
    for path in limits["writable"]:
        _allow(syscall, handle, path, all_rights)
    syscall(LANDLOCK_RESTRICT_SELF, handle, 0)
    os.close(handle)


def _allow(syscall: Callable[..., int], handle: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not Path(path).is_dir():
        rights &= FILE_RIGHTS
    rule = _PathRule(allowed=rights, parent=opened)
    syscall(LANDLOCK_ADD_RULE, handle, LANDLOCK_RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(opened)


if __name__ == "__main__":
    main(sys.argv[1:])
