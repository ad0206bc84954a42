"""Outgoing webhooks: what happens is told to a real server, which proves each message, in order and at least once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core import mail
from django.utils import timezone

import findings.services
from events.draining import drain
from events.kinds import SYSTEM, Actor, ActorKind, Kind
from events.models import Event, Job, JobState
from events.services import record
from findings.models import IgnoreReason, Presence, PresenceState
from lib.http.policy import Policy, in_force
from notifications.models import DeliveryState, WebhookEndpoint, WebhookMessage
from notifications.outgoing import delivering, sending, services
from notifications.outgoing.catalogue import CATALOGUE, CHOICES, Told
from notifications.outgoing.payloads import DATA_OF, Message
from notifications.outgoing.services import EndpointRefused
from notifications.outgoing.signing import Secrets
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.vendors.webhook_receiver import Receiver, answered, receiving

ALICE = Actor(ActorKind.PERSON, "Alice", 1)
ON_LOOPBACK = Policy.of(allowed=["127.0.0.1"], ports=["*"])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A customer's system, which the operator allows."""
    with receiving() as receiver, in_force(ON_LOOPBACK):
        yield receiver


@pytest.fixture
def hooked(in_acme: Organization, receiver: Receiver) -> tuple[WebhookEndpoint, str]:
    """An endpoint that is told everything, and its secret."""
    made = services.add_endpoint(url=receiver.url, kinds=CHOICES, actor=ALICE)
    drain()
    return made


def budget_alert(threshold: int = 80) -> None:
    record(Kind.BUDGET_ALERT, actor=SYSTEM, month="2026-11-01", threshold=threshold)


def thresholds(receiver: Receiver) -> list[int]:
    return [each.body["data"]["threshold"] for each in receiver.received]


def only_message() -> WebhookMessage:
    return WebhookMessage.objects.get()


def test_what_happens_is_told_with_a_proof(hooked: tuple[WebhookEndpoint, str], receiver: Receiver) -> None:
    budget_alert()

    drain()

    (told,) = receiver.received
    message = Message.model_validate(told.body)
    assert told.is_signed_by(hooked[1])
    assert (message.type, message.version, message.deployment.slug) == (Told.BUDGET_ALERT, 1, "acme")
    assert message.data["threshold"] == 80
    assert told.id == message.id == str(only_message().uid)
    assert (only_message().state, only_message().attempts[0]["status"]) == (DeliveryState.SENT, 204)


def test_another_secret_an_altered_body_and_an_old_request_prove_nothing(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver
) -> None:
    budget_alert()

    drain()

    (told,) = receiver.received
    assert not told.is_signed_by("whsec_" + "A" * 43 + "=")
    assert not told.is_signed_by(hooked[1], now=timezone.now().timestamp() + 301)
    told.content = told.content.replace(b"80", b"90")
    assert not told.is_signed_by(hooked[1])


def test_nothing_is_owed_where_nobody_wants_it(in_acme: Organization, receiver: Receiver) -> None:
    services.add_endpoint(url=receiver.url, kinds=[Told.SCAN_FAILED], actor=ALICE)
    drain()

    budget_alert()

    assert not Job.objects.filter(task="notifications.tasks.tell_endpoints").exists()


def test_a_scan_is_told_in_one_message_of_each_kind(hooked: tuple[WebhookEndpoint, str], receiver: Receiver) -> None:
    project, rule = factories.a_project(), factories.a_rule()
    before = factories.a_scan(project)
    returned = factories.a_finding(scan=before, rule=rule, path="again.py")
    fixed = factories.a_finding(scan=before, rule=rule, path="old.py", is_present=False)
    soon = timezone.now() + timedelta(seconds=5)
    scan = factories.a_scan(project, ingested_at=soon, new_count=1)
    new = factories.a_finding(scan=scan, rule=rule, path="new.py")
    Presence.objects.filter(finding=returned).update(last_scan=scan, changed_at=soon)
    Presence.objects.filter(finding=fixed).update(last_scan=scan, changed_at=soon, state=PresenceState.FIXED)
    record(Kind.SCAN_INGESTED, actor=SYSTEM, scan_id=scan.pk, found=2, new=1)

    drain()

    told = {each.body["type"]: each.body["data"] for each in receiver.received}
    assert receiver.kinds[:3] == ["scan.completed", "finding.opened", "finding.fixed"]
    assert told["scan.completed"]["scan"]["id"] == str(scan.pk)
    assert {each["id"] for each in told["finding.opened"]["findings"]} == {new.pk, returned.pk}
    assert [each["id"] for each in told["finding.fixed"]["findings"]] == [fixed.pk]
    assert told["finding.opened"]["more_url"] is None


