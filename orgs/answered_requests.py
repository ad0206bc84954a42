"""Writes that a token sent with an `Idempotency-Key`: carried out once, answered the same for a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from orgs.models import AnsweredRequest, ApiToken
from tenancy.scope import acting_for

KEPT_FOR = timedelta(hours=24)
# After this a request without an answer is taken to have died with its process.
LONGEST_REQUEST = timedelta(minutes=10)
FORGOTTEN_AT_ONCE = 200


class OtherRequest(Exception):
    """The key came before, with another request."""


class StillUnderWay(Exception):
    """The same request is being carried out at this moment."""


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    content_type: str
    body: bytes


def begin(*, token: ApiToken, key: str, digest: bytes) -> Answer | AnsweredRequest:
    """Return the answer of the same request before, or the row of this one, to be carried out.

    Raises OtherRequest or StillUnderWay.
    """
    now = timezone.now()
    with acting_for(token.organization_id), transaction.atomic():
        _forget_old()
        AnsweredRequest.objects.bulk_create(
            [AnsweredRequest(token_number=token.pk, key=key, digest=digest, started_at=now)], ignore_conflicts=True
        )
        # Of two at once one waits here for the other's row, and finds it begun.
        row = AnsweredRequest.objects.select_for_update().get(token_number=token.pk, key=key)
        if bytes(row.digest) != digest:
            raise OtherRequest
        if row.status is not None:
            return Answer(row.status, row.content_type, bytes(row.body))
        if row.started_at == now:
            return row
        if now - row.started_at < LONGEST_REQUEST:
            raise StillUnderWay
        row.started_at = now
        row.save(update_fields=["started_at"])
        return row


def keep(row: AnsweredRequest, answer: Answer) -> None:
    """Keep the answer of a request, for whoever sends it again."""
    with acting_for(row.organization_id), transaction.atomic():
        AnsweredRequest.objects.filter(pk=row.pk).update(
            status=answer.status, content_type=answer.content_type, body=answer.body
        )


def forget(row: AnsweredRequest) -> None:
    """Forget a request that failed through no fault of its own, so that it may be sent again."""
    with acting_for(row.organization_id), transaction.atomic():
        AnsweredRequest.objects.filter(pk=row.pk).delete()


def forget_old() -> int:
    """Forget the organization's answers that are older than a day. Returns how many."""
    with transaction.atomic():
        return AnsweredRequest.objects.filter(started_at__lt=timezone.now() - KEPT_FOR).delete()[0]


def _forget_old() -> None:
    # A few with each write, so that a busy organization keeps its own table small. Needs a transaction.
    old = AnsweredRequest.objects.filter(started_at__lt=timezone.now() - KEPT_FOR).values("pk")[:FORGOTTEN_AT_ONCE]
    AnsweredRequest.objects.filter(pk__in=old).delete()
