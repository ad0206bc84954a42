"""What can go wrong before the platform runs, in words for the person at the terminal."""

from __future__ import annotations

from pathlib import Path

LINES_SHOWN = 15


class StartError(Exception):
    """Something kept the platform from starting; the text says what, and what to do about it."""


def last_lines(log: Path, count: int = LINES_SHOWN) -> str:
    """Return the end of a log, indented, or a note that it is empty."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join(f"    {line}" for line in lines[-count:]) or "    (its log is empty)"
