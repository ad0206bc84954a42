"""What a finding's page shows of memories: customizing its fix, which were used, and what ignoring it taught."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

import memories.services
import orgs.services
from events.draining import drain
from events.kinds import SYSTEM
from memories.models import Memory, MemorySource, MemoryState, Purpose
from memories.scopes import Scope
from orgs.models import Project
from orgs.services import actor_of
from remediation.models import Guidance
from tests.integration.memories.conftest import TAUGHT, WISH, answered, judged_finding
from tests.vendors.openai_server import OpenAIServer
from triage.models import Source

ClientFor = Callable[[User], Client]


@pytest.fixture
def writing(model: OpenAIServer) -> OpenAIServer:
    """The model, with guidance and fixes switched on."""
    orgs.services.change_settings(actor=SYSTEM, changes={"remediation": True})
    return model


def test_customize_fix_writes_it_anew_and_names_the_memory(
    writing: OpenAIServer, shop: Project, bob: User, client_for: ClientFor
) -> None:
    finding, client = judged_finding(shop), client_for(bob)
    Guidance.objects.create(finding=finding, summary="Bind the value.", steps=[], source=Source.BUILT_IN)
    page = f"/orgs/acme/findings/{finding.pk}/"

    before = client.get(page).content.decode()
    saved = client.post(f"{page}customize-fix/", {"text": WISH}, follow=True).content.decode()
    drain()
    after = client.get(page).content.decode()

    memory = Memory.objects.get()
    assert "Save and regenerate" in before
    assert (memory.state, memory.rule, memory.project) == (MemoryState.SUGGESTED, finding.rule, shop)
    assert "an Admin decides whether it holds for others" in saved
    assert "writing guidance and fix anew" in saved
    assert "Use bound_query()." in after
    assert "Used 1 memory" in after
    assert f"/orgs/acme/memories/{memory.pk}/" in after


def test_switched_off_nothing_is_offered_and_nothing_saved(
    writing: OpenAIServer, shop: Project, alice: User, client_for: ClientFor
) -> None:
    finding, client = judged_finding(shop), client_for(alice)
    Guidance.objects.create(finding=finding, summary="Bind the value.", steps=[], source=Source.BUILT_IN)
    orgs.services.change_settings(actor=SYSTEM, changes={"customize_with_memories": False})

    page = client.get(f"/orgs/acme/findings/{finding.pk}/").content.decode()
    client.post(f"/orgs/acme/findings/{finding.pk}/customize-fix/", {"text": WISH})

    assert "Save and regenerate" not in page
    assert not Memory.objects.exists()


def test_after_ignoring_the_page_links_to_what_was_learned(
    model: OpenAIServer, shop: Project, alice: User, client_for: ClientFor
) -> None:
    finding, client = judged_finding(shop), client_for(alice)
    sent = {"reason": "false_positive", "comment": "clean() keeps digits only, so this is safe."}

    waiting = client.post(f"/orgs/acme/findings/{finding.pk}/ignore/", sent, follow=True).content.decode()
    drain()
    page = client.get(f"/orgs/acme/findings/{finding.pk}/").content.decode()

    assert "is deciding whether the reason holds" in waiting
    assert "learned from why this was ignored" in page
    assert f"/orgs/acme/memories/{Memory.objects.get().pk}/" in page
    assert 'href="/orgs/acme/memories/"' in page


def test_after_ignoring_the_page_says_why_nothing_was_learned(
    model: OpenAIServer, shop: Project, alice: User, client_for: ClientFor
) -> None:
    finding, client = judged_finding(shop), client_for(alice)
    nothing = {"because": "It is about this line alone.", "generalises": False, "text": "", "path_prefix": ""}
    model.rule = lambda exchange: answered(exchange, generalises=nothing)

    client.post(
        f"/orgs/acme/findings/{finding.pk}/ignore/", {"reason": "false_positive", "comment": "This line is never run."}
    )
    drain()

    page = client.get(f"/orgs/acme/findings/{finding.pk}/").content.decode()
    assert "found nothing to remember for other findings. It is about this line alone." in " ".join(page.split())


def test_what_a_memory_makes_likely_false_is_offered_for_closing_together(
    model: OpenAIServer, shop: Project, alice: User, client_for: ClientFor
) -> None:
    finding, client = judged_finding(shop), client_for(alice)
    memory = memories.services.teach(
        text=TAUGHT,
        purpose=Purpose.TRIAGE,
        scope=Scope.of_finding(finding),
        source=MemorySource.PAGE,
        actor=actor_of(alice),
        goes_live=True,
    )
    drain()

    page = client.get(f"/orgs/acme/memories/{memory.pk}/").content.decode()
    bulk = client.get(f"/orgs/acme/findings/bulk/?ids={finding.pk}").content.decode()

    assert "May be safe to close" in page
    assert f'name="ids" value="{finding.pk}"' in page
    assert "Ignore" in bulk
    finding.refresh_from_db()
    assert finding.is_open
