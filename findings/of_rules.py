"""How many findings rules have: open ones, by status, fixed of all, and what a mode would have done to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from redis.exceptions import RedisError

from findings.models import Finding, Presence, Triage
from rules.models import RuleOverride
from tenancy.scope import current_organization_id

COUNTS_LIVE_SECONDS = 30
DAYS_LOOKED_BACK = 30

_OPEN = Q(is_present=True) & ~Q(triage=Triage.IGNORED)
_FIXED = Q(is_present=False, is_removed=False) & ~Q(triage=Triage.IGNORED)
_IGNORED = Q(is_present=True, triage=Triage.IGNORED)
_REMOVED = Q(is_present=False, is_removed=True)


@dataclass(frozen=True)
class Numbers:
    """The findings of a rule by what has become of them."""

    open: int = 0
    fixed: int = 0
    ignored: int = 0
    removed: int = 0

    @property
    def judged(self) -> int:
        """Those that the fix rate is about: fixed or still open, so neither ignored nor gone with file or rule."""
        return self.open + self.fixed

    @property
    def fix_percent(self) -> int | None:
        """The fix rate in percent, None where there is nothing to fix."""
        return round(100 * self.fixed / self.judged) if self.judged else None


@dataclass(frozen=True)
class Consequence:
    """What a mode would have meant for some rules: open findings, and what pull requests would have heard of."""

    open: int
    on_pull_requests: int
    pull_requests: int


NO_FINDINGS = Numbers()


def numbers_of(rule_ids: Sequence[int], *, project_ids: Iterable[int] | None = None) -> dict[int, Numbers]:
    """Return the numbers of the rules that have findings. `project_ids` narrows it to some projects; None is all."""
    counted = (
        _of(rule_ids, project_ids)
        .values_list("rule_id")
        .annotate(
            open=Count("pk", filter=_OPEN),
            fixed=Count("pk", filter=_FIXED),
            ignored=Count("pk", filter=_IGNORED),
            removed=Count("pk", filter=_REMOVED),
        )
        .order_by()
    )
    return {rule_id: Numbers(*numbers) for rule_id, *numbers in counted}


def open_by_rule(*, project_ids: frozenset[int] | None = None) -> Mapping[int, int]:
    """Return how many findings are open, by the rule's id. At most 30 seconds old."""
    seen = "all" if project_ids is None else ",".join(map(str, sorted(project_ids)))
    key = f"findings:{current_organization_id()}:open-by-rule:{hashlib.sha256(seen.encode()).hexdigest()[:32]}"
    try:
        known: Mapping[int, int] | None = cache.get(key)
    except RedisError:
        known = None
    if known is None:
        found = Finding.objects.filter(_OPEN)
        if project_ids is not None:
            found = found.filter(project__in=project_ids)
        known = dict(found.values_list("rule_id").annotate(number=Count("pk")).order_by())
        try:
            cache.set(key, known, COUNTS_LIVE_SECONDS)
        except RedisError:
            return known
    return known


def consequence_of(rule_ids: Sequence[int]) -> Consequence:
    """Return what the organization's mode decides about for some rules, wherever no project has a mode of its own.

    Counts findings that nobody ignored, and those that came up on a pull request in the last 30 days.
    """
    own_mode = RuleOverride.objects.filter(rule=OuterRef("rule"), project=OuterRef("project"))
    decided = _of(rule_ids, None).exclude(triage=Triage.IGNORED).exclude(Exists(own_mode))
    since = timezone.now() - timedelta(days=DAYS_LOOKED_BACK)
    came_up = Presence.objects.filter(finding__in=decided.values("pk"), is_pull_request=True, changed_at__gte=since)
    refs = came_up.values("project", "ref").distinct().count()
    findings = came_up.values("finding").distinct().count()
    return Consequence(open=decided.filter(is_present=True).count(), on_pull_requests=findings, pull_requests=refs)


def _of(rule_ids: Sequence[int], project_ids: Iterable[int] | None) -> QuerySet[Finding]:
    found = Finding.objects.filter(rule__in=list(rule_ids))
    return found if project_ids is None else found.filter(project__in=list(project_ids))
