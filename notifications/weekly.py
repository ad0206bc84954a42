"""The Monday e-mail with the week's tasks: when it is due, who gets it, what it says, and the way out of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

import notifications.mail
import orgs.selectors
import triage.weeks
from events.kinds import ASSISTANT, Kind
from events.services import record
from lib.failures import TemporaryFailure
from notifications.mail import MailNotSent
from notifications.models import Delivery, DeliveryState
from orgs.models import Membership
from tenancy.models import Organization
from tenancy.scope import current_organization_id
from triage.models import PriorityWeek
from triage.weeks import beginning_of, monday_of

HOUR = 8  # where the organization is
LOOK_AGAIN = timedelta(hours=1)  # while there is nothing to choose
CHANNEL = "email"
_SALT = "weekly priority e-mails"
# Written before the mail server is asked, taken back when it did not take the mail.
HANDED_OVER = "handed over"
LOST_ON_THE_WAY = "The worker was lost while the mail server was asked. It may have arrived, so it is not sent again."
WEEK_OVER = "The week was over before the mail server took it."


def look_at_week(*, now: datetime, owe: Callable[[list[int]], None]) -> None:
    """Choose the present week's tasks and settle who is told, where it is time; `owe` gets the ids of deliveries.

    Whatever was missed since Monday is caught up until Sunday; an earlier week is over. Safe to run twice, and at
    once. The organization's next look is kept in its row.
    """
    with transaction.atomic():
        organization = Organization.objects.get(pk=current_organization_id())
    zone = ZoneInfo(organization.time_zone)
    monday = monday_of(now, zone=zone)
    next_monday = beginning_of(monday + timedelta(days=7), zone=zone)
    mail_at = beginning_of(monday, hour=HOUR, zone=zone)
    week = triage.weeks.choose_week(organization=organization, now=now)
    if week is None:
        due = now + LOOK_AGAIN
    elif week.told_at is None and now < mail_at:
        due = mail_at
    else:
        _tell(week, mail_at=mail_at, now=now, owe=owe)
        due = next_monday
    with transaction.atomic():
        Organization.objects.filter(pk=organization.pk).update(priorities_due_at=min(due, next_monday))


def _tell(week: PriorityWeek, *, mail_at: datetime, now: datetime, owe: Callable[[list[int]], None]) -> None:
    """Settle once who is told of a week; nobody where the setting is off, or nothing is left to do."""
    with transaction.atomic():
        locked = PriorityWeek.objects.select_for_update().get(pk=week.pk)
        if locked.told_at is not None:
            return
        locked.told_at = now
        locked.save(update_fields=["told_at"])
        shown = triage.weeks.whole_week(locked)
        if not orgs.selectors.assistant_settings().weekly_priority_emails or shown.done == len(shown.tasks):
            return
        members = orgs.selectors.admins_for_priorities(joined_before=mail_at)
        subject = subject_of(locked)
        Delivery.objects.bulk_create(
            [Delivery(channel=CHANNEL, destination=member.user.email, subject=subject) for member in members],
            ignore_conflicts=True,
        )
        record(Kind.PRIORITIES_MAILED, actor=ASSISTANT, monday=locked.monday.isoformat(), people=len(members))
        # In the same transaction: a worker that dies now leaves both the deliveries and the work, or neither.
        owe(list(Delivery.objects.filter(channel=CHANNEL, subject=subject).values_list("pk", flat=True)))


def subject_of(week: PriorityWeek) -> str:
    """Return what deliveries of a week are kept under."""
    return f"week-{week.monday.isoformat()}"


def send(delivery_id: int) -> None:
    """Mail a week's tasks to one Admin, at most once. Raises TemporaryFailure to be run again later."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().get(pk=delivery_id)
        if delivery.state != DeliveryState.CLAIMED:
            return
        if delivery.receipt == HANDED_OVER:
            _end(delivery, DeliveryState.FAILED, LOST_ON_THE_WAY)
            return
        mail = _mail_for(delivery)
        if mail is None:
            return
        Delivery.objects.filter(pk=delivery.pk).update(receipt=HANDED_OVER)
    try:
        notifications.mail.send(mail)
    except MailNotSent as failure:
        with transaction.atomic():
            Delivery.objects.filter(pk=delivery.pk).update(receipt="", problem=str(failure)[:300])
            if failure.is_permanent:
                _end(delivery, DeliveryState.FAILED, str(failure))
                return
        raise TemporaryFailure(str(failure)) from failure
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(
            state=DeliveryState.SENT, receipt="", problem="", sent_at=timezone.now()
        )


def give_up(delivery_id: int) -> None:
    """Note that a mail was never taken."""
    with transaction.atomic():
        delivery = Delivery.objects.get(pk=delivery_id)
        if delivery.state == DeliveryState.CLAIMED:
            _end(delivery, DeliveryState.FAILED, f"Given up: {delivery.problem}")


def _end(delivery: Delivery, state: DeliveryState, problem: str) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(state=state, receipt="", problem=problem[:300])


def _mail_for(delivery: Delivery) -> EmailMultiAlternatives | None:
    """Return the mail of a delivery; None, and the delivery ended, where it should not be sent any more."""
    organization = Organization.objects.get(pk=current_organization_id())
    monday = monday_of(timezone.now(), zone=ZoneInfo(organization.time_zone))
    week = PriorityWeek.objects.filter(monday=monday).first()
    if week is None or week.told_at is None or subject_of(week) != delivery.subject:
        _end(delivery, DeliveryState.FAILED, WEEK_OVER)
        return None
    members = {member.user.email: member for member in orgs.selectors.admins_for_priorities(joined_before=week.told_at)}
    member = members.get(delivery.destination)
    if member is None:
        _end(delivery, DeliveryState.FAILED, "The person is no Admin any more, or has unsubscribed.")
        return None
    return written(week, organization=organization, member=member)


def written(week: PriorityWeek, *, organization: Organization, member: Membership) -> EmailMultiAlternatives:
    """Return the mail about a week's tasks for one person."""
    base = settings.PUBLIC_URL.rstrip("/")
    slug = {"slug": organization.slug}
    unsubscribe = base + reverse("priority-emails-unsubscribe", kwargs={"token": unsubscribe_token(member)})
    shown = triage.weeks.whole_week(week)
    tasks = []
    for task in shown.tasks:
        page = reverse("finding", kwargs={**slug, "finding_id": task.finding.pk})
        if task.task.count > 1:
            page = f"{reverse('findings', kwargs=slug)}?{task.query}"
        tasks.append({"shown": task, "link": base + page})
    context = {
        "organization": " ".join(organization.name.split()),
        "week": shown,
        "tasks": tasks,
        "dashboard": base + reverse("dashboard", kwargs=slug),
        "unsubscribe": unsubscribe,
    }
    mail = notifications.mail.written("priorities.txt", context, to=member.user.email)
    mail.alternatives.clear()
    mail.attach_alternative(render_to_string("mail/priorities.html", {**context, "subject": mail.subject}), "text/html")
    # RFC 8058: the mail program's own button unsubscribes by one POST, without opening a page.
    mail.extra_headers["List-Unsubscribe"] = f"<{unsubscribe}>"
    mail.extra_headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return mail


def unsubscribe_token(member: Membership) -> str:
    """Return what the link out of the mails carries: signed, and of one person in one organization."""
    return signing.dumps([member.organization_id, member.pk], salt=_SALT)


def organization_and_member_of(token: str) -> tuple[int, int] | None:
    """Return the ids that a link carries; None where it is not one of ours."""
    try:
        organization_id, member_id = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    return int(organization_id), int(member_id)
