"""Webhooks that were verified: kept once, worked on by a Job, and forgotten in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Least
from django.utils import timezone

from events.kinds import SYSTEM, Actor, ActorKind, Kind
from events.services import Task, owe_many, record, result_of_job
from scm.adapters import webhook_reader
from scm.adapters.hook_events import (
    CommentWritten,
    HookEvent,
    InstallationChanged,
    PullRequestChanged,
    RepositoriesChosen,
    RepositoryChanged,
)
from scm.models import CodeHost, Repository, WebhookDelivery
from scm.services.following import follow_choice, follow_installation, follow_repository
from scm.services.pull_requests import update_pull_request

BATCH = 500
LONGEST_PROBLEM = 500
LARGEST_COUNT = 2_147_483_647
NOT_WORKED_ON = "It could not be worked on, after several tries. The operator's log says why."

# One statement: a delivery that is there already waits for nobody, and is told by the row that does not come back.
_KEEP = """
INSERT INTO scm_webhookdelivery (organization_id, host_id, delivery_id, event, body, received_at, problem)
VALUES (%s, %s, %s, %s, %s, %s, '') ON CONFLICT (host_id, delivery_id) DO NOTHING RETURNING id
"""


def receive_delivery(
    *, organization_id: int, host_id: int, delivery_id: str, event: str, body: str, take_in: Task
) -> bool:
    """Keep a delivery of the organization in scope and owe the work on it; False where it was received before.

    One that ended with a problem, and which somebody has the host send again, is worked on again. Raises
    IntegrityError where the host has been removed meanwhile.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, [organization_id, host_id, delivery_id, event, body, timezone.now()])
            row = cursor.fetchone()
        pk = row[0] if row else _opened_again(host_id=host_id, delivery_id=delivery_id, event=event, body=body)
        if pk is None:
            return False
        owe_many(take_in, [{"delivery_id": pk}])
    return True


def _opened_again(*, host_id: int, delivery_id: str, event: str, body: str) -> int | None:
    """Let a delivery that ended with a problem begin anew; None where it is worked on, or all went well."""
    failed = WebhookDelivery.objects.filter(host_id=host_id, delivery_id=delivery_id).exclude(problem="")
    pk = failed.values_list("pk", flat=True).first()
    if pk is None:
        return None
    # Asked again: of two that come at once, the second finds no problem any more.
    opened = failed.update(event=event, body=body, received_at=timezone.now(), done_at=None, problem="")
    return pk if opened else None


@dataclass
class Traffic:
    """What came to a code host's address since it was last written down."""

    seen_at: datetime | None = None
    refused_count: int = 0
    refused_at: datetime | None = None
    refused_because: str = ""


def note_traffic(*, host_id: int, traffic: Traffic) -> bool:
    """Write down what came to a host's address. Waits for nobody: False where the row is held, and nothing is done."""
    with transaction.atomic():
        host = CodeHost.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=host_id).only("pk").first()
        if host is None:
            return not CodeHost.objects.filter(pk=host_id).exists()
        changes: dict[str, object] = {}
        if traffic.seen_at is not None:
            changes["hook_seen_at"] = traffic.seen_at
        if traffic.refused_count:
            changes["refused_count"] = Least(F("refused_count") + traffic.refused_count, Value(LARGEST_COUNT))
            changes["refused_at"] = traffic.refused_at
            changes["refused_because"] = traffic.refused_because
        CodeHost.objects.filter(pk=host_id).update(**changes)
    return True


def take_in(*, delivery: WebhookDelivery) -> None:
    """Do what a delivery says, once; `delivery` has been read with its host. Safe to run twice."""
    try:
        told = webhook_reader(delivery.host.kind).read(delivery.event, delivery.body)
        problem = ""
    except ValueError as error:
        told, problem = [], f"It could not be read: {error}"
    with result_of_job():
        if _is_done_already(delivery):
            return
        concerned = [_apply(each, delivery) for each in told]
        if not any(concerned) and not problem:
            delivery.body = ""  # about a repository that nobody chose, or nothing at all
        _end(delivery, problem=problem)


def give_up_delivery(*, delivery: WebhookDelivery) -> None:
    """Say of a delivery that nothing came of it."""
    with transaction.atomic():
        if not _is_done_already(delivery):
            _end(delivery, problem=NOT_WORKED_ON)


def forget_deliveries(*, bodies_before: datetime, rows_before: datetime) -> int:
    """Remove bodies that were worked on, and deliveries altogether, received before a time. Returns how many rows."""
    done = WebhookDelivery.objects.filter(received_at__lt=bodies_before, done_at__isnull=False).exclude(body="")
    _in_batches(done, lambda ids: WebhookDelivery.objects.filter(pk__in=ids).update(body=""))
    old = WebhookDelivery.objects.filter(received_at__lt=rows_before)
    return _in_batches(old, lambda ids: WebhookDelivery.objects.filter(pk__in=ids).delete()[0])


def _in_batches(rows: QuerySet[WebhookDelivery], work: Callable[[Sequence[int]], int]) -> int:
    count = 0
    while True:
        with transaction.atomic():
            ids = list(rows.order_by("received_at").values_list("pk", flat=True)[:BATCH])
            count += work(ids) if ids else 0
        if len(ids) < BATCH:
            return count


def _is_done_already(delivery: WebhookDelivery) -> bool:
    held = WebhookDelivery.objects.select_for_update(no_key=True).filter(pk=delivery.pk)
    done_at = held.values_list("done_at", flat=True).first()
    return done_at is not None


def _end(delivery: WebhookDelivery, *, problem: str) -> None:
    delivery.done_at, delivery.problem = timezone.now(), problem[:LONGEST_PROBLEM]
    delivery.save(update_fields=["done_at", "problem", "body"])


def _apply(told: HookEvent, delivery: WebhookDelivery) -> bool:
    """Do what was told; False where it is not about anything of ours."""
    host = delivery.host
    match told:
        case PullRequestChanged():
            return _follow_pull_request(host, told)
        case CommentWritten():
            if not _may_be_a_command(told, host) or _chosen(host, told.repository_id) is None:
                return False
            record(Kind.REPLY_RECEIVED, actor=Actor(ActorKind.SCM_USER, told.author), delivery_id=delivery.pk)
            return True
        case RepositoryChanged():
            return follow_repository(host=host, told=told)
        case InstallationChanged():
            return follow_installation(host=host, facts=told.facts, is_removed=told.is_removed)
        case RepositoriesChosen():
            return follow_choice(host=host, chosen=told)


def _follow_pull_request(host: CodeHost, told: PullRequestChanged) -> bool:
    repository = _chosen(host, told.repository_id)
    if repository is None:
        return False
    pull_request, is_changed = update_pull_request(project=repository.project, facts=told.facts)
    if is_changed:
        record(Kind.PULL_REQUEST_CHANGED, actor=SYSTEM, pull_request_id=pull_request.pk, state=pull_request.state)
    return True


def _chosen(host: CodeHost, repository_id: str) -> Repository | None:
    """Return the repository if a project of the organization is connected to it: of others we know nothing."""
    return Repository.objects.select_related("project").filter(host=host, external_id=repository_id).first()


def _may_be_a_command(comment: CommentWritten, host: CodeHost) -> bool:
    # A token's account may be a person's, who commands as others do; of what we write nothing is a command.
    is_by_account = comment.author.lower() == host.account.lower() or comment.author_id == host.account_id
    if comment.is_bot or (host.is_app and is_by_account):
        return False
    return any(line.lstrip().startswith("/") for line in comment.body.splitlines())
