"""What people write below our comments is carried out once, only for those who may write, and answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

import orgs.services
import scm.adapters
from events.draining import drain
from events.kinds import SYSTEM, Actor, ActorKind, Kind
from events.models import Event
from events.services import record
from findings.models import Finding
from lib.failures import TemporaryFailure
from memories.models import Memory, MemorySource, MemoryState
from notifications.examples import examples
from notifications.marker import marker_for
from notifications.messages import ReplyAnswer
from notifications.models import Comment, CommentDecision, Outcome, ReplyCommand
from notifications.rendering import Dialect, render_comment
from notifications.replies.carrying_out import NO_VERDICT, NO_WRITE_ACCESS, NOTHING_THERE, SWITCHED_OFF, UNCLEAR
from notifications.replies.parsing import command_in
from notifications.tasks import carry_out_reply as carry_out_reply_task
from scm.adapters.base import RateLimited, ScmError
from scm.adapters.hook_events import CommentWritten
from scm.adapters.values import CommentDraft, Reaction
from scm.models import CodeHost, Repository, WebhookDelivery
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.vendors.memory_host import US, MemoryHost, a_code_host, a_pull_request, a_repository, memory_host, shown
from triage.models import Feedback

__all__ = ["memory_host"]

carry_out_reply = carry_out_reply_task.function
NOT_NOW = "The host is not there."


class PlainReader:
    """Reads a webhook that says in JSON what the host's own reader would make of it."""

    def read(self, event: str, body: str) -> list[CommentWritten]:
        """Return the one comment."""
        return [CommentWritten(**json.loads(body))]


@dataclass
class Place:
    """A comment of ours on a finding, in a pull request of a connected repository."""

    finding: Finding
    comment: Comment
    host: CodeHost
    there: MemoryHost
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))

    def delivered(self, body: str, *, author: str = "octocat", said: str = "", **fields: Any) -> WebhookDelivery:
        """Return the delivery of somebody's reply; `said` is a comment's id, made up where none is given."""
        told = CommentWritten(
            repository_id=self.comment.pull_request.project.repository.external_id,
            number=self.comment.pull_request.number,
            comment_id=said or self.there.say(author, body, below=self.comment.comment_id),
            parent_id=self.comment.comment_id,
            thread_id=self.comment.thread_id,
            author=author,
            author_id="7",
            body=body,
        )
        return WebhookDelivery.objects.create(
            host=self.host,
            delivery_id=f"delivery-{next(self.numbers)}",
            event="comment",
            body=json.dumps({**asdict(told), **fields}),
        )

    def say(self, body: str, **fields: Any) -> ReplyCommand | None:
        """Have somebody reply, and the reply dealt with; return what was kept of it."""
        carry_out_reply(self.delivered(body, **fields).pk)
        self.finding.refresh_from_db()
        return ReplyCommand.objects.order_by("-pk").first()

    @property
    def answers(self) -> list[str]:
        """The lines that we wrote below."""
        return [call.arguments[-1] for call in self.there.calls("reply")]

    @property
    def reactions(self) -> list[Reaction]:
        """Our reactions."""
        return [reaction for _, reaction in self.there.found("acme/shop").reactions]


def a_place(there: MemoryHost, **fields: Any) -> Place:
    """Return a place whose repository `octocat` may write to."""
    repository = there.add_repository("acme/shop", **fields)
    repository.writers.add("octocat")
    facts = there.add_pull_request("acme/shop", files=[shown("app/orders.py", 3)])
    project = factories.a_project()
    host = a_code_host()
    a_repository(repository, project=project, host=host)
    pull_request = a_pull_request(facts, project=project)
    finding = factories.a_finding(scan=factories.a_scan(project, pull_request_id="7", branch=""))
    draft = CommentDraft("finding", "a finding", "app/orders.py", 3)
    posted = there.post_comments("acme/shop", "7", head_sha="b" * 40, drafts=[draft])[0]
    comment = Comment.objects.create(
        pull_request=pull_request,
        key=f"finding-{finding.pk}",
        comment_id=getattr(posted, "comment_id"),  # noqa: B009  # the memory host took it
        thread_id=getattr(posted, "thread_id"),  # noqa: B009
    )
    return Place(finding, comment, host, there)


