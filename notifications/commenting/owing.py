"""Which pull requests a change of findings concerns: the open ones where they are, once their scan is done."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone

from events.kinds import Kind
from events.models import Event
from findings.models import BulkTriageChange, Presence, Scan, ScanState
from scm.models import PullRequest, PullRequestState

LOOKED_BACK = timedelta(days=2)  # a day and what a day's Job may be late


def pull_requests_of_findings(finding_ids: Collection[int] | QuerySet[Any, Any]) -> list[int]:
    """Return the ids of the open pull requests where any of these findings is or was.

    One whose scan is still being analysed is left out: when that is done, it is told of everything at once.
    """
    there = Presence.objects.filter(finding__in=finding_ids, is_pull_request=True, project=OuterRef("project"))
    newer = Scan.objects.filter(
        project=OuterRef("project"),
        pull_request_id=OuterRef("number"),
        state__in=[ScanState.RECEIVED, ScanState.INGESTED],
    )
    concerned = PullRequest.objects.filter(
        Exists(there.filter(ref=Concat(Value("pull/"), OuterRef("number")))), ~Exists(newer)
    )
    open_ones = concerned.filter(state=PullRequestState.OPEN)
    return list(open_ones.order_by("pk").values_list("pk", flat=True))


def pull_requests_of_bulk(bulk_id: int) -> list[int]:
    """Return the same for the findings that were decided about together."""
    return pull_requests_of_findings(BulkTriageChange.objects.filter(bulk=bulk_id).values("finding"))


def pull_requests_of_reopened() -> list[int]:
    """Return the same for the findings whose accepted risk ended lately."""
    since = timezone.now() - LOOKED_BACK
    ended = Event.objects.filter(kind=Kind.TRIAGE_EXPIRED, created_at__gt=since, finding_id__isnull=False)
    return pull_requests_of_findings(ended.annotate(pk_of_finding=F("finding_id")).values("pk_of_finding"))
