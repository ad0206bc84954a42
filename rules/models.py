"""What found it: rules seen in reports or brought with them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenancy.models import OwnedByOrganization


class Mode(models.TextChoices):
    """What a rule may do in a pull request."""

    MONITOR = "monitor", "Monitor"
    COMMENT = "comment", "Comment"
    BLOCK = "block", "Block"
    DISABLED = "disabled", "Disabled"


class Severity(models.IntegerChoices):
    """How bad, said by the rule; ordered, so that a list can be sorted by it."""

    LOW = 1, "Low"
    MEDIUM = 2, "Medium"
    HIGH = 3, "High"
    CRITICAL = 4, "Critical"


class Origin(models.TextChoices):
    """Where a rule is known from."""

    REPORTED = "reported", "Named by a report"
    IMPORTED = "imported", "Imported"
    CUSTOM = "custom", "Written here"


class Delivery(models.TextChoices):
    """Whether `semgrep ci` is given a rule, and why not."""

    DELIVERED = "delivered", "Delivered"
    EARLIER = "earlier", "Earlier text delivered"
    WAITING = "waiting", "Being checked"
    REFUSED = "refused", "Refused by the engine"
    NO_TEXT = "no_text", "Text not known"
    DISABLED = "disabled", "Disabled"


class Rule(OwnedByOrganization):
    """A rule: as reports describe it, and with its own text (`yaml`) where somebody gave it.

    `delivered` is the rule as one JSON object for `semgrep ci`, empty until the engine has accepted the text; what the
    engine objects to is `objection`. A new text that it refuses, or has not read yet, leaves the last one that it
    accepted in place: a rule that went missing would turn its findings Removed.
    """

    identifier = models.CharField(max_length=500)
    message = models.TextField(blank=True)
    severity = models.SmallIntegerField(choices=Severity, default=Severity.MEDIUM)
    cwe = ArrayField(models.CharField(max_length=12), default=list)
    owasp = ArrayField(models.CharField(max_length=12), default=list)
    category = models.CharField(max_length=60, blank=True)
    technology = ArrayField(models.CharField(max_length=60), default=list)
    help_uri = models.CharField(max_length=1000, blank=True)
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.MONITOR)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.REPORTED)
    confidence = models.CharField(max_length=10, blank=True)  # low, medium or high, said by the rule
    labels = ArrayField(models.CharField(max_length=40), default=list)
    yaml = models.TextField(blank=True)
    languages = ArrayField(models.CharField(max_length=30), default=list)  # of `yaml`
    delivered = models.TextField(blank=True)
    objection = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)  # when the engine last read the text
    first_seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "identifier"], name="rule_identifier_once"),
            models.UniqueConstraint(fields=["organization", "id"], name="rule_of_organization"),
        ]

    def __str__(self) -> str:
        return self.identifier

    @property
    def name(self) -> str:
        """The last part of the identifier, which is what people call the rule."""
        return self.identifier.rsplit(".", 1)[-1]

    @property
    def help_link(self) -> str:
        """Where a page may lead for more: the report's address if a browser would only open it, else empty."""
        return self.help_uri if self.help_uri.startswith(("https://", "http://")) else ""


class RuleOverride(OwnedByOrganization):
    """A rule's mode in one project, where it is not the organization's."""

    project = models.ForeignKey("orgs.Project", models.CASCADE, related_name="rule_overrides")
    rule = models.ForeignKey(Rule, models.CASCADE, related_name="overrides")
    mode = models.CharField(max_length=10, choices=Mode)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "rule"], name="rule_override_once")]

    def __str__(self) -> str:
        return f"{self.rule}: {self.mode}"


class PolicySettings(OwnedByOrganization):
    """How an organization treats rules in general; one row, or none with these defaults."""

    default_mode = models.CharField(max_length=10, choices=Mode, default=Mode.MONITOR)  # of a rule not seen before
    ignored_paths = models.TextField(blank=True)  # globs, one a line: what `semgrep ci` leaves out in every project

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="policy_settings_once")]

    def __str__(self) -> str:
        return "policy settings"


class ChangeOf(models.TextChoices):
    """What of a rule people changed."""

    MODE = "mode", "Mode"
    OVERRIDE = "override", "Mode in a project"
    LABELS = "labels", "Labels"
    TEXT = "text", "Text"


class RuleChange(OwnedByOrganization):
    """One rule's part in a change: what it was and became, so that the change can be shown and undone.

    Who and when is the event's, a plain number since the log outlives what it tells of.
    """

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="changes", db_index=False)
    event_id = models.BigIntegerField()
    what = models.CharField(max_length=10, choices=ChangeOf)
    project = models.ForeignKey("orgs.Project", models.CASCADE, null=True, blank=True, related_name="+")
    before = models.CharField(max_length=300, blank=True)
    after = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "rule", "-id"], name="rule_change_newest_first"),
            models.Index(fields=["organization", "event_id"], name="rule_change_of_event"),
        ]

    def __str__(self) -> str:
        return f"{self.what}: {self.before} to {self.after}"


class RuleImport(OwnedByOrganization):
    """Rules that somebody brought, with what became of each."""

    source = models.CharField(max_length=200)
    imported_by = models.CharField(max_length=200)
    problems = models.JSONField(default=list)  # what could not be read at all, each a sentence for people
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "id"], name="rule_import_of_organization")]

    def __str__(self) -> str:
        return self.source


class Outcome(models.TextChoices):
    """What an import made of a rule, before the engine read it."""

    ADDED = "added", "Added"
    UPDATED = "updated", "Updated"
    UNCHANGED = "unchanged", "Unchanged"
    LEFT_OUT = "left_out", "Left out"


class ImportedRule(OwnedByOrganization):
    """A rule of an import; what the engine says of it stands at the rule itself."""

    rule_import = models.ForeignKey(RuleImport, models.CASCADE, related_name="entries")
    rule = models.ForeignKey(Rule, models.CASCADE, null=True, blank=True, related_name="+")
    identifier = models.CharField(max_length=500)
    outcome = models.CharField(max_length=10, choices=Outcome)
    problem = models.CharField(max_length=500, blank=True)  # why it was left out

    def __str__(self) -> str:
        return f"{self.identifier}: {self.outcome}"
