"""Importing a report: from the request's file to findings that a page shows."""

from __future__ import annotations

import tempfile
import time
from typing import Any

from bench.measure import cpu_seconds_of, forget_peak_memory, memory_mb, peak_memory_mb, seconds_of, summary
from bench.platform import new_organization
from bench.synthetic import write_report

RUNS_OF_SIZE = {1_000: 5, 10_000: 3, 100_000: 1}
TARGET_SECONDS = {10_000: 3.0, 100_000: 25.0}


def bench() -> dict[str, Any]:
    """Measure each size, a new organization each time, and how far memory rises above what was held before."""
    _import(count=200)  # the first import pays for imports of Python's
    return {f"{count}": _of_size(count, runs) for count, runs in RUNS_OF_SIZE.items()}


def _of_size(count: int, runs: int) -> dict[str, Any]:
    figures = [_import(count=count) for _ in range(runs)]
    return {
        "seconds": summary([figure["seconds"] for figure in figures]),
        "receive_seconds": summary([figure["receive"] for figure in figures]),
        "ingest_seconds": summary([figure["ingest"] for figure in figures]),
        # On a machine that others use too, these tell more than the clock on the wall.
        "cpu_seconds": summary([figure["cpu"] for figure in figures]),
        "database_cpu_seconds": summary([figure["database_cpu"] for figure in figures]),
        "report_mb": figures[0]["report_mb"],
        "memory_rise_mb": summary([figure["memory_rise_mb"] for figure in figures], digits=1),
        **({"target_seconds": TARGET_SECONDS[count]} if count in TARGET_SECONDS else {}),
    }


def _import(*, count: int) -> dict[str, float]:
    from django.db import transaction  # noqa: PLC0415  (Django is loaded by then)

    import findings.services  # noqa: PLC0415
    from events.kinds import SYSTEM  # noqa: PLC0415
    from findings.models import Finding, Scan  # noqa: PLC0415
    from findings.services import ScanDescription  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415

    scans: list[Scan] = []

    def receive() -> None:
        description = ScanDescription(project="bench", branch="main", commit="c" * 40)
        scans.append(findings.services.receive_scan(description=description, report=report, actor=SYSTEM))

    organization = new_organization()
    with tempfile.TemporaryFile() as report, acting_for(organization.pk):
        write_report(report, count=count)
        size = report.tell()
        report.seek(0)
        forget_peak_memory()
        before = memory_mb()
        cpu_began, database_began = time.process_time(), cpu_seconds_of(_database_process())
        received = seconds_of(receive)
        ingested = seconds_of(lambda: findings.services.ingest_scan(scan=scans[0]))
        cpu = time.process_time() - cpu_began
        database_cpu = cpu_seconds_of(_database_process()) - database_began
        rise = peak_memory_mb() - before
        with transaction.atomic():
            found = Finding.objects.count()
    assert found == count, f"{found} of {count} findings arrived"
    return {
        "seconds": received + ingested,
        "receive": received,
        "ingest": ingested,
        "cpu": cpu,
        "database_cpu": database_cpu,
        "memory_rise_mb": rise,
        "report_mb": round(size / 1024 / 1024, 1),
    }


def _database_process() -> int:
    """Return the number of the database's process that serves us; it stays the same in a run without a pool."""
    from django.db import connection, transaction  # noqa: PLC0415

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
    return pid
