"""What Jobs send: mails, comments and answers on code hosts. What a dead server holds up goes out later."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

import notifications.mail
from events.models import Event, Queue
from events.services import hasten, owe_many, part_of_job, result_of_job
from events.tasks import org_task
from lib.crypto import digest_of_token
from lib.failures import TemporaryFailure
from notifications import commenting, weekly
from notifications.commenting.planning import PATIENCE
from notifications.mail import MailNotSent
from notifications.outgoing import delivering, stopping
from notifications.outgoing.selectors import wants_any
from notifications.replies.answering import carry_out_replies
from notifications.slack import answering, following, telling
from orgs.joining import token_of
from orgs.models import Invitation
from scm.models import WebhookDelivery
from tenancy.directory import organizations_with_due_week
from tenancy.scope import acting_for

# With the usual back-off, eight hours of a mail server's absence.
MAX_ATTEMPTS = 36
# A quarter of an hour apart, the rest of a week: the e-mail about it is worth that long.
MAX_ATTEMPTS_OF_A_WEEK = 700


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


# --- Comments in pull requests ----------------------------------------------------------------------------------------

# With the usual back-off, some hours of a code host's absence.
MAX_ATTEMPTS_ON_HOSTS = 24
TOGETHER = timedelta(seconds=1)  # many changes at a time become one run
UNTIL_NOBODY_POSTS = timedelta(minutes=10)  # a worker that lost its Job has long ended its request


def _note_silence(pull_request_id: int) -> None:
    commenting.give_up(pull_request_id, problem="The code host gave no answer for hours. The next scan tries again.")


@org_task(
    queue=Queue.DELIVER, priority=3, max_attempts=MAX_ATTEMPTS_ON_HOSTS, on_exhausted=_note_silence, delay=TOGETHER
)
def comment_on_pull_request(pull_request_id: int) -> None:
    """Bring the comments of a pull request and its status up to date."""
    looks_again = commenting.comment_on(pull_request_id)
    if looks_again:
        with part_of_job(), result_of_job():
            owe_many(tidy_comments, [{"pull_request_id": pull_request_id}])


@org_task(queue=Queue.DELIVER, priority=6, max_attempts=MAX_ATTEMPTS_ON_HOSTS, delay=UNTIL_NOBODY_POSTS)
def tidy_comments(pull_request_id: int) -> None:
    """Look once more for comments that stand twice."""
    commenting.tidy(pull_request_id)


@org_task(queue=Queue.DELIVER, priority=3, max_attempts=MAX_ATTEMPTS_ON_HOSTS)
def show_scan(scan_id: int) -> None:
    """Show at a pull request that its scan is being analysed."""
    _comment_on_scanned(scan_id)


@org_task(queue=Queue.DELIVER, priority=3, max_attempts=MAX_ATTEMPTS_ON_HOSTS, delay=PATIENCE)
def comment_on_scan(scan_id: int) -> None:
    """Comment on what a scan of a pull request brought, now that it has been analysed."""
    _comment_on_scanned(scan_id)


def _comment_on_scanned(scan_id: int) -> None:
    pull_request = commenting.learn_of_pull_request(scan_id)
    if pull_request is not None:
        with result_of_job():
            owe_many(comment_on_pull_request, [{"pull_request_id": pull_request.pk}])


@org_task(queue=Queue.DELIVER, priority=4)
def refresh_comments(finding_id: int) -> None:
    """Have the comments on a finding edited: something new is known of it."""
    with result_of_job():
        _owe_comments(commenting.pull_requests_of_findings([finding_id]))


@org_task(queue=Queue.DELIVER, priority=4)
def refresh_comments_of_bulk(bulk_id: int) -> None:
    """Do the same for findings that were decided about together."""
    with result_of_job():
        _owe_comments(commenting.pull_requests_of_bulk(bulk_id))


@org_task(queue=Queue.DELIVER, priority=6, delay=timedelta(minutes=15))
def refresh_comments_of_reopened() -> None:
    """Do the same for findings whose accepted risk has ended."""
    with result_of_job():
        _owe_comments(commenting.pull_requests_of_reopened())


def _owe_comments(pull_request_ids: list[int]) -> None:
    owe_many(comment_on_pull_request, [{"pull_request_id": pk} for pk in pull_request_ids])


# --- Slack ------------------------------------------------------------------------------------------------------------


@org_task(queue=Queue.DELIVER, priority=4, max_attempts=MAX_ATTEMPTS_ON_HOSTS, delay=TOGETHER)
def tell_scan_in_slack(scan_id: int) -> None:
    """Tell the project's channel what a scan has found, and which of it may be safe to ignore."""
    telling.tell_of_scan(scan_id)


