"""Changing many findings from the list: what is meant, the decision, and taking it back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from findings.models import BulkTriage, Finding
from orgs.models import Membership, Team, TeamMember, TeamProject
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories

LIST = "/orgs/acme/findings/"
DECIDE = f"{LIST}bulk/decide/"


@pytest.fixture
def browser(client_for: Callable[[User], Client], bob: User) -> Client:
    return client_for(bob)


@pytest.fixture
def ids(acme: Organization) -> list[int]:
    """Two findings of high severity in one project, one of low in another."""
    with acting_for(acme.pk):
        scan = factories.a_scan(factories.a_project("shop"))
        high = [factories.a_finding(scan=scan).pk for _ in range(2)]
        low = factories.a_finding(scan=factories.a_scan(factories.a_project("desk")), severity=1).pk
    return [*high, low]


def states(acme: Organization) -> list[str]:
    with acting_for(acme.pk):
        return list(Finding.objects.order_by("pk").values_list("triage", flat=True))


def decide(browser: Client, ids: list[int], **fields: str) -> str:
    sent = {"ids": ",".join(map(str, ids)), "triage": "ignored", "reason": "no_time", "query": "severity=high"}
    return browser.post(DECIDE, {**sent, **fields}, follow=True).content.decode()


def test_the_list_offers_what_is_ticked_the_page_and_all_that_match(browser: Client, ids: list[int]) -> None:
    page = browser.get(LIST, {"severity": "high"}).content.decode()

    assert 'name="page_ids" value="' + ",".join(map(str, ids[1::-1])) in page
    assert "All that match" in page


def test_what_is_meant_is_shown_before_it_happens(browser: Client, ids: list[int], acme: Organization) -> None:
    with acting_for(acme.pk):
        Finding.objects.filter(pk=ids[0]).update(triage="to_fix", triage_source="person")

    page = browser.get(f"{LIST}bulk/", {"meant": "all", "severity": "high"}).content.decode()

    assert "Change 2 findings" in page
    assert "<strong>1</strong> has a person" in page
    assert states(acme) == ["to_fix", "open", "open"]


def test_nothing_chosen_leads_back_with_words(browser: Client, ids: list[int]) -> None:
    page = browser.get(f"{LIST}bulk/", {"meant": "ticked"}, follow=True).content.decode()

    assert "Choose findings first." in page


def test_those_that_were_shown_are_changed_and_can_be_taken_back(
    browser: Client, ids: list[int], acme: Organization
) -> None:
    page = decide(browser, ids[:2])
    changed = states(acme)
    with acting_for(acme.pk):
        bulk = BulkTriage.objects.get()

    undone = browser.post(f"{LIST}bulk/{bulk.pk}/undo/", follow=True).content.decode()

    assert "2 findings are now: ignored." in page
    assert f"/orgs/acme/findings/bulk/{bulk.pk}/undo/" in page
    assert (changed, states(acme)) == (["ignored", "ignored", "open"], ["open", "open", "open"])
    assert "Taken back for 2 of 2 findings." in undone


def test_the_activity_of_each_finding_tells_of_it(browser: Client, ids: list[int]) -> None:
    decide(browser, ids[:2])

    page = browser.get(f"{LIST}{ids[0]}/").content.decode()

    assert "set the status of 2 findings to Ignored" in page


def test_a_comment_that_is_too_long_changes_nothing(browser: Client, ids: list[int], acme: Organization) -> None:
    decide(browser, ids[:2], comment="x" * 3001)

    assert set(states(acme)) == {"open"}


def test_what_somebody_may_not_see_is_not_changed_nor_taken_back(  # noqa: PLR0917  (fixtures)
    browser: Client, ids: list[int], acme: Organization, bob: User, alice: User, client_for: Callable[[User], Client]
) -> None:
    decide(client_for(alice), ids)
    with acting_for(acme.pk):
        bulk = BulkTriage.objects.get()
        member = Membership.objects.get(user=bob)
        Membership.objects.filter(pk=member.pk).update(is_limited_to_teams=True)
        team = Team.objects.create(name="Shop")
        TeamMember.objects.create(team=team, membership=member)
        TeamProject.objects.create(team=team, project=factories.a_project("shop"))

    undo = browser.post(f"{LIST}bulk/{bulk.pk}/undo/")
    page = decide(browser, ids, triage="open")

    assert undo.status_code == 404
    assert "3 findings were expected, 2 are meant now." in page
    assert set(states(acme)) == {"ignored"}
