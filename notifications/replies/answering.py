"""One reply from its webhook to the answer below it: carried out once, and answered by whoever carried it out.

Reading, asking the host, deciding and answering are steps of their own; between any two the worker may die. The row of
the command is made in the transaction of what it does, so a second delivery, or the same again, finds it done.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from events.kinds import Actor, ActorKind
from events.services import result_of_job
from lib.failures import TemporaryFailure
from notifications.marker import ends_with_sign
from notifications.messages import ReplyAnswer
from notifications.models import ReplyCommand
from notifications.rendering import Dialect, render_comment
from notifications.replies.carrying_out import NO_WRITE_ACCESS, Outcome, carry_out, what_is_missing
from notifications.replies.parsing import Command, command_in
from notifications.replies.places import AnsweredComment, answered_by, findings_of
from orgs.settings.effective import settings_for
from scm.access import adapter_of
from scm.adapters import webhook_reader
from scm.adapters.base import ScmAdapter, ScmError
from scm.adapters.hook_events import CommentWritten
from scm.adapters.values import Reaction
from scm.models import CodeHost, WebhookDelivery

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Reply:
    """A command in somebody's reply to a comment of ours."""

    told: CommentWritten
    command: Command
    answered: AnsweredComment
    host: CodeHost
    delivery_number: int

    @property
    def repository(self) -> str:
        """The repository by the number that stays when it is renamed."""
        return self.answered.repository.external_id

    @property
    def actor(self) -> Actor:
        """Whoever wrote it, by the name that they have on the host."""
        return Actor(ActorKind.SCM_USER, self.told.author)


def carry_out_replies(delivery: WebhookDelivery) -> None:
    """Carry out the commands of a delivery and answer them. Safe to run twice. Raises TemporaryFailure."""
    host = delivery.host
    for told in webhook_reader(host.kind).read(delivery.event, delivery.body):
        if isinstance(told, CommentWritten) and not _is_by_a_machine(told, host):
            with transaction.atomic():
                reply = _reply_in(told, host, delivery.pk)
            if reply is not None:
                _deal_with(reply)


def _is_by_a_machine(told: CommentWritten, host: CodeHost) -> bool:
    is_ours = told.author_id == host.account_id if host.account_id else told.author.lower() == host.account.lower()
    # A token's account may be a person's, who commands as others do.
    return told.is_bot or (is_ours and (host.is_app or ends_with_sign(told.body)))


def _reply_in(told: CommentWritten, host: CodeHost, delivery_number: int) -> _Reply | None:
    command = command_in(told.body)
    answered = answered_by(told, host) if command is not None else None
    if command is None or answered is None or not settings_for(answered.repository.project_id).commands_in_replies:
        return None
    return _Reply(told, command, answered, host, delivery_number)


def _deal_with(reply: _Reply) -> None:
    try:
        adapter = adapter_of(reply.answered.repository)
        with transaction.atomic():
            row = _row_of(reply)
        is_new = row is None
        if row is None:
            row = _kept(reply, may_decide=adapter.may_write(reply.repository, reply.told.author))
        if row.answered_at is not None or row.delivery_number != reply.delivery_number:
            return  # another delivery of the same reply has carried it out, and answers it
        if is_new or not _has_answer(reply, row, adapter):
            _answer(reply, row, adapter)
    except ScmError as error:
        if not error.permanent:
            raise TemporaryFailure(str(error), retry_after_seconds=error.retry_after_seconds) from error
        logger.warning("a command by reply could not be dealt with: %s", error)
        return
    with result_of_job():
        ReplyCommand.objects.filter(pk=row.pk).update(answered_at=timezone.now())


def _row_of(reply: _Reply) -> ReplyCommand | None:
    return ReplyCommand.objects.filter(host=reply.host, reply_id=reply.told.comment_id).first()


def _kept(reply: _Reply, *, may_decide: bool) -> ReplyCommand:
    """Carry a command out and keep that it was, in one transaction; return the row of whoever was first."""
    row = ReplyCommand(
        host=reply.host,
        pull_request=reply.answered.comment.pull_request,
        reply_id=reply.told.comment_id,
        author=reply.told.author[:200],
        command=reply.command.wish,
        delivery_number=reply.delivery_number,
    )
    with transaction.atomic():
        # Whoever comes second waits here for the first to end, and then makes no row.
        ReplyCommand.objects.bulk_create([row], ignore_conflicts=True)
        kept = ReplyCommand.objects.select_for_update().get(host=reply.host, reply_id=row.reply_id)
        if kept.delivery_number != reply.delivery_number or kept.outcome:
            return kept
        outcome = _outcome(reply) if may_decide else _refusal(reply)
        kept.outcome, kept.answer = outcome.words[:300], outcome.answer[:500]
        kept.is_carried_out = outcome.is_carried_out
        kept.save(update_fields=["outcome", "answer", "is_carried_out"])
    return kept


def _outcome(reply: _Reply) -> Outcome:
    about = findings_of(reply.answered.comment)
    return what_is_missing(reply.command) or carry_out(command=reply.command, about=about, actor=reply.actor)


def _refusal(reply: _Reply) -> Outcome:
    """Say once to each stranger why not; whoever goes on gets a reaction, so that nobody has us fill a conversation."""
    pull_request = reply.answered.comment.pull_request
    told = ReplyCommand.objects.filter(pull_request=pull_request, author=reply.told.author[:200])
    is_told = told.filter(answer=NO_WRITE_ACCESS).exists()
    return Outcome(is_carried_out=False, words=NO_WRITE_ACCESS, answer="" if is_told else NO_WRITE_ACCESS)


def _answer(reply: _Reply, row: ReplyCommand, adapter: ScmAdapter) -> None:
    number, comment = reply.answered.number, reply.answered.as_posted
    if row.answer:
        body = render_comment(ReplyAnswer(row.answer), dialect=Dialect(reply.host.kind))
        adapter.reply(reply.repository, number, comment, body)
        return
    reaction = Reaction.DONE if row.is_carried_out else Reaction.REFUSED
    adapter.react(reply.repository, number, row.reply_id, reaction, is_on_line=reply.told.is_on_line)


def _has_answer(reply: _Reply, row: ReplyCommand, adapter: ScmAdapter) -> bool:
    """Tell whether an earlier try got as far as a line below the reply; a reaction twice is no second one."""
    if not row.answer:
        return False
    for there in adapter.comments(reply.repository, reply.answered.number):
        if there.comment_id == reply.answered.comment.comment_id:
            ids = [one.comment_id for one in there.replies]
            after = there.replies[ids.index(row.reply_id) + 1 :] if row.reply_id in ids else ()
            return any(one.is_ours for one in after)
    return False
