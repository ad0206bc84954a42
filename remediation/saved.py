"""What the Assistant's work came to: calls that people agreed with, fixes that were merged, and the time that took off.

The time is a rule of thumb, and says so: minutes of reading for each false-positive call that a person agreed with and
that still stands, minutes of writing for each fix that was merged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

import orgs.selectors
from findings.models import Triage
from orgs.models import Viewer
from remediation.models import FixPullRequest, FixPullRequestState
from triage import answers
from triage.models import Feedback

MINUTES_PER_FALSE_POSITIVE = 10
MINUTES_PER_FIX = 30


@dataclass(frozen=True)
class Saved:
    """What came of the Assistant's work in a time."""

    agreed: int
    said: int
    false_positives: int
    fixes: int

    @property
    def percent(self) -> int | None:
        """The agree rate; None while nobody said anything."""
        return round(100 * self.agreed / self.said) if self.said else None

    @property
    def minutes(self) -> int:
        """The time saved."""
        return self.false_positives * MINUTES_PER_FALSE_POSITIVE + self.fixes * MINUTES_PER_FIX

    @property
    def hours(self) -> float:
        """The same in hours."""
        return self.minutes / 60


def saved_since(moment: datetime, *, viewer: Viewer) -> Saved:
    """Return what came of the Assistant's work since a moment, in the projects that somebody sees."""
    said = Feedback.objects.filter(created_at__gte=moment)
    merged = FixPullRequest.objects.filter(state=FixPullRequestState.MERGED, changed_at__gte=moment)
    if (ids := orgs.selectors.visible_project_ids(viewer)) is not None:
        said, merged = said.filter(finding__project__in=ids), merged.filter(finding__project__in=ids)
    stands = Q(agrees=True, verdict__value=answers.Verdict.FALSE_POSITIVE, finding__triage=Triage.IGNORED)
    counted = said.aggregate(
        said=Count("pk"),
        agreed=Count("pk", filter=Q(agrees=True)),
        false_positives=Count("finding", filter=stands, distinct=True),
    )
    return Saved(**counted, fixes=merged.values("finding").distinct().count())
