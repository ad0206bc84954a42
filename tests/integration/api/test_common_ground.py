"""What all endpoints share: keys of repeated writes, limits, sizes, pages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from redis.exceptions import ConnectionError as RedisGone

import orgs.services
from assistant_platform.api import limits
from events.kinds import SYSTEM
from findings.models import Finding, Note
from orgs import answered_requests
from orgs.models import AnsweredRequest
from orgs.permissions import Scope
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.api.conftest import Caller

FINDINGS = "/api/v1/deployments/acme/findings"


@pytest.fixture
def writer(caller: Caller) -> Client:
    return caller(Scope.API_WRITE)


@pytest.fixture
def finding(acme: Organization) -> Finding:
    with acting_for(acme.pk):
        return factories.a_finding()


def write_note(client: Client, finding: Finding, text: str, key: str) -> tuple[int, str, str | None]:
    response = client.post(
        f"{FINDINGS}/{finding.pk}/notes",
        data={"text": text},
        content_type="application/json",
        headers={"idempotency-key": key},
    )
    return response.status_code, response.content.decode(), response.headers.get("Idempotency-Replayed")


# --- Writes that are sent again ---------------------------------------------------------------------------------------


def test_a_write_that_is_sent_again_is_done_once_and_answered_the_same(
    writer: Client, finding: Finding, acme: Organization
) -> None:
    first = write_note(writer, finding, "Seen.", "note-1")
    again = write_note(writer, finding, "Seen.", "note-1")

    assert (first[0], first[2]) == (201, None)
    assert again == (201, first[1], "true")
    with acting_for(acme.pk):
        assert Note.objects.count() == 1


def test_a_refusal_is_answered_the_same_too(writer: Client, finding: Finding) -> None:
    first = write_note(writer, finding, "", "note-1")
    again = write_note(writer, finding, "", "note-1")

    assert (first[0], again) == (400, (400, first[1], "true"))


def test_the_same_key_with_another_body_is_refused(writer: Client, finding: Finding, acme: Organization) -> None:
    write_note(writer, finding, "Seen.", "note-1")

    status, body, _ = write_note(writer, finding, "Something else.", "note-1")

    assert status == 422
    assert "Idempotency-Key" in body
    with acting_for(acme.pk):
        assert Note.objects.count() == 1


def test_a_key_belongs_to_one_token(caller: Caller, finding: Finding, acme: Organization) -> None:
    write_note(caller(Scope.API_WRITE), finding, "Seen.", "note-1")

    status, _, replayed = write_note(caller(Scope.API_WRITE), finding, "Seen.", "note-1")

    assert (status, replayed) == (201, None)


def test_a_request_that_is_under_way_is_not_begun_again(writer: Client, finding: Finding, acme: Organization) -> None:
    write_note(writer, finding, "Seen.", "note-1")
    with acting_for(acme.pk):
        AnsweredRequest.objects.update(status=None)

    assert write_note(writer, finding, "Seen.", "note-1")[0] == 409


def test_two_at_once_do_the_work_once(committed: None) -> None:
    admin = factories.a_person("alice@acme.example")
    acme = factories.an_organization("acme", admin=admin)
    with acting_for(acme.pk), transaction.atomic():
        finding = factories.a_finding()
        _, value = orgs.services.create_token(name="x", scopes=[Scope.API_WRITE], created_by=admin, actor=SYSTEM)

    def send(_: int) -> int:
        try:
            return write_note(Client(headers={"authorization": f"Bearer {value}"}), finding, "Seen.", "note-1")[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        statuses = set(pool.map(send, range(4)))

    assert {201} <= statuses <= {201, 409}
    with acting_for(acme.pk), transaction.atomic():
        assert Note.objects.count() == 1


def test_our_own_failure_is_not_kept(
    writer: Client, finding: Finding, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("findings.services.add_note", _failing)
        assert write_note(writer, finding, "Seen.", "note-1")[0] == 500

    assert write_note(writer, finding, "Seen.", "note-1")[0] == 201


def test_answers_are_forgotten_after_a_day(writer: Client, finding: Finding, acme: Organization) -> None:
    with time_machine.travel(timezone.now() - timedelta(hours=25)):
        write_note(writer, finding, "Seen.", "note-1")

    with acting_for(acme.pk):
        assert answered_requests.forget_old() == 1
    assert write_note(writer, finding, "Seen.", "note-1")[2] is None


# --- How often, how much ----------------------------------------------------------------------------------------------


def test_a_token_is_told_what_it_may_still_ask_and_refused_after_that(
    reader: Client, acme: Organization, settings: Settings
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2

    with time_machine.travel(timezone.now(), tick=False):
        answers = [reader.get(FINDINGS) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].headers["Retry-After"] == answers[2].headers["RateLimit-Reset"]
    assert answers[2].json()["title"] == "Too Many Requests"


def test_the_limit_is_of_one_token(caller: Caller, acme: Organization, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1
    first, second = caller(Scope.API_READ), caller(Scope.API_READ)

    with time_machine.travel(timezone.now(), tick=False):
        first.get(FINDINGS)

        assert second.get(FINDINGS).status_code == 200


def test_nobody_is_limited_while_redis_is_away(
    reader: Client, acme: Organization, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1
    monkeypatch.setattr(limits, "_asks_again_at", 0.0)
    monkeypatch.setattr(cache, "incr", _no_redis)

    assert [reader.get(FINDINGS).status_code for _ in range(3)] == [200, 200, 200]


def test_a_body_that_is_too_large_is_refused_before_it_is_read(writer: Client, finding: Finding) -> None:
    status, body, _ = write_note(writer, finding, "x" * (1024 * 1024), "")

    assert status == 413
    assert "KiB" in body


def test_json_that_nests_too_deep_is_refused_in_words(writer: Client, finding: Finding) -> None:
    response = writer.post(
        f"/api/v1/deployments/acme/findings/{finding.pk}/notes", "[" * 100_000, content_type="application/json"
    )

    assert (response.status_code, response.json()["detail"]) == (400, "The JSON nests too deep.")


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_pages_lead_forth_and_back_through_every_finding_once(reader: Client, acme: Organization) -> None:
    with acting_for(acme.pk):
        scan = factories.a_scan()
        made = {factories.a_finding(scan=scan, severity=1 + number % 4).pk for number in range(7)}

    pages = [reader.get(FINDINGS, {"page_size": 3})]
    pages.append(reader.get(pages[-1].json()["next"]))
    pages.append(reader.get(pages[-1].json()["next"]))
    back = reader.get(pages[-1].json()["previous"]).json()

    ids = [entry["id"] for page in pages for entry in page.json()["findings"]]
    assert (len(ids), set(ids)) == (7, made)
    assert (pages[0].json()["previous"], pages[2].json()["next"]) == (None, None)
    assert [entry["id"] for entry in back["findings"]] == ids[3:6]
    assert pages[1].headers["Link"].count("rel=") == 2


def test_semgreps_numbered_pages_hold_the_same(reader: Client, acme: Organization) -> None:
    with acting_for(acme.pk):
        scan = factories.a_scan()
        made = [factories.a_finding(scan=scan).pk for _ in range(5)]

    pages = [reader.get(FINDINGS, {"page": number, "page_size": 2}).json()["findings"] for number in range(4)]

    assert [[entry["id"] for entry in page] for page in pages] == [made[:2:-1], made[2:0:-1], made[:1], []]


@pytest.mark.parametrize("cursor", ["x", "W10", "WzAsMV0", "WzAsIjEiLCIyIl0", "WzAsMSwtMV0", "[" * 900, "x" * 2000])
def test_what_is_no_cursor_is_refused(reader: Client, acme: Organization, cursor: str) -> None:
    response = reader.get(FINDINGS, {"cursor": cursor})

    assert (response.status_code, list(response.json()["errors"])) == (400, ["cursor"])


def _failing(**_: object) -> None:
    raise RuntimeError("a defect")


def _no_redis(*_: object) -> None:
    raise RedisGone
