"""How long the platform takes from nothing to a page that answers."""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from assistant_platform.embedded.ports import LOOPBACK, any_free_port
from bench.measure import summary
from bench.platform import ROOT

RUNS = 3
GIVE_UP_SECONDS = 120.0
TARGET_SECONDS = 30.0


def bench() -> dict[str, Any]:
    """Start it in a new folder, then in one that it has used before, without the demo."""
    cold, warm = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="assistant-bench-") as folder:
            cold.append(_seconds_to_page(Path(folder) / "data"))
            warm.append(_seconds_to_page(Path(folder) / "data"))
    return {"cold_seconds": summary(cold, digits=1), "warm_seconds": summary(warm, digits=1), "target": TARGET_SECONDS}


def _seconds_to_page(data: Path) -> float:
    port = any_free_port()
    command = [
        sys.executable,
        "-m",
        "assistant_platform.embedded",
        "--data",
        str(data),
        "--port",
        str(port),
        "--no-demo",
    ]
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as platform:
        try:
            while not _answers(port):
                seconds = time.perf_counter() - began
                if platform.poll() is not None or seconds > GIVE_UP_SECONDS:
                    raise RuntimeError(f"no page within {seconds:.0f} s; try: {' '.join(command)}")
                time.sleep(0.05)
            return time.perf_counter() - began
        finally:
            platform.terminate()
            platform.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", "/accounts/login/", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