@org_task(queue=Queue.DELIVER, priority=4, max_attempts=MAX_ATTEMPTS_ON_HOSTS)
def refresh_slack(finding_id: int) -> None:
    """Have what Slack was told of a finding say what became of it."""
    telling.refresh([finding_id])


@org_task(queue=Queue.DELIVER, priority=5, max_attempts=MAX_ATTEMPTS_ON_HOSTS)
def refresh_slack_of_bulk(bulk_id: int) -> None:
    """Do the same for findings that were decided about together."""
    telling.refresh_of_bulk(bulk_id)


@org_task(queue=Queue.INTERACTIVE, priority=2)
def take_slack_action(
    *, verdict_id: int, team_id: str, user_id: str, channel_id: str, message: str, action: str, at: str
) -> None:
    """Do what a button in Slack is for."""
    answering.take(
        answering.Press(
            verdict_id=verdict_id,
            team_id=team_id,
            user_id=user_id,
            channel_id=channel_id,
            message=message,
            action=action,
            at=at,
        )
    )


@org_task(queue=Queue.DELIVER, priority=5)
def follow_slack(workspace_id: int, event: str, channel_id: str, name: str, at: int) -> None:
    """Show what Slack told of a workspace or a channel of it."""
    following.follow(workspace_id=workspace_id, event=event, channel_id=channel_id, name=name, at=at)


# --- The week's tasks -------------------------------------------------------------------------------------------------


@shared_task(name="notifications.look_for_due_weeks")
def look_for_due_weeks() -> None:
    """Owe each organization a look at its week of priorities when it is due, called by beat."""
    for organization_id in organizations_with_due_week(timezone.now()):
        with acting_for(organization_id), transaction.atomic():
            owe_many(look_at_week, [{}])


@org_task(queue=Queue.BACKLOG, priority=4)
def look_at_week() -> None:
    """Choose the week's tasks where it is time, and owe the mails about them."""
    weekly.look_at_week(now=timezone.now(), owe=_owe_mails)


def _owe_mails(delivery_ids: list[int]) -> None:
    owe_many(mail_week, [{"delivery_id": pk} for pk in delivery_ids])


@org_task(queue=Queue.DELIVER, max_attempts=MAX_ATTEMPTS_OF_A_WEEK, on_exhausted=weekly.give_up)
def mail_week(delivery_id: int) -> None:
    """Mail the week's tasks to one Admin."""
    weekly.send(delivery_id)


# --- Outgoing webhooks ------------------------------------------------------------------------------------------------

# Each wait for the next message counts as one; what is given up even so is owed again the next day.
MAX_RUNS_OF_ENDPOINT = 1000


# Before what follows from the same event, so that messages are made in the order of what happened.
@org_task(queue=Queue.DELIVER, priority=1, only_if=wants_any)
def tell_endpoints(event_id: int) -> None:
    """Write down what endpoints are to be told of an event, and have them told."""
    with part_of_job(), result_of_job():
        event = Event.objects.filter(pk=event_id).first()
        woken = [] if event is None else delivering.make_messages(event)
    # Only now, as a Job that is about to run must find what it is woken for.
    with result_of_job():
        _wake_endpoints(woken)


@org_task(queue=Queue.DELIVER, priority=4)
def wake_endpoint(endpoint_id: int) -> None:
    """Have an endpoint told what waits for it: it was changed, or something was put there for it."""
    with result_of_job():
        _wake_endpoints([endpoint_id])


@org_task(queue=Queue.DELIVER, priority=5, max_attempts=MAX_RUNS_OF_ENDPOINT)
def deliver_to_endpoint(endpoint_id: int) -> None:
    """Tell an endpoint what is due."""
    delivering.deliver(endpoint_id)


@org_task(queue=Queue.DELIVER, max_attempts=MAX_ATTEMPTS)
def mail_stopped_endpoint(endpoint_id: int, event_id: int) -> None:
    """Tell Admins that an endpoint was switched off after failures, each of them once."""
    stopping.mail_admins(endpoint_id=endpoint_id, event_id=event_id)


@org_task(queue=Queue.BACKLOG, priority=8)
def look_after_endpoints() -> None:
    """Forget what was told long ago, and have told what waits and nobody works on."""
    with result_of_job():
        delivering.forget_messages()
        _wake_endpoints(delivering.endpoints_that_wait())


def _wake_endpoints(endpoint_ids: list[int]) -> None:
    named = _named(endpoint_ids)
    owe_many(deliver_to_endpoint, named, owed_queue=Queue.DELIVER, owed_priority=deliver_to_endpoint.priority)
    hasten(deliver_to_endpoint, named)


def _named(endpoint_ids: list[int]) -> list[dict[str, int]]:
    return [{"endpoint_id": pk} for pk in endpoint_ids]
