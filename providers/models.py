"""Every request made to an AI provider, and the answers that may be used again."""

from __future__ import annotations

from django.db import models

from tenancy.models import OwnedByOrganization


class Outcome(models.TextChoices):
    """How a request to a model ended."""

    ANSWERED = "answered", "Answered"
    REUSED = "reused", "Reused an earlier answer"
    UNUSABLE = "unusable", "Unusable answer"
    REFUSED = "refused", "Refused by the model"
    FAILED = "failed", "Failed"


class ModelCall(OwnedByOrganization):
    """One request: what was asked and answered, by which prompt and model, at what cost. Texts are redacted already."""

    purpose = models.CharField(max_length=40)
    finding_id = models.BigIntegerField(null=True, blank=True)
    prompt_name = models.CharField(max_length=80)
    prompt_version = models.PositiveIntegerField()
    adapter = models.CharField(max_length=20)
    model = models.CharField(max_length=120, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome)
    error = models.CharField(max_length=500, blank=True)
    system_text = models.TextField(blank=True)
    user_text = models.TextField(blank=True)
    reply_text = models.TextField(blank=True)
    redacted_count = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "-id"], name="model_call_newest"),
            models.Index(fields=["organization", "finding_id", "-id"], name="model_call_about_finding"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} by {self.model or self.adapter}"


class CachedAnswer(OwnedByOrganization):
    """An answer to be reused: the key covers code, rule, memories, prompt version and model."""

    key = models.BinaryField(max_length=32)
    answer = models.JSONField()
    model = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="cached_answer_once")]

    def __str__(self) -> str:
        return bytes(self.key).hex()[:12]
