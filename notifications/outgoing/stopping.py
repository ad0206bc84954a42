"""Telling Admins by mail that an endpoint was switched off."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

import notifications.mail
import orgs.selectors
from lib.failures import TemporaryFailure
from notifications.mail import MailNotSent
from notifications.models import Delivery, DeliveryState, WebhookEndpoint
from notifications.outgoing.delivering import host_of
from tenancy.models import Organization
from tenancy.scope import current_organization_id

CHANNEL = "email"


def mail_admins(*, endpoint_id: int, event_id: int) -> None:
    """Write to every Admin who was not written to about this event. Raise TemporaryFailure where some are left."""
    with transaction.atomic():
        organization = Organization.objects.get(pk=current_organization_id())
        endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id, is_active=False).first()
        addresses = orgs.selectors.emails_of_admins()
    if endpoint is None:
        return  # removed, or switched on again
    link = reverse("settings-webhooks-endpoint", kwargs={"slug": organization.slug, "endpoint_id": endpoint.pk})
    problem = ""
    for address in addresses:
        delivery = _claim(address, event_id)
        if delivery.state != DeliveryState.CLAIMED:
            continue
        mail = notifications.mail.written(
            "webhook_stopped.txt",
            {
                "organization": " ".join(organization.name.split()),
                "host": host_of(endpoint.url),
                "why": endpoint.problem,
                "link": settings.PUBLIC_URL.rstrip("/") + link,
            },
            to=address,
        )
        try:
            notifications.mail.send(mail)
        except MailNotSent as failure:
            if failure.is_permanent:
                _keep(delivery, DeliveryState.FAILED, str(failure))
            else:
                problem = str(failure)
        else:
            _keep(delivery, DeliveryState.SENT)
    if problem:
        raise TemporaryFailure(problem)


def _claim(address: str, event_id: int) -> Delivery:
    with transaction.atomic():
        delivery, _ = Delivery.objects.get_or_create(
            channel=CHANNEL, destination=address, subject=f"webhook-stopped-{event_id}"
        )
    return delivery


def _keep(delivery: Delivery, state: DeliveryState, problem: str = "") -> None:
    with transaction.atomic():
        sent_at = timezone.now() if state == DeliveryState.SENT else None
        Delivery.objects.filter(pk=delivery.pk).update(state=state, sent_at=sent_at, problem=problem[:300])
