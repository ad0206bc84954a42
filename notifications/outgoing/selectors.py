"""Reading endpoints and what they were told."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from events.kinds import Kind
from notifications.models import DeliveryState, WebhookEndpoint, WebhookMessage
from notifications.outgoing.catalogue import told_of

TRIES_IN_ORDER = 3  # for so long later messages wait behind one that fails


def endpoints() -> QuerySet[WebhookEndpoint]:
    """Return the endpoints of the organization, oldest first."""
    return WebhookEndpoint.objects.order_by("pk")


def endpoints_with_counts() -> QuerySet[WebhookEndpoint]:
    """Return the endpoints with how many messages each waits for (`waiting_count`) and how many failed."""
    return endpoints().annotate(
        waiting_count=Count("messages", filter=Q(messages__state=DeliveryState.CLAIMED)),
        failed_count=Count("messages", filter=Q(messages__state=DeliveryState.FAILED)),
    )


def wants_any(kind: Kind) -> bool:
    """Tell whether some endpoint wants to be told of such events."""
    words = [told.value for told in told_of(kind)]
    return WebhookEndpoint.objects.filter(is_active=True, kinds__overlap=words).exists()


def messages_of(endpoint: WebhookEndpoint) -> QuerySet[WebhookMessage]:
    """Return what an endpoint was or will be told, newest first."""
    return WebhookMessage.objects.filter(endpoint=endpoint).order_by("-pk")


def waiting_for(endpoint: WebhookEndpoint) -> QuerySet[WebhookMessage]:
    """Return what an endpoint is still to be told, in order."""
    return WebhookMessage.objects.filter(endpoint=endpoint, state=DeliveryState.CLAIMED).order_by("pk")


def next_due(endpoint: WebhookEndpoint) -> WebhookMessage | None:
    """Return the message whose turn it is, None where none is due."""
    return _in_order(endpoint).filter(next_try_at__lte=timezone.now()).first()


def due_at(endpoint: WebhookEndpoint) -> datetime | None:
    """Return when the next message is due, None where none waits."""
    found: datetime | None = _in_order(endpoint).order_by().aggregate(at=Min("next_try_at"))["at"]
    return found


def _in_order(endpoint: WebhookEndpoint) -> QuerySet[WebhookMessage]:
    """Return what may be told next: nothing behind a message that is in its first tries, and not due yet."""
    waiting = waiting_for(endpoint)
    in_the_way = waiting.filter(tries__gt=0, tries__lt=TRIES_IN_ORDER, next_try_at__gt=timezone.now()).first()
    return waiting if in_the_way is None else waiting.filter(pk__lte=in_the_way.pk)