@pytest.fixture(autouse=True)
def plain_webhooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read webhooks in our own words; each host's reader has tests of its own."""
    for kind in ("github", "gitlab"):
        monkeypatch.setitem(scm.adapters.WEBHOOK_READERS, kind, f"{__name__}.PlainReader")


@pytest.fixture
def place(in_acme: None, memory_host: MemoryHost) -> Place:
    """A place in Acme."""
    return a_place(memory_host)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("/fp it is a constant", "false_positive"),
        ("/ar it is a constant", "acceptable_risk"),
        ("/other it is a constant", "no_reason"),
        ("/semgrep ignore it is a constant", "no_reason"),
    ],
)
def test_a_command_ignores_the_finding_under_the_accounts_name(place: Place, body: str, reason: str) -> None:
    place.say(body)

    finding = place.finding
    assert (finding.triage, finding.ignore_reason, finding.triage_comment) == ("ignored", reason, "it is a constant")
    assert (finding.triaged_by, finding.triage_source) == ("octocat", "person")
    assert (place.reactions, place.answers) == ([Reaction.DONE], [])
    told = Event.objects.get(kind=Kind.FINDING_IGNORED)
    assert (told.actor_kind, told.actor_name, told.is_audit) == (ActorKind.SCM_USER, "octocat", True)


def test_open_opens_again(place: Place) -> None:
    place.say("/fp wrong")

    place.say("/open it is reachable")

    assert (place.finding.triage, place.finding.triage_comment) == ("open", "it is reachable")


@pytest.mark.parametrize(
    ("body", "value", "triage"),
    [
        ("/assistant agree", "false_positive", "ignored"),
        ("/semgrep assistant agree", "true_positive", "open"),
        ("/assistant disagree", "false_positive", "open"),
    ],
)
def test_feedback_is_kept_of_an_account(place: Place, body: str, value: str, triage: str) -> None:
    verdict = factories.a_verdict(place.finding, value)

    place.say(body)

    assert place.finding.triage == triage
    said = Feedback.objects.get(verdict=verdict)
    assert (said.account, said.user, said.token_name, said.agrees) == ("octocat", None, "", body.endswith(" agree"))


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("/fp", "Not carried out: write your words on the same line, for example `/fp the value is a constant`"),
        ("/assistant agree", "Not carried out: the Assistant has said nothing of this finding"),
        ("/assistant please", "What works is `/assistant agree` or `/assistant disagree`"),
    ],
)
def test_what_cannot_be_done_is_answered_in_one_line(place: Place, body: str, answer: str) -> None:
    place.say(body)

    assert place.finding.triage == "open"
    assert answer in place.answers[0]
    assert "\n" not in place.answers[0]
    assert place.reactions == []


def test_what_is_to_be_remembered_is_suggested_and_answered_with_its_address(place: Place) -> None:
    place.say("/assistant remember clean() is safe")

    memory = Memory.objects.get()
    assert (memory.text, memory.state, memory.source, memory.created_by) == (
        "clean() is safe",
        MemoryState.SUGGESTED,
        MemorySource.REPLY,
        "octocat",
    )
    assert (memory.rule, memory.project) == (place.finding.rule, place.finding.project)
    assert len(place.answers) == 1
    assert place.answers[0].startswith("Suggested as a memory; an Admin decides: ")
    assert f"/orgs/acme/memories/{memory.pk}/" in place.answers[0]


def test_a_command_below_a_summary_holds_for_all_its_findings(place: Place) -> None:
    other = factories.a_finding(scan=place.finding.first_scan)
    Comment.objects.filter(pk=place.comment.pk).update(key="group-abc")
    for finding in (place.finding, other):
        CommentDecision.objects.create(
            pull_request=place.comment.pull_request, finding=finding, comment=place.comment, outcome=Outcome.COMMENTED
        )

    place.say("/ar internal only")

    assert set(Finding.objects.values_list("triage", flat=True)) == {"ignored"}


