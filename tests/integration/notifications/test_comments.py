"""What stands in a pull request, from the first scan to the last."""

from __future__ import annotations

import pytest
from django.db import transaction

import findings.services
import notifications.tasks
from events.kinds import SYSTEM, Kind
from events.models import Job
from findings.models import Finding, IgnoreReason, Presence, PresenceState, ScanState
from lib.failures import TemporaryFailure
from notifications.models import Comment, CommentDecision, CommitStatus, Outcome, Placement
from rules.models import Mode, Severity
from scm.adapters.base import NotAllowed, RateLimited, ScmError
from scm.adapters.values import StatusState
from scm.models import PullRequest, PullRequestState, Repository
from scm.services import keep_pull_request
from tests import factories
from tests.integration.notifications.conftest import PATH, Story, in_mode, kinds, set_to
from tests.vendors.memory_host import HEAD_SHA, shown


def test_each_new_finding_is_commented_on_its_line_once(story: Story) -> None:
    first, second = story.found(2)

    story.told()
    story.told()

    assert [(comment.path, comment.line) for comment in story.host.ours()] == [(PATH, 1), (PATH, 2)]
    assert ["Message 1 of many" in story.bodies()[0], "Message 2 of many" in story.bodies()[1]] == [True, True]
    assert len(story.host.calls("post_comments")) == 1
    assert story.host.calls("edit_comment") == []
    assert kinds() == [Kind.COMMENT_POSTED] * 2
    decisions = CommentDecision.objects.order_by("finding_id")
    assert [(each.finding_id, each.outcome) for each in decisions] == [
        (first.pk, Outcome.COMMENTED),
        (second.pk, Outcome.COMMENTED),
    ]


def test_what_is_on_the_primary_branch_already_is_not_commented(story: Story) -> None:
    [finding] = story.found()
    scan = factories.a_scan(story.project)
    on_main = {"ref": "main", "first_scan": scan, "last_scan": scan, "path": PATH, "start_line": 1}
    Presence.objects.create(finding=finding, project=story.project, changed_at=finding.created_at, **on_main)

    story.told()

    assert story.host.ours() == []
    assert CommentDecision.objects.get().reason == "not_new"


def test_six_equal_findings_are_one_comment_and_five_are_five(story: Story) -> None:
    story.found(6, message="The same")
    story.found(5, message="Another", path=PATH)
    Presence.objects.update(state=PresenceState.PRESENT)

    story.told()

    assert sorted(key.split("-")[0] for key in Comment.objects.values_list("key", flat=True)) == [
        *["finding"] * 5,
        "group",
    ]
    assert len(story.host.ours()) == 6
    group = Comment.objects.get(key__startswith="group-")
    assert group.decisions.count() == 6


def test_a_seventh_equal_finding_joins_the_summary(story: Story) -> None:
    known = story.found(6, message="The same")
    story.told()
    scan = story.scanned(*known)
    factories.a_finding(scan=scan, path=PATH, start_line=9, end_line=9, message="The same", not_analysed="")

    story.told()

    [body] = story.bodies()
    assert f"{PATH}:9" in body


def test_a_line_that_the_host_does_not_show_is_commented_near_it_or_in_the_conversation(story: Story) -> None:
    story.host.found("acme/shop").changed_files["7"] = [shown(PATH, 10, 11)]
    story.found(1)
    factories.a_finding(scan=story.scanned(*Finding.objects.all()), path="other.py", start_line=4, end_line=4)

    story.told()

    places = Comment.objects.order_by("path").values_list("placement", "path", "line")
    assert list(places) == [(Placement.CONVERSATION, "", None), (Placement.NEAREST, PATH, 10)]
    assert "other.py:4" in next(comment.body for comment in story.host.ours() if not comment.path)


def test_a_place_that_the_host_refuses_is_followed_by_the_next_best(story: Story) -> None:
    story.found(1)
    files = story.host.found("acme/shop").changed_files

    def push(call: object) -> None:
        files["7"] = []  # between the question which lines there are and the comment

    story.host.before = lambda call: push(call) if call.method == "post_comments" else None

    story.told()

    assert [comment.path for comment in story.host.ours()] == [""]
    assert Comment.objects.get().placement == Placement.CONVERSATION


def test_a_late_verdict_edits_the_comment_and_adds_no_other(story: Story) -> None:
    set_to(noise_filter=True, noise_filter_mode="hide")
    [finding] = story.found()
    story.told()
    factories.a_verdict(finding, explanation="Its name is constant")

    story.told()

    [body] = story.bodies()
    assert "Its name is constant" in body
    assert CommentDecision.objects.get().reason == "already_commented"


