"""What Slack sends: proved, taken down once, and answered before Slack gives up."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from slack_sdk.signature import SignatureVerifier

import notifications.tasks
from events.models import Job
from notifications.models import SlackDestination, SlackWorkspace
from notifications.slack.signing import Answerable, read, sign
from orgs.selectors import memberships_of
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories, servers
from tests.vendors.slack_server import SIGNING_SECRET, TEAM

ACTIONS, EVENTS = "/hooks/slack/actions", "/hooks/slack/events"


@pytest.fixture(autouse=True)
def signing_secret(settings: Any) -> None:
    settings.SLACK_SIGNING_SECRET = SIGNING_SECRET


def send(address: str, body: str, *, age: int = 0, secret: str = SIGNING_SECRET, **headers: str) -> Any:
    """Send what Slack would, signed by its own SDK."""
    stated = str(int(time.time()) - age)
    signature = SignatureVerifier(secret).generate_signature(timestamp=stated, body=body)
    form = "application/x-www-form-urlencoded" if address == ACTIONS else "application/json"
    sent = {"X-Slack-Request-Timestamp": stated, "X-Slack-Signature": str(signature), **headers}
    return Client().post(address, body, content_type=form, headers=sent)


def pressed(organization: Organization, *, action: str = "agree", value: str = "", at: str = "1764000100.1") -> str:
    """Return the body of a button that somebody pressed, with the fields that Slack sends."""
    payload = {
        "type": "block_actions",
        "team": {"id": TEAM, "domain": "acme"},
        "user": {"id": "U0BOB", "team_id": TEAM},
        "container": {"type": "message", "message_ts": "1764000001.000100", "channel_id": "C0SECURITY"},
        "trigger_id": "1.2.3",
        "actions": [
            {
                "type": "button",
                "action_id": action,
                "value": value or sign(Answerable(organization.pk, 17)),
                "action_ts": at,
            }
        ],
    }
    return urlencode({"payload": json.dumps(payload)})


def told(event: dict[str, Any], *, at: int | None = None, team: str = TEAM) -> str:
    envelope = {"type": "event_callback", "team_id": team, "api_app_id": "A0APP", "event_id": "Ev1", "event": event}
    return json.dumps({**envelope, "event_time": at or int(time.time()) + 5})


def taken(organization: Organization) -> list[dict[str, Any]]:
    with acting_for(organization.pk), transaction.atomic():
        return list(Job.objects.filter(task__contains="slack").order_by("pk").values_list("arguments", flat=True))


def test_a_press_is_taken_down_and_answered(acme: Organization) -> None:
    response = send(ACTIONS, pressed(acme))

    assert (response.status_code, response.content) == (200, b"")
    assert [(job["verdict_id"], job["action"], job["user_id"]) for job in taken(acme)] == [(17, "agree", "U0BOB")]


def test_the_same_request_again_is_not_taken_down_twice(acme: Organization) -> None:
    body = pressed(acme)

    codes = [send(ACTIONS, body).status_code, send(ACTIONS, body).status_code]

    assert (codes, len(taken(acme))) == ([200, 200], 1)


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "of somebody else"},
        {"age": 400},
        {"age": -400},
        {"X-Slack-Signature": "v0="},
        {"X-Slack-Signature": "v0=\xe9"},
        {"X-Slack-Request-Timestamp": "now"},
        {"X-Slack-Request-Timestamp": "²"},
        {"X-Slack-Request-Timestamp": ""},
    ],
    ids=["forged", "too old", "of the future", "empty", "no ASCII", "no number", "no digit", "no time"],
)
@pytest.mark.parametrize("address", [ACTIONS, EVENTS])
def test_what_is_not_proved_is_refused(acme: Organization, address: str, how: dict[str, Any]) -> None:
    response = send(address, pressed(acme), **how)

    assert response.status_code == 401
    assert taken(acme) == []


def test_nothing_is_proved_without_the_operators_secret(acme: Organization, settings: Any) -> None:
    settings.SLACK_SIGNING_SECRET = ""

    response = send(ACTIONS, pressed(acme), secret="nobody's")

    assert response.status_code == 401


def test_a_changed_body_is_refused(acme: Organization) -> None:
    signed = send(ACTIONS, pressed(acme)).wsgi_request.headers
    body = pressed(acme, action="disagree")

    headers = {name: signed[name] for name in ("X-Slack-Request-Timestamp", "X-Slack-Signature")}
    response = Client().post(ACTIONS, body, content_type="application/x-www-form-urlencoded", headers=headers)

    assert response.status_code == 401


def test_a_value_that_was_not_signed_here_does_nothing(acme: Organization, charlie: User) -> None:
    ours = sign(Answerable(acme.pk, 17))
    other = memberships_of(charlie.pk)[0].organization
    forged = ours.replace(f"{acme.pk}.", f"{other.pk}.", 1)

    codes = [send(ACTIONS, pressed(acme, value=value)).status_code for value in (forged, ours[:-1], "x", "1.2.é")]

    assert codes == [200] * 4
    assert taken(acme) == taken(other) == []
    assert read(ours) == Answerable(acme.pk, 17)


@pytest.mark.parametrize("body", ["", "payload=", "payload=[]", "payload=%7B%7D", "payload=%ff"])
def test_what_cannot_be_read_is_said_to_be_so(acme: Organization, body: str) -> None:
    assert send(ACTIONS, body).status_code == 400


def test_slack_is_told_that_the_address_is_ours(db: None) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc", "token": "old"})

    assert send(EVENTS, body).json() == {"challenge": "abc"}


# --- Events -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def channel(acme: Organization) -> Iterator[SlackDestination]:
    with acting_for(acme.pk):
        workspace = SlackWorkspace.objects.create(
            team_id=TEAM, team_name="Acme", sealed_token="sealed", installed_by="Alice", installed_at=timezone.now()
        )
        yield SlackDestination.objects.create(
            workspace=workspace, channel_id="C0SECURITY", channel_name="security", chosen_by="Alice"
        )


def follow(organization: Organization) -> None:
    for arguments in taken(organization):
        notifications.tasks.follow_slack.function(**arguments)


def test_an_uninstalled_app_is_shown_and_its_token_forgotten(acme: Organization, channel: SlackDestination) -> None:
    send(EVENTS, told({"type": "app_uninstalled"}))
    follow(acme)

    workspace = SlackWorkspace.objects.get()
    assert "uninstalled" in workspace.problem
    assert workspace.sealed_token == ""


def test_a_replayed_uninstall_of_before_means_nothing_to_a_new_connection(
    acme: Organization, channel: SlackDestination
) -> None:
    send(EVENTS, told({"type": "app_uninstalled"}, at=int(time.time()) - 120))
    follow(acme)

    assert SlackWorkspace.objects.get().problem == ""


@pytest.mark.parametrize(
    ("event", "name", "problem"),
    [
        ({"type": "channel_archive", "channel": "C0SECURITY", "user": "U1"}, "security", "archived"),
        ({"type": "group_deleted", "channel": "C0SECURITY"}, "security", "deleted"),
        ({"type": "channel_rename", "channel": {"id": "C0SECURITY", "name": "appsec", "created": 1}}, "appsec", ""),
        ({"type": "channel_archive", "channel": "C0OTHER", "user": "U1"}, "security", ""),
    ],
    ids=["archived", "deleted", "renamed", "another channel"],
)
def test_what_becomes_of_a_channel_is_shown(
    acme: Organization, channel: SlackDestination, event: dict[str, Any], name: str, problem: str
) -> None:
    send(EVENTS, told(event))
    follow(acme)

    channel.refresh_from_db()
    assert channel.channel_name == name
    assert problem in channel.problem
    assert bool(problem) == bool(channel.problem)


def test_an_event_of_a_workspace_that_nobody_connected_does_nothing(
    acme: Organization, channel: SlackDestination
) -> None:
    response = send(EVENTS, told({"type": "app_uninstalled"}, team="T0OTHER"))

    assert (response.status_code, taken(acme)) == (200, [])


# --- A slow database --------------------------------------------------------------------------------------------------


def test_slack_is_answered_in_time_while_the_database_is_blocked(committed: None) -> None:
    acme = factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))
    name = connection.settings_dict["NAME"]
    with psycopg.connect(servers.database_named(os.environ[servers.ADMIN_URL], name)) as admin:
        admin.execute("LOCK TABLE events_job IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        blocked = send(ACTIONS, pressed(acme))
        seconds = time.monotonic() - began
        admin.rollback()
    afterwards = send(ACTIONS, pressed(acme))

    assert (blocked.status_code, afterwards.status_code) == (503, 200)
    assert seconds < 3
    assert len(taken(acme)) == 1
