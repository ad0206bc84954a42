"""Thumbs up and down for guidance and fixes: one of each person, which can be taken back."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from events.kinds import Actor, Kind
from events.services import record
from findings.models import Finding
from remediation.models import AdviceFeedback, Autofix, Guidance


def rate(*, advice: Guidance | Autofix, is_helpful: bool, reason: str, actor: Actor) -> AdviceFeedback:
    """Keep whether guidance or a fix helped somebody; what they said of it before is replaced."""
    with transaction.atomic():
        # Whoever rates a second time at once waits here, so that each has one rating.
        finding = Finding.objects.select_for_update(no_key=True).get(pk=advice.finding_id)
        rating, _ = AdviceFeedback.objects.update_or_create(
            **_whose(advice, actor),
            defaults={"finding": finding, "by": actor.name[:200], "is_helpful": is_helpful, "reason": reason},
        )
        _tell(rating, advice, actor)
    return rating


def take_back_rating(*, advice: Guidance | Autofix, actor: Actor) -> bool:
    """Forget what somebody said of guidance or a fix. Returns whether there was anything."""
    with transaction.atomic():
        Finding.objects.select_for_update(no_key=True).get(pk=advice.finding_id)
        rating = AdviceFeedback.objects.filter(**_whose(advice, actor)).first()
        if rating is None:
            return False
        _tell(rating, advice, actor, is_undo=True)
        rating.delete()
    return True


def _whose(advice: Guidance | Autofix, actor: Actor) -> dict[str, Any]:
    about = "guidance" if isinstance(advice, Guidance) else "autofix"
    # Members are told apart by who they are, as two may have one name; tokens and accounts by their names.
    if actor.user_id is not None:
        return {about: advice, "user_id": actor.user_id}
    return {about: advice, "user_id": None, "by": actor.name[:200]}


def _tell(rating: AdviceFeedback, advice: Guidance | Autofix, actor: Actor, *, is_undo: bool = False) -> None:
    record(
        Kind.ADVICE_RATED,
        actor=actor,
        finding_id=advice.finding_id,
        about="guidance" if isinstance(advice, Guidance) else "fix",
        is_helpful=rating.is_helpful,
        advice_feedback_id=rating.pk,
        **({"is_undo": True} if is_undo else {}),
    )