def test_of_many_findings_a_hundred_are_told_and_the_rest_is_a_link(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver
) -> None:
    scan, rule = factories.a_scan(ingested_at=timezone.now()), factories.a_rule()
    for number in range(101):
        factories.a_finding(scan=scan, rule=rule, path=f"{number}.py")
    record(Kind.SCAN_INGESTED, actor=SYSTEM, scan_id=scan.pk, found=101, new=101)

    drain()

    opened = receiver.received[1].body["data"]
    assert (opened["count"], len(opened["findings"])) == (101, 100)
    assert opened["more_url"].endswith(f"/orgs/acme/scans/{scan.pk}/")


def test_a_decision_is_told_without_code_or_comments(hooked: tuple[WebhookEndpoint, str], receiver: Receiver) -> None:
    finding = factories.a_finding(matched_lines="password = 'hunter2'", message="found hunter2")
    findings.services.ignore(
        finding=finding, reason=IgnoreReason.FALSE_POSITIVE, comment="hunter2 is no password", actor=ALICE
    )

    drain()

    (told,) = receiver.received
    (finding_told,) = told.body["data"]["findings"]
    assert told.body["data"]["by"] == "Alice"
    assert (finding_told["triage"], finding_told["triage_reason"]) == ("ignored", "false_positive")
    assert b"hunter2" not in told.content


def test_a_verdict_is_told(hooked: tuple[WebhookEndpoint, str], receiver: Receiver) -> None:
    verdict = factories.a_verdict(factories.a_finding())
    record(
        Kind.VERDICT_REACHED, actor=SYSTEM, finding_id=verdict.finding_id, verdict_id=verdict.pk, verdict=verdict.value
    )

    drain()

    told = next(each for each in receiver.received if each.body["type"] == "verdict.reached")
    assert told.body["data"]["verdict"]["value"] == "false_positive"
    assert verdict.explanation not in told.content.decode()


def test_each_kind_has_a_model_and_an_event() -> None:
    assert set(DATA_OF) == set(Told)
    assert {entry.word for entry in CATALOGUE} == set(Told) - {Told.WEBHOOK_TEST}
    assert all(entry.events and entry.meaning for entry in CATALOGUE)


def test_what_fails_is_tried_again_later_and_the_next_waits_behind_it(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver
) -> None:
    receiver.replies = [answered(500, b"broken"), answered(503)]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        budget_alert(80)
        drain()
        budget_alert(100)
        drain()
        assert thresholds(receiver) == [80]

        clock.shift(6)
        drain()
        assert thresholds(receiver) == [80, 80]

        clock.shift(31)
        drain()

    assert thresholds(receiver) == [80, 80, 80, 100]
    first = WebhookMessage.objects.order_by("pk")[0]
    assert [each["status"] for each in first.attempts] == [500, 503, 204]
    assert first.attempts[0]["answer"] == "broken"
    assert len({each.id for each in receiver.received[:3]}) == 1
    assert WebhookEndpoint.objects.get().failures == 0


def test_a_message_that_keeps_failing_lets_the_others_pass(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver
) -> None:
    receiver.replies = [answered(400)] * 3
    with time_machine.travel(timezone.now(), tick=False) as clock:
        budget_alert(80)
        for _ in range(3):
            drain()
            clock.shift(121)
        WebhookMessage.objects.update(next_try_at=timezone.now() + timedelta(hours=1))
        budget_alert(100)

        drain()

    assert thresholds(receiver) == [80, 80, 80, 100]


def test_after_the_last_try_it_is_given_up_and_can_be_sent_again(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver
) -> None:
    budget_alert()
    drain()
    WebhookMessage.objects.update(state=DeliveryState.CLAIMED, tries=len(delivering.BACK_OFF_SECONDS))
    receiver.replies = [answered(500)]
    delivering.deliver(hooked[0].pk)
    failed = only_message()
    assert failed.state == DeliveryState.FAILED

    once = services.send_again(message=failed, actor=ALICE)
    twice = services.send_again(message=failed, actor=ALICE)
    drain()

    assert once == twice
    assert WebhookMessage.objects.filter(redelivery_of=failed, state=DeliveryState.SENT).count() == 1
    assert len({each.id for each in receiver.received}) == 1


