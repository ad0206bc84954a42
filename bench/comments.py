"""How soon a pull request of fifty findings has its comments after the last verdict, on a host of some slowness.

The host is the GitHub on loopback that the tests have, asked by the real adapter: each request takes as long as one
over the internet, whoever writes more often than GitHub lets an App is sent away for a minute, and every request and
answer is checked against GitHub's description where it was fetched.
"""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from tests.vendors.github.routing import Asked, Reply, secondary_limit
from tests.vendors.github_server import GitHubServer

if TYPE_CHECKING:
    from tests.vendors.github.state import Pull

FINDINGS = 50
PATH = "app/orders.py"
SECONDS_A_REQUEST = 0.3
# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api, secondary limits
WRITES_A_MINUTE = 80
POINTS_A_MINUTE = 900
POINTS_OF_A_WRITE = 5
NUMBER = re.compile("[0-9a-f]{7,}|[0-9]+")
THREADS = 4
TARGET_SECONDS = 10.0


class BusyGitHub(GitHubServer):
    """A GitHub some way off, with its limits for what is written and asked within a minute."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0
        self.posted_at = 0.0
        self._lately: deque[tuple[float, int]] = deque()  # (when, points)

    def answer(self, asked: Asked) -> Reply | None:
        """Answer after a while, or send away who asks too often."""
        time.sleep(SECONDS_A_REQUEST)
        now = time.monotonic()
        with self._lock:
            while self._lately and self._lately[0][0] < now - 60:
                self._lately.popleft()
            is_write = asked.method != "GET" and asked.path != "/graphql"
            self._lately.append((now, POINTS_OF_A_WRITE if is_write else 1))
            points = [points for _, points in self._lately]
            if points.count(POINTS_OF_A_WRITE) > WRITES_A_MINUTE or sum(points) > POINTS_A_MINUTE:
                self.refused += 1
                return secondary_limit()
        reply = super().answer(asked)
        if asked.method == "POST" and asked.path.endswith(("/reviews", "/comments")):
            self.posted_at = time.perf_counter()
        return reply


def bench() -> dict[str, Any]:
    """End the last analysis of a pull request's scan, and let a worker do what follows."""
    from django.db import connection  # noqa: PLC0415  (Django is loaded by then)

    from bench.platform import new_organization  # noqa: PLC0415
    from events.draining import drain  # noqa: PLC0415
    from lib.http.policy import Policy, in_force  # noqa: PLC0415
    from scm.adapters import close_adapters  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415

    with BusyGitHub().running() as github, in_force(Policy.of(allowed=["127.0.0.1"], ports=["*"])):
        assert isinstance(github, BusyGitHub)
        repository = github.add_repository("acme/shop")
        repository.commit({PATH: "".join(f"line {number}\n" for number in range(FINDINGS))}, branch="feature")
        pull = github.open_pull(repository, branch="feature")
        organization = new_organization()
        with acting_for(organization.pk):
            last = _all_but_one_judged(github, pull)
            began = time.perf_counter()
            _judge(last)
            connection.close()
            drain(threads=THREADS, patience_seconds=TARGET_SECONDS * 2)
        close_adapters()
    return {
        "findings": FINDINGS,
        "seconds_a_request": SECONDS_A_REQUEST,
        "comments": len(repository.review_comments),
        "seconds_to_last_comment": round(github.posted_at - began, 2),
        "checks": [run.conclusion for run in repository.check_runs],
        "requests": dict(Counter(f"{each.method} {NUMBER.sub('…', each.path)}" for each in github.requests)),
        "refused_for_their_number": github.refused,
        "against_the_description": github.violations,
        "target_seconds": TARGET_SECONDS,
    }


def _all_but_one_judged(github: GitHubServer, pull: Pull) -> int:
    """Make a pull request's scan with findings of which one still waits; return that one's id."""
    from django.db import transaction  # noqa: PLC0415

    import findings.services  # noqa: PLC0415
    from findings.models import ScanState  # noqa: PLC0415
    from rules.models import Mode  # noqa: PLC0415
    from scm.models import CodeHost, Installation, Repository  # noqa: PLC0415
    from tenancy.sealing import seal_secrets  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    app = github.add_app()
    installed = github.install(app)
    with transaction.atomic():
        project = factories.a_project("acme/shop")
        host = CodeHost.objects.create(
            kind="github",
            base_url=github.url,
            is_app=True,
            app_id=str(app.id),
            account=app.bot.login,
            hook_key="bench",
            sealed_secrets=seal_secrets({"private_key": app.private_key}),
        )
        installation = Installation.objects.create(host=host, external_id=str(installed.id), account="acme")
        Repository.objects.create(
            project=project,
            host=host,
            installation=installation,
            external_id=str(pull.repository.id),
            full_name="acme/shop",
        )
        rule = factories.a_rule(mode=Mode.COMMENT)
        scan = factories.a_scan(
            project, branch="", pull_request_id="1", commit=pull.head_sha, is_full=False, state=ScanState.INGESTED
        )
        made = [
            factories.a_finding(
                scan=scan, rule=rule, path=PATH, start_line=line, end_line=line, message=f"Message {line} of many"
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
