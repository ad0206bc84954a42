"""Telling a channel: each message once, claimed before it is sent, and edited in place after.

Between sending a message and writing down that it was sent, a worker may die. The message carries its key as metadata,
so whoever takes over looks for it in the channel first; where the app may not read there, it is sent again.
"""

from __future__ import annotations

import hashlib
import json

from django.db import transaction
from django.utils import timezone

import triage.selectors
from findings.models import Finding, Scan
from findings.selectors import every_finding
from lib.failures import TemporaryFailure
from notifications.announcements import Announcement
from notifications.channels.base import ChannelError, Written
from notifications.channels.slack_blocks import written
from notifications.models import Delivery, DeliveryState, SlackDestination
from notifications.slack import composing
from notifications.slack.connecting import note_problem, note_success
from notifications.slack.selectors import destination_for, destinations, is_set_up, slack_of
from orgs.settings.effective import settings_for
from triage.models import Verdict

CHANNEL = "slack"
OF_VERDICT = "verdict-"
ONE_BY_ONE = 5  # suggestions of one scan; more of them come as one message
# As long as a request may take, and somewhat more: until then the message may still be on its way.
CLAIMED_SECONDS = 60
CLOCKS_DIFFER_SECONDS = 300


def tell_of_scan(scan_id: int) -> None:
    """Tell the project's channel what a scan has found, and which of it may be safe to ignore. Safe to run twice.

    Raises TemporaryFailure.
    """
    if not is_set_up():
        return
    with transaction.atomic():
        scan = Scan.objects.select_related("project", "organization").filter(pk=scan_id).first()
        destination = None if scan is None else destination_for(scan.project_id)
    if scan is None or destination is None:
        return
    if destination.tells_new_findings:
        with transaction.atomic():
            found = composing.new_findings(scan, ref=composing.ref_of(scan))
        if found is not None:
            _send_once(destination, f"scan-{scan.pk}", found)
    if destination.tells_suggestions:
        _tell_suggestions(scan, destination)


def _tell_suggestions(scan: Scan, destination: SlackDestination) -> None:
    with transaction.atomic():
        settings = settings_for(scan.project_id)
        if not (settings.judges_new_findings and settings.auto_triage_in_slack):
            return
        suggested = composing.suggested_in(scan)
        verdicts = triage.selectors.latest_verdicts([finding.pk for finding in suggested])
        told = _told_about(destination, suggested)
        together = f"suggestions-{scan.pk}"
        has_list = Delivery.objects.filter(channel=CHANNEL, subject=together).exists()
    new = [finding for finding in suggested if finding.pk in verdicts and finding.pk not in told]
    if new and (has_list or len(told) + len(new) > ONE_BY_ONE):
        with transaction.atomic():
            as_list = composing.suggestion_list(scan, new, ref=composing.ref_of(scan))
        _send_once(destination, together, as_list, is_brought_up_to_date=True)
        return
    for finding in new:
        with transaction.atomic():
            one = composing.suggestion(finding, verdicts[finding.pk], ref=composing.ref_of(scan))
        _send_once(destination, f"{OF_VERDICT}{verdicts[finding.pk].pk}", one, finding=finding)


def _told_about(destination: SlackDestination, suggested: list[Finding]) -> set[int]:
    told = Delivery.objects.filter(channel=CHANNEL, destination=destination.channel_id, finding__in=suggested)
    return {finding_id for finding_id in told.exclude(receipt="").values_list("finding_id", flat=True) if finding_id}


def refresh(finding_ids: list[int]) -> None:
    """Edit the messages about findings, so that they say what became of them. Raises TemporaryFailure."""
    if not is_set_up():
        return
    with transaction.atomic():
        rows = Delivery.objects.filter(channel=CHANNEL, finding__in=finding_ids, state=DeliveryState.SENT)
        waiting = list(rows.exclude(receipt="").order_by("pk").values_list("pk", flat=True))
    for pk in waiting:
        _refresh_one(pk)


