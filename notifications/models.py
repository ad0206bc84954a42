"""What was told to whom: comments in pull requests with the decisions behind them, statuses, and commands by reply."""

from __future__ import annotations

from django.db import models

from findings.models import Finding
from scm.models import CodeHost, PullRequest
from tenancy.models import OwnedByOrganization


class Placement(models.TextChoices):
    """Where in a pull request a comment stands."""

    LINE = "line", "On the line"
    NEAREST = "nearest", "On the nearest line that the host shows"
    CONVERSATION = "conversation", "In the conversation"


class Comment(OwnedByOrganization):
    """One comment of ours in a pull request, edited and never repeated.

    `key` is `finding-<id>` or, for a summary of equal findings, `group-<digest>`. The row is made before the host is
    asked; `comment_id` stays empty until the host has answered, or until the comment was found there by its marker.
    """

    pull_request = models.ForeignKey(PullRequest, models.CASCADE, related_name="comments", db_index=False)
    key = models.CharField(max_length=80)
    comment_id = models.CharField(max_length=60, blank=True)
    thread_id = models.CharField(max_length=100, blank=True)  # GitHub: node id of the thread; GitLab: the discussion
    web_url = models.CharField(max_length=500, blank=True)
    placement = models.CharField(max_length=12, choices=Placement, blank=True)
    path = models.CharField(max_length=1024, blank=True)
    line = models.PositiveIntegerField(null=True, blank=True)
    digest = models.BinaryField(max_length=32, null=True)  # of the text that the host has
    is_resolved = models.BooleanField(default=False)  # by us
    is_gone = models.BooleanField(default=False)  # somebody deleted it there; it is not posted again
    problem = models.CharField(max_length=300, blank=True)  # why the host did not take it
    created_at = models.DateTimeField(auto_now_add=True)
    posted_at = models.DateTimeField(null=True, blank=True)
    edited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pull_request", "key"], name="comment_once"),
            models.UniqueConstraint(fields=["organization", "id"], name="comment_of_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.key} in {self.pull_request_id}"


class Outcome(models.TextChoices):
    """What was decided about a finding in a pull request."""

    COMMENTED = "commented", "Commented"
    WITH_NOTICE = "with_notice", "Commented, with the notice that it may be safe to ignore"
    HELD_BACK = "held_back", "Held back by the noise filter"
    NOT_COMMENTED = "not_commented", "Not commented"


class CommentDecision(OwnedByOrganization):
    """Why a finding was commented on in a pull request or not; `situation` is all that the decision was made from."""

    pull_request = models.ForeignKey(PullRequest, models.CASCADE, related_name="decisions", db_index=False)
    finding = models.ForeignKey(Finding, models.CASCADE, related_name="comment_decisions")
    comment = models.ForeignKey(Comment, models.SET_NULL, null=True, blank=True, related_name="decisions")
    outcome = models.CharField(max_length=16, choices=Outcome)
    reason = models.CharField(max_length=40)  # a word of notifications.deciding.Reason
    situation = models.JSONField(default=dict)
    decided_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pull_request", "finding"], name="comment_decision_once"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome}: {self.reason}"


class CommitStatus(OwnedByOrganization):
    """The check run or commit status that we show at a commit of a pull request."""

    pull_request = models.ForeignKey(PullRequest, models.CASCADE, related_name="statuses", db_index=False)
    commit = models.CharField(max_length=64)
    external_id = models.CharField(max_length=60, blank=True)
    digest = models.BinaryField(max_length=32, null=True)  # of what the host has
    problem = models.CharField(max_length=300, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pull_request", "commit"], name="commit_status_once")]

    def __str__(self) -> str:
        return f"{self.commit[:12]} of {self.pull_request_id}"


class ReplyCommand(OwnedByOrganization):
    """A command that somebody wrote below a comment of ours, carried out once however often it is delivered."""

    host = models.ForeignKey(CodeHost, models.CASCADE, related_name="+", db_index=False)
    pull_request = models.ForeignKey(PullRequest, models.CASCADE, related_name="reply_commands")
    reply_id = models.CharField(max_length=60)  # the host's number of the reply
    author = models.CharField(max_length=200)
    command = models.CharField(max_length=40)
    outcome = models.CharField(max_length=300, blank=True)  # in words: what became of it
    is_carried_out = models.BooleanField(default=False)
    answer = models.CharField(max_length=500, blank=True)  # one line; empty: a reaction says it
    delivery_number = models.BigIntegerField(null=True, blank=True)  # of the delivery that answers; it may be forgotten
    created_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["host", "reply_id"], name="reply_command_once")]

    def __str__(self) -> str:
        return f"{self.command} by {self.author}"
