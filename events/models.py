"""What happened (Event) and what is to be done (Job). PostgreSQL is the truth; the broker only carries ids."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from events.kinds import ActorKind, Kind
from tenancy.models import OwnedByOrganization


class Event(OwnedByOrganization):
    """One thing that happened: a line of a finding's activity, and of the organization's audit log.

    `subject` holds the few ids and short words beside the plain columns, never code or secrets. Actor and finding are
    plain numbers, so that the log outlives what it tells of. PostgreSQL lets the application add rows and read them,
    and neither change nor remove one.
    """

    kind = models.CharField(max_length=40, choices=Kind)
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor_name = models.CharField(max_length=200)
    actor_user_id = models.BigIntegerField(null=True, blank=True)
    finding_id = models.BigIntegerField(null=True, blank=True)
    is_audit = models.BooleanField(db_default=False)  # not machine work: kinds.MACHINE_WORK
    subject = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "finding_id", "-id"], name="event_about_finding"),
            models.Index(fields=["organization", "-id"], condition=Q(is_audit=True), name="event_audit_trail"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor_name}"


class Queue(models.TextChoices):
    """Where a Job is carried, by how soon somebody looks for the result."""

    INTERACTIVE = "interactive", "Interactive"
    PULL_REQUEST = "pull_request", "Pull request"
    BACKLOG = "backlog", "Backlog"
    DELIVER = "deliver", "Deliver"


class JobState(models.TextChoices):
    """Where a Job stands."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent to a worker"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class Job(OwnedByOrganization):
    """Work owed: which task, on which ids, when, and who holds it until when."""

    task = models.CharField(max_length=120)
    arguments = models.JSONField(default=dict)
    queue = models.CharField(max_length=20, choices=Queue)
    priority = models.SmallIntegerField(default=5)  # smaller is sooner
    state = models.CharField(max_length=10, choices=JobState, default=JobState.WAITING)
    run_after = models.DateTimeField()
    attempt = models.SmallIntegerField(default=0)
    max_attempts = models.SmallIntegerField(default=5)
    sent_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    unique_key = models.CharField(max_length=200)
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # One waiting Job a piece of work; another may wait while one runs, so that a change in between is not lost.
            models.UniqueConstraint(
                fields=["organization", "unique_key"],
                condition=Q(state__in=["waiting", "sent"]),
                name="job_waits_once",
            ),
            # ... and that other one waits until the first has ended: the same work is never done twice at a time.
            models.UniqueConstraint(
                fields=["organization", "unique_key"], condition=Q(state="running"), name="job_runs_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_token__isnull=False, lease_until__isnull=False),
                name="job_running_has_a_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "queue", "priority", "run_after", "id"],
                condition=Q(state="waiting"),
                name="job_due",
            ),
            models.Index(
                fields=["organization", "queue"], condition=Q(state__in=["sent", "running"]), name="job_in_flight"
            ),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="job_lease"),
            models.Index(fields=["sent_at"], condition=Q(state="sent"), name="job_sent"),
            models.Index(fields=["finished_at"], condition=Q(state__in=["done", "failed"]), name="job_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.task} ({self.state})"
