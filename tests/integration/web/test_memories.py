"""Memories on their pages: who sees, suggests and decides; scope, history, undo, contradictions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

import memories.services
import orgs.teams
from events.kinds import SYSTEM, Actor, ActorKind
from findings.models import Finding
from memories.models import Memory, MemorySource, MemoryState, Purpose
from memories.scopes import Scope
from orgs.models import Membership
from tenancy.models import Organization
from tests import factories

ClientFor = Callable[[User], Client]

PAGES = "/orgs/acme/memories/"
ALICE = Actor(ActorKind.PERSON, "alice@acme.example", 1)
FORM = {"text": "If it is below tools, nobody deploys it.", "purpose": "both", "projects": "all", "rules": "all"}

pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.fixture
def finding(in_acme: Organization) -> Finding:
    """A finding of the project shop, below src/admin, of a rule about CWE-89."""
    rule = factories.a_rule("python.sql", cwe=["CWE-89"])
    return factories.a_finding(rule=rule, project=factories.a_project("shop"), path="src/admin/a.py")


def a_memory(text: str = "Ours is safe.", *, live: bool = True, scope: Scope | None = None) -> Memory:
    return memories.services.teach(
        text=text,
        purpose=Purpose.TRIAGE,
        scope=scope or Scope(),
        source=MemorySource.PAGE,
        actor=ALICE,
        goes_live=live,
    )


def test_an_admins_memory_is_live_and_listed_with_what_it_concerns(
    alice: User, finding: Finding, client_for: ClientFor
) -> None:
    client = client_for(alice)

    made = client.post(
        f"{PAGES}new/",
        {**FORM, "projects": "one", "project": "shop", "rules": "cwe", "cwe": "89", "path_prefix": "/src/admin/"},
        follow=True,
    )
    listed = client.get(PAGES).content.decode()

    memory = Memory.objects.get()
    assert (made.status_code, memory.state, memory.path_prefix, memory.cwe) == (200, "live", "src/admin", "CWE-89")
    assert "findings of CWE-89 in shop, below src/admin" in listed
    address = f"?product=code&amp;project={finding.project_id}&amp;path=src%2Fadmin&amp;cwe=CWE-89"
    assert f'{address}">1</a>' in listed


def test_the_linked_list_shows_what_the_memory_concerns(alice: User, finding: Finding, client_for: ClientFor) -> None:
    factories.a_finding(project=finding.project, rule=finding.rule, path="src/administration.py")

    shown = client_for(alice).get("/orgs/acme/findings/?product=code&path=src/admin&cwe=CWE-89").content.decode()

    assert "src/admin/a.py" in shown
    assert "src/administration.py" not in shown


def test_a_member_suggests_and_an_admin_approves(alice: User, bob: User, client_for: ClientFor) -> None:
    member = client_for(bob)

    member.post(f"{PAGES}new/", FORM)
    memory = Memory.objects.get()
    refused = member.post(f"{PAGES}{memory.pk}/approve/")
    client_for(alice).post(f"{PAGES}{memory.pk}/approve/")

    assert memory.state == MemoryState.SUGGESTED
    assert refused.status_code == 403
    assert "Admin" in refused.content.decode()
    memory.refresh_from_db()
    assert (memory.state, memory.created_by, memory.approved_by) == ("live", bob.email, alice.email)


def test_what_may_contradict_is_shown_before_an_admins_memory_is_in_force(
    alice: User, finding: Finding, client_for: ClientFor
) -> None:
    elsewhere = a_memory("Only billing.", scope=Scope(project=factories.a_project("billing")))
    there = a_memory("Below src all is reachable.", scope=Scope(project=finding.project, path_prefix="src"))

    shown = client_for(alice).post(
        f"{PAGES}new/", {**FORM, "projects": "one", "project": "shop", "path_prefix": "src/admin"}, follow=True
    )

    page = shown.content.decode()
    assert Memory.objects.latest("pk").state == MemoryState.SUGGESTED
    assert there.text in page
    assert elsewhere.text not in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": " "}, "This field is required"),
        ({"projects": "one", "project": "nowhere"}, "no such project"),
        ({"projects": "tag"}, "Name the tag."),
        ({"rules": "one", "rule": "nothing"}, "no such rule"),
        ({"rules": "cwe", "cwe": "soon"}, "CWE"),
        ({"path_prefix": "../etc"}, "as the repository has it"),
        ({"expires_on": "2001-01-01"}, "must lie ahead"),
        ({"template": "not_production"}, "which path is not production"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    fields: dict[str, str], words: str, alice: User, client_for: ClientFor
) -> None:
    answer = client_for(alice).post(f"{PAGES}new/", {**FORM, **fields})

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Memory.objects.exists()


def test_a_change_is_in_the_history_with_differences_and_can_be_taken_back(alice: User, client_for: ClientFor) -> None:
    memory, client = a_memory("It was so."), client_for(alice)

    client.post(f"{PAGES}{memory.pk}/edit/", {**FORM, "text": "It is so."})
    changed = client.get(f"{PAGES}{memory.pk}/").content.decode()
    client.post(f"{PAGES}{memory.pk}/undo/")

    assert "<del>It was so.</del>" in changed
    memory.refresh_from_db()
    assert (memory.text, memory.purpose, memory.version) == ("It was so.", Purpose.TRIAGE, 3)


def test_a_removed_memory_leaves_the_list_and_comes_back_by_undo(alice: User, client_for: ClientFor) -> None:
    memory, client = a_memory("Never mind."), client_for(alice)

    asked = client.get(f"{PAGES}{memory.pk}/remove/").content.decode()
    client.post(f"{PAGES}{memory.pk}/remove/")
    without = client.get(PAGES).content.decode()
    client.post(f"{PAGES}{memory.pk}/undo/")

    assert "Never mind." in asked
    assert "Never mind." not in without
    assert Memory.objects.get().state == MemoryState.LIVE


def test_disabled_ones_are_in_their_tab_and_can_be_enabled(alice: User, client_for: ClientFor) -> None:
    memory, client = a_memory("For a while."), client_for(alice)

    client.post(f"{PAGES}{memory.pk}/disable/")
    ended = client.get(f"{PAGES}?tab=ended&q=while").content.decode()
    client.post(f"{PAGES}{memory.pk}/approve/")

    assert "For a while." in ended
    assert Memory.objects.get().state == MemoryState.LIVE


def test_who_is_limited_to_teams_sees_only_memories_of_their_projects(
    bob: User, finding: Finding, client_for: ClientFor
) -> None:
    team = orgs.teams.create_team(name="Shopkeepers", actor=SYSTEM)
    member = Membership.objects.get(user=bob)
    orgs.teams.set_members(team=team, members=[member], actor=SYSTEM)
    orgs.teams.set_projects(team=team, projects=[finding.project], actor=SYSTEM)
    orgs.teams.set_limit(member=member, is_limited=True, actor=SYSTEM)
    own = a_memory("About the shop.", scope=Scope(project=finding.project))
    other = a_memory("About the vault.", scope=Scope(project=factories.a_project("vault")))
    client = client_for(bob)

    listed = client.get(PAGES).content.decode()
    codes = [client.get(f"{PAGES}{memory.pk}/").status_code for memory in (own, other)]
    sent = client.post(f"{PAGES}new/", {**FORM, "projects": "one", "project": "vault"})

    assert (own.text in listed, other.text in listed) == (True, False)
    assert codes == [200, 404]
    assert (sent.status_code, Memory.objects.count()) == (422, 2)


def test_the_gear_beside_customize_with_memories_leads_to_the_list(alice: User, client_for: ClientFor) -> None:
    page = client_for(alice).get("/orgs/acme/settings/deployment/").content.decode()

    beside = page.split('id="setting-customize_with_memories"')[1].split("</form>")[0]
    assert f'href="{PAGES}"' in beside


def test_a_template_fills_the_form(alice: User, client_for: ClientFor) -> None:
    page = client_for(alice).get(f"{PAGES}new/?template=not_production").content.decode()

    assert "does not run in production" in page
    assert 'name="template" value="not_production"' in page
