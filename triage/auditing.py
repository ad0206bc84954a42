"""The random audit: false-positive calls drawn for a person to check, since people agree with what they chose to see.

Nothing is drawn that somebody has given feedback on already, nor a finding that is gone.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import MD5, Cast, Concat
from django.utils import timezone

import orgs.selectors
import triage.services
from events.kinds import Actor, Kind
from events.services import record
from findings.models import Recommendation
from orgs.models import Viewer
from orgs.services import actor_of
from tenancy.models import Organization
from tenancy.scope import current_organization_id
from triage import answers
from triage.models import AuditSample, Feedback, Verdict

DRAWN_A_WEEK = 5


class AlreadyChecked(Exception):
    """Somebody else was first."""


def draw_samples() -> int:
    """Draw what is still missing of the week's sample; returns how many. Safe to run twice.

    Who is drawn is decided by the organization, the week and the verdict alone, so it can be done over and checked.
    """
    with transaction.atomic():
        organization = Organization.objects.select_for_update(no_key=True).get(pk=current_organization_id())
        begins = _monday(organization)
        missing = DRAWN_A_WEEK - AuditSample.objects.filter(drawn_at__gte=begins).count()
        if missing <= 0:
            return 0
        seed = f":{organization.pk}:{begins.date().isoformat()}"
        drawn = list(
            _candidates()
            .order_by(MD5(Concat(Cast("pk", CharField()), Value(seed), output_field=CharField())), "pk")
            .only("organization_id", "finding_id")[:missing]
        )
        AuditSample.objects.bulk_create(
            [AuditSample(verdict=verdict, finding_id=verdict.finding_id) for verdict in drawn]
        )
    return len(drawn)


def _monday(organization: Organization) -> datetime:
    zone = ZoneInfo(organization.time_zone)
    today = timezone.now().astimezone(zone).date()
    return datetime.combine(today - timedelta(days=today.weekday()), time(), zone)


def _candidates() -> QuerySet[Verdict]:
    """Return the false-positive calls that count, of findings still there, which nobody has looked at."""
    newer = Verdict.objects.filter(finding=OuterRef("finding"), pk__gt=OuterRef("pk"))
    called = Verdict.objects.filter(
        value=answers.Verdict.FALSE_POSITIVE,
        finding__is_present=True,
        finding__recommendation=Recommendation.IGNORE,
    )
    return called.exclude(
        Exists(newer)
        | Exists(Feedback.objects.filter(verdict=OuterRef("pk")))
        | Exists(AuditSample.objects.filter(verdict=OuterRef("pk")))
    )


def samples_visible_to(viewer: Viewer) -> QuerySet[AuditSample]:
    """Return the drawn verdicts that somebody may see, oldest first, with their findings, rules and projects."""
    ids = orgs.selectors.visible_project_ids(viewer)
    found = AuditSample.objects.select_related("verdict", "finding__rule", "finding__project", "finding__last_scan")
    return (found if ids is None else found.filter(finding__project__in=ids)).order_by("pk")


def waiting_for_check(viewer: Viewer) -> QuerySet[AuditSample]:
    """Return the drawn verdicts that wait for somebody, of findings that are still there."""
    return samples_visible_to(viewer).filter(is_right=None, finding__is_present=True)


def check(*, sample: AuditSample, is_right: bool, reason: str, user: User) -> None:
    """Keep what a person found of a drawn verdict.

    Where it was wrong, the person disagrees with it, which opens the finding if it was ignored so. Where it was right,
    nothing else changes: the sample measures, it does not triage. Raises AlreadyChecked.
    """
    actor = actor_of(user)
    with transaction.atomic():
        kept = AuditSample.objects.select_for_update(of=("self",)).select_related("verdict").get(pk=sample.pk)
        if kept.is_right is not None:
            raise AlreadyChecked
        if not is_right:
            triage.services.give_feedback(verdict=kept.verdict, user=user, agrees=False, reason=reason, of_audit=True)
        kept.is_right, kept.reason, kept.checked_by, kept.checked_at = (
            is_right,
            reason,
            actor.name[:200],
            timezone.now(),
        )
        kept.save(update_fields=["is_right", "reason", "checked_by", "checked_at"])
        _tell(kept, actor, is_right=is_right)


def take_back_check(*, sample: AuditSample, user: User) -> bool:
    """Put a verdict that a person checked back among those that wait, and take back that they disagreed with it.

    Returns whether there was anything of theirs to take back.
    """
    actor = actor_of(user)
    with transaction.atomic():
        kept = AuditSample.objects.select_for_update(of=("self",)).select_related("verdict").get(pk=sample.pk)
        if kept.is_right is None or kept.checked_by != actor.name[:200]:
            return False
        _tell(kept, actor, is_right=kept.is_right, is_undo=True)
        if Feedback.objects.filter(verdict=kept.verdict, user=user, of_audit=True).exists():
            triage.services.take_back_feedback(verdict=kept.verdict, user=user)
        kept.is_right, kept.reason, kept.checked_by, kept.checked_at = None, "", "", None
        kept.save(update_fields=["is_right", "reason", "checked_by", "checked_at"])
    return True


def _tell(sample: AuditSample, actor: Actor, *, is_right: bool, is_undo: bool = False) -> None:
    record(
        Kind.VERDICT_AUDITED,
        actor=actor,
        finding_id=sample.finding_id,
        verdict_id=sample.verdict_id,
        is_right=is_right,
        **({"is_undo": True} if is_undo else {}),
    )