@pytest.mark.parametrize(("mode", "commented"), [("hide", 0), ("notify", 1)])
def test_the_noise_filter_holds_back_or_tells(story: Story, mode: str, commented: int) -> None:
    set_to(noise_filter=True, noise_filter_mode=mode)
    [finding] = story.found()
    factories.a_verdict(finding)

    story.told()
    story.told()

    assert len(story.host.ours()) == commented
    assert Presence.objects.get(finding=finding).held_back is not bool(commented)
    assert kinds() == [Kind.COMMENT_POSTED if commented else Kind.COMMENT_HELD_BACK]


def test_what_was_held_back_is_commented_once_somebody_opens_it_to_doubt(story: Story) -> None:
    set_to(noise_filter=True, noise_filter_mode="hide")
    [finding] = story.found()
    factories.a_verdict(finding)
    story.told()
    factories.a_verdict(finding, "true_positive")

    story.told()

    assert len(story.host.ours()) == 1
    assert not Presence.objects.get(finding=finding).held_back


def test_a_blocking_finding_fails_the_check_until_it_is_ignored(story: Story) -> None:
    [finding] = story.found()
    in_mode(Mode.BLOCK, [finding])
    story.told()
    failed = story.host.status_at(HEAD_SHA)
    findings.services.ignore(finding=finding, reason=IgnoreReason.FALSE_POSITIVE, comment="A constant.", actor=SYSTEM)

    story.told()

    passed = story.host.status_at(HEAD_SHA)
    assert failed is not None
    assert passed is not None
    assert (failed.state, passed.state) == (StatusState.FAILURE, StatusState.SUCCESS)
    assert "Ignored as false positive" in story.bodies()[0]
    assert len(story.host.found("acme/shop").statuses) == 1


def test_while_a_scan_is_analysed_the_check_waits_and_nothing_is_posted(story: Story) -> None:
    known = story.found()
    story.scanned(*known, state=ScanState.INGESTED)

    story.told()

    status = story.host.status_at(HEAD_SHA)
    assert status is not None
    assert status.state == StatusState.PENDING
    assert (story.host.ours(), Comment.objects.count()) == ([], 0)


def test_what_a_rescan_shows_fixed_is_resolved_and_opened_again_when_it_returns(story: Story) -> None:
    [finding] = story.found()
    story.told()
    story.scanned()
    story.told()
    [after_fix] = story.host.ours()
    story.scanned(finding)
    story.told()

    [returned] = story.host.ours()
    assert (after_fix.is_resolved, returned.is_resolved) == (True, False)
    assert kinds() == [Kind.COMMENT_POSTED, Kind.COMMENT_RESOLVED]


def test_a_thread_where_somebody_talked_is_left_to_them(story: Story) -> None:
    story.found()
    story.told()
    story.host.say("dev", "Why is that?", below=story.host.ours()[0].comment_id)
    story.scanned()

    story.told()

    [comment] = story.host.ours()
    assert not comment.is_resolved
    assert "fixed" in comment.body.lower()


def test_a_comment_that_somebody_deleted_is_not_posted_again(story: Story) -> None:
    [finding] = story.found()
    story.told()
    story.host.remove(story.host.ours()[0].comment_id)
    factories.a_verdict(finding, "true_positive")

    story.told()
    story.told()

    assert story.host.ours() == []
    assert Comment.objects.get().is_gone


def test_after_a_force_push_the_comment_stays_and_is_edited(story: Story) -> None:
    [finding] = story.found()
    story.told()
    facts = story.host.change_pull_request(head_sha="c" * 40)
    keep_pull_request(project=story.project, facts=facts)
    Finding.objects.filter(pk=finding.pk).update(start_line=30, end_line=30, message="Moved elsewhere")
    story.scanned(finding)

    story.told()

    [body] = story.bodies()
    assert "Moved elsewhere" in body
    assert story.host.status_at("c" * 40) is not None


def test_in_a_closed_pull_request_nothing_new_is_said(story: Story) -> None:
    story.found()
    PullRequest.objects.update(state=PullRequestState.CLOSED)

    story.told()

    assert story.host.ours() == []
    assert CommitStatus.objects.count() == 0


@pytest.mark.parametrize(("value", "commented"), [(True, 1), (False, 0)])
def test_comments_can_be_switched_off(story: Story, value: bool, commented: int) -> None:
    set_to(pull_request_comments=value)
    story.found()

    story.told()

    assert len(story.host.ours()) == commented