def test_all_that_failed_since_is_sent_again_once(hooked: tuple[WebhookEndpoint, str], receiver: Receiver) -> None:
    budget_alert(80)
    budget_alert(100)
    drain()
    receiver.received.clear()
    WebhookMessage.objects.update(state=DeliveryState.FAILED)
    since = timezone.now() - timedelta(hours=1)

    first = services.send_failed_again(endpoint=hooked[0], since=since, actor=ALICE)
    second = services.send_failed_again(endpoint=hooked[0], since=since, actor=ALICE)
    drain()
    third = services.send_failed_again(endpoint=hooked[0], since=since, actor=ALICE)

    assert (first, second, third) == (2, 0, 0)
    assert thresholds(receiver) == [80, 100]


def test_gone_switches_the_endpoint_off_and_admins_are_told_once(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver
) -> None:
    receiver.replies = [answered(410)]
    budget_alert()

    drain()
    drain()

    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.is_active, "410" in endpoint.problem) == (False, True)
    assert only_message().state == DeliveryState.FAILED
    about = [each for each in mail.outbox if "switched off" in each.subject]
    assert [each.to for each in about] == [["alice@acme.example"]]
    assert Event.objects.filter(kind=Kind.WEBHOOK_STOPPED, is_audit=True).count() == 1
    budget_alert(100)
    drain()
    assert len(receiver.received) == 1


def test_fifty_failures_in_a_row_over_three_days_switch_it_off(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver
) -> None:
    receiver.replies = [answered(500), answered(500)]
    WebhookEndpoint.objects.update(failures=49, failing_since=timezone.now() - timedelta(days=2))
    budget_alert()
    drain()
    assert WebhookEndpoint.objects.get().is_active

    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(days=3, seconds=1))
    WebhookMessage.objects.update(next_try_at=timezone.now())
    services.send_test(endpoint=hooked[0], actor=ALICE)
    drain()

    assert not WebhookEndpoint.objects.get().is_active


def test_for_a_day_the_old_secret_signs_beside_the_new_one(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver
) -> None:
    old = hooked[1]
    _, new = services.rotate_secret(endpoint=hooked[0], actor=ALICE)
    budget_alert()
    drain()
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        budget_alert(100)
        drain()
        during, after = receiver.received

        assert after.is_signed_by(new)
        assert not after.is_signed_by(old)
    assert during.is_signed_by(old)
    assert during.is_signed_by(new)


def test_the_secret_is_sealed_and_in_no_message(hooked: tuple[WebhookEndpoint, str], receiver: Receiver) -> None:
    endpoint, secret = hooked
    budget_alert()
    drain()

    assert secret not in endpoint.sealed_secret
    assert Secrets.opened(endpoint.sealed_secret).current == secret
    assert secret.encode() not in receiver.received[0].content
    assert secret not in str(list(Event.objects.values_list("subject", flat=True)))


def test_the_example_for_receivers_verifies_and_stands_in_the_documentation(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver
) -> None:
    example = (settings.BASE_DIR / "templates/settings/webhooks/verify.txt").read_text()
    budget_alert()
    drain()
    (told,) = receiver.received
    names: dict[str, Any] = {}

    exec(example, names)

    assert names["is_ours"](hooked[1], told.headers, told.content)
    assert not names["is_ours"](hooked[1], told.headers, told.content + b" ")
    assert example.strip() in (settings.BASE_DIR / "docs/webhooks-outgoing.md").read_text()


def test_a_secret_that_no_key_opens_is_said_and_can_be_made_anew(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver
) -> None:
    WebhookEndpoint.objects.update(sealed_secret="sealed with a key that is gone")
    budget_alert()
    drain()

    _, secret = services.rotate_secret(endpoint=hooked[0], actor=ALICE)
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        drain()
        (told,) = receiver.received

        assert told.is_signed_by(secret)
    assert "Make a new one" in only_message().attempts[0]["error"]


# --- Endpoints that mean no good --------------------------------------------------------------------------------------


def test_a_redirect_is_not_followed(hooked: tuple[WebhookEndpoint, str], receiver: Receiver) -> None:
    receiver.replies = [answered(307, Location=receiver.url.replace("/hook", "/secret"))]
    budget_alert()

    drain()

    assert len(receiver.received) == 1
    assert "another address" in only_message().attempts[0]["error"]


def test_of_a_huge_answer_two_kilobytes_are_kept(hooked: tuple[WebhookEndpoint, str], receiver: Receiver) -> None:
    receiver.replies = [answered(200, b"<b>\x00" + b"x" * 5_000_000)]
    budget_alert()

    drain()

    attempt = only_message().attempts[0]
    assert (only_message().state, len(attempt["answer"].encode()) <= 2100) == (DeliveryState.SENT, True)


