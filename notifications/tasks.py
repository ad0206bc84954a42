"""What Jobs send: mails, and answers on code hosts. What a dead server holds up is sent when it answers again."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

import notifications.mail
from events.models import Queue
from events.services import result_of_job
from events.tasks import org_task
from lib.crypto import digest_of_token
from lib.failures import TemporaryFailure
from notifications.mail import MailNotSent
from notifications.replies.answering import carry_out_replies
from orgs.joining import token_of
from orgs.models import Invitation
from scm.models import WebhookDelivery

# With the usual back-off, eight hours of a mail server's absence.
MAX_ATTEMPTS = 36


def _note_end(invitation_id: int) -> None:
    invitation = Invitation.objects.filter(pk=invitation_id, sent_at=None).first()
    if invitation is not None:
        _note_failure(invitation, f"Given up: {invitation.delivery_error}")


@org_task(queue=Queue.DELIVER, max_attempts=MAX_ATTEMPTS, on_exhausted=_note_end)
def send_invitation(invitation_id: int) -> None:
    """Mail an invitation's link, unless it was sent, accepted or revoked since."""
    with transaction.atomic():
        invitation = (
            Invitation.objects.filter(pk=invitation_id, sent_at=None)
            .select_related("organization", "invited_by")
            .first()
        )
    if invitation is None or not invitation.is_open:
        return
    token = token_of(invitation)
    inviter = invitation.invited_by
    mail = notifications.mail.written(
        "invitation.txt",
        {
            "invitation": invitation,
            # A name is one line: the subject ends with the first.
            "organization": " ".join(invitation.organization.name.split()),
            "inviter": " ".join((inviter.get_full_name() or inviter.email).split()) if inviter else "An Admin",
            "link": settings.PUBLIC_URL.rstrip("/") + reverse("invitation", kwargs={"token": token}),
        },
        to=invitation.email,
    )
    try:
        notifications.mail.send(mail)
    except MailNotSent as failure:
        _note_failure(invitation, str(failure))
        if failure.is_permanent:
            return
        raise TemporaryFailure(str(failure)) from failure
    with result_of_job():
        # By its expiry: what was sent again meanwhile has another link, and is still to be sent.
        Invitation.objects.filter(pk=invitation.pk, expires_at=invitation.expires_at).update(
            sent_at=timezone.now(), delivery_error="", digest=digest_of_token(token)
        )


def _note_failure(invitation: Invitation, reason: str) -> None:
    with transaction.atomic():
        Invitation.objects.filter(pk=invitation.pk, expires_at=invitation.expires_at).update(
            delivery_error=reason[:200]
        )


@org_task(queue=Queue.PULL_REQUEST)
def carry_out_reply(delivery_id: int) -> None:
    """Carry out the command in a reply on a code host, and answer it there."""
    with transaction.atomic():
        delivery = WebhookDelivery.objects.select_related("host").filter(pk=delivery_id).exclude(body="").first()
    if delivery is not None:
        carry_out_replies(delivery)
