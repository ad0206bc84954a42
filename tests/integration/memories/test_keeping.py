"""Keeping memories: approved, changed, disabled and removed, each step in the history, within limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

import memories.services
import orgs.services
import triage.rejudging
from events.kinds import SYSTEM, Kind
from events.models import Event
from memories.models import Memory, MemoryChange, MemorySource, MemoryState, Purpose, Template
from memories.scopes import Scope, ScopeUnusable
from memories.services import MemoryUnusable
from orgs.services import actor_of
from tests import factories
from tests.integration.memories.conftest import judged_finding

pytestmark = pytest.mark.usefixtures("in_acme")


EVERYWHERE = Scope()


def taught(scope: Scope = EVERYWHERE, text: str = "clean() keeps digits only.", **fields: Any) -> Memory:
    values = {"purpose": Purpose.BOTH, "source": MemorySource.PAGE, "actor": SYSTEM, "goes_live": True, **fields}
    return memories.services.teach(text=text, scope=scope, **values)


def kinds() -> list[str]:
    told = Event.objects.filter(kind__startswith="memory_").order_by("pk")
    return list(told.values_list("kind", flat=True))


def test_each_step_is_in_the_history_with_who_took_it_and_told_once(alice: User, bob: User) -> None:
    memory = taught(goes_live=False, actor=actor_of(bob))
    memories.services.approve(memory=memory, actor=actor_of(alice))
    memories.services.change(
        memory=memory, actor=actor_of(alice), text="Digits only.", purpose=Purpose.TRIAGE, scope=Scope(cwe="79")
    )
    memories.services.disable(memory=memory, actor=actor_of(alice))
    memories.services.enable(memory=memory, actor=actor_of(alice))
    memories.services.remove(memory=memory, actor=actor_of(alice))

    steps = list(MemoryChange.objects.order_by("pk"))
    assert [step.what for step in steps] == ["created", "approved", "edited", "disabled", "enabled", "removed"]
    assert [step.by for step in steps] == [bob.email, *[alice.email] * 5]
    assert (steps[2].before["text"], steps[2].after["cwe"]) == ("clean() keeps digits only.", "CWE-79")
    assert kinds() == [
        Kind.MEMORY_SUGGESTED,
        Kind.MEMORY_ADDED,
        Kind.MEMORY_CHANGED,
        Kind.MEMORY_REMOVED,
        Kind.MEMORY_ADDED,
        Kind.MEMORY_REMOVED,
    ]


def test_another_text_is_a_new_version_and_another_end_is_not() -> None:
    memory = taught()
    as_it_is: dict[str, Any] = {"actor": SYSTEM, "text": memory.text, "purpose": memory.purpose, "scope": Scope()}

    unchanged = memories.services.change(memory=memory, **as_it_is)
    ending = memories.services.change(memory=memory, expires_at=timezone.now() + timedelta(days=1), **as_it_is)
    other = memories.services.change(memory=memory, **as_it_is | {"text": "Digits only."})

    assert [unchanged.version, ending.version, other.version] == [1, 1, 2]
    assert kinds() == [Kind.MEMORY_ADDED, Kind.MEMORY_CHANGED, Kind.MEMORY_CHANGED]


def test_the_same_taught_twice_is_one_memory_and_an_admin_puts_it_in_force(alice: User, bob: User) -> None:
    suggested = taught(goes_live=False, actor=actor_of(bob))
    again = taught(goes_live=False, actor=actor_of(bob))
    by_admin = taught(actor=actor_of(alice))

    assert suggested == again == by_admin == Memory.objects.get()
    assert (by_admin.state, by_admin.created_by, by_admin.approved_by) == (MemoryState.LIVE, bob.email, alice.email)


def test_what_was_removed_cannot_be_changed(alice: User) -> None:
    memory = taught()
    memories.services.remove(memory=memory, actor=actor_of(alice))

    with pytest.raises(MemoryUnusable, match="removed"):
        memories.services.approve(memory=memory, actor=actor_of(alice))
    assert Memory.objects.get().state == MemoryState.REMOVED  # its row explains old verdicts


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": " \0 "}, "Write what the Assistant should remember"),
        ({"text": "x" * 2001}, "at most 2,000 characters; these are 2,001"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "must lie ahead"),
        ({"template": Template.NOT_PRODUCTION}, "Name the path"),
        ({"template": Template.FRAMEWORK_PROTECTS}, "Choose the rule or the CWE"),
    ],
    ids=["empty", "long", "over", "no path", "no rule"],
)
def test_what_cannot_be_kept_is_refused_in_words(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(MemoryUnusable, match=words):
        taught(**fields)


@pytest.mark.parametrize(
    "scope",
    [Scope(path_prefix="../etc"), Scope(path_prefix="a\\b"), Scope(cwe="sql"), Scope(cwe="CWE-79 CWE-89")],
    ids=["outside", "backslash", "no number", "two"],
)
def test_a_scope_that_no_finding_meets_is_refused(scope: Scope) -> None:
    with pytest.raises(ScopeUnusable):
        taught(scope)


def test_there_is_an_end_to_live_memories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memories.services.MOST_LIVE", 1)
    taught()

    with pytest.raises(MemoryUnusable, match="Disable or remove some"):
        taught(text="Another one.")
    assert taught(text="Another one.", goes_live=False).state == MemoryState.SUGGESTED


# --- Which findings are judged again ----------------------------------------------------------------------------------


def switch_off_for_shop(name: str) -> None:
    shop = factories.a_project("shop")
    orgs.services.change_project_settings(project=shop, actor=SYSTEM, changes={name: False})


def switch_on_for_other_alone(name: str) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={name: False})
    other = factories.a_project("other")
    orgs.services.change_project_settings(project=other, actor=SYSTEM, changes={name: True})


@pytest.mark.parametrize("name", ["is_enabled", "auto_triage", "customize_with_memories"])
@pytest.mark.parametrize("switch", [switch_off_for_shop, switch_on_for_other_alone])
def test_nothing_is_judged_again_where_that_is_switched_off(name: str, switch: Callable[[str], None]) -> None:
    in_shop, in_other = judged_finding(factories.a_project("shop")), judged_finding(factories.a_project("other"))
    before = triage.rejudging.similar_to_judge(taught())

    switch(name)

    assert before == ([in_other.pk, in_shop.pk], 0)
    assert triage.rejudging.similar_to_judge(taught()) == ([in_other.pk], 0)


def test_what_is_ignored_gone_or_waits_already_is_not_judged_again() -> None:
    shop = factories.a_project("shop")
    judged_finding(shop, is_present=False)
    waiting = judged_finding(shop)
    type(waiting).objects.filter(pk=waiting.pk).update(not_analysed="waiting")
    ignored = judged_finding(shop)
    type(ignored).objects.filter(pk=ignored.pk).update(triage="ignored", triage_source="person")

    assert triage.rejudging.similar_to_judge(taught()) == ([], 0)
