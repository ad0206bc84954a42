"""Deciding about many findings at once through the API, and taking it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

import findings.services
from events.kinds import SYSTEM, Kind
from events.models import Event, Job
from findings.models import Finding, IgnoreReason, Triage
from orgs.permissions import Scope
from orgs.selectors import memberships_of
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.api.conftest import Caller

TRIAGE = "/api/v1/deployments/acme/triage"
IGNORE: dict[str, Any] = {"new_triage_state": "ignored", "new_triage_reason": "no_time", "new_note": "Next quarter."}


@pytest.fixture
def writer(caller: Caller) -> Client:
    return caller(Scope.API_WRITE)


@pytest.fixture
def ids(acme: Organization) -> list[int]:
    """Three open findings of high severity, and one of low."""
    with acting_for(acme.pk):
        scan = factories.a_scan()
        made = [factories.a_finding(scan=scan).pk for _ in range(3)]
        factories.a_finding(scan=scan, severity=1)
    return made


def post(client: Client, address: str, **body: Any) -> Any:
    return client.post(address, data=body, content_type="application/json")


def states(acme: Organization) -> list[str]:
    with acting_for(acme.pk):
        return list(Finding.objects.order_by("pk").values_list("triage", flat=True))


def test_named_findings_are_decided_about_together_in_one_event(
    writer: Client, acme: Organization, ids: list[int]
) -> None:
    answer = post(writer, TRIAGE, issue_type="sast", issue_ids=ids[:2], **IGNORE).json()

    assert (answer["num_triaged"], answer["triaged_issues"]) == (2, ids[:2])
    assert states(acme) == ["ignored", "ignored", "open", "open"]
    with acting_for(acme.pk):
        finding = Finding.objects.get(pk=ids[0])
        assert (finding.ignore_reason, finding.triage_comment) == ("no_time", "Next quarter.")
        assert (finding.triage_source, finding.triaged_by) == ("person", "ci")
        assert Event.objects.filter(kind=Kind.FINDINGS_TRIAGED).count() == 1


def test_what_a_filter_means_is_previewed_then_decided_about(
    writer: Client, acme: Organization, ids: list[int]
) -> None:
    wanted = {"severities": ["high"], **IGNORE}
    preview = post(writer, TRIAGE, is_preview=True, **wanted).json()
    frozen = {name: preview[name] for name in ("expected_count", "filter_digest")}

    answer = post(writer, TRIAGE, **wanted, **frozen).json()

    assert (preview["expected_count"], preview["num_triaged"]) == (3, 0)
    assert answer["triaged_issues"] == ids
    assert states(acme) == ["ignored", "ignored", "ignored", "open"]


def test_findings_that_came_since_the_preview_stop_it(writer: Client, acme: Organization, ids: list[int]) -> None:
    with acting_for(acme.pk):
        factories.a_finding()

    answer = post(writer, TRIAGE, filter={"severity": "high"}, expected_count=3, **IGNORE)

    assert (answer.status_code, "4 are meant now" in answer.json()["detail"]) == (422, True)
    assert set(states(acme)) == {"open"}


def test_as_many_but_other_findings_than_previewed_stop_it(writer: Client, acme: Organization, ids: list[int]) -> None:
    preview = post(writer, TRIAGE, filter={"severity": "high"}, is_preview=True, **IGNORE).json()
    with acting_for(acme.pk):
        Finding.objects.filter(pk=ids[0]).update(is_present=False)
        factories.a_finding()

    answer = post(
        writer,
        TRIAGE,
        filter={"severity": "high"},
        expected_count=3,
        filter_digest=preview["filter_digest"],
        **IGNORE,
    )

    assert answer.status_code == 422
    assert set(states(acme)) == {"open"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "new_triage_state"),
        ({"new_triage_state": "ignored"}, "issue_ids"),
        ({"new_triage_state": "ignored", "issue_ids": []}, "issue_ids"),
        ({"new_triage_state": "ignored", "severities": ["high"]}, "expected_count"),
        ({"new_triage_state": "ignored", "severties": ["high"]}, "severties"),
        ({"new_triage_state": "ignored", "filter": {"severties": ["high"]}}, "filter"),
        ({"new_triage_state": "ignored", "severities": ["huge"], "expected_count": 1}, "severity"),
        ({"new_triage_state": "fixed", "issue_ids": [1]}, "new_triage_state"),
        ({"new_triage_state": "fixing", "new_triage_reason": "no_time", "issue_ids": [1]}, "new_triage_reason"),
        ({"new_triage_state": "ignored", "issue_ids": [1], "new_note": "x" * 3001}, "new_note"),
        ({"new_triage_state": "ignored", "issue_ids": list(range(1, 3002))}, "issue_ids"),
        ({"new_triage_state": "ignored", "issue_ids": [10**9]}, "issue_ids"),
    ],
)
def test_what_is_not_said_exactly_is_refused(
    writer: Client, acme: Organization, ids: list[int], body: dict[str, Any], field: str
) -> None:
    answer = post(writer, TRIAGE, **body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert set(states(acme)) == {"open"}


def test_a_finding_of_somebody_else_stops_it_all(
    writer: Client, acme: Organization, ids: list[int], charlie: User
) -> None:
    with acting_for(memberships_of(charlie.pk)[0].organization_id):
        foreign = factories.a_finding().pk

    answer = post(writer, TRIAGE, issue_ids=[*ids, foreign], **IGNORE)

    assert (answer.status_code, str(foreign) in answer.content.decode()) == (400, True)
    assert set(states(acme)) == {"open"}


def test_more_than_three_thousand_at_once_are_refused(
    acme: Organization, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("findings.services.deciding_in_bulk.MOST_AT_ONCE", 2)

    with acting_for(acme.pk), pytest.raises(findings.services.BulkRefused):
        findings.services.triage_in_bulk(
            chosen=Finding.objects.filter(pk__in=ids),
            triage=Triage.IGNORED,
            reason=IgnoreReason.NO_TIME,
            comment="",
            actor=SYSTEM,
        )

    assert set(states(acme)) == {"open"}


# --- Undo -------------------------------------------------------------------------------------------------------------


def test_undo_gives_back_what_was_before(writer: Client, acme: Organization, ids: list[int]) -> None:
    writer.patch(
        f"/api/v1/deployments/acme/findings/{ids[0]}",
        data={"triage": "reviewing", "comment": "Mine."},
        content_type="application/json",
    )
    bulk = post(writer, TRIAGE, issue_ids=ids, **IGNORE).json()["bulk_id"]

    answer = post(writer, f"{TRIAGE}/{bulk}/undo").json()

    assert (answer["undone_count"], answer["undone_by"]) == (3, "ci")
    assert states(acme) == ["reviewing", "open", "open", "open"]
    with acting_for(acme.pk):
        assert Finding.objects.get(pk=ids[0]).triage_comment == "Mine."


def test_what_waited_for_its_analysis_waits_again(writer: Client, acme: Organization, ids: list[int]) -> None:
    bulk = post(writer, TRIAGE, issue_ids=ids, **IGNORE).json()["bulk_id"]

    post(writer, f"{TRIAGE}/{bulk}/undo")

    with acting_for(acme.pk):
        assert set(Finding.objects.values_list("not_analysed", flat=True)) == {"waiting"}
        assert Job.objects.filter(task="triage.tasks.judge_finding").count() == 3


def test_what_somebody_decided_since_stays(writer: Client, acme: Organization, ids: list[int]) -> None:
    bulk = post(writer, TRIAGE, issue_ids=ids, **IGNORE).json()["bulk_id"]
    writer.patch(
        f"/api/v1/deployments/acme/findings/{ids[0]}", data={"triage": "to_fix"}, content_type="application/json"
    )

    answer = post(writer, f"{TRIAGE}/{bulk}/undo").json()

    assert answer["undone_count"] == 2
    assert states(acme) == ["to_fix", "open", "open", "open"]


def test_undo_works_once_and_for_half_an_hour(writer: Client, acme: Organization, ids: list[int]) -> None:
    first = post(writer, TRIAGE, issue_ids=ids, **IGNORE).json()["bulk_id"]
    post(writer, f"{TRIAGE}/{first}/undo")
    second = post(writer, TRIAGE, issue_ids=ids, **IGNORE).json()["bulk_id"]

    again = post(writer, f"{TRIAGE}/{first}/undo")
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        late = post(writer, f"{TRIAGE}/{second}/undo")

    assert (again.status_code, late.status_code) == (409, 409)
    assert states(acme) == ["ignored", "ignored", "ignored", "open"]


def test_the_history_keeps_every_decision(writer: Client, acme: Organization, ids: list[int]) -> None:
    post(writer, TRIAGE, issue_ids=ids, **IGNORE)

    history = writer.get(TRIAGE).json()["bulk_triages"]

    assert [(entry["count"], entry["triage"], entry["made_by"]) for entry in history] == [(3, "ignored", "ci")]
