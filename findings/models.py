"""Scans, findings, and where each finding is present: triage is people's, presence the scanner's, never one column."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from orgs.models import Project
from rules.models import Rule, Severity
from tenancy.models import OwnedByOrganization


class Product(models.TextChoices):
    """Which kind of analysis found it."""

    CODE = "code", "Code"
    SUPPLY_CHAIN = "supply_chain", "Supply chain"
    SECRETS = "secrets", "Secrets"


class ScanState(models.TextChoices):
    """How far a scan has come."""

    RUNNING = "running", "Scanning"
    RECEIVED = "received", "Received"
    INGESTED = "ingested", "Analysing"
    SETTLED = "settled", "Done"
    FAILED = "failed", "Failed"


class Scan(OwnedByOrganization):
    """One analyser run on one commit, full or diff-aware (SARIF `run`)."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="scans")
    branch = models.CharField(max_length=255, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    pull_request_id = models.CharField(max_length=64, blank=True)
    is_full = models.BooleanField(default=True)
    report_format = models.CharField(max_length=20, blank=True)
    tool = models.CharField(max_length=100, blank=True)
    tool_version = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=10, choices=ScanState, default=ScanState.RECEIVED)
    failure = models.TextField(blank=True)
    problems = models.JSONField(default=list)  # what of the upload could not be used, each a sentence for people
    product = models.CharField(max_length=12, choices=Product, blank=True)  # empty: as the report tells of each finding
    digest = models.BinaryField(max_length=32)  # of the upload and what it says of itself: the same upload is one scan
    found_count = models.PositiveIntegerField(default=0)
    new_count = models.PositiveIntegerField(default=0)
    fixed_count = models.PositiveIntegerField(default=0)
    analysed_count = models.PositiveIntegerField(default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    late_count = models.PositiveIntegerField(default=0)  # had no verdict yet when the wait for verdicts was over
    # Of a scan that the client `semgrep ci` runs itself; the client chooses the id, and repeats it when it tries again.
    client_id = models.UUIDField(null=True, blank=True)
    ci = models.JSONField(default=dict)  # what the client says of the run: environment, addresses, title, versions
    configured_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)  # when the client first said that it is done
    exit_code = models.SmallIntegerField(null=True, blank=True)
    blocking_count = models.PositiveIntegerField(null=True, blank=True)  # None: not decided, or nobody asked
    received_at = models.DateTimeField(auto_now_add=True)
    ingested_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "id"], name="scan_of_organization"),
            models.UniqueConstraint(fields=["organization", "client_id"], name="scan_of_client_once"),
        ]
        indexes = [
            models.Index(fields=["organization", "-id"], name="scan_newest_first"),
            models.Index(fields=["project", "-id"], name="scan_newest_of_project"),
        ]

    def __str__(self) -> str:
        return f"scan {self.pk}"

    @property
    def revision(self) -> str:
        """What the scanned code is filed under: the commit, or the scan itself where none was said."""
        return self.commit or f"scan-{self.pk}"

    @property
    def ref(self) -> str:
        """The branch or pull request that was scanned."""
        return f"pull/{self.pull_request_id}" if self.pull_request_id else self.branch


class UploadKind(models.TextChoices):
    """What was uploaded with a scan."""

    REPORT = "report", "Report"
    CONTEXT = "context", "Affected files"
    RULES = "rules", "Rules"


class UploadChunk(OwnedByOrganization):
    """A megabyte of an upload, compressed, kept until it has been ingested, so that a dead worker loses nothing."""

    scan = models.ForeignKey(Scan, models.CASCADE, related_name="chunks")
    kind = models.CharField(max_length=10, choices=UploadKind)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scan", "kind", "number"], name="upload_chunk_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class Triage(models.TextChoices):
    """A person's decision."""

    OPEN = "open", "Open"
    REVIEWING = "reviewing", "Reviewing"
    TO_FIX = "to_fix", "To fix"
    IGNORED = "ignored", "Ignored"


class IgnoreReason(models.TextChoices):
    """Why a person ignored a finding."""

    FALSE_POSITIVE = "false_positive", "False positive"
    ACCEPTABLE_RISK = "acceptable_risk", "Acceptable risk"
    NO_TIME = "no_time", "No time"
    DUPLICATE = "duplicate", "Duplicate"
    NO_REASON = "no_reason", "No reason"


class TriageSource(models.TextChoices):
    """Who decided; what a person decided is never overwritten by the others (a trigger in the database)."""

    NOBODY = "", "Nobody yet"
    SUPPRESSION = "suppression", "A suppression in the code or the report"
    PERSON = "person", "A person"


class Recommendation(models.TextChoices):
    """What the Assistant recommends: the word for a verdict in lists and filters."""

    NONE = "", "Not analysed"
    FIX = "fix", "Fix"
    IGNORE = "ignore", "Ignore"
    UNSURE = "unsure", "Unsure"