@pytest.mark.parametrize("author", ["stranger", "OCTOCAT2"])
def test_whoever_may_not_write_is_told_so_once(place: Place, author: str) -> None:
    for _ in range(3):
        place.say("/fp mine", author=author)

    assert place.finding.triage == "open"
    assert place.answers == ["Not carried out: only people with write access to this repository decide here."]
    assert place.reactions == [Reaction.REFUSED, Reaction.REFUSED]


def test_commands_work_in_public_repositories_too(in_acme: None, memory_host: MemoryHost) -> None:
    place = a_place(memory_host, is_private=False)

    place.say("/fp constant")

    assert place.finding.triage == "ignored"


@pytest.mark.parametrize(
    "fields",
    [
        {"is_bot": True},
        {"parent_id": "", "thread_id": ""},
        {"parent_id": "999", "thread_id": "thread-999"},
        {"number": "8"},
        {"repository_id": "999"},
    ],
    ids=["bot", "conversation", "other-thread", "other-pull-request", "other-repository"],
)
def test_what_is_no_command_to_us_is_left_alone(place: Place, fields: dict[str, Any]) -> None:
    place.say("/fp constant", **fields)

    assert place.finding.triage == "open"
    assert not ReplyCommand.objects.exists()
    assert place.there.calls("may_write") == []


def test_an_app_takes_no_commands_from_itself(place: Place) -> None:
    CodeHost.objects.update(is_app=True)

    place.say("/fp constant", author=US)

    assert not ReplyCommand.objects.exists()


def test_whoever_lent_us_a_token_commands_too_and_what_we_wrote_ourselves_does_not(place: Place) -> None:
    place.there.found("acme/shop").writers.add(US)
    sign = marker_for(place.comment.key, organization_id=1, pull_request_id=1)

    by_us = place.say(f"/fp said by a comment of ours\n\n{sign}\n", author=US)
    by_the_person = place.say("/fp constant", author=US)

    assert (by_us, by_the_person is not None) == (None, True)
    assert (place.finding.triage, place.finding.triage_comment) == ("ignored", "constant")


def test_nothing_that_we_write_is_a_command() -> None:
    ours = [example.message for example in examples(footer="/fp never\n\n/open", with_replies=True)]
    answers = [ReplyAnswer(text) for text in (NO_WRITE_ACCESS, NOTHING_THERE, NO_VERDICT, UNCLEAR, SWITCHED_OFF)]

    bodies = [render_comment(message, dialect=Dialect.GITHUB) for message in (*ours, *answers)]

    assert [command_in(body) for body in bodies] == [None] * len(bodies)


def test_our_own_comment_quoted_is_no_command(place: Place) -> None:
    place.say("> - `/fp` and why\n> /fp quoted\n\nthanks")

    assert not ReplyCommand.objects.exists()


@pytest.mark.parametrize("whose", ["organization", "project"])
def test_switched_off_replies_are_just_replies(place: Place, whose: str) -> None:
    changes = {"commands_in_replies": False}
    change: dict[str, Callable[[], object]] = {
        "organization": lambda: orgs.services.change_settings(actor=SYSTEM, changes=changes),
        "project": lambda: orgs.services.change_project_settings(
            project=place.finding.project, actor=SYSTEM, changes=changes
        ),
    }
    change[whose]()

    place.say("/fp constant")

    assert place.finding.triage == "open"


def test_a_disconnected_repository_is_left_alone(place: Place) -> None:
    delivery = place.delivered("/fp constant")
    Repository.objects.all().delete()

    carry_out_reply(delivery.pk)

    assert not ReplyCommand.objects.exists()


def test_another_organizations_pull_request_is_out_of_reach(place: Place, memory_host: MemoryHost) -> None:
    delivery = place.delivered("/fp constant")
    other = factories.an_organization("other", admin=factories.a_person("olga@other.example"))

    with acting_for(other.pk):
        host = a_code_host(hook_key="other")
        a_repository(memory_host.found("acme/shop"), project=factories.a_project(), host=host)
        copied = WebhookDelivery.objects.create(host=host, delivery_id="copied", event="comment", body=delivery.body)
        carry_out_reply(copied.pk)

    place.finding.refresh_from_db()
    assert place.finding.triage == "open"