def test_an_answer_that_does_not_come_ends_the_attempt(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.3)
    leave = threading.Event()
    receiver.replies = [lambda _: (leave.wait(5), None)[1]]
    budget_alert()

    drain()
    leave.set()

    assert "in time" in only_message().attempts[0]["error"]
    assert only_message().state == DeliveryState.CLAIMED


def test_an_answer_that_trickles_counts_by_its_status(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.5)
    leave = threading.Event()

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
        leave.wait(5)

    receiver.replies = [trickle]
    budget_alert()

    drain()
    leave.set()

    assert (only_message().state, only_message().attempts[0]["answer"]) == (DeliveryState.SENT, "abc")


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/x", "https://10.0.0.1/", "ftp://host.example/", "http://93.184.215.14/", "x"]
)
def test_private_addresses_and_odd_ones_are_refused(in_acme: Organization, url: str) -> None:
    with pytest.raises(EndpointRefused) as refused:
        services.add_endpoint(url=url, kinds=CHOICES, actor=ALICE)

    assert refused.value.field == "url"
    assert not WebhookEndpoint.objects.exists()


def test_a_name_that_leads_inside_after_it_was_saved_gets_nothing(in_acme: Organization, receiver: Receiver) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    rebinding = Policy.of(allowed=["127.0.0.1"], ports=["*"], resolve=lambda *_: answers.pop(0))
    with in_force(rebinding):
        services.add_endpoint(url=receiver.url.replace("127.0.0.1", "rebinding.example"), kinds=CHOICES, actor=ALICE)
        budget_alert()

        drain()

    assert receiver.received == []
    assert "private" in only_message().attempts[0]["error"]


# --- Workers, removal, tenants ----------------------------------------------------------------------------------------


def test_a_worker_killed_between_sending_and_writing_down_sends_again_with_the_same_id(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    budget_alert()
    with monkeypatch.context() as once:
        once.setattr(delivering, "_keep", killed)
        with pytest.raises(Killed):
            drain()
    Job.objects.filter(state=JobState.RUNNING).update(lease_until=timezone.now() - timedelta(seconds=1))

    from events.tasks import sweep  # noqa: PLC0415  (what beat does)

    sweep()
    drain()

    assert len(receiver.received) == 2
    assert len({each.id for each in receiver.received}) == 1
    assert only_message().state == DeliveryState.SENT


def test_an_event_that_is_worked_on_twice_is_told_once(hooked: tuple[WebhookEndpoint, str], receiver: Receiver) -> None:
    budget_alert()
    event = Event.objects.get(kind=Kind.BUDGET_ALERT)
    delivering.make_messages(event)
    delivering.make_messages(event)

    drain()

    assert len(receiver.received) == 1


def test_an_endpoint_removed_while_a_message_waits_takes_it_along(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver
) -> None:
    receiver.replies = [answered(500)]
    budget_alert()
    drain()

    services.remove_endpoint(endpoint=hooked[0], actor=ALICE)
    services.remove_endpoint(endpoint=hooked[0], actor=ALICE)
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        drain()

    assert len(receiver.received) == 1
    assert not WebhookMessage.objects.exists()
    assert Event.objects.filter(kind=Kind.WEBHOOK_REMOVED).count() == 1


def test_others_are_told_nothing_of_it(hooked: tuple[WebhookEndpoint, str], receiver: Receiver) -> None:
    umbrella = factories.an_organization("umbrella", admin=factories.a_person("charlie@umbrella.example"))
    with acting_for(umbrella.pk):
        budget_alert()
        drain()

        assert not WebhookEndpoint.objects.exists()
    assert receiver.received == []


def test_two_test_messages_at_once_are_one(hooked: tuple[WebhookEndpoint, str], receiver: Receiver) -> None:
    first = services.send_test(endpoint=hooked[0], actor=ALICE)
    second = services.send_test(endpoint=hooked[0], actor=ALICE)

    drain()

    assert first == second
    assert receiver.kinds == ["webhook.test"]


def test_after_thirty_days_messages_are_forgotten_and_what_waits_is_owed_again(
    hooked: tuple[WebhookEndpoint, str], receiver: Receiver
) -> None:
    budget_alert(80)
    budget_alert(100)
    drain()
    old, lost = WebhookMessage.objects.order_by("pk")
    WebhookMessage.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    WebhookMessage.objects.filter(pk=lost.pk).update(state=DeliveryState.CLAIMED)

    from notifications.tasks import look_after_endpoints  # noqa: PLC0415  (one of the daily ones)

    look_after_endpoints.function()
    drain()

    assert list(WebhookMessage.objects.values_list("pk", "state")) == [(lost.pk, DeliveryState.SENT)]
    assert thresholds(receiver) == [80, 100, 100]
