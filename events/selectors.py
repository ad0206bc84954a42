"""Reading the activity of a finding and the audit log."""

from __future__ import annotations

from django.db.models import QuerySet

from events.models import Event, Job, JobState


def about(finding_id: int) -> QuerySet[Event]:
    """Return what happened to a finding, newest first."""
    return Event.objects.filter(finding_id=finding_id).order_by("-id")


def unfinished_jobs() -> QuerySet[Job]:
    """Return the work that is owed and not done."""
    return Job.objects.exclude(state__in=[JobState.DONE, JobState.FAILED])
