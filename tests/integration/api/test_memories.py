"""Memories through the API: suggested, approved, changed, removed and tried out, as on the pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from events.draining import drain
from memories.models import Memory, MemoryState
from orgs.permissions import Scope
from tenancy.models import Organization
from tests import factories
from tests.integration.api.conftest import Caller
from tests.integration.providers.situations import ORDERS, a_finding_in

ADDRESS = "/api/v1/deployments/acme/memories"

pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.fixture
def writer(caller: Caller) -> Client:
    return caller(Scope.API_WRITE)


def send(client: Client, method: str, address: str = "", body: dict[str, Any] | None = None) -> Any:
    return getattr(client, method)(f"{ADDRESS}{address}", body or {}, content_type="application/json")


def test_a_memory_is_suggested_approved_changed_and_removed(writer: Client, reader: Client) -> None:
    factories.a_project("shop")

    made = send(writer, "post", "", {"text": "Ours.", "project": "shop", "path_prefix": "/src/"}).json()
    one = f"/{made['id']}"
    suggested = reader.get(f"{ADDRESS}?state=suggested").json()["memories"]
    live = send(writer, "post", f"{one}/approval").json()
    changed = send(writer, "put", one, {"text": "Theirs.", "purpose": "triage"}).json()
    removed = writer.delete(f"{ADDRESS}{one}")
    history = reader.get(f"{ADDRESS}{one}/history").json()["history"]

    assert (made["state"], made["project"], made["path_prefix"], made["created_by"]) == (
        "suggested",
        "shop",
        "src",
        "ci",
    )
    assert [entry["id"] for entry in suggested] == [made["id"]]
    assert (live["state"], changed["text"], changed["project"], changed["version"]) == ("live", "Theirs.", "", 2)
    assert removed.status_code == 204
    assert [step["what"] for step in history] == ["removed", "edited", "approved", "created"]
    assert reader.get(ADDRESS).json()["memories"] == []


def test_what_cannot_be_meant_is_refused_in_words(writer: Client) -> None:
    nowhere = send(writer, "post", "", {"text": "A.", "project": "nowhere"})
    both = send(writer, "post", "", {"text": "A.", "rule": factories.a_rule().identifier, "cwe": "CWE-79"})

    assert (nowhere.status_code, both.status_code) == (400, 400)
    assert "no such project" in nowhere.content.decode()
    assert "not both" in both.content.decode()
    assert not Memory.objects.exists()


def test_a_token_that_reads_decides_nothing(reader: Client) -> None:
    assert send(reader, "post", "", {"text": "A."}).status_code == 403


def test_with_built_in_a_template_is_tried_out_and_no_verdict_is_kept(
    writer: Client, reader: Client, in_acme: Organization
) -> None:
    finding = a_finding_in(ORDERS, project=factories.a_project("shop"))
    made = send(
        writer, "post", "", {"text": "Nobody deploys it.", "path_prefix": "app", "template": "not_production"}
    ).json()

    none_yet = reader.get(f"{ADDRESS}/{made['id']}/dry-run")
    asked = send(writer, "post", f"/{made['id']}/dry-run")
    drain()
    run = reader.get(f"{ADDRESS}/{made['id']}/dry-run").json()

    assert (none_yet.status_code, asked.status_code, asked.json()["state"]) == (409, 202, "running")
    assert (run["state"], run["planned_count"], run["would_become"]["false_positive"]) == ("done", 1, 1)
    assert [(entry["finding"], entry["after"]) for entry in run["results"]] == [(str(finding.pk), "false_positive")]
    finding.refresh_from_db()
    assert (finding.verdicts.count(), finding.recommendation) == (0, "")
    assert Memory.objects.get().state == MemoryState.SUGGESTED
