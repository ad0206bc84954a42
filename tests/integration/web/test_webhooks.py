"""Settings > Webhooks, on its pages and by the API: a secret is shown once, and what was stored never comes alive."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

import orgs.services
from events.draining import drain
from events.kinds import SYSTEM, Kind
from events.models import Event
from lib.http.policy import Policy, in_force
from notifications.models import WebhookEndpoint, WebhookMessage
from orgs.models import AnsweredRequest
from orgs.permissions import Scope
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.vendors.webhook_receiver import Receiver, receiving

ClientFor = Callable[[User], Client]
PAGE = "/orgs/acme/settings/webhooks/"
API = "/api/v1/deployments/acme/webhooks"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A customer's system, which the operator allows."""
    with receiving() as receiver, in_force(Policy.of(allowed=["127.0.0.1"], ports=["*"])):
        yield receiver


@pytest.fixture
def window(in_acme: Organization, alice: User, client_for: ClientFor) -> Client:
    return client_for(alice)


@pytest.fixture
def machine(in_acme: Organization, alice: User) -> Client:
    _, value = orgs.services.create_token(name="ci", scopes=[Scope.API_WRITE], created_by=alice, actor=SYSTEM)
    return Client(headers={"authorization": f"Bearer {value}"})


def add(window: Client, url: str) -> Any:
    return window.post(f"{PAGE}new/", {"url": url, "kinds": ["budget.alert", "scan.failed"]})


def secret_in(response: Any) -> str:
    """Return the secret that a page shows, an HTML page writing `+` as a number."""
    found = SECRET.search(response.content.decode().replace("&#x2B;", "+"))
    assert found is not None
    return found[0]


def test_a_webhook_is_added_tried_and_looked_at(window: Client, receiver: Receiver) -> None:
    shown = add(window, receiver.url)
    endpoint = WebhookEndpoint.objects.get()
    page = f"{PAGE}{endpoint.pk}/"
    window.post(f"{page}test/")
    drain()

    assert "no-store" in shown["Cache-Control"]
    assert receiver.received[0].is_signed_by(secret_in(shown))
    assert endpoint.kinds == ["scan.failed", "budget.alert"]
    log = window.get(page).content.decode()
    assert "webhook.test" in log
    assert "204" in log
    message = WebhookMessage.objects.get()
    assert str(message.message_id) in window.get(f"{page}messages/{message.pk}/").content.decode()
    for address in (PAGE, page, f"{page}change/", f"{page}messages/{message.pk}/"):
        assert not SECRET.search(window.get(address).content.decode())


def test_a_second_click_adds_nothing_and_shows_no_secret(window: Client, receiver: Receiver) -> None:
    add(window, receiver.url)

    again = add(window, receiver.url)

    assert again.status_code == 422
    assert "has this address already" in again.content.decode()
    assert not SECRET.search(again.content.decode())
    assert WebhookEndpoint.objects.count() == 1


def test_what_cannot_be_is_said_beside_its_field(window: Client) -> None:
    inside = add(window, "http://169.254.169.254/latest/")
    nothing = window.post(f"{PAGE}new/", {"url": "https://hooks.example/"})

    assert inside.status_code == nothing.status_code == 422
    assert "private or reserved" in inside.content.decode()
    assert "at least one kind" in nothing.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_it_is_changed_rotated_switched_and_removed(window: Client, receiver: Receiver) -> None:
    old = secret_in(add(window, receiver.url))
    endpoint = WebhookEndpoint.objects.get()
    page = f"{PAGE}{endpoint.pk}/"

    window.post(f"{page}change/", {"url": receiver.url + "/new", "kinds": ["verdict.reached"]})
    new = secret_in(window.post(f"{page}secret/"))
    window.post(f"{page}switch/", {"on": "0"})
    refused = window.post(f"{page}test/", follow=True)

    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.kinds) == (receiver.url + "/new", ["verdict.reached"])
    assert new != old
    assert not endpoint.is_active
    assert "Switch it on first" in refused.content.decode()
    window.post(f"{page}switch/", {"on": "1"})
    window.post(f"{page}remove/")
    assert not WebhookEndpoint.objects.exists()
    changes = Event.objects.filter(kind=Kind.WEBHOOK_SAVED, is_audit=True).order_by("pk")
    assert list(changes.values_list("subject__change", flat=True)) == [
        "added",
        "changed",
        "secret rotated",
        "switched off",
        "switched on",
    ]
    assert "new" not in str(list(Event.objects.values_list("subject__host", flat=True)))


def test_what_an_endpoint_answered_never_comes_alive(window: Client) -> None:
    endpoint = factories.a_webhook_endpoint("https://hooks.example/?x=<script>alert(1)</script>")
    evil = {
        "at": timezone.now().isoformat(),
        "status": 500,
        "ms": 3,
        "error": "",
        "answer": "<script>alert(2)</script>",
    }
    message = factories.a_webhook_message(endpoint, state="failed", attempts=[evil])

    pages = [window.get(f"{PAGE}{rest}").content.decode() for rest in
             ("", f"{endpoint.pk}/", f"{endpoint.pk}/remove/", f"{endpoint.pk}/messages/{message.pk}/")]  # fmt: skip

    assert all("<script>alert" not in page for page in pages)
    assert "&lt;script&gt;alert(2)" in pages[-1]


