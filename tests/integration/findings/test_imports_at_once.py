"""Two imports at once, on connections of their own: neither waits for the other in a circle, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

import findings.services
from events.kinds import SYSTEM
from findings.models import Finding, IgnoreReason, Presence, Scan, ScanState
from rules.models import Rule
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.findings.importing import matches, received, report_of

NEEDLE = "gate.open(visitor)"
FILES = {f"park/{name}.py": f"{NEEDLE}\n" * 20 for name in "abcdefgh"}


@pytest.fixture
def park(committed: None) -> Organization:
    return factories.an_organization("park", admin=factories.a_person("keeper@park.example"))


def results(*, rule: str = "garden.open-gate", backwards: bool = False) -> list[dict[str, Any]]:
    found = [match for path, text in FILES.items() for match in matches(path, text, NEEDLE, rule=rule)]
    return found[::-1] if backwards else found


def handed_in(park: Organization, *reports: dict[str, Any], **description: Any) -> list[Scan]:
    with acting_for(park.pk):
        return [received(report, **{"branch": f"topic-{n}", **description}) for n, report in enumerate(reports)]


def ingested_at_once(park: Organization, scans: list[Scan], beside: Callable[[], None] | None = None) -> list[object]:
    gate = threading.Barrier(len(scans) + (beside is not None))
    problems: list[object] = []

    def run(work: Callable[[], object]) -> None:
        try:
            with acting_for(park.pk):
                gate.wait(timeout=10)
                work()
        except Exception as error:  # the test looks at it
            problems.append(error)
        finally:
            connection.close()

    works = [lambda scan=scan: findings.services.ingest_scan(scan=scan) for scan in scans]
    threads = [threading.Thread(target=run, args=(work,)) for work in [*works, *([beside] if beside else [])]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return problems


def count_in(park: Organization, model: Any, **conditions: Any) -> int:
    with acting_for(park.pk), transaction.atomic():
        return int(model.objects.filter(**conditions).count())


def test_two_scans_of_a_project_find_the_same_findings_once(park: Organization) -> None:
    scans = handed_in(park, report_of(*results()), report_of(*results(backwards=True)))

    problems = ingested_at_once(park, scans)

    assert problems == []
    assert count_in(park, Finding) == 160
    assert count_in(park, Presence, state="present") == 320
    assert count_in(park, Scan, state=ScanState.INGESTED) == 2


def test_four_scans_of_two_projects_with_the_same_rules(park: Organization) -> None:
    reports = [report_of(*results(rule=f"garden.{n}"), *results(rule=f"garden.{3 - n}")) for n in range(4)]
    scans = [
        scan
        for n, report in enumerate(reports)
        for scan in handed_in(park, report, project=f"project {n % 2}", branch=f"topic-{n}")
    ]

    problems = ingested_at_once(park, scans)

    assert problems == []
    assert (count_in(park, Rule), count_in(park, Finding)) == (4, 2 * 4 * 160)


def test_the_same_scan_twice_at_once_is_ingested_once(park: Organization) -> None:
    (scan,) = handed_in(park, report_of(*results()))

    problems = ingested_at_once(park, [scan, scan, scan])

    assert problems == []
    assert (count_in(park, Finding), count_in(park, Presence)) == (160, 160)


def test_the_same_upload_twice_at_once_is_one_scan(park: Organization) -> None:
    ids: list[int] = []

    def hand_in() -> None:
        try:
            ids.append(handed_in(park, report_of(*results()))[0].pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=hand_in) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert (len(ids), len(set(ids)), count_in(park, Scan)) == (3, 1, 1)


def test_a_decision_made_during_an_import_stays(park: Organization) -> None:
    first = handed_in(park, report_of(*results()))
    ingested_at_once(park, first)
    with acting_for(park.pk), transaction.atomic():
        decided = list(Finding.objects.select_related("project").order_by("-pk")[:20])
    suppressed = report_of(*[{**each, "extra": {**each["extra"], "is_ignored": True}} for each in results()])
    again = handed_in(park, suppressed, branch="topic-0")

    def decide() -> None:
        for finding in decided:
            with transaction.atomic():
                findings.services.ignore(
                    finding=finding, reason=IgnoreReason.ACCEPTABLE_RISK, comment="Mine.", actor=SYSTEM
                )

    problems = ingested_at_once(park, again, beside=decide)

    assert problems == []
    assert count_in(park, Finding, triage_source="person", ignore_reason="acceptable_risk") == 20


def test_tagging_files_during_an_import_blocks_neither(park: Organization) -> None:
    ingested_at_once(park, handed_in(park, report_of(*results())))
    with acting_for(park.pk), transaction.atomic():
        ids = list(Finding.objects.order_by("-pk").values_list("pk", flat=True))
    again = handed_in(park, report_of(*results(backwards=True)), commit="abcdef1")

    def tag() -> None:
        for _ in range(10):
            with transaction.atomic():
                findings.services.apply_component(finding_ids=ids, tag="API", risk="high")

    problems = ingested_at_once(park, again, beside=tag)

    assert problems == []
    assert count_in(park, Finding, component_tag="API") == 160
