"""Trying a memory out, and comparing it with others: by what the model reads alone, without keeping a verdict."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client

import memories.services
from events.draining import drain
from events.kinds import SYSTEM
from memories.models import DryRun, DryRunState, Memory, MemorySource, Purpose
from memories.scopes import Scope
from orgs.models import Project
from orgs.services import actor_of
from providers import budget
from tests.integration.memories.conftest import TAUGHT, WISH, answered, judged_finding
from tests.vendors.openai_server import Exchange, OpenAIServer, Scripted
from triage import dry_runs
from triage.models import Verdict

ClientFor = Callable[[User], Client]


def suggested(text: str = TAUGHT, *, project: Project | None = None, goes_live: bool = False) -> Memory:
    return memories.services.teach(
        text=text,
        purpose=Purpose.TRIAGE,
        scope=Scope(project=project),
        source=MemorySource.PAGE,
        actor=SYSTEM,
        goes_live=goes_live,
    )


def test_a_dry_run_says_which_verdicts_would_turn_and_keeps_none(
    model: OpenAIServer, shop: Project, alice: User, client_for: ClientFor
) -> None:
    finding, memory = judged_finding(shop), suggested()
    drain()
    client = client_for(alice)

    offered = client.get(f"/orgs/acme/memories/{memory.pk}/").content.decode()
    client.post(f"/orgs/acme/memories/{memory.pk}/dry-run/")
    under_way = client.get(f"/orgs/acme/memories/{memory.pk}/").content.decode()
    drain()
    page = client.get(f"/orgs/acme/memories/{memory.pk}/").content.decode()

    run = DryRun.objects.get()
    assert "1 open finding is judged without it and with it" in " ".join(offered.split())
    assert "0 of 1 findings tried" in under_way
    assert (run.state, run.results[0]["before"], run.results[0]["after"]) == (
        DryRunState.DONE,
        "true_positive",
        "false_positive",
    )
    assert "1 would turn false positive, 0 true positive" in page
    assert f"/findings/{finding.pk}/" in page
    assert Verdict.objects.get().value == "true_positive"


def test_a_live_memory_is_tried_against_what_is_without_it(model: OpenAIServer, shop: Project, alice: User) -> None:
    judged_finding(shop)
    memory = suggested(goes_live=True)

    run = dry_runs.request_dry_run(memory=memory, actor=actor_of(alice))
    dry_runs.carry_out(DryRun.objects.select_related("memory").get(pk=run.pk))

    result = DryRun.objects.get().results[0]
    assert (result["before"], result["after"]) == ("true_positive", "false_positive")


def test_asking_twice_is_one_run_and_what_is_for_fixes_is_not_tried(
    model: OpenAIServer, shop: Project, alice: User
) -> None:
    judged_finding(shop)
    memory = suggested()
    wish = memories.services.teach(
        text=WISH, purpose=Purpose.REMEDIATION, scope=Scope(), source=MemorySource.PAGE, actor=SYSTEM, goes_live=False
    )

    runs = {dry_runs.request_dry_run(memory=memory, actor=actor_of(alice)).pk for _ in range(2)}

    assert len(runs) == 1
    with pytest.raises(dry_runs.NotTriable, match="for fixes only"):
        dry_runs.request_dry_run(memory=wish, actor=actor_of(alice))


def test_the_budget_stops_a_dry_run_and_what_was_found_stays(model: OpenAIServer, shop: Project, alice: User) -> None:
    judged_finding(shop)
    memory = suggested()
    budget.set_monthly_limit(Decimal(0), actor=SYSTEM)

    run = dry_runs.request_dry_run(memory=memory, actor=actor_of(alice))
    dry_runs.carry_out(DryRun.objects.select_related("memory").get(pk=run.pk))

    ended = DryRun.objects.get()
    assert (ended.state, ended.results) == (DryRunState.FAILED, [])
    assert "budget" in ended.problem


def test_the_page_tells_what_the_assistant_says_of_memories_that_overlap(
    model: OpenAIServer, shop: Project, alice: User, client_for: ClientFor
) -> None:
    there = suggested("clean() keeps nothing back.", goes_live=True)
    elsewhere = suggested("About billing.", project=judged_finding(shop).project, goes_live=True)
    memories.services.disable(memory=elsewhere, actor=SYSTEM)
    drain()
    compared: list[str] = []

    def conflicting(exchange: Exchange) -> Scripted:
        compared.append(exchange.user)
        return answered(exchange, conflicting={"conflicting": [1], "because": "One calls clean() safe, one does not."})

    model.rule = conflicting
    memory = suggested()

    drain()

    page = client_for(alice).get(f"/orgs/acme/memories/{memory.pk}/").content.decode()
    assert there.text in compared[-1]
    assert elsewhere.text not in compared[-1]
    assert "Says the opposite" in page
    assert "One calls clean() safe, one does not." in page