def test_the_same_reply_delivered_again_or_edited_is_carried_out_once(place: Place) -> None:
    said = memory_host_says(place, "/fp first")
    place.say("/fp first", said=said)

    place.say("/fp first", said=said)
    place.say("/ar edited", said=said)

    assert (place.finding.ignore_reason, place.finding.triage_change) == ("false_positive", 1)
    assert len(place.there.calls("react")) == 1


def memory_host_says(place: Place, body: str) -> str:
    """Return the id of a reply by octocat."""
    return place.there.say("octocat", body, below=place.comment.comment_id)


def test_a_host_that_is_away_is_asked_again_and_the_command_carried_out_once(place: Place) -> None:
    delivery = place.delivered("/fp constant")
    place.there.fail("may_write", RateLimited(NOT_NOW, retry_after_seconds=30))
    place.there.fail("react", ScmError(NOT_NOW, permanent=False))

    with pytest.raises(TemporaryFailure) as first:
        carry_out_reply(delivery.pk)
    with pytest.raises(TemporaryFailure):
        carry_out_reply(delivery.pk)
    carry_out_reply(delivery.pk)

    place.finding.refresh_from_db()
    assert first.value.retry_after_seconds == 30
    assert (place.finding.triage, place.finding.triage_change) == ("ignored", 1)
    assert place.reactions == [Reaction.DONE]


def test_an_answer_that_arrived_though_nobody_heard_so_is_not_given_again(place: Place) -> None:
    delivery = place.delivered("/fp")
    place.there.fail("reply", ScmError(NOT_NOW, permanent=False), is_after=True)

    with pytest.raises(TemporaryFailure):
        carry_out_reply(delivery.pk)
    carry_out_reply(delivery.pk)

    assert len(place.answers) == 1
    assert ReplyCommand.objects.get().answered_at is not None


def test_a_host_that_cannot_say_who_may_write_lets_nobody_decide(place: Place) -> None:
    place.there.fail("may_write", ScmError("No.", permanent=True))

    place.say("/fp constant")

    assert place.finding.triage == "open"
    assert not ReplyCommand.objects.exists()


def test_64_kilobytes_with_mentions_are_cut_and_kept(place: Place) -> None:
    place.say("/fp @everyone " + "word " * 13_000)

    assert place.finding.triage == "ignored"
    assert len(place.finding.triage_comment) == 3000


def test_what_follows_a_received_reply_is_that_it_is_carried_out(place: Place) -> None:
    delivery = place.delivered("/fp constant")

    with transaction.atomic():
        record(Kind.REPLY_RECEIVED, actor=Actor(ActorKind.SCM_USER, "octocat"), delivery_id=delivery.pk)
    drain()

    place.finding.refresh_from_db()
    assert place.finding.triage == "ignored"


def test_two_deliveries_at_once_carry_a_reply_out_once(
    committed: None, plain_webhooks: None, memory_host: MemoryHost
) -> None:
    acme: Organization = factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))
    with acting_for(acme.pk), transaction.atomic():
        place = a_place(memory_host)
        said = memory_host_says(place, "/fp constant")
        ids = [place.delivered("/fp constant", said=said).pk for _ in range(2)]
    both_asked = Barrier(2, timeout=20)
    memory_host.before = lambda call: None if call.method != "may_write" else (both_asked.wait(), None)[1]

    def work(delivery_id: int) -> None:
        try:
            with acting_for(acme.pk):
                carry_out_reply(delivery_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work, delivery_id) for delivery_id in ids]:
            done.result()

    with acting_for(acme.pk), transaction.atomic():
        assert Finding.objects.get().triage_change == 1
        assert ReplyCommand.objects.get().answered_at is not None
    assert len(memory_host.calls("react")) == 1
