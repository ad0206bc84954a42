"""Settings > Slack: added by OAuth, channels chosen and tried, and all of it taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from events.kinds import Kind
from events.models import Event
from notifications.models import SlackDestination, SlackWorkspace
from orgs.selectors import memberships_of
from tenancy.models import Organization
from tenancy.scope import acting_for
from tenancy.sealing import open_secrets
from tests import factories
from tests.vendors.slack_server import TEAM, TOKEN, Room, SlackServer, failure

ADDRESS = "/orgs/acme/settings/slack/"


@pytest.fixture
def browser(in_acme: Organization, alice: User, client_for: Callable[[User], Client]) -> Client:
    cache.clear()
    return client_for(alice)


def begin(browser: Client) -> str:
    """Press *Add to Slack*; return the state that Slack gives back."""
    location = urlsplit(browser.post(f"{ADDRESS}add/")["Location"])
    asked = parse_qs(location.query)
    assert asked["redirect_uri"] == [f"http://testserver{ADDRESS}installed/"]
    return asked["state"][0]


def install(browser: Client, code: str = "good-code") -> Any:
    return browser.get(f"{ADDRESS}installed/", {"state": begin(browser), "code": code}, follow=True)


def choose(browser: Client, channel: str = "C0SECURITY", **more: Any) -> Any:
    return browser.post(f"{ADDRESS}channels/choose/", {"channel": channel, **more}, follow=True)


def test_the_page_says_what_the_operator_must_do(browser: Client) -> None:
    text = browser.get(ADDRESS).content.decode()

    assert "SLACK_SIGNING_SECRET" in text
    assert "http://testserver/hooks/slack/actions" in text
    assert "Add to Slack" not in text


def test_a_workspace_is_added(browser: Client, slack: SlackServer) -> None:
    response = install(browser)

    workspace = SlackWorkspace.objects.get()
    assert b"Connected: Acme Workspace" in response.content
    assert (workspace.team_id, open_secrets(workspace.sealed_token)) == (TEAM, {"token": TOKEN})
    assert TOKEN.encode() not in response.content
    assert Event.objects.filter(kind=Kind.SLACK_CONNECTED, is_audit=True).count() == 1


def test_slacks_answer_counts_once(browser: Client, slack: SlackServer) -> None:
    state = begin(browser)
    slack.codes.add("another-code")
    browser.get(f"{ADDRESS}installed/", {"state": state, "code": "good-code"})

    again = browser.get(f"{ADDRESS}installed/", {"state": state, "code": "another-code"}, follow=True)

    assert b"begin again" in again.content
    assert len(slack.calls_of("oauth.v2.access")) == 1


def test_an_answer_that_was_begun_in_another_session_is_not_taken(
    browser: Client, slack: SlackServer, alice: User, client_for: Callable[[User], Client]
) -> None:
    state = begin(client_for(alice))

    browser.get(f"{ADDRESS}installed/", {"state": state, "code": "good-code"})

    assert not SlackWorkspace.objects.exists()


def test_an_answer_that_was_begun_for_another_organization_is_not_taken(
    browser: Client, slack: SlackServer, alice: User
) -> None:
    factories.an_organization("second", admin=alice)
    state = begin(browser)

    browser.get("/orgs/second/settings/slack/installed/", {"state": state, "code": "good-code"})

    assert slack.calls_of("oauth.v2.access") == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [({"error": "access_denied"}, b"declined"), ({"code": "used-up"}, b"does not know this code"), ({}, b"begin")],
)
def test_what_went_wrong_is_said(browser: Client, slack: SlackServer, answer: dict[str, str], words: bytes) -> None:
    state = begin(browser)

    response = browser.get(f"{ADDRESS}installed/", {"state": state, **answer}, follow=True)

    assert words in response.content
    assert not SlackWorkspace.objects.exists()


def test_adding_again_keeps_the_channels(browser: Client, slack: SlackServer) -> None:
    install(browser)
    choose(browser)
    SlackWorkspace.objects.update(problem="uninstalled", sealed_token="")
    slack.codes.add("second-code")

    install(browser, "second-code")

    assert SlackWorkspace.objects.get().problem == ""
    assert SlackDestination.objects.get().channel_name == "security"


def test_a_public_channel_is_joined_and_told_a_test_message(browser: Client, slack: SlackServer) -> None:
    install(browser)
    choose(browser)
    destination = SlackDestination.objects.get()

    response = browser.post(f"{ADDRESS}destinations/{destination.pk}/test/", follow=True)

    assert b"The test message is in #security" in response.content
    assert slack.rooms["C0SECURITY"].is_member
    assert "the Assistant reaches this channel" in slack.messages[0].words


def test_channels_are_found_by_name_over_slacks_pages(browser: Client, slack: SlackServer) -> None:
    slack.rooms |= {f"C{number}": Room(f"C{number}", f"team-{number}") for number in range(450)}
    slack.rooms["C7"].is_archived = True
    install(browser)

    text = browser.get(f"{ADDRESS}channels/", {"q": "#team-44"}).content.decode()
    archived = browser.get(f"{ADDRESS}channels/", {"q": "team-7"}).content.decode()

    assert "11 channels" in text
    assert "#team-449" in text
    assert "#team-7<" not in archived
    assert len(slack.calls_of("conversations.list")) == 3


def test_a_private_channel_wants_an_invitation(browser: Client, slack: SlackServer) -> None:
    slack.rooms["G0"] = Room("G0", "board", is_private=True)
    install(browser)

    response = choose(browser, "G0")

    assert b"invite the app there" in response.content
    assert not SlackDestination.objects.exists()


def test_a_channel_of_a_project_stands_beside_the_organizations(browser: Client, slack: SlackServer) -> None:
    project = factories.a_project("billing")
    install(browser)

    choose(browser)
    choose(browser, "C0GENERAL", project=project.pk)
    choose(browser, "C0SECURITY", project=project.pk)

    chosen = {(row.project_id, row.channel_name) for row in SlackDestination.objects.all()}
    assert chosen == {(None, "security"), (project.pk, "security")}


@pytest.mark.parametrize(
    ("word", "words"),
    [("is_archived", b"archived"), ("missing_scope", b"permission"), ("token_revoked", b"revoked")],
)
def test_a_test_message_that_fails_says_why(browser: Client, slack: SlackServer, word: str, words: bytes) -> None:
    install(browser)
    choose(browser)
    slack.fails("chat.postMessage", failure(word))

    response = browser.post(f"{ADDRESS}destinations/{SlackDestination.objects.get().pk}/test/", follow=True)

    assert b"was not reached" in response.content
    assert words in response.content


def test_a_channel_can_be_told_less_and_then_nothing(browser: Client, slack: SlackServer) -> None:
    install(browser)
    choose(browser)
    destination = SlackDestination.objects.get()

    browser.post(f"{ADDRESS}destinations/{destination.pk}/", {"suggestions": "on"})
    destination.refresh_from_db()
    less = (destination.tells_suggestions, destination.tells_new_findings)
    browser.post(f"{ADDRESS}destinations/{destination.pk}/remove/")

    assert less == (True, False)
    assert not SlackDestination.objects.exists()
    assert Event.objects.filter(kind=Kind.SLACK_CHANNEL_CHOSEN).count() == 3


def test_disconnecting_takes_the_token_back(browser: Client, slack: SlackServer) -> None:
    install(browser)
    choose(browser)

    browser.post(f"{ADDRESS}disconnect/")

    workspace = SlackWorkspace.objects.get()
    assert slack.is_revoked
    assert (workspace.sealed_token, workspace.removed_at is None) == ("", False)
    assert not SlackDestination.objects.exists()


def test_a_token_that_another_organization_uses_too_stays_valid(
    browser: Client, slack: SlackServer, charlie: User
) -> None:
    install(browser)
    with acting_for(memberships_of(charlie.pk)[0].organization_id):
        SlackWorkspace.objects.create(team_id=TEAM, team_name="Acme Workspace", installed_by="Charlie")

    browser.post(f"{ADDRESS}disconnect/")

    assert not slack.is_revoked
    assert SlackWorkspace.objects.get().removed_at is not None
