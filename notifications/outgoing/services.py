"""What Admins do with endpoints. Each change is recorded, and wakes what delivers to the endpoint."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from events.kinds import Actor, Kind
from events.services import record
from lib.crypto import CannotDecrypt
from lib.http.policy import OutboundError, check_reachable
from notifications.models import DeliveryState, WebhookEndpoint, WebhookMessage
from notifications.outgoing.building import test_message
from notifications.outgoing.catalogue import CHOICES, Told
from notifications.outgoing.delivering import host_of
from notifications.outgoing.payloads import as_body
from notifications.outgoing.signing import Secrets, new_secret

LONGEST_URL = 500
MOST_ENDPOINTS = 20
MOST_SENT_AGAIN = 1000


class EndpointRefused(Exception):
    """What was asked for cannot be; the text tells why, and `field` which field it is about (empty: none)."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def add_endpoint(*, url: str, kinds: Collection[str], actor: Actor) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint; return it with its secret, which is shown once. Asks the name server, so in no transaction."""
    url = _checked_url(url)
    secret = new_secret()
    with _unique_url():
        if WebhookEndpoint.objects.count() >= MOST_ENDPOINTS:
            raise EndpointRefused(f"There are {MOST_ENDPOINTS} webhooks, the most there can be. Remove one first.")
        endpoint = WebhookEndpoint.objects.create(
            url=url, kinds=_checked_kinds(kinds), sealed_secret=Secrets(secret).sealed(), created_by=actor.name[:200]
        )
        _record(endpoint, actor, "added")
    return endpoint, secret


def change_endpoint(*, endpoint: WebhookEndpoint, url: str, kinds: Collection[str], actor: Actor) -> WebhookEndpoint:
    """Change where an endpoint is or what it is told. Asks the name server, so in no transaction."""
    url = _checked_url(url)
    with _unique_url():
        row = _locked(endpoint)
        row.url, row.kinds = url, _checked_kinds(kinds)
        row.save(update_fields=["url", "kinds"])
        _record(row, actor, "changed")
    return row


def rotate_secret(*, endpoint: WebhookEndpoint, actor: Actor) -> tuple[WebhookEndpoint, str]:
    """Make a new secret and return it, to be shown once; for 24 hours the one before signs as well."""
    with transaction.atomic():
        row = _locked(endpoint)
        try:
            secrets = Secrets.opened(row.sealed_secret).rotated(timezone.now())
        except CannotDecrypt:
            secrets = Secrets(new_secret())  # the one before is lost, and signs nothing more
        row.sealed_secret, row.old_secret_until = secrets.sealed(), secrets.old_until
        row.save(update_fields=["sealed_secret", "old_secret_until"])
        _record(row, actor, "secret rotated")
    return row, secrets.current


def switch(*, endpoint: WebhookEndpoint, on: bool, actor: Actor) -> WebhookEndpoint:
    """Switch an endpoint on or off; safe to do twice. What waits when it is switched off counts as failed."""
    with transaction.atomic():
        row = _locked(endpoint)
        if row.is_active == on:
            return row
        row.is_active, row.problem, row.failures, row.failing_since = on, "", 0, None
        row.save(update_fields=["is_active", "problem", "failures", "failing_since"])
        if not on:
            waiting = WebhookMessage.objects.filter(endpoint=row, state=DeliveryState.CLAIMED)
            waiting.update(state=DeliveryState.FAILED)
        _record(row, actor, "switched on" if on else "switched off")
    return row


def remove_endpoint(*, endpoint: WebhookEndpoint, actor: Actor) -> None:
    """Forget an endpoint with its secret and all that is known of what it was told."""
    with transaction.atomic():
        row = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk).first()
        if row is not None:
            number, host = row.pk, host_of(row.url)
            row.delete()
            record(Kind.WEBHOOK_REMOVED, actor=actor, removed_endpoint_id=number, host=host)


