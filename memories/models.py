"""What an organization taught the Assistant, with where it holds, who said so, and where it was used."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from findings.models import Finding
from orgs.models import Project
from rules.models import Rule
from tenancy.models import OwnedByOrganization

LONGEST_TEXT = 2000


class Purpose(models.TextChoices):
    """Which answers a memory shapes."""

    TRIAGE = "triage", "Triage"
    REMEDIATION = "remediation", "Remediation"
    BOTH = "both", "Triage and remediation"


class MemoryState(models.TextChoices):
    """Whether a memory is in force."""

    SUGGESTED = "suggested", "Suggested"
    LIVE = "live", "Live"
    DISABLED = "disabled", "Disabled"
    EXPIRED = "expired", "Expired"
    REMOVED = "removed", "Removed"


class MemorySource(models.TextChoices):
    """How a memory came about."""

    FIX = "fix", "Customize fix"
    TRIAGE = "triage", "Ignoring a finding"
    REPLY = "reply", "A reply in a pull request"
    PAGE = "page", "Written on the page"
    IMPORT = "import", "Imported"


class Template(models.TextChoices):
    """What teams teach most often; Built-in acts on these without a model."""

    NONE = "", "None"
    NOT_PRODUCTION = "not_production", "This path is not production"
    FRAMEWORK_PROTECTS = "framework_protects", "Our framework already protects"


class Memory(OwnedByOrganization):
    """An instruction, and where it holds: every condition that is set must be met by a finding.

    As documented it holds for one rule in one project; each of `project`, `rule` may be left out, and `project_tag`,
    `path_prefix` (POSIX, relative) and `cwe` (`CWE-79`) narrow it otherwise. `state` says whether it is in force.
    """

    text = models.TextField(max_length=LONGEST_TEXT)
    purpose = models.CharField(max_length=12, choices=Purpose, default=Purpose.BOTH)
    state = models.CharField(max_length=10, choices=MemoryState, default=MemoryState.SUGGESTED)
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="memories")
    rule = models.ForeignKey(Rule, models.CASCADE, null=True, blank=True, related_name="memories")
    project_tag = models.CharField(max_length=60, blank=True)
    path_prefix = models.CharField(max_length=500, blank=True)
    cwe = models.CharField(max_length=12, blank=True)
    template = models.CharField(max_length=30, choices=Template, default=Template.NONE, blank=True)
    source = models.CharField(max_length=10, choices=MemorySource)
    source_finding = models.ForeignKey(Finding, models.SET_NULL, null=True, blank=True, related_name="memories_taught")
    created_by = models.CharField(max_length=200)
    created_by_user = models.BigIntegerField(null=True, blank=True)  # a plain number: the memory outlives the account
    approved_by = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)  # raised by every change of text, purpose or scope
    # What the Assistant said when it compared `compared_version` with the live ones: ids of memories, and why.
    conflicts = models.JSONField(default=list, blank=True)
    conflicts_because = models.CharField(max_length=400, blank=True)
    compared_version = models.PositiveIntegerField(null=True, blank=True)
    use_count = models.PositiveIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "id"], name="memory_of_organization"),
            models.CheckConstraint(
                condition=~Q(state="live") | ~Q(approved_by=""), name="memory_live_was_approved_by_somebody"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "-id"], name="memory_by_state"),
            models.Index(fields=["organization", "rule"], condition=Q(state="live"), name="memory_live_of_rule"),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class MemoryChange(OwnedByOrganization):
    """One step of a memory's history: what it was before (`before`), and what somebody made of it (`after`)."""

    memory = models.ForeignKey(Memory, models.CASCADE, related_name="history")
    what = models.CharField(max_length=20)  # created, edited, approved, disabled, enabled, expired, removed
    by = models.CharField(max_length=200)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["memory", "-id"], name="memory_change_newest")]

    def __str__(self) -> str:
        return f"{self.what} by {self.by}"


class MemoryUse(OwnedByOrganization):
    """A memory that a prompt about a finding carried, with the version of it; verdict and fix are plain numbers.

    Exactly one of `verdict_id`, `autofix_id`, `guidance_id` is set.
    """

    memory = models.ForeignKey(Memory, models.CASCADE, related_name="uses")
    version = models.PositiveIntegerField()
    finding = models.ForeignKey(Finding, models.CASCADE, related_name="memory_uses")
    verdict_id = models.BigIntegerField(null=True, blank=True)
    autofix_id = models.BigIntegerField(null=True, blank=True)
    guidance_id = models.BigIntegerField(null=True, blank=True)
    used_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["memory", "verdict_id"], name="memory_used_once_for_a_verdict"),
            models.UniqueConstraint(fields=["memory", "autofix_id"], name="memory_used_once_for_a_fix"),
            models.UniqueConstraint(fields=["memory", "guidance_id"], name="memory_used_once_for_guidance"),
        ]
        indexes = [models.Index(fields=["finding", "-id"], name="memory_use_of_finding")]

    def __str__(self) -> str:
        return f"memory {self.memory_id} for finding {self.finding_id}"


class DryRunState(models.TextChoices):
    """How far a dry run has come."""

    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class DryRun(OwnedByOrganization):
    """What a memory would change, tried on the backlog before it is in force; nothing is changed by it.

    `results` holds {finding, before, after, explanation} for each finding tried, `before` and `after` recommendations.
    """

    memory = models.ForeignKey(Memory, models.CASCADE, related_name="dry_runs")
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=DryRunState, default=DryRunState.RUNNING)
    planned_count = models.PositiveIntegerField(default=0)
    left_out_count = models.PositiveIntegerField(default=0)  # beyond what is tried at most
    results = models.JSONField(default=list)
    problem = models.CharField(max_length=300, blank=True)
    requested_by = models.CharField(max_length=200)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["memory", "-id"], name="dry_run_newest")]

    def __str__(self) -> str:
        return f"dry run of memory {self.memory_id}"
