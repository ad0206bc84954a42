"""How much later a pull request's verdicts come when another organization has ten thousand requests waiting."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from assistant_platform.embedded.startup import WORKERS
from bench.measure import summary
from bench.platform import new_organization, running_worker
from bench.synthetic import context_of, write_report
from bench.worker import THREADS, model_server

if TYPE_CHECKING:
    from tenancy.models import Organization

BACKLOG = 10_000
OF_PULL_REQUEST = 10
RUNS = 5
GIVE_UP_SECONDS = 120.0
TARGET_SECONDS = 5.0


def bench() -> dict[str, Any]:
    """Hand pull requests in, first to an idle worker, then to the same one with the other's backlog at work."""
    with model_server() as address:
        environment = {
            "ASSISTANT_MODE": "evaluation",  # with the pool of connections, as in production
            "OPENAI_API_KEY": "not-a-key",
            "OPENAI_BASE_URL": f"{address}/v1",
            "OPENAI_MODEL": "bench",
        }
        with ExitStack() as workers:
            for queues in WORKERS.values():
                workers.enter_context(running_worker(threads=THREADS, environment=environment, queues=queues))
            large = _organization()
            _seconds_of_pull_request()  # the first one also loads the code
            alone = [_seconds_of_pull_request() for _ in range(RUNS)]
            _owe_backlog(large)
            _wait_until_busy(large)
            beside = [_seconds_of_pull_request() for _ in range(RUNS)]
            left = _waiting(large)
    delay = summary(beside)["median"] - summary(alone)["median"]
    return {
        "threads": THREADS,
        "backlog": BACKLOG,
        "backlog_left_at_the_end": left,
        "findings_of_the_pull_request": OF_PULL_REQUEST,
        "seconds_to_last_verdict_alone": summary(alone),
        "seconds_to_last_verdict_beside_the_backlog": summary(beside),
        "delay_seconds": round(delay, 3),
        "target_delay_seconds": TARGET_SECONDS,
    }


def _organization() -> Organization:
    import orgs.services  # noqa: PLC0415  (Django is loaded by then)
    from events.kinds import SYSTEM  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415

    organization = new_organization()
    with acting_for(organization.pk):
        orgs.services.give_consent(actor=SYSTEM)
        orgs.services.change_settings(actor=SYSTEM, changes={"remediation": False, "pull_request_cap": OF_PULL_REQUEST})
    return organization


def _owe_backlog(organization: Organization) -> None:
    from django.db import transaction  # noqa: PLC0415  (Django is loaded by then)

    import orgs.services  # noqa: PLC0415
    import triage.tasks  # noqa: PLC0415
    from events.kinds import SYSTEM  # noqa: PLC0415
    from events.services import Subject, owe_many  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415

    with acting_for(organization.pk), transaction.atomic():
        project = orgs.services.project_named("backlog", actor=SYSTEM)
        paths = [f"f/{number}.py" for number in range(BACKLOG)]
        files: list[dict[str, Subject]] = [{"project_id": project.pk, "path": path, "revision": "r"} for path in paths]
        owe_many(triage.tasks.tag_file, files)


def _waiting(organization: Organization) -> int:
    from django.db import transaction  # noqa: PLC0415  (Django is loaded by then)

    import events.selectors  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415

    with acting_for(organization.pk), transaction.atomic():
        return events.selectors.unfinished_jobs().count()


def _wait_until_busy(organization: Organization) -> None:
    give_up_at = time.monotonic() + GIVE_UP_SECONDS
    while _waiting(organization) > BACKLOG - 2 * THREADS:
        if time.monotonic() > give_up_at:
            raise RuntimeError("the worker does not take the backlog up")
        time.sleep(0.2)


def _seconds_of_pull_request() -> float:
    """Hand in a pull request of a new organization, which knows no answer yet, and return when all was judged."""
    from django.db import transaction  # noqa: PLC0415  (Django is loaded by then)

    import findings.services  # noqa: PLC0415
    from events.kinds import SYSTEM  # noqa: PLC0415
    from findings.models import Scan, ScanState  # noqa: PLC0415
    from findings.services import ScanDescription  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415

    organization = _organization()
    description = ScanDescription(project="shop", branch="change", commit="c" * 40, pull_request_id="1", is_full=False)
    with (
        tempfile.TemporaryFile() as report,
        context_of(OF_PULL_REQUEST) as context,
        acting_for(organization.pk),
    ):
        write_report(report, count=OF_PULL_REQUEST)
        report.seek(0)
        began = time.perf_counter()
        scan = findings.services.receive_scan(description=description, report=report, context=context, actor=SYSTEM)
        while time.perf_counter() - began < GIVE_UP_SECONDS:
            with transaction.atomic():
                if Scan.objects.filter(pk=scan.pk, state=ScanState.SETTLED).exists():
                    return time.perf_counter() - began
            time.sleep(0.02)
    raise RuntimeError(f"the pull request was not analysed within {GIVE_UP_SECONDS:.0f} s")
