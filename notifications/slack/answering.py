"""A button that somebody pressed: who it was, whether they may, what it does, and what they alone are told.

Slack may deliver a press twice, and whoever recorded one may send it again: every press has a time of its own that
only grows, and one that is not newer than the last on its message does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db import transaction

import orgs.selectors
import triage.selectors
import triage.services
from events.kinds import Kind
from events.services import record
from findings.selectors import visible_to
from lib.failures import TemporaryFailure
from notifications.channels.base import ChannelError
from notifications.channels.slack_blocks import ACTION_AGREE, ACTION_UNDO, plain
from notifications.models import Delivery, SlackWorkspace
from notifications.slack.selectors import is_set_up, slack_of
from notifications.slack.telling import CHANNEL, OF_VERDICT, refresh
from orgs.models import Membership
from orgs.permissions import Permission
from orgs.services import actor_of
from triage.models import Feedback, Verdict

NOT_A_MEMBER = (
    "Nothing was changed: no member of the organization has proved the e-mail address that you have in Slack. Sign in"
    " to the Assistant with that address, or ask an Admin to invite it."
)
MAY_NOT = "Nothing was changed: your role there does not allow triage, or you do not see this project."
NEEDS_SECOND_FACTOR = (
    "Nothing was changed: the organization asks for a second factor, which your account does not have yet."
)
GONE = "Nothing was changed: the finding of this message is not there any more."
JUDGED_AGAIN = "Nothing was changed: the Assistant has looked at this finding again since. Open it to see."
NOTHING_TO_UNDO = "There is nothing of yours to undo here."


@dataclass(frozen=True)
class Press:
    """A button that was pressed, as Slack tells it; `at` is Slack's own time of it, which only grows."""

    verdict_id: int
    team_id: str
    user_id: str
    channel_id: str
    message: str
    action: str
    at: str


def take(press: Press) -> None:
    """Do what a button is for, edit its message, and tell whoever pressed it why not. Raises TemporaryFailure."""
    with transaction.atomic():
        workspace = SlackWorkspace.objects.filter(team_id=press.team_id, removed_at=None).first()
    if workspace is None or not is_set_up():
        return  # disconnected since: there is nobody to speak to
    try:
        slack = slack_of(workspace)
        member = _member_with(slack.person(press.user_id).email)
        refusal = _carry_out(press, member)
        if refusal:
            slack.tell_one(press.channel_id, press.user_id, plain(refusal, 1000))
    except ChannelError as error:
        if not error.permanent:
            raise TemporaryFailure(str(error), retry_after_seconds=error.retry_after_seconds) from error
        return
    finding_id = _finding_of(press)
    if finding_id is not None:
        refresh([finding_id])


def _finding_of(press: Press) -> int | None:
    with transaction.atomic():
        return Verdict.objects.filter(pk=press.verdict_id).values_list("finding_id", flat=True).first()


def _member_with(email: str) -> Membership | None:
    """Return the member who has proved to read an address."""
    if not email:
        return None
    with transaction.atomic():
        proved = EmailAddress.objects.filter(email__iexact=email, verified=True, user__is_active=True).first()
        return None if proved is None else orgs.selectors.members().filter(user=proved.user_id).first()


def _carry_out(press: Press, member: Membership | None) -> str:
    """Do what a button is for; return why not, empty where it was done or there was nothing to do."""
    if member is None:
        return NOT_A_MEMBER
    if not member.may(Permission.FINDINGS_TRIAGE):
        return MAY_NOT
    with transaction.atomic():
        # Whoever presses at the same time waits here.
        row = (
            Delivery.objects.select_for_update()
            .filter(channel=CHANNEL, destination=press.channel_id, subject=f"{OF_VERDICT}{press.verdict_id}")
            .filter(receipt=press.message)
            .first()
        )
        verdict = Verdict.objects.filter(pk=press.verdict_id).first()
        if row is None or verdict is None:
            return GONE
        if press.at <= row.last_action:
            return ""
        finding = visible_to(member).filter(pk=verdict.finding_id).first()
        if finding is None:
            return MAY_NOT
        if member.organization.requires_second_factor and not orgs.selectors.has_second_factor(member.user):
            return NEEDS_SECOND_FACTOR
        newest = triage.selectors.latest_verdict(finding)
        if newest is None or newest.pk != verdict.pk:
            return JUDGED_AGAIN
        refusal = _answer(press, verdict, member.user)
        if not refusal:
            Delivery.objects.filter(pk=row.pk).update(last_action=press.at)
            record(
                Kind.SLACK_ACTION_TAKEN,
                actor=actor_of(member.user),
                finding_id=finding.pk,
                verdict_id=verdict.pk,
                action=press.action,
            )
    return refusal


def _answer(press: Press, verdict: Verdict, user: User) -> str:
    given = Feedback.objects.filter(verdict=verdict).select_related("user").order_by("pk")
    if press.action == ACTION_UNDO:
        return "" if triage.services.take_back_feedback(verdict=verdict, user=user) else NOTHING_TO_UNDO
    agrees = press.action == ACTION_AGREE
    for each in given:
        if each.user_id != user.pk:
            by = each.token_name or each.account or (each.user.get_full_name() or each.user.email if each.user else "")
            did = "agreed" if each.agrees else "disagreed"
            return f"Nothing was changed: {by or 'Somebody'} {did} before you. Decide otherwise on the finding's page."
        if each.agrees == agrees:
            return ""
    triage.services.give_feedback(verdict=verdict, user=user, agrees=agrees)
    return ""
