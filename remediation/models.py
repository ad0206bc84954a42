"""Guidance and fixes that were written for findings."""

from __future__ import annotations

from django.db import models

from findings.models import Confidence, Finding
from tenancy.models import OwnedByOrganization
from triage.models import Source


class Guidance(OwnedByOrganization):
    """How to fix a finding, step by step; the newest one is shown."""

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="guidance")
    summary = models.TextField()
    steps = models.JSONField(default=list)
    source = models.CharField(max_length=10, choices=Source)
    model = models.CharField(max_length=120, blank=True)
    prompt_version = models.PositiveIntegerField(default=0)
    model_call_id = models.BigIntegerField(null=True, blank=True)
    stood_in_because = models.CharField(max_length=400, blank=True)  # why another than the first choice answered
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "id"], name="guidance_of_organization")]
        indexes = [models.Index(fields=["finding", "-id"], name="guidance_newest_of_finding")]

    def __str__(self) -> str:
        return self.summary[:60]


class Autofix(OwnedByOrganization):
    """A code change with the result of every gate; an attempt that may not be shown is kept for the log only."""

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="autofixes")
    edits = models.JSONField(default=list)
    diff = models.TextField(blank=True)
    explanation = models.TextField(blank=True)
    gates = models.JSONField(default=list)
    confidence = models.CharField(max_length=10, choices=Confidence, blank=True)
    is_shown = models.BooleanField(default=False)
    is_verified = models.BooleanField(default=False)
    revision = models.CharField(max_length=80, blank=True)
    source = models.CharField(max_length=10, choices=Source)
    model = models.CharField(max_length=120, blank=True)
    prompt_version = models.PositiveIntegerField(default=0)
    model_call_id = models.BigIntegerField(null=True, blank=True)
    stood_in_because = models.CharField(max_length=400, blank=True)  # why another than the first choice answered
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_verified=False) | models.Q(is_shown=True), name="autofix_verified_is_shown"
            ),
            models.UniqueConstraint(fields=["organization", "id"], name="autofix_of_organization"),
        ]
        indexes = [
            models.Index(fields=["finding", "-id"], name="autofix_newest_of_finding"),
            models.Index(
                fields=["organization", "created_at"],
                condition=models.Q(is_verified=True),
                name="autofix_verified_by_time",
            ),
        ]

    def __str__(self) -> str:
        return f"fix ({self.confidence or 'none'})"


class FixPullRequestState(models.TextChoices):
    """How far a fix pull request has come."""

    REQUESTED = "requested", "Being opened"
    OPENED = "opened", "Open"
    MERGED = "merged", "Merged"
    CLOSED = "closed", "Closed without merging"
    REFUSED = "refused", "Not opened"


class FixPullRequest(OwnedByOrganization):
    """A pull request that applies a verified fix, opened because somebody asked for it."""

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="fix_pull_requests")
    autofix = models.ForeignKey(Autofix, models.CASCADE, related_name="pull_requests")
    state = models.CharField(max_length=10, choices=FixPullRequestState, default=FixPullRequestState.REQUESTED)
    branch = models.CharField(max_length=255, blank=True)
    base_branch = models.CharField(max_length=255, blank=True)
    base_sha = models.CharField(max_length=64, blank=True)  # what our commit stands on; chosen once, before it is made
    commit = models.CharField(max_length=64, blank=True)
    number = models.CharField(max_length=64, blank=True)
    web_url = models.CharField(max_length=500, blank=True)
    problem = models.CharField(max_length=500, blank=True)  # why it was not opened
    requested_by = models.CharField(max_length=200)
    requested_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["finding"],
                condition=models.Q(state__in=["requested", "opened"]),
                name="fix_pull_request_one_open_per_finding",
            ),
        ]
        indexes = [models.Index(fields=["finding", "-id"], name="fix_pull_request_newest")]

    def __str__(self) -> str:
        return f"{self.branch or self.finding_id} ({self.state})"


class AdviceFeedback(OwnedByOrganization):
    """Thumbs up or down for a guidance or a fix, once per person; `guidance` or `autofix` is set."""

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="advice_feedback")
    guidance = models.ForeignKey(Guidance, models.CASCADE, null=True, blank=True, related_name="feedback")
    autofix = models.ForeignKey(Autofix, models.CASCADE, null=True, blank=True, related_name="feedback")
    by = models.CharField(max_length=200)  # how the person is called, on this platform or on the code host
    user_id = models.BigIntegerField(null=True, blank=True)
    is_helpful = models.BooleanField()
    reason = models.TextField(blank=True, max_length=3000)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["guidance", "user_id"], name="advice_feedback_once_for_guidance"),
            models.UniqueConstraint(fields=["autofix", "user_id"], name="advice_feedback_once_for_a_fix"),
            models.UniqueConstraint(
                fields=["guidance", "by"],
                condition=models.Q(user_id=None),
                name="advice_feedback_once_for_guidance_by_name",
            ),
            models.UniqueConstraint(
                fields=["autofix", "by"],
                condition=models.Q(user_id=None),
                name="advice_feedback_once_for_a_fix_by_name",
            ),
            models.CheckConstraint(
                condition=models.Q(guidance__isnull=True) ^ models.Q(autofix__isnull=True),
                name="advice_feedback_is_about_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return "helpful" if self.is_helpful else "not helpful"
