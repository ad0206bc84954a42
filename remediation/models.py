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
            )
        ]
        indexes = [models.Index(fields=["finding", "-id"], name="autofix_newest_of_finding")]

    def __str__(self) -> str:
        return f"fix ({self.confidence or 'none'})"