def send_test(*, endpoint: WebhookEndpoint, actor: Actor) -> WebhookMessage:
    """Have a test message sent, and return it. One that waits already is returned instead of another."""
    with transaction.atomic():
        row = _active(endpoint)
        waiting = WebhookMessage.objects.filter(
            endpoint=row, kind=Told.WEBHOOK_TEST.value, state=DeliveryState.CLAIMED
        ).first()
        if waiting is not None:
            return waiting
        message = test_message(sent_by=actor.name, at=timezone.now())
        made = WebhookMessage.objects.create(
            endpoint=row, uid=uuid.UUID(message.id), kind=Told.WEBHOOK_TEST.value, body=as_body(message)
        )
        _record(row, actor, "test message sent")
    return made


def send_again(*, message: WebhookMessage, actor: Actor) -> WebhookMessage:
    """Have a message sent once more, as it was, and return what is sent. While it waits, it is not sent twice."""
    with transaction.atomic():
        row = _active(message.endpoint)
        made = _again(row, [message])
        if made:
            _record(row, actor, "message sent again")
            return made[0]
        under_way = WebhookMessage.objects.filter(
            endpoint=row, body__id=message.message_id, state=DeliveryState.CLAIMED
        )
        return under_way.order_by("pk")[0]


def send_failed_again(*, endpoint: WebhookEndpoint, since: datetime, actor: Actor) -> int:
    """Have everything sent once more that failed since then, a thousand messages at most. Returns how many."""
    with transaction.atomic():
        row = _active(endpoint)
        failed = WebhookMessage.objects.filter(endpoint=row, state=DeliveryState.FAILED, created_at__gte=since)
        # What came through since, or is on its way, under the same id is not sent again.
        chosen = {message.message_id: message for message in failed.order_by("pk")[:MOST_SENT_AGAIN]}
        through = WebhookMessage.objects.filter(endpoint=row, state=DeliveryState.SENT, body__id__in=list(chosen))
        for arrived in through.values_list("body__id", flat=True):
            chosen.pop(arrived, None)
        made = _again(row, list(chosen.values()))
        if made:
            _record(row, actor, f"{len(made)} failed messages sent again")
    return len(made)


def _again(endpoint: WebhookEndpoint, messages: list[WebhookMessage]) -> list[WebhookMessage]:
    ids = [message.message_id for message in messages]
    under_way = set(
        WebhookMessage.objects.filter(endpoint=endpoint, state=DeliveryState.CLAIMED, body__id__in=ids).values_list(
            "body__id", flat=True
        )
    )
    return WebhookMessage.objects.bulk_create(
        [
            WebhookMessage(
                endpoint=endpoint, uid=uuid.uuid4(), kind=message.kind, body=message.body, redelivery_of=message
            )
            for message in messages
            if message.message_id not in under_way
        ]
    )


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    row = WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk).first()
    if row is None:
        raise EndpointRefused("The webhook was removed meanwhile.")
    return row


def _active(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    row = _locked(endpoint)
    if not row.is_active:
        raise EndpointRefused("The webhook is switched off. Switch it on first.")
    return row


def _record(endpoint: WebhookEndpoint, actor: Actor, change: str) -> None:
    record(Kind.WEBHOOK_SAVED, actor=actor, endpoint_id=endpoint.pk, host=host_of(endpoint.url), change=change)


def _checked_url(url: str) -> str:
    url = url.strip()
    if len(url) > LONGEST_URL:
        raise EndpointRefused(f"An address may have {LONGEST_URL} characters.", field="url")
    try:
        check_reachable(url)
    except OutboundError as error:
        raise EndpointRefused(str(error), field="url") from error
    return url


def _checked_kinds(kinds: Collection[str]) -> list[str]:
    if unknown := sorted(set(kinds) - set(CHOICES)):
        raise EndpointRefused(f"There is no such kind: {unknown[0][:60]}.", field="kinds")
    if not kinds:
        raise EndpointRefused("Choose at least one kind.", field="kinds")
    return [word for word in CHOICES if word in set(kinds)]


@contextmanager
def _unique_url() -> Iterator[None]:
    """Open a transaction in which an address that another endpoint has is refused in words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "webhook_endpoint_once" not in str(error):
            raise
        raise EndpointRefused("A webhook has this address already. Change that one.", field="url") from error
