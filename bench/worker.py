"""How much of a model's time one worker process uses: 64 threads, a model that answers in a second."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.measure import cpu_seconds_of
from bench.platform import ROOT, new_organization, running_worker
from bench.synthetic import context_of, write_report

THREADS = 64
ANSWER_SECONDS = 1.0
FINDINGS = 1280
GIVE_UP_SECONDS = 180.0
TARGET_SHARE = 0.85


def bench() -> dict[str, Any]:
    """Analyse findings, with the code around them, by one real worker over the real broker."""
    with model_server() as address:
        environment = {
            "ASSISTANT_MODE": "evaluation",  # with the pool of connections, as in production
            "OPENAI_API_KEY": "not-a-key",
            "OPENAI_BASE_URL": f"{address}/v1",
            "OPENAI_MODEL": "bench",
        }
        with running_worker(threads=THREADS, environment=environment) as worker:
            cpu_began, began = cpu_seconds_of(worker.pid), time.time()
            _hand_in()
            answered = _wait_until_answered(address)
            cpu = cpu_seconds_of(worker.pid) - cpu_began
    verdicts = sorted(answered["VerdictAnswer"])
    # Without the ends, where threads start and run out of work.
    first, last = len(verdicts) // 10, len(verdicts) * 9 // 10
    rate = (last - first) / (verdicts[last] - verdicts[first])
    ideal = THREADS / ANSWER_SECONDS
    return {
        "threads": THREADS,
        "findings": FINDINGS,
        "verdicts_a_second": round(rate, 1),
        "share_of_ideal": round(rate / ideal, 3),
        "target_share": TARGET_SHARE,
        "seconds_to_last_verdict": round(verdicts[-1] - began, 1),
        "tags": len(answered.get("ComponentAnswer", [])),
        "worker_cpu_ms_a_finding": round(cpu * 1000 / FINDINGS, 1),
    }


@contextmanager
def model_server() -> Iterator[str]:
    """Run the model beside us; yields its address."""
    command = [sys.executable, "-m", "bench.model_server", str(ANSWER_SECONDS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


def _hand_in() -> None:
    import findings.services  # noqa: PLC0415  (Django is loaded by then)
    import orgs.services  # noqa: PLC0415
    from events.kinds import SYSTEM  # noqa: PLC0415
    from findings.services import ScanDescription  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415

    organization = new_organization()
    with tempfile.TemporaryFile() as report, context_of(FINDINGS) as context, acting_for(organization.pk):
        orgs.services.give_consent(actor=SYSTEM)
        # Only verdicts are counted, so nothing is asked after them.
        orgs.services.change_settings(actor=SYSTEM, changes={"analyses_all_severities": True, "remediation": False})
        write_report(report, count=FINDINGS)
        report.seek(0)
        description = ScanDescription(project="bench", branch="main", commit="c" * 40)
        findings.services.receive_scan(description=description, report=report, context=context, actor=SYSTEM)


def _wait_until_answered(address: str) -> dict[str, list[float]]:
    give_up_at = time.monotonic() + GIVE_UP_SECONDS
    while True:
        with urllib.request.urlopen(f"{address}/answers", timeout=10) as reply:
            answered: dict[str, list[float]] = json.load(reply)
        if len(answered.get("VerdictAnswer", [])) >= FINDINGS:
            return answered
        if time.monotonic() > give_up_at:
            raise RuntimeError(f"after {GIVE_UP_SECONDS:.0f} s {len(answered.get('VerdictAnswer', []))} were judged")
        time.sleep(0.5)
