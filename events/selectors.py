"""Reading the activity of a finding and the audit log."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.models import Q, QuerySet

from events.kinds import Kind
from events.models import Event, Job, JobState


def about(finding_id: int, *, besides: Collection[int] = ()) -> QuerySet[Event]:
    """Return what happened to a finding, newest first; `besides` are events about many, of which it is one."""
    own = Q(finding_id=finding_id)
    return Event.objects.filter(own | Q(pk__in=besides) if besides else own).order_by("-id")


def unfinished_jobs() -> QuerySet[Job]:
    """Return the work that is owed and not done."""
    return Job.objects.exclude(state__in=[JobState.DONE, JobState.FAILED])


def of_kind(kind: Kind) -> QuerySet[Event]:
    """Return what happened of one kind, newest first."""
    return Event.objects.filter(kind=kind).order_by("-id")


def by_ids(event_ids: Iterable[int]) -> dict[int, Event]:
    """Return the events of some ids, as far as they are still kept."""
    return Event.objects.in_bulk(set(event_ids))
