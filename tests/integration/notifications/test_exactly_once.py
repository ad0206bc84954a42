"""Never a lasting second comment, never a lost one: a worker dies at every step, and two work at once."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace

import pytest
from django.db import connection, transaction

import notifications.tasks
from events.models import Event, Job
from findings.models import Finding
from lib.failures import TemporaryFailure
from notifications.models import Comment
from scm.adapters.base import ScmError
from tenancy.scope import acting_for
from tests import factories
from tests.integration.notifications.conftest import Story, a_story
from tests.vendors.memory_host import Call, MemoryHost


class Killed(BaseException):
    """A worker that is gone from one instant to the next: nothing catches it."""


STEPS = range(1, 7)  # files, the request, its two comments, the look afterwards, the check


def settled(story: Story) -> None:
    """Let the next worker have its turn, and check what is left."""
    story.told()
    settled_already(story)


def settled_already(story: Story) -> None:
    """Check that each finding has one comment that says its message, and one event."""
    messages = sorted(Finding.objects.values_list("message", flat=True))
    assert sorted(message for message in messages for body in story.bodies() if message in body) == messages
    assert len(story.host.ours()) == len(messages)
    assert set(Comment.objects.values_list("comment_id", flat=True)) == {
        comment.comment_id for comment in story.host.ours()
    }
    assert Event.objects.filter(kind="comment_posted").count() == len(messages)


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step_of_posting_leaves_one_comment_each(
    story: Story, step: int, is_after: bool
) -> None:
    story.found(2)
    story.host.fail("*", Killed(), on_call=step, is_after=is_after)

    with pytest.raises(Killed):
        _until_killed(story)

    settled(story)


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_worker_killed_while_editing_and_resolving_leaves_it_as_it_should_be(
    story: Story, step: int, is_after: bool
) -> None:
    [finding] = story.found()
    story.told()
    story.scanned()
    already = len(story.host.log)
    story.host.fail("*", Killed(), on_call=already + step, is_after=is_after)

    with pytest.raises(Killed):
        _until_killed(story)
    story.told()

    [comment] = story.host.ours()
    assert comment.is_resolved
    assert Event.objects.filter(kind="comment_resolved", finding_id=finding.pk).count() == 1


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("method", ["comments", "changed_files", "post_comments", "post_comment", "show_status"])
def test_an_answer_that_is_lost_is_asked_for_again(story: Story, method: str, is_after: bool) -> None:
    story.found(2)
    story.host.fail(method, ScmError("The connection was lost.", permanent=False), is_after=is_after)

    for _ in range(2):
        _patiently(story)

    settled(story)


def test_two_workers_at_once_leave_one_comment_each(committed: None, memory_host: MemoryHost) -> None:
    organization = factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))
    with acting_for(organization.pk), transaction.atomic():
        story = a_story(memory_host)
        story.found(3)
    both_are_about_to_post = threading.Barrier(2, timeout=20)

    def meet(call: Call) -> None:
        if call.method == "post_comments":
            both_are_about_to_post.wait()

    memory_host.before = meet

    def work() -> None:
        with acting_for(organization.pk):
            story.told()
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    memory_host.before = lambda call: None

    with acting_for(organization.pk):
        story.told()
    with acting_for(organization.pk), transaction.atomic():
        settled_already(story)


def test_whoever_meets_a_worker_in_the_middle_looks_again_later(story: Story) -> None:
    story.found()
    story.host.fail("post_comments", Killed())
    with pytest.raises(Killed):
        story.told()

    story.told()

    assert _owed(notifications.tasks.tidy_comments.name) == 1


def test_a_comment_posted_by_a_worker_given_up_for_dead_is_deleted(story: Story) -> None:
    story.found()
    story.told()
    [first] = story.host.ours()
    story.host.found("acme/shop").comments["7"].append(replace(first, comment_id="9999"))

    notifications.tasks.tidy_comments.function(pull_request_id=story.pull_request.pk)

    assert [comment.comment_id for comment in story.host.ours()] == [first.comment_id]


def test_a_sign_copied_by_somebody_else_is_no_comment_of_ours(story: Story) -> None:
    story.found()
    story.told()
    copied = story.bodies()[0]
    story.host.say("mallory", copied)

    notifications.tasks.tidy_comments.function(pull_request_id=story.pull_request.pk)

    assert len(story.host.seen()) == 2
    assert len(story.host.ours()) == 1


def _until_killed(story: Story) -> None:
    # What comes later than the run has steps happens in the next one.
    for _ in range(3):
        story.told()


def _patiently(story: Story) -> None:
    with contextlib.suppress(TemporaryFailure):  # what a worker is told, and tries again after
        story.told()


def _owed(name: str) -> int:
    return Job.objects.filter(task=name).count()
