"""How soon a pull request of fifty findings has its comments after the last verdict, on a host of some slowness.

The host is the one in memory that the tests have; each request to it takes as long as one over the internet. What a
real host's limits add depends on how many requests there are, which are counted too.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

FINDINGS = 50
SECONDS_A_REQUEST = 0.3
THREADS = 4
TARGET_SECONDS = 10.0


def bench() -> dict[str, Any]:
    """End the last analysis of a pull request's scan, and let a worker do what follows."""
    from django.db import connection  # noqa: PLC0415  (Django is loaded by then)

    import scm.adapters  # noqa: PLC0415
    from bench.platform import new_organization  # noqa: PLC0415
    from events.draining import drain  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415
    from tests.vendors import memory_host  # noqa: PLC0415

    host = memory_host.MemoryHost()
    posted_at: list[float] = []

    def take_a_while(call: memory_host.Call) -> None:
        if call.method == "post_comment":
            posted_at.append(time.perf_counter())
        else:
            time.sleep(SECONDS_A_REQUEST)

    host.before = take_a_while
    known = dict(scm.adapters.ADAPTERS)
    scm.adapters.ADAPTERS["github"] = f"{memory_host.__name__}.{memory_host.host_in_use.__name__}"
    memory_host._host_in_use.append(host)
    try:
        organization = new_organization()
        with acting_for(organization.pk):
            last = _all_but_one_judged(host)
            began = time.perf_counter()
            _judge(last)
            connection.close()
            drain(threads=THREADS, patience_seconds=TARGET_SECONDS * 2)
            seconds = max(posted_at) - began
    finally:
        memory_host._host_in_use.remove(host)
        scm.adapters.ADAPTERS.update(known)
        scm.adapters.close_adapters()
    return {
        "findings": FINDINGS,
        "seconds_a_request": SECONDS_A_REQUEST,
        "comments": len(host.ours()),
        "seconds_to_last_comment": round(seconds, 2),
        "requests": dict(Counter(call.method for call in host.log if call.method != "post_comment")),
        "target_seconds": TARGET_SECONDS,
    }


def _all_but_one_judged(host: Any) -> int:
    """Make a pull request's scan with findings of which one still waits; return that one's id."""
    from django.db import transaction  # noqa: PLC0415

    import findings.services  # noqa: PLC0415
    from findings.models import ScanState  # noqa: PLC0415
    from rules.models import Mode  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415
    from tests.vendors.memory_host import a_repository, shown  # noqa: PLC0415

    path = "app/orders.py"
    there = host.add_repository()
    host.add_pull_request(files=[shown(path, *range(1, FINDINGS + 1))])
    with transaction.atomic():
        project = factories.a_project()
        a_repository(there, project=project)
        rule = factories.a_rule(mode=Mode.COMMENT)
        scan = factories.a_scan(project, branch="", pull_request_id="7", is_full=False, state=ScanState.INGESTED)
        made = [
            factories.a_finding(
                scan=scan, rule=rule, path=path, start_line=line, end_line=line, message=f"Message {line} of many"
            )
            for line in range(1, FINDINGS + 1)
        ]
        for finding in made[:-1]:
            factories.a_verdict(finding, "true_positive")
        findings.services.begin_analysis(scan=scan, finding_ids=[made[-1].pk])
    return made[-1].pk


def _judge(finding_id: int) -> None:
    from django.db import transaction  # noqa: PLC0415

    import findings.services  # noqa: PLC0415
    from events.kinds import ASSISTANT  # noqa: PLC0415
    from findings.models import AnalysisState, Finding  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    with transaction.atomic():
        finding = Finding.objects.get(pk=finding_id)
        factories.a_verdict(finding, "true_positive")
        findings.services.end_analysis(finding=finding, state=AnalysisState.JUDGED, actor=ASSISTANT)
