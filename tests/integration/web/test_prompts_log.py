"""The log of prompts and answers: filters, pages, hidden values, comparison, export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client

from events.kinds import Kind
from events.models import Event
from orgs.selectors import memberships_of
from providers import log
from providers.log import CallFilter
from providers.models import ModelCall, Outcome
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.providers import situations

ClientFor = Callable[[User], Client]
LOG = "/orgs/acme/settings/prompts/"
HOSTILE = "<script>alert(1)</script>"


def a_call(**fields: Any) -> ModelCall:
    values = {
        "purpose": "triage/verdict",
        "prompt_name": "triage/verdict",
        "prompt_version": 1,
        "adapter": "openai",
        "model": "gpt-5-mini",
        "outcome": Outcome.ANSWERED,
        "system_text": "Judge.",
        "user_text": "x = 1",
        "reply_text": "{}",
    }
    return ModelCall.objects.create(**{**values, **fields})


@pytest.fixture
def admin(in_acme: Organization, alice: User, client_for: ClientFor) -> Client:
    return client_for(alice)


# --- Filters and pages ------------------------------------------------------------------------------------------------

FILTERS: dict[str, tuple[dict[str, Any], str]] = {
    "step": ({"purpose": "remediation/guidance"}, "step=remediation/guidance"),
    "model": ({"model": "gpt-5"}, "model=gpt-5"),
    "outcome": ({"outcome": Outcome.FAILED}, "outcome=failed"),
    "version": ({"prompt_version": 2}, "version=2"),
    "finding": ({"finding_id": 77}, "finding=77"),
    "project": ({"project_id": 88}, "project=88"),
    "connection": ({"connection_id": 99}, "connection=99"),
    "fallback": ({"is_fallback": True}, "fallback=yes"),
    "hidden": ({"redacted_count": 2}, "hidden=yes"),
}


@pytest.mark.parametrize(("fields", "query"), FILTERS.values(), ids=FILTERS)
def test_a_filter_shows_what_it_names(fields: dict[str, Any], query: str, admin: Client) -> None:
    a_call()
    wanted = a_call(**fields)

    page = admin.get(f"{LOG}?{query}")

    assert [row[0].pk for row in page.context["rows"]] == [wanted.pk]


@pytest.mark.parametrize(
    ("query", "shown"),
    [("period=7", [2]), ("since=2026-01-10", [2]), ("until=2026-01-09", [1]), ("period=999", [2, 1])],
)
def test_a_period_is_by_days(query: str, shown: list[int], in_acme: Organization) -> None:
    for version, at in ((1, datetime(2026, 1, 9, 23, tzinfo=UTC)), (2, datetime(2026, 1, 10, 1, tzinfo=UTC))):
        ModelCall.objects.filter(pk=a_call(prompt_version=version).pk).update(created_at=at)

    with time_machine.travel(datetime(2026, 1, 17, 0, 30, tzinfo=UTC)):
        found = list(log.matching(CallFilter.parse(QueryDict(query))))

    assert [call.prompt_version for call in found] == shown


@pytest.mark.parametrize(
    "query", ["finding=1 OR 1", "since=2026-13-45", "outcome=no", "version=-1", "after=x&before=²"]
)
def test_a_filter_that_cannot_be_meant_is_left_out(query: str, admin: Client) -> None:
    a_call()

    page = admin.get(f"{LOG}?{query}")

    assert len(page.context["rows"]) == 1


def test_pages_lead_to_the_end_and_back(in_acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "PAGE_SIZE", 2)
    newest_first = [a_call().pk for _ in range(5)][::-1]

    first = log.page(CallFilter())
    second = log.page(CallFilter(), after=str(first.next_after))
    last = log.page(CallFilter(), after=str(second.next_after))
    back = log.page(CallFilter(), before=str(last.previous_before))

    ids = [[call.pk for call in page.calls] for page in (first, second, last)]
    assert [pk for page in ids for pk in page] == newest_first
    assert (first.previous_before, last.next_after) == (None, None)
    assert [call.pk for call in back.calls] == ids[1]


def test_a_page_of_the_log_reads_no_texts_and_asks_the_database_a_fixed_number_of_times(
    admin: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(30):
        a_call(user_text="a long text that no list needs", finding_id=factories.a_finding().pk)

    with django_assert_max_num_queries(24) as asked:
        page = admin.get(LOG)

    assert len(page.context["rows"]) == 30
    assert not any('"user_text"' in query["sql"] for query in asked.captured_queries)


def test_a_log_before_the_first_request_says_when_one_appears(admin: Client) -> None:
    assert "Nothing was asked yet" in admin.get(LOG).content.decode()


# --- One request, and two ---------------------------------------------------------------------------------------------


def test_hidden_values_are_marked_and_counted_by_kind(admin: Client) -> None:
    call = a_call(user_text=f"{HOSTILE} ⟦SECRET-1⟧ ⟦EMAIL-2⟧ ⟦SECRET-3⟧ ⟦SECRET-1⟧", redacted_count=3)

    page = admin.get(f"{LOG}{call.pk}/").content.decode()

    assert page.count('<mark class="hidden-value" title="A secret stood here') == 3
    assert "2 secrets, 1 e-mail address" in page
    assert HOSTILE not in page


def test_the_old_address_of_a_request_leads_to_the_new_one(admin: Client) -> None:
    call = a_call()

    assert admin.get(f"/orgs/acme/model-calls/{call.pk}/")["Location"] == f"{LOG}{call.pk}/"


def test_two_requests_are_compared_line_by_line_and_part_by_part(admin: Client) -> None:
    left = a_call(
        prompt_version=1,
        user_text=f"one\ntwo {HOSTILE}\nthree",
        reply_text=json.dumps(situations.verdict("true_positive")),
    )
    right = a_call(
        prompt_version=2,
        user_text="one\n2\nthree",
        reply_text=json.dumps(situations.verdict("unsure")),
    )

    page = admin.get(f"{LOG}compare/?left={left.pk}&right={right.pk}")

    question = next(text for text in page.context["texts"] if text.title == "Question")
    pairs = [(old and old.sign, new and new.sign) for old, new in question.hunks[0].pairs]
    differing = {part.name: part.after for part in page.context["answers"] if not part.is_same}
    assert pairs == [(" ", " "), ("-", "+"), (" ", " ")]
    assert differing == {"Verdict": "unsure"}
    assert HOSTILE not in page.content.decode()


def test_a_request_offers_for_comparison_what_belongs_to_it(in_acme: Organization) -> None:
    call = a_call(finding_id=5)
    same_finding, replayed, newer_prompt = a_call(finding_id=5), a_call(replay_of=call), a_call(prompt_version=2)
    a_call(finding_id=6)
    a_call(finding_id=5, prompt_name="remediation/guidance")

    offered = log.comparable_with(call)

    assert [each.pk for each in offered] == [newer_prompt.pk, replayed.pk, same_finding.pk]


# --- Export -----------------------------------------------------------------------------------------------------------


def exported(client: Client, file_format: str, query: str = "") -> str:
    response = client.post(f"{LOG}export/?{query}", {"format": file_format})
    return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # of a streamed answer


def test_the_export_obeys_the_filters_and_is_noted(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.log_export.READ_TOGETHER", 2)
    a_call()
    wanted = [a_call(model="gpt-5", user_text=f"text {number}\nline two").pk for number in range(5)]

    lines = [json.loads(line) for line in exported(admin, "ndjson", "model=gpt-5").splitlines()]
    rows = list(csv.DictReader(io.StringIO(exported(admin, "csv", "model=gpt-5"))))

    subjects = [event.subject for event in Event.objects.filter(kind=Kind.LOG_EXPORTED).order_by("pk")]
    assert [line["id"] for line in lines] == wanted[::-1]
    assert [row["user"] for row in rows] == [f"text {number}\nline two" for number in (4, 3, 2, 1, 0)]
    assert [(subject["format"], subject["filter"]) for subject in subjects] == [
        ("ndjson", "model: gpt-5"),
        ("csv", "model: gpt-5"),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =cmd|' /C calc'!A0", "\n=1"])
def test_no_cell_of_the_csv_is_a_formula(text: str, admin: Client) -> None:
    a_call(user_text=text, error=text, model=text.strip())

    row = next(csv.DictReader(io.StringIO(exported(admin, "csv"), newline="")))

    assert (row["user"], row["error"]) == (f"'{text}", f"'{text}")
    assert row["model"].startswith("'")


def test_the_export_has_nothing_of_another_organization(admin: Client, charlie: User) -> None:
    with acting_for(memberships_of(charlie.pk)[0].organization_id):
        a_call(user_text="of umbrella")
    a_call(user_text="of acme")

    text = exported(admin, "ndjson")

    assert "of acme" in text
    assert "of umbrella" not in text