def refresh_of_bulk(bulk_id: int) -> None:
    """Do the same for findings that were decided about together. Raises TemporaryFailure."""
    with transaction.atomic():
        told = Delivery.objects.filter(channel=CHANNEL, finding__bulk_changes__bulk=bulk_id)
        ids = [finding_id for finding_id in told.values_list("finding_id", flat=True) if finding_id]
    refresh(ids)


def _refresh_one(delivery_id: int) -> None:
    with transaction.atomic():
        row = Delivery.objects.filter(pk=delivery_id).first()
        number = row.subject.removeprefix(OF_VERDICT) if row else ""
        finding = every_finding().filter(deliveries=row).first() if row else None
        verdict = Verdict.objects.filter(pk=int(number), finding=finding).first() if number.isdigit() else None
        destination = destinations().filter(channel_id=row.destination).first() if row else None
        if row is None or finding is None or verdict is None or destination is None:
            return
        message = written(composing.suggestion(finding, verdict, ref=composing.ref_of_finding(finding)))
    _edit(destination, row, message)


def _send_once(
    destination: SlackDestination,
    subject: str,
    told: Announcement,
    *,
    finding: Finding | None = None,
    is_brought_up_to_date: bool = False,
) -> None:
    message = written(told)
    with transaction.atomic():
        row, is_new = Delivery.objects.get_or_create(
            channel=CHANNEL, destination=destination.channel_id, subject=subject, defaults={"finding": finding}
        )
    if row.state == DeliveryState.SENT and is_brought_up_to_date:
        _edit(destination, row, message)
    if row.state != DeliveryState.CLAIMED:
        return
    try:
        receipt = "" if is_new else _found_again(destination, row)
        receipt = receipt or slack_of(destination.workspace).send(row.destination, message, key=subject)
    except ChannelError as error:
        _not_sent(destination, row, error)
        return
    with transaction.atomic():
        Delivery.objects.filter(pk=row.pk).update(
            state=DeliveryState.SENT, receipt=receipt, digest=_digest(message), sent_at=timezone.now(), problem=""
        )
    note_success(destination=destination)


def _found_again(destination: SlackDestination, row: Delivery) -> str:
    """Return the receipt of a message that an earlier try has sent, empty where it has not."""
    age = (timezone.now() - row.created_at).total_seconds()
    if age < CLAIMED_SECONDS:
        raise TemporaryFailure(
            "Somebody else may be sending this message.", retry_after_seconds=CLAIMED_SECONDS, spends_attempt=False
        )
    slack = slack_of(destination.workspace)
    return slack.sent_before(row.destination, key=row.subject, since_seconds=age + CLOCKS_DIFFER_SECONDS)


def _not_sent(destination: SlackDestination, row: Delivery, error: ChannelError) -> None:
    note_problem(destination=destination, error=error)
    if error.permanent:
        with transaction.atomic():
            Delivery.objects.filter(pk=row.pk).update(state=DeliveryState.FAILED, problem=str(error)[:300])
        return
    if error.word:
        # Slack has said that it did not take the message: nobody need look for it.
        with transaction.atomic():
            Delivery.objects.filter(pk=row.pk, state=DeliveryState.CLAIMED).delete()
    raise TemporaryFailure(
        str(error), retry_after_seconds=error.retry_after_seconds, spends_attempt=error.word != "ratelimited"
    ) from error


def _edit(destination: SlackDestination, row: Delivery, message: Written) -> None:
    if row.digest is not None and bytes(row.digest) == _digest(message):
        return
    try:
        slack_of(destination.workspace).update(row.destination, row.receipt, message, key=row.subject)
    except ChannelError as error:
        note_problem(destination=destination, error=error)
        if error.permanent:
            return
        raise TemporaryFailure(
            str(error), retry_after_seconds=error.retry_after_seconds, spends_attempt=error.word != "ratelimited"
        ) from error
    with transaction.atomic():
        Delivery.objects.filter(pk=row.pk).update(digest=_digest(message), edited_at=timezone.now())


def _digest(message: Written) -> bytes:
    return hashlib.sha256(json.dumps([message.text, message.blocks], sort_keys=True).encode()).digest()
