"""One run of the Semgrep binary inside its bounds: where it is, what it may see, when it is stopped."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rules.engine.errors import EngineFailed, EngineMissing, EngineTimeout

MEBIBYTE = 1024 * 1024
# A fix check takes 100 MiB; a file of half a megabyte with 400 rules stayed below 600 (measured).
MEMORY_BYTES = 2048 * MEBIBYTE
OUTPUT_BYTES = 32 * MEBIBYTE
# Matching is pure computation: more runs than cores only makes each of them slower.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
LONGEST_WAIT_FOR_A_PLACE_SECONDS = 120
PLACES = threading.BoundedSemaphore(CORES)

CONFINE = Path(__file__).with_name("confine.py")
SYSTEM_FOLDERS = ("/usr", "/bin", "/lib", "/lib64", "/nix/store", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom")
# Semgrep reads the list of certificate authorities at its start, network or not.
AUTHORITIES = ("/etc/ssl", "/etc/pki", "/etc/ca-certificates")


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit code (negative: the signal that ended it) and what it wrote."""

    exit_code: int
    output: bytes
    messages: str


def binary() -> Path:
    """Return the Semgrep beside this Python, else the one on the PATH. Raises EngineMissing."""
    beside = Path(sys.executable).with_name("semgrep")
    if os.access(beside, os.X_OK):
        return beside
    found = shutil.which("semgrep")
    if found is None:
        raise EngineMissing
    return Path(found)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give an empty private folder with `home` and `files` in it, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True) as name:
        # The engine writes real paths; macOS has its temporary folder behind a link.
        scratch = Path(name).resolve()
        (scratch / "home").mkdir()
        (scratch / "files").mkdir()
        yield scratch


def run(
    arguments: Sequence[str],
    *,
    scratch: Path,
    timeout_seconds: float,
    folder: Path | None = None,
    readable: Sequence[Path] = (),
    memory_bytes: int = MEMORY_BYTES,
    output_bytes: int = OUTPUT_BYTES,
) -> Outcome:
    """Run Semgrep in `folder` (default `scratch/files`), able to read only that, its own installation and `readable`.

    Raises EngineMissing, EngineTimeout, or EngineFailed when it writes more than `output_bytes`.
    """
    semgrep = binary()
    work = folder or scratch / "files"
    limits = {
        "memory_bytes": memory_bytes,
        "output_bytes": output_bytes,
        # The clock on the wall stops it first; this is for the day nobody is left to look at that clock.
        "cpu_seconds": math.ceil(timeout_seconds * CORES) + 1,
        "readable": [str(path) for path in (*_installation(semgrep), work, *readable)],
        "writable": [str(scratch), "/dev/null"],
    }
    # A wrapper instead of `preexec_fn`, which may deadlock in a process with threads.
    wrapper = [sys.executable, "-I", "-S", "-B", str(CONFINE), json.dumps(limits)]
    with _place(), (scratch / "output").open("w+b") as output, (scratch / "messages").open("w+b") as messages:
        process = subprocess.Popen(  # noqa: S603 - no shell; the arguments are ours, the untrusted text is in files
            [*wrapper, str(semgrep), *arguments],
            cwd=work,
            env=_environment(scratch),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=messages,
            start_new_session=True,
        )
        exit_code = _wait(process, timeout_seconds)
        written = output.seek(0, os.SEEK_END)
        if written >= output_bytes:
            raise EngineFailed(f"The engine wrote more than {output_bytes // MEBIBYTE} MiB and was stopped.")
        output.seek(0)
        messages.seek(0)
        return Outcome(exit_code, output.read(), messages.read(MEBIBYTE).decode(errors="replace"))


@contextmanager
def _place() -> Iterator[None]:
    if not PLACES.acquire(timeout=LONGEST_WAIT_FOR_A_PLACE_SECONDS):
        raise EngineTimeout(f"All {CORES} places of the engine stayed busy for {LONGEST_WAIT_FOR_A_PLACE_SECONDS} s.")
    try:
        yield
    finally:
        PLACES.release()


def _wait(process: subprocess.Popen[bytes], timeout_seconds: float) -> int:
    started = time.monotonic()
    try:
        return process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        seconds = time.monotonic() - started
        raise EngineTimeout(f"The engine was stopped after {seconds:.1f} s without an answer.") from None
    finally:
        # Only while it is not reaped is the group's number surely still its own.
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment(scratch: Path) -> dict[str, str]:
    """Nothing of ours goes in: no key, no token (SEMGREP_APP_TOKEN), no proxy, no home."""
    home = str(scratch / "home")
    return {
        "PATH": os.pathsep.join((str(binary().parent), "/usr/local/bin", "/usr/bin", "/bin")),
        "HOME": home,
        "TMPDIR": home,
        "XDG_CONFIG_HOME": home,
        "XDG_CACHE_HOME": home,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SEMGREP_SETTINGS_FILE": str(scratch / "home" / "settings.yml"),
        "SEMGREP_LOG_FILE": str(scratch / "home" / "semgrep.log"),
        "SEMGREP_SEND_METRICS": "off",
        "SEMGREP_ENABLE_VERSION_CHECK": "0",
    }


def _installation(semgrep: Path) -> list[str]:
    """The folders that the binary needs to start: its own, its interpreter's, the system's."""
    prefixes = {sys.prefix, sys.base_prefix, str(semgrep.parent.parent), str(semgrep.resolve().parent.parent)}
    with semgrep.open("rb") as opened:
        first_line = opened.readline(4096)
    if first_line.startswith(b"#!"):
        interpreter = Path(os.fsdecode(first_line[2:].strip().split(b" ")[0]))
        prefixes |= {str(interpreter.parent.parent), str(interpreter.resolve().parent.parent)}
    package = importlib.util.find_spec("semgrep")
    if package is not None and package.origin is not None:
        prefixes.add(str(Path(package.origin).parent.parent))  # elsewhere where a path file leads to it
    return [*sorted(prefixes - {"/"}), *SYSTEM_FOLDERS, *AUTHORITIES]