def test_a_renamed_repository_is_spoken_to_all_the_same(story: Story) -> None:
    story.host.rename("acme/shop", "acme/store")
    story.found()

    story.told()

    assert len(story.host.ours("acme/store")) == 1


def test_an_archived_repository_is_told_of_in_words_and_tried_again_only_with_the_next_change(story: Story) -> None:
    story.host.archive()
    story.found()

    story.told()

    assert "archived" in Comment.objects.get().problem
    assert "archived" in Repository.objects.get().problem


def test_a_missing_permission_is_told_and_forgotten_when_it_was_given(story: Story) -> None:
    story.found()
    story.host.fail("post_comments", NotAllowed("The token may only read here.", missing="pull_requests: write"))
    story.told()
    before = Comment.objects.get().problem

    story.told()

    assert before == "The token may only read here."
    assert (Comment.objects.get().problem, Repository.objects.get().problem) == ("", "")
    assert len(story.host.ours()) == 1


def test_a_check_that_is_not_allowed_does_not_keep_comments_away(story: Story) -> None:
    story.found()
    story.host.fail("show_status", NotAllowed("Checks are not allowed."))

    story.told()

    assert len(story.host.ours()) == 1
    assert CommitStatus.objects.get().problem == "Checks are not allowed."


def test_hundreds_of_comments_are_posted_some_at_a_time_and_what_was_posted_is_kept(story: Story) -> None:
    story.found(110)
    story.host.fail("post_comments", ScmError("The host is busy.", permanent=False), on_call=2)

    with pytest.raises(TemporaryFailure):
        story.told()

    assert Comment.objects.exclude(comment_id="").count() == 50


def test_the_worst_hundred_are_commented_and_the_others_say_why_not(story: Story) -> None:
    story.found(103, severity=Severity.MEDIUM)
    blocks = factories.a_rule("blocks", mode=Mode.BLOCK)
    [blocking] = story.found(1, severity=Severity.LOW, rule=blocks, message="It blocks")
    [worst] = story.found(1, severity=Severity.CRITICAL, message="It is the worst")
    Presence.objects.update(state=PresenceState.PRESENT)

    story.told()
    story.told()

    left_out = CommentDecision.objects.filter(reason="too_many")
    assert (len(story.host.ours()), left_out.count()) == (101, 4)
    assert not left_out.filter(finding__in=[blocking, worst]).exists()


def test_a_rate_limit_is_waited_for_and_what_was_done_is_kept(story: Story) -> None:
    story.found(3)
    story.host.fail("post_comment", RateLimited("Too many requests.", retry_after_seconds=42), on_call=2)

    with pytest.raises(TemporaryFailure) as waiting:
        story.told()
    story.told()

    assert (waiting.value.retry_after_seconds, waiting.value.spends_attempt) == (42, False)
    assert len(story.host.ours()) == 3


def test_a_scan_of_a_pull_request_that_is_not_known_yet_makes_it_known(story: Story) -> None:
    story.host.add_pull_request(number="8", is_from_fork=True, head_branch="patch", head_sha="d" * 40)
    scan = factories.a_scan(story.project, branch="", pull_request_id="8", state=ScanState.SETTLED)

    notifications.tasks.comment_on_scan.function(scan_id=scan.pk)

    made = PullRequest.objects.get(number="8")
    assert (made.is_from_fork, made.head_sha) == (True, "d" * 40)
    owed = Job.objects.filter(task=notifications.tasks.comment_on_pull_request.name)
    assert [job.arguments for job in owed] == [{"pull_request_id": made.pk}]


def test_a_project_without_a_repository_is_left_in_peace(story: Story) -> None:
    Repository.objects.all().delete()
    story.found()

    story.told()

    assert story.host.log == []
    assert CommentDecision.objects.get().reason == "not_connected"


def test_a_decision_about_many_findings_is_told_in_one_run(story: Story) -> None:
    for finding in story.found(3):
        with transaction.atomic():
            notifications.tasks.refresh_comments.function(finding_id=finding.pk)

    assert Job.objects.filter(task=notifications.tasks.comment_on_pull_request.name).count() == 1


def test_a_host_that_does_not_answer_is_asked_again_later(story: Story) -> None:
    story.found()
    story.host.fail("comments", ScmError("The host does not answer.", permanent=False))
    story.host.fail("changed_files", ScmError("The host does not answer.", permanent=False))

    with pytest.raises(TemporaryFailure):
        story.told()

    assert story.host.ours() == []
