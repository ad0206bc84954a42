"""Telling endpoints: messages made of events, each sent until it is taken or given up, one at a time for an endpoint.

At least once: a worker that dies between sending and writing down sends again, with the same id.
"""

from __future__ import annotations

import time
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from events.kinds import SYSTEM, Kind
from events.models import Event
from events.services import part_of_job, record, result_of_job
from lib.crypto import CannotDecrypt
from lib.failures import TemporaryFailure
from notifications.models import DeliveryState, WebhookEndpoint, WebhookMessage
from notifications.outgoing import sending
from notifications.outgoing.building import message_of
from notifications.outgoing.catalogue import told_of
from notifications.outgoing.payloads import as_body
from notifications.outgoing.selectors import due_at, next_due, waiting_for
from notifications.outgoing.sending import Attempt
from notifications.outgoing.signing import Secrets
from tenancy.waiting import let_go_of_connection

# Eleven tries within 40 hours.
BACK_OFF_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 86_400)
FAILURES_BEFORE_STOP = 50
FAILING_BEFORE_STOP = timedelta(days=3)
LONGEST_RUN_SECONDS = 30.0  # then others have their turn
PAUSE_SECONDS = 5.0  # after a failure, whatever else is due
ATTEMPTS_KEPT = 20
KEEP_MESSAGES = timedelta(days=30)


def make_messages(event: Event) -> list[int]:
    """Write down what endpoints are to be told of an event; return the ids of those that wait for something.

    Safe to run twice: the id of a message is made of its event. Needs a transaction.
    """
    woken: set[int] = set()
    for told in told_of(Kind(event.kind)):
        wanting = list(WebhookEndpoint.objects.filter(is_active=True, kinds__contains=[told.value]).order_by("pk"))
        message = message_of(event, told) if wanting else None
        if message is None:
            continue
        WebhookMessage.objects.bulk_create(
            [
                WebhookMessage(endpoint=endpoint, uid=message.id, kind=told.value, body=as_body(message))
                for endpoint in wanting
            ],
            ignore_conflicts=True,
        )
        woken.update(endpoint.pk for endpoint in wanting)
    return sorted(woken)


def deliver(endpoint_id: int) -> None:
    """Tell an endpoint what is due, in order. Raise TemporaryFailure with the time until the next is due, if one waits.

    A failure ends the run, so that an endpoint that does not answer holds a worker for ten seconds at most.
    """
    until = time.monotonic() + LONGEST_RUN_SECONDS
    pause = 0.0
    while time.monotonic() < until:
        with transaction.atomic():
            endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id, is_active=True).first()
            message = None if endpoint is None else next_due(endpoint)
        if endpoint is None:
            return
        if message is None:
            break
        attempt = _attempt(endpoint, message)
        with part_of_job(), result_of_job():
            _keep(endpoint_id, message.pk, attempt)
        if not attempt.is_success:
            pause = PAUSE_SECONDS
            break
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id, is_active=True).first()
        at = None if endpoint is None else due_at(endpoint)
    if at is not None:
        wait = max((at - timezone.now()).total_seconds(), pause, 0.0)
        raise TemporaryFailure("a message waits for its next try", retry_after_seconds=wait)


def _attempt(endpoint: WebhookEndpoint, message: WebhookMessage) -> Attempt:
    try:
        secrets = Secrets.opened(endpoint.sealed_secret)
    except CannotDecrypt:
        now = timezone.now().isoformat(timespec="milliseconds")
        return Attempt(now, 0, 0, error="The secret cannot be opened with this server's keys. Make a new one.")
    let_go_of_connection(waiting_for="an endpoint")
    return sending.attempt(url=endpoint.url, message_id=message.message_id, body=message.body, secrets=secrets)


def _keep(endpoint_id: int, message_id: int, attempt: Attempt) -> None:
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=endpoint_id).first()
    message = WebhookMessage.objects.filter(pk=message_id).first()
    if endpoint is None or message is None:
        return  # removed meanwhile
    now = timezone.now()
    message.attempts = [*message.attempts, attempt.as_json()][-ATTEMPTS_KEPT:]
    message.tries += 1
    if attempt.is_success:
        message.state, message.sent_at = DeliveryState.SENT, now
        endpoint.failures, endpoint.failing_since = 0, None
    else:
        if message.tries > len(BACK_OFF_SECONDS):
            message.state = DeliveryState.FAILED
        else:
            message.next_try_at = now + timedelta(seconds=BACK_OFF_SECONDS[message.tries - 1])
        endpoint.failures += 1
        endpoint.failing_since = endpoint.failing_since or now
    message.save(update_fields=["attempts", "tries", "state", "sent_at", "next_try_at"])
    endpoint.save(update_fields=["failures", "failing_since"])
    why = _reason_to_stop(endpoint, attempt)
    if why and endpoint.is_active:
        _stop(endpoint, why)


def _reason_to_stop(endpoint: WebhookEndpoint, attempt: Attempt) -> str:
    if attempt.is_gone:
        return "It answered 410 Gone: it wants nothing more."
    since = endpoint.failing_since
    if endpoint.failures >= FAILURES_BEFORE_STOP and since is not None and timezone.now() - since > FAILING_BEFORE_STOP:
        return f"{endpoint.failures} attempts in a row failed, over more than three days."
    return ""


def _stop(endpoint: WebhookEndpoint, why: str) -> None:
    endpoint.is_active, endpoint.problem = False, why
    endpoint.save(update_fields=["is_active", "problem"])
    waiting_for(endpoint).update(state=DeliveryState.FAILED)
    record(Kind.WEBHOOK_STOPPED, actor=SYSTEM, endpoint_id=endpoint.pk, host=host_of(endpoint.url), why=why)


def host_of(url: str) -> str:
    """Return the host of an address: the rest of it may be a secret, and stays out of the log."""
    return (urlsplit(url).hostname or "")[:100]


def endpoints_that_wait() -> list[int]:
    """Return the ids of active endpoints with something waiting: what was owed to them may have been lost."""
    waiting = WebhookMessage.objects.filter(endpoint=OuterRef("pk"), state=DeliveryState.CLAIMED)
    return list(WebhookEndpoint.objects.filter(Exists(waiting), is_active=True).values_list("pk", flat=True))


def forget_messages() -> int:
    """Remove what is older than 30 days. Returns how many."""
    return WebhookMessage.objects.filter(created_at__lt=timezone.now() - KEEP_MESSAGES).delete()[0]