def test_what_failed_is_sent_again_from_its_page(window: Client, receiver: Receiver) -> None:
    add(window, receiver.url)
    endpoint = WebhookEndpoint.objects.get()
    message = factories.a_webhook_message(endpoint, state="failed", attempts=[])
    page = f"{PAGE}{endpoint.pk}/"

    window.post(f"{page}messages/{message.pk}/send-again/")
    window.post(f"{page}messages/{message.pk}/send-again/")
    drain()
    nothing_left = window.post(f"{page}send-again/", {"since": "2026-01-01"}, follow=True)
    no_day = window.post(f"{page}send-again/", {"since": "soon"})

    assert [each.id for each in receiver.received] == [message.message_id]
    assert "Nothing failed since then" in nothing_left.content.decode()
    assert no_day.status_code == 422


def test_the_log_is_read_page_by_page(window: Client) -> None:
    endpoint = factories.a_webhook_endpoint()
    first = factories.a_webhook_message(endpoint, "scan.failed", state="failed")
    for _ in range(25):
        factories.a_webhook_message(endpoint)

    newest = window.get(f"{PAGE}{endpoint.pk}/").content.decode()
    older = window.get(f"{PAGE}{endpoint.pk}/?after={first.pk + 1}").content.decode()
    failed = window.get(f"{PAGE}{endpoint.pk}/?state=failed").content.decode()

    assert (newest.count("Send again<span"), "Older messages" in newest) == (25, True)
    assert f"messages/{first.pk}/" in older
    assert failed.count("Send again<span") == 1


def test_somebody_elses_webhook_is_not_there(
    window: Client, receiver: Receiver, charlie: User, client_for: ClientFor
) -> None:
    add(window, receiver.url)
    endpoint = WebhookEndpoint.objects.get()
    stranger = client_for(charlie)

    assert stranger.get(f"/orgs/umbrella/settings/webhooks/{endpoint.pk}/").status_code == 404
    assert stranger.post(f"/orgs/umbrella/settings/webhooks/{endpoint.pk}/secret/").status_code == 404
    assert stranger.get(f"{PAGE}{endpoint.pk}/").status_code == 404


def test_a_member_is_told_who_may(in_acme: Organization, bob: User, client_for: ClientFor) -> None:
    response = client_for(bob).get(PAGE)

    assert response.status_code == 403
    assert "Admin" in response.content.decode()


def test_the_api_does_the_same(machine: Client, receiver: Receiver) -> None:
    made = machine.post(API, {"url": receiver.url}, content_type="application/json")
    address = f"{API}/{made.json()['id']}"

    tried = machine.post(f"{address}/test")
    drain()
    listed = machine.get(f"{address}/messages").json()["messages"]
    again = machine.post(f"{address}/messages/{listed[0]['id']}/send-again")
    changed = machine.patch(address, {"kinds": ["scan.failed"], "is_active": False}, content_type="application/json")
    off = machine.post(f"{address}/test")
    since = machine.post(f"{address}/send-again", {"since": "2026-01-01T00:00:00Z"}, content_type="application/json")

    assert receiver.received[0].is_signed_by(made.json()["secret"])
    assert (made.status_code, tried.status_code, again.status_code) == (201, 202, 202)
    assert listed[0]["attempts"][0]["status"] == 204
    assert again.json()["redelivery_of"] == listed[0]["id"]
    assert (changed.json()["kinds"], changed.json()["is_active"]) == (["scan.failed"], False)
    assert (off.status_code, since.status_code) == (409, 409)
    assert "secret" not in machine.get(address).json()
    assert machine.delete(address).status_code == 204
    assert machine.get(API).json() == {"webhooks": []}


def test_a_repeated_request_adds_one_webhook_and_stores_no_secret(machine: Client, receiver: Receiver) -> None:
    sent = {"url": receiver.url}
    first = machine.post(API, sent, content_type="application/json", headers={"idempotency-key": "once"})
    second = machine.post(API, sent, content_type="application/json", headers={"idempotency-key": "once"})

    assert SECRET.fullmatch(first.json()["secret"])
    assert second.json() == {**first.json(), "secret": ""}
    assert WebhookEndpoint.objects.count() == 1
    assert all(b"whsec_" not in bytes(row.body) for row in AnsweredRequest.objects.all())


def test_the_api_says_what_cannot_be(machine: Client, in_acme: Organization) -> None:
    inside = machine.post(API, {"url": "http://10.0.0.1/"}, content_type="application/json")
    unknown = machine.post(
        API, {"url": "https://hooks.example/", "kinds": ["everything"]}, content_type="application/json"
    )

    assert (inside.status_code, unknown.status_code) == (400, 400)
    assert "private" in inside.json()["errors"]["url"][0]


def test_another_deployments_webhook_is_not_there(
    machine: Client, receiver: Receiver, charlie: User, in_acme: Organization
) -> None:
    with acting_for(factories.an_organization("initech", admin=charlie).pk):
        endpoint = factories.a_webhook_endpoint()

    assert machine.get(f"{API}/{endpoint.pk}").status_code == 404
    assert machine.delete(f"{API}/{endpoint.pk}").status_code == 404