class NotAnalysed(models.TextChoices):
    """Why the Assistant has no verdict; the page always answers this."""

    NO = "", "Analysed"
    WAITING = "waiting", "Waiting for its turn"
    SEVERITY = "severity", "Full scans analyse new findings of high and critical severity only"
    CAP = "cap", "The scan had more new findings than are analysed for one pull request"
    NOT_NEW = "not_new", "It was there before; only new findings are analysed without being asked"
    NOT_SECURITY = "not_security", "The rule is not about security"
    PRODUCT = "product", "The Assistant analyses Code; this is another product"
    IGNORED = "ignored", "It is ignored"
    SWITCHED_OFF = "switched_off", "Auto-triage is switched off"
    UNAVAILABLE = "unavailable", "The AI provider gave no usable answer"
    BUDGET = "budget", "Stopped by budget: the month's money for AI providers is used up"
    FIXED = "fixed", "It was fixed before its turn came"


class Confidence(models.TextChoices):
    """How sure the Assistant is."""

    NONE = "", "-"
    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"


class Finding(OwnedByOrganization):
    """One reported match, with identity across scans (SARIF `result`).

    What lists and filters need of verdicts and fixes are plain columns here, written through findings.services;
    triage and remediation keep the history.
    """

    # These keys have neither an index of their own (they are found by the indexes below, and without one on `last_scan`
    # an unchanged finding is updated in place) nor Django's constraint beside the one of the fence, which holds the
    # organization as well: each would be checked for each row of an import.
    project = models.ForeignKey(Project, models.CASCADE, related_name="findings", db_index=False, db_constraint=False)
    rule = models.ForeignKey(Rule, models.PROTECT, related_name="findings", db_index=False, db_constraint=False)
    fingerprint = models.BinaryField(max_length=16)
    code_key = models.BinaryField(max_length=16)  # less than the fingerprint: finds it again when the rest has changed
    moved_key = models.BinaryField(max_length=16, null=True)  # rule and code alone: finds it again in a renamed file
    has_code = models.BooleanField(default=True)  # whether the keys were made from code, or from what stands for it
    product = models.CharField(max_length=12, choices=Product, default=Product.CODE)

    # Where it was last seen.
    path = models.CharField(max_length=1024)
    start_line = models.PositiveIntegerField()
    start_column = models.PositiveIntegerField(default=1)
    end_line = models.PositiveIntegerField()
    end_column = models.PositiveIntegerField(default=1)
    revision = models.CharField(max_length=80)
    message = models.TextField()
    severity = models.SmallIntegerField(choices=Severity)
    matched_lines = models.TextField(blank=True)
    rule_fix = models.TextField(blank=True)
    trace = models.JSONField(default=list)
    details = models.JSONField(default=dict)  # what the report says beside: references, likelihood, impact
    scanner_fingerprint = models.CharField(max_length=300, blank=True)
    first_scan = models.ForeignKey(Scan, models.PROTECT, related_name="+", db_constraint=False)
    last_scan = models.ForeignKey(Scan, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    # The scanner's: derived from Presence with every scan.
    is_present = models.BooleanField(default=True)
    is_production = models.BooleanField(default=False)  # present on the primary branch
    is_removed = models.BooleanField(default=False)  # gone with its file or its rule, rather than fixed

    # People's.
    triage = models.CharField(max_length=10, choices=Triage, default=Triage.OPEN)
    triage_source = models.CharField(max_length=12, choices=TriageSource, default=TriageSource.NOBODY, blank=True)
    triage_change = models.PositiveIntegerField(default=0)  # raised by every decision of a person
    ignore_reason = models.CharField(max_length=20, choices=IgnoreReason, blank=True)
    triage_comment = models.TextField(blank=True, max_length=3000)
    triaged_by = models.CharField(max_length=200, blank=True)
    triaged_at = models.DateTimeField(null=True, blank=True)
    triage_expires_at = models.DateTimeField(null=True, blank=True)  # until when the person accepts the risk

    # The Assistant's.
    recommendation = models.CharField(max_length=10, choices=Recommendation, default=Recommendation.NONE, blank=True)
    verdict_confidence = models.CharField(max_length=10, choices=Confidence, default=Confidence.NONE, blank=True)
    not_analysed = models.CharField(max_length=20, choices=NotAnalysed, default=NotAnalysed.WAITING, blank=True)
    not_analysed_detail = models.CharField(max_length=300, blank=True)
    component_tag = models.CharField(max_length=30, blank=True)
    component_risk = models.CharField(max_length=10, blank=True)
    has_verified_fix = models.BooleanField(default=False)
    fix_confidence = models.CharField(max_length=10, choices=Confidence, default=Confidence.NONE, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "fingerprint"], name="finding_identity"),
            models.UniqueConstraint(fields=["organization", "id"], name="finding_of_organization"),
            models.CheckConstraint(
                condition=Q(triage="ignored") | Q(ignore_reason=""), name="finding_reason_only_when_ignored"
            ),
            models.CheckConstraint(
                condition=Q(triage="open") | ~Q(triage_source=""), name="finding_triage_has_a_source"
            ),
            models.CheckConstraint(
                condition=Q(triage_expires_at=None) | Q(ignore_reason="acceptable_risk", triage_source="person"),
                name="finding_expires_only_as_accepted_risk",
            ),
            models.CheckConstraint(condition=Q(end_line__gte=F("start_line")), name="finding_lines_in_order"),
        ]
        indexes = [
            # The list: open findings of an organization, worst first, newest first among equals.
            models.Index(
                fields=["organization", "-severity", "-id"],
                condition=Q(triage__in=["open", "reviewing", "to_fix"], is_present=True),
                name="finding_open_worst_first",
            ),
            models.Index(fields=["organization", "-severity", "-id"], name="finding_worst_first"),
            # What the list is filtered by, where a value may be rare.
            models.Index(
                fields=["organization", "recommendation", "-severity", "-id"],
                condition=Q(triage__in=["open", "reviewing", "to_fix"], is_present=True),
                name="finding_open_recommended",
            ),
            models.Index(
                fields=["organization", "component_tag", "-severity", "-id"],
                condition=Q(triage__in=["open", "reviewing", "to_fix"], is_present=True),
                name="finding_open_tagged",
            ),
            models.Index(
                fields=["organization", "-severity", "-id"],
                condition=Q(triage__in=["open", "reviewing", "to_fix"], is_present=True, has_verified_fix=True),
                name="finding_open_with_fix",
            ),
            models.Index(fields=["organization", "project", "-severity", "-id"], name="finding_in_project"),
            models.Index(fields=["organization", "rule", "-severity", "-id"], name="finding_of_rule"),
            models.Index(
                fields=["organization", "triage_expires_at"],
                condition=Q(triage_expires_at__isnull=False),
                name="finding_accepted_until",
            ),
            # The production backlog by project and rule, with what ranks a finding: read without the rows themselves.
            models.Index(
                fields=["organization", "project", "rule"],
                include=[
                    "id",
                    "severity",
                    "product",
                    "recommendation",
                    "verdict_confidence",
                    "component_risk",
                    "has_verified_fix",
                    "created_at",
                ],
                condition=Q(triage__in=["open", "reviewing", "to_fix"], is_present=True, is_production=True),
                name="finding_production_backlog",
            ),
            # What a day brought.
            models.Index(fields=["organization", "created_at"], include=["severity", "project"], name="finding_opened"),
            models.Index(
                fields=["organization", "triaged_at"],
                condition=Q(triage="ignored", triaged_at__isnull=False),
                name="finding_ignored_at",
            ),
            # The file of a component tag.
            models.Index(fields=["organization", "project", "path"], name="finding_in_file"),
        ]

    def __str__(self) -> str:
        return f"{self.path}:{self.start_line}"

    @property
    def status(self) -> str:
        """Triage and presence as the one word shown on pages."""
        if not self.is_present:
            return "Removed" if self.is_removed else "Fixed"
        return self.get_triage_display()

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to deal with it."""
        return self.is_present and self.triage != Triage.IGNORED


class PresenceState(models.TextChoices):
    """What the scanner last said of a finding on a branch."""

    PRESENT = "present", "Present"
    FIXED = "fixed", "Fixed"
    REMOVED = "removed", "Removed"


class Presence(OwnedByOrganization):
    """Where a finding is: one row per branch or pull request (`ref`)."""

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="presences", db_index=False, db_constraint=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    ref = models.CharField(max_length=255, blank=True)
    is_pull_request = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=PresenceState, default=PresenceState.PRESENT)
    first_scan = models.ForeignKey(Scan, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    last_scan = models.ForeignKey(Scan, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    path = models.CharField(max_length=1024)
    start_line = models.PositiveIntegerField()
    changed_at = models.DateTimeField()
    held_back = models.BooleanField(default=False)

    class Meta:
        constraints = [
            # A branch may be called like the ref of a pull request.
            models.UniqueConstraint(fields=["finding", "ref", "is_pull_request"], name="presence_once_per_ref")
        ]
        indexes = [
            models.Index(fields=["organization", "project", "ref", "state"], name="presence_on_ref"),
            models.Index(fields=["organization", "finding"], condition=Q(held_back=True), name="presence_held_back"),
            # How long it took to fix what was fixed in some time.
            models.Index(
                fields=["organization", "changed_at"],
                include=["finding"],
                condition=Q(state="fixed"),
                name="presence_fixed_by_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} on {self.ref}"


class AnalysisState(models.TextChoices):
    """How the analysis of one finding of a scan ended."""

    WAITING = "waiting", "Waiting"
    JUDGED = "judged", "Judged"
    UNAVAILABLE = "unavailable", "Unavailable"
    SKIPPED = "skipped", "Skipped"


class Analysis(OwnedByOrganization):
    """A finding whose analysis a scan waits for, and how that ended; when none waits, the scan is settled."""

    scan = models.ForeignKey(Scan, models.CASCADE, related_name="analyses")
    finding = models.ForeignKey(Finding, models.CASCADE, related_name="analyses")
    state = models.CharField(max_length=12, choices=AnalysisState, default=AnalysisState.WAITING)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scan", "finding"], name="analysis_once_per_scan")]
        indexes = [models.Index(fields=["organization", "scan"], condition=Q(state="waiting"), name="analysis_waiting")]

    def __str__(self) -> str:
        return f"{self.state}"


class TriageImportState(models.TextChoices):
    """How far an import of earlier decisions has come."""

    PREVIEWED = "previewed", "Previewed"
    APPLIED = "applied", "Applied"
    UNDONE = "undone", "Undone"


class TriageImport(OwnedByOrganization):
    """Decisions made elsewhere, read from a file: looked at first, then applied, and taken back where that is wanted.

    `decisions` are those of the file, `changed` what an import replaced: both lists of objects (findings.decisions).
    """

    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="triage_imports")
    file_name = models.CharField(max_length=200)
    created_by = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=TriageImportState, default=TriageImportState.PREVIEWED)
    decisions = models.JSONField(default=list)
    left_out = models.PositiveIntegerField(default=0)  # entries of the file that are no decision, or say too little
    changed = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"import of {self.file_name}"


class Note(OwnedByOrganization):
    """Something a person wrote about a finding."""

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="notes")
    author = models.CharField(max_length=200)
    text = models.TextField(max_length=3000)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.text[:60]


class BulkTriage(OwnedByOrganization):
    """A decision about many findings at once, with what they were before, so that it can be taken back."""

    triage = models.CharField(max_length=10, choices=Triage)
    ignore_reason = models.CharField(max_length=20, choices=IgnoreReason, blank=True)
    comment = models.TextField(blank=True, max_length=3000)
    count = models.PositiveIntegerField()
    made_by = models.CharField(max_length=200)
    made_at = models.DateTimeField()
    undone_by = models.CharField(max_length=200, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_count = models.PositiveIntegerField(null=True, blank=True)
    # The events that tell of it in the activity of each finding; events have no keys to them.
    event_number = models.BigIntegerField(null=True, blank=True)
    undo_event_number = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "id"], name="bulk_triage_of_organization")]

    def __str__(self) -> str:
        return f"{self.count} findings: {self.triage}"


class BulkTriageChange(OwnedByOrganization):
    """One finding of a BulkTriage, as it was before; `change` is the number of the decision that it got."""

    bulk = models.ForeignKey(BulkTriage, models.CASCADE, related_name="changes", db_index=False)
    finding = models.ForeignKey(Finding, models.CASCADE, related_name="bulk_changes")
    change = models.PositiveIntegerField()
    triage = models.CharField(max_length=10, choices=Triage)
    ignore_reason = models.CharField(max_length=20, choices=IgnoreReason, blank=True)
    triage_comment = models.TextField(blank=True, max_length=3000)
    triage_source = models.CharField(max_length=12, choices=TriageSource, blank=True)
    triaged_by = models.CharField(max_length=200, blank=True)
    triaged_at = models.DateTimeField(null=True, blank=True)
    triage_expires_at = models.DateTimeField(null=True, blank=True)
    was_waiting = models.BooleanField(default=False)  # for its analysis, which ignoring ended

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bulk", "finding"], name="bulk_triage_once_per_finding")]

    def __str__(self) -> str:
        return f"{self.finding_id} was {self.triage}"


class DayCount(OwnedByOrganization):
    """How the production backlog stood when a day ended, and what the day brought; without a project, of them all.

    `is_derived` marks days before anybody counted: made from what findings say of themselves now, so that what was
    fixed and came back since is taken to have been open all the time.
    """

    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")
    day = models.DateField()  # of the organization's time zone
    severity = models.SmallIntegerField(choices=Severity)
    open = models.PositiveIntegerField(default=0)
    opened = models.PositiveIntegerField(default=0)
    fixed = models.PositiveIntegerField(default=0)
    ignored = models.PositiveIntegerField(default=0)
    is_derived = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "project", "day", "severity"], nulls_distinct=False, name="day_count_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.open} open on {self.day}"
