"""Every request made to an AI provider, the answers that may be used again, and the money it takes."""

from __future__ import annotations

from django.db import models

from tenancy.models import OwnedByOrganization


class Vendor(models.TextChoices):
    """Whom a connection leads to."""

    PLATFORM = "platform", "OpenAI with the platform's key"
    OPENAI = "openai", "OpenAI with your own key"
    AZURE_OPENAI = "azure_openai", "Azure OpenAI"
    GEMINI = "gemini", "Google Gemini"
    BEDROCK = "bedrock", "AWS Bedrock"
    COMPATIBLE = "compatible", "OpenAI-compatible endpoint"
    BUILT_IN = "built_in", "Built-in (no model)"


class Step(models.TextChoices):
    """A step of the Assistant that asks a model; each is the name of its prompt."""

    COMPONENT = "triage/component", "Component tags"
    VERDICT = "triage/verdict", "Auto-triage"
    SECOND_VOTE = "triage/second_vote", "Second look"
    GUIDANCE = "remediation/guidance", "Guidance"
    AUTOFIX = "remediation/autofix", "Autofix"
    LEARN = "memories/learn", "Learning from ignored findings"
    CONFLICT = "memories/conflict", "Conflicts between memories"


class Connection(OwnedByOrganization):
    """How an organization reaches one provider. The first in order answers; the others stand in where it cannot.

    `sealed_secrets` is a JSON object, sealed by lib.crypto: `key`, `secret_key` (AWS) and `headers`.
    """

    vendor = models.CharField(max_length=20, choices=Vendor)
    position = models.PositiveSmallIntegerField(default=0)
    model = models.CharField(max_length=200, blank=True)  # for Azure OpenAI the deployment
    base_url = models.CharField(max_length=500, blank=True)
    api_version = models.CharField(max_length=40, blank=True)
    region = models.CharField(max_length=40, blank=True)
    role_arn = models.CharField(max_length=200, blank=True)
    external_id = models.CharField(max_length=64, blank=True)
    sealed_secrets = models.TextField(blank=True)
    # What the Admin says it costs, in US dollars per million tokens; None: the price table knows.
    input_price = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    output_price = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)  # why it could not answer, until it can again
    saved_by = models.CharField(max_length=254, blank=True)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "position"],
                name="connection_position_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.UniqueConstraint(fields=["organization", "id"], name="connection_of_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.get_vendor_display()} {self.model}".strip()


class StepModel(OwnedByOrganization):
    """The model that answers one step, where it is not the connection's own."""

    step = models.CharField(max_length=40, choices=Step)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="step_models")
    model = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "step"], name="step_model_once")]

    def __str__(self) -> str:
        return f"{self.step} by {self.model}"


class Outcome(models.TextChoices):
    """How a request to a model ended."""

    ANSWERED = "answered", "Answered"
    REUSED = "reused", "Reused an earlier answer"
    UNUSABLE = "unusable", "Unusable answer"
    REFUSED = "refused", "Refused by the model"
    FAILED = "failed", "Failed"
    ASKING = "asking", "Waiting for the answer"
    STOPPED = "stopped", "Stopped by budget"


class ModelCall(OwnedByOrganization):
    """One request: what was asked and answered, by which prompt and model, at what cost. Texts are redacted already.

    The numbers outlive the texts: usage is reckoned from these rows.
    """

    purpose = models.CharField(max_length=40)
    finding_id = models.BigIntegerField(null=True, blank=True)
    project_id = models.BigIntegerField(null=True, blank=True)
    connection_id = models.BigIntegerField(null=True, blank=True)
    is_fallback = models.BooleanField(default=False)  # another connection than the first answered
    replay_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="replays")
    prompt_name = models.CharField(max_length=80)
    prompt_version = models.PositiveIntegerField()
    adapter = models.CharField(max_length=20)
    model = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome)
    error = models.CharField(max_length=500, blank=True)
    system_text = models.TextField(blank=True)
    user_text = models.TextField(blank=True)
    reply_text = models.TextField(blank=True)
    redacted_count = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)  # US dollars; None: not known
    saved = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)  # by using an answer again
    duration_ms = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=1)
    # When the texts went: by the purge, or at once where the organization keeps none.
    texts_removed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "id"], name="model_call_of_organization")]
        indexes = [
            models.Index(fields=["organization", "-id"], name="model_call_newest"),
            models.Index(fields=["organization", "created_at"], name="model_call_by_day"),
            models.Index(fields=["organization", "finding_id", "-id"], name="model_call_about_finding"),
            models.Index(
                fields=["organization", "created_at"],
                condition=models.Q(texts_removed_at=None),
                name="model_call_with_texts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} by {self.model or self.adapter}"


class CachedAnswer(OwnedByOrganization):
    """An answer to be reused: the key covers code, rule, memories, prompt version and model."""

    key = models.BinaryField(max_length=32)
    answer = models.JSONField()
    model = models.CharField(max_length=200, blank=True)
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)  # what it saves to use it again
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="cached_answer_once")]
        indexes = [models.Index(fields=["organization", "created_at"], name="cached_answer_by_age")]

    def __str__(self) -> str:
        return bytes(self.key).hex()[:12]


class Price(models.Model):
    """What a model costs from a day on, in US dollars per million tokens; the same for every organization.

    `model` may hold `*`, `?` and `[…]`; the longest pattern that fits a model's name counts. Without any row the list
    counts that came with the product (providers/prices.json).
    """

    vendor = models.CharField(max_length=20, choices=Vendor)
    model = models.CharField(max_length=200)
    input = models.DecimalField(max_digits=12, decimal_places=6)
    output = models.DecimalField(max_digits=12, decimal_places=6)
    since = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["vendor", "model", "since"], name="price_once_per_day"),
            models.CheckConstraint(condition=models.Q(input__gte=0, output__gte=0), name="price_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.vendor} {self.model} since {self.since}"


class Budget(OwnedByOrganization):
    """What an organization may spend on models in a calendar month, in US dollars; no row, or None: without limit."""

    monthly_limit = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="budget_once"),
            models.CheckConstraint(condition=models.Q(monthly_limit__gte=0), name="budget_is_not_negative"),
        ]

    def __str__(self) -> str:
        return "no limit" if self.monthly_limit is None else f"US$ {self.monthly_limit} a month"


class BudgetMonth(OwnedByOrganization):
    """What a calendar month (of the organization's time zone) has taken, in US dollars.

    `assumed` is the part of `spent` that was reckoned by the price for unknown models; `reserved` is held back for
    requests on their way; `alerted` is the highest threshold, in percent, that Admins were told of.
    """

    month = models.DateField()  # its first day
    spent = models.DecimalField(max_digits=16, decimal_places=8, default=0)
    assumed = models.DecimalField(max_digits=16, decimal_places=8, default=0)
    reserved = models.DecimalField(max_digits=16, decimal_places=8, default=0)
    alerted = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "month"], name="budget_month_once"),
            models.CheckConstraint(condition=models.Q(reserved__gte=0), name="budget_reserved_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: US$ {self.spent}"


class Reservation(OwnedByOrganization):
    """Money held back for one request on its way; the sweep gives back what a dead worker held."""

    month = models.DateField()
    amount = models.DecimalField(max_digits=16, decimal_places=8)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="reservation_expires")]

    def __str__(self) -> str:
        return f"US$ {self.amount} until {self.expires_at}"
