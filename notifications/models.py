"""What was told to whom: comments in pull requests with the decisions behind them, statuses, and commands by reply."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

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
    start_line = models.PositiveIntegerField(null=True, blank=True)  # of a comment on several lines
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


class SlackWorkspace(OwnedByOrganization):
    """A Slack workspace that our app was installed in by OAuth. `sealed_token` is the bot's."""

    team_id = models.CharField(max_length=40)
    team_name = models.CharField(max_length=200)
    bot_user_id = models.CharField(max_length=40, blank=True)
    app_id = models.CharField(max_length=40, blank=True)
    sealed_token = models.TextField(blank=True)
    scopes = models.CharField(max_length=1000, blank=True)
    installed_by = models.CharField(max_length=200)
    installed_at = models.DateTimeField(auto_now_add=True)
    problem = models.CharField(max_length=300, blank=True)  # why it cannot be used, until it can again
    removed_at = models.DateTimeField(null=True, blank=True)  # uninstalled there, or removed here

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "team_id"], condition=models.Q(removed_at=None), name="slack_workspace_once"
            ),
            models.UniqueConstraint(fields=["organization", "id"], name="slack_workspace_of_organization"),
        ]

    def __str__(self) -> str:
        return self.team_name


class SlackDestination(OwnedByOrganization):
    """The channel that is told of a project's findings; without a project, of those that have none of their own."""

    workspace = models.ForeignKey(SlackWorkspace, models.CASCADE, related_name="destinations")
    project = models.ForeignKey(
        "orgs.Project", models.CASCADE, null=True, blank=True, related_name="slack_destinations"
    )
    channel_id = models.CharField(max_length=40)
    channel_name = models.CharField(max_length=200)
    tells_suggestions = models.BooleanField(default=True)
    tells_new_findings = models.BooleanField(default=True)
    problem = models.CharField(max_length=300, blank=True)
    chosen_by = models.CharField(max_length=200)
    chosen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "project"], nulls_distinct=False, name="slack_destination_once_per_project"
            ),
            models.UniqueConstraint(fields=["organization", "id"], name="slack_destination_of_organization"),
        ]

    def __str__(self) -> str:
        return f"#{self.channel_name}"


class DeliveryState(models.TextChoices):
    """How far a message has come."""

    CLAIMED = "claimed", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


class Delivery(OwnedByOrganization):
    """One message to one destination about one subject, sent once: claimed before it is sent, with its receipt after.

    `channel` is slack or email, `destination` a channel's id or an address, `subject` what it is about: `verdict-17`,
    `scan-9`, `week-2026-11-23`. `receipt` is what editing it needs (Slack: the message's `ts`).
    """

    channel = models.CharField(max_length=10)
    destination = models.CharField(max_length=254)
    subject = models.CharField(max_length=80)
    finding = models.ForeignKey(Finding, models.CASCADE, null=True, blank=True, related_name="deliveries")
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.CLAIMED)
    receipt = models.CharField(max_length=100, blank=True)
    last_action = models.CharField(max_length=30, blank=True)  # Slack's time of the last button that was pressed on it
    digest = models.BinaryField(max_length=32, null=True)  # of what was sent last
    problem = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    edited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "channel", "destination", "subject"], name="delivery_once")
        ]
        indexes = [models.Index(fields=["organization", "finding"], name="delivery_about_finding")]

    def __str__(self) -> str:
        return f"{self.subject} to {self.destination}"


class WebhookEndpoint(OwnedByOrganization):
    """An address of the organization's own that is told what happens. `sealed_secret` signs what is sent."""

    url = models.CharField(max_length=500)
    sealed_secret = models.TextField()
    kinds = ArrayField(models.CharField(max_length=40), default=list)  # words of notifications.outgoing
    is_active = models.BooleanField(default=True)
    problem = models.CharField(max_length=300, blank=True)  # why it was switched off by itself
    failures = models.PositiveIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True, blank=True)  # the first of those
    old_secret_until = models.DateTimeField(null=True, blank=True)  # until when the secret before signs as well
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "id"], name="webhook_endpoint_of_organization"),
            models.UniqueConstraint(fields=["organization", "url"], name="webhook_endpoint_once"),
        ]

    def __str__(self) -> str:
        return self.url


class WebhookMessage(OwnedByOrganization):
    """What an endpoint was or will be told, with every attempt: {at, status, ms, error, answer}.

    Each sending has its own `uid`; a message that is sent again carries the id of the first, which is in its body.
    """

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="messages")
    uid = models.UUIDField()
    kind = models.CharField(max_length=40)
    body = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.CLAIMED)
    attempts = models.JSONField(default=list)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    redelivery_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "uid"], name="webhook_message_once"),
            models.UniqueConstraint(fields=["organization", "id"], name="webhook_message_of_organization"),
        ]
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="webhook_message_newest"),
            models.Index(
                fields=["endpoint", "id"], condition=models.Q(state="claimed"), name="webhook_message_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.endpoint_id}"

    @property
    def message_id(self) -> str:
        """What the receiver knows it by, however often it is sent."""
        return str(self.body["id"])

    @property
    def last_attempt(self) -> dict[str, Any] | None:
        """How the last attempt went, None before the first."""
        return self.attempts[-1] if self.attempts else None

    @property
    def state_label(self) -> str:
        """How far it has come, in a word for people."""
        if self.state == DeliveryState.CLAIMED:
            return "Trying again" if self.tries else "Waiting"
        return self.get_state_display()
