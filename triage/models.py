"""Verdicts with their evidence, what files are for, and what people said of verdicts."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from findings.models import Finding
from orgs.models import Project
from tenancy.models import OwnedByOrganization
from triage import answers


class Source(models.TextChoices):
    """Who answered."""

    MODEL = "model", "AI provider"
    BUILT_IN = "built_in", "Built-in (no model)"


class Verdict(OwnedByOrganization):
    """The Assistant's view of a finding at one time; the newest one counts."""

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="verdicts")
    value = models.CharField(
        max_length=20, choices=[(v.value, v.value.replace("_", " ").capitalize()) for v in answers.Verdict]
    )
    confidence = models.CharField(max_length=10, choices=[(c.value, c.value.capitalize()) for c in answers.Confidence])
    explanation = models.TextField()
    evidence = models.JSONField(default=list)  # quotes with the result of their check
    facts = models.JSONField(default=list)  # what was known without a model
    lowered_because = models.CharField(max_length=300, blank=True)  # why our checks changed the answer
    code_lines = models.JSONField(default=list)  # the excerpt that was judged, segment by segment
    code_removed_at = models.DateTimeField(null=True, blank=True)  # when the purge took the excerpt
    source = models.CharField(max_length=10, choices=Source)
    model = models.CharField(max_length=120, blank=True)
    prompt_version = models.PositiveIntegerField(default=0)
    model_call_id = models.BigIntegerField(null=True, blank=True)
    stood_in_because = models.CharField(max_length=400, blank=True)  # why another than the first choice answered
    # The second look that must agree before a comment on a critical or careful finding is held back (product 5.5).
    second_vote = models.CharField(max_length=20, blank=True)  # a verdict's value; empty: none was asked or given
    second_explanation = models.TextField(blank=True)
    second_missing_because = models.CharField(max_length=300, blank=True)  # why a vote that was needed was not given
    second_model_call_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "id"], name="verdict_of_organization")]
        indexes = [
            models.Index(fields=["finding", "-id"], name="verdict_newest_of_finding"),
            models.Index(fields=["organization", "created_at"], include=["value", "finding"], name="verdict_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.value} ({self.confidence})"

    @property
    def has_second_vote(self) -> bool:
        """Whether a second look agreed that the finding is a false positive."""
        return self.is_false_positive and self.second_vote == answers.Verdict.FALSE_POSITIVE

    @property
    def is_false_positive(self) -> bool:
        """Whether the finding may be safe to ignore."""
        return self.value == answers.Verdict.FALSE_POSITIVE


class FileTag(OwnedByOrganization):
    """What a file is for, kept by path and content, so that it is asked once."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="file_tags")
    path = models.CharField(max_length=1024)
    digest = models.BinaryField(max_length=32)
    tag = models.CharField(max_length=30)
    risk = models.CharField(max_length=10)
    reason = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=10, choices=Source)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "path", "digest"], name="file_tag_once")]

    def __str__(self) -> str:
        return f"{self.path}: {self.tag}"


class Feedback(OwnedByOrganization):
    """What a person said of a verdict."""

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="feedback")
    verdict = models.ForeignKey(Verdict, models.CASCADE, related_name="feedback")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    token_name = models.CharField(max_length=100, blank=True)  # of a token that said it for somebody; then no user
    account = models.CharField(max_length=200, blank=True)  # of somebody on a code host, who said it there; as above
    agrees = models.BooleanField()
    reason = models.TextField(blank=True, max_length=3000)
    of_audit = models.BooleanField(default=False)  # said of a verdict drawn at random, so no part of the agree rate
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["verdict", "user"], name="feedback_once_per_person")]
        indexes = [models.Index(fields=["organization", "created_at"], name="feedback_by_time")]

    def __str__(self) -> str:
        return "agrees" if self.agrees else "disagrees"


class PriorityWeek(OwnedByOrganization):
    """The three most pressing tasks of one week, chosen once, so that page and e-mail show the same."""

    monday = models.DateField()  # of the organization's time zone
    chosen_at = models.DateTimeField(auto_now_add=True)
    told_at = models.DateTimeField(null=True, blank=True)  # when it was settled who is told by e-mail

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "monday"], name="priority_week_once"),
            models.UniqueConstraint(fields=["organization", "id"], name="priority_week_of_organization"),
        ]

    def __str__(self) -> str:
        return f"week of {self.monday}"


class PriorityTask(OwnedByOrganization):
    """One task of a week: a finding, or equal ones that are done together, with why it comes first."""

    week = models.ForeignKey(PriorityWeek, models.CASCADE, related_name="tasks")
    rank = models.PositiveSmallIntegerField()
    finding = models.ForeignKey(Finding, models.CASCADE, related_name="+")  # the worst of them
    finding_ids = models.JSONField(default=list)  # the oldest of the equal ones, whose progress is shown
    count = models.PositiveIntegerField(default=1)  # of all equal ones, when it was chosen
    score = models.FloatField()
    reasons = models.JSONField(default=list)  # sentences, strongest first

    class Meta:
        constraints = [models.UniqueConstraint(fields=["week", "rank"], name="priority_task_once_per_rank")]

    def __str__(self) -> str:
        return f"{self.rank}. of {self.week}"


class AuditSample(OwnedByOrganization):
    """A false-positive call drawn at random for a person to check: people agree with what they chose to look at.

    `is_right` is what the person found; None while nobody has looked.
    """

    verdict = models.OneToOneField(Verdict, models.CASCADE, related_name="audit_sample")
    finding = models.ForeignKey(Finding, models.CASCADE, related_name="+")
    is_right = models.BooleanField(null=True, blank=True)
    reason = models.TextField(blank=True, max_length=3000)
    checked_by = models.CharField(max_length=200, blank=True)
    drawn_at = models.DateTimeField(auto_now_add=True)
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["organization", "id"], condition=models.Q(is_right=None), name="audit_sample_unchecked"
            )
        ]

    def __str__(self) -> str:
        return f"audit of verdict {self.verdict_id}"
