"""Whose turn it is at a provider: pauses it asked for, how long it has been away, fair shares of the platform's key.

Kept in Redis, since nothing is lost with it: the provider says again that it is too much.
"""

from __future__ import annotations

import hashlib
import logging
import random
import time
from dataclasses import astuple, dataclass, replace

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from events.models import Queue
from events.services import lease_in_hand
from lib.failures import TemporaryFailure
from providers.selectors import Choice
from tenancy.scope import current_organization_id

logger = logging.getLogger(__name__)

# Where a provider says "too much" without saying until when.
USUAL_PAUSE_SECONDS = 30.0
# Whoever waited comes back spread over this part of the pause, or all would be too much again.
SPREAD = 0.25
# Trouble that nobody met again for so long is over.
TROUBLE_REMEMBERED_SECONDS = 1800
# Requests are counted in stretches of a minute, so that a minute's share is not spent in its first second.
STRETCH_SECONDS = 10
STRETCHES_A_MINUTE = 60 // STRETCH_SECONDS
# Of the shared key's turns, backlogs leave this part to what somebody waits for.
LEFT_TO_THE_URGENT = 0.2
URGENT = {Queue.INTERACTIVE, Queue.PULL_REQUEST}


@dataclass(frozen=True)
class Turn:
    """Leave to ask now; `is_after_trouble` where the provider was away or asked to wait before."""

    is_after_trouble: bool


def wait_for_turn(choice: Choice) -> Turn:
    """Return leave to ask now, or put the Job off: the provider asked everybody to wait, or others are to be served."""
    until, away_since = _pause_of(choice)
    if until > time.time():
        raise TemporaryFailure(
            "waiting as the provider asked", retry_after_seconds=spread(until - time.time()), spends_attempt=False
        )
    if _is_the_platforms(choice):
        _take_turn_at_the_shared_key()
    return Turn(is_after_trouble=bool(away_since))


def spread(seconds: float | None) -> float | None:
    """Return a wait somewhat longer than said, so that not all come back at once."""
    return None if seconds is None else seconds * (1 + SPREAD * random.random())  # noqa: S311  (no secret)


def note_trouble(choice: Choice, *, pause_seconds: float | None) -> None:
    """Remember since when a provider gives no answer, and until when it asked everybody to wait."""
    try:
        remembered = TROUBLE_REMEMBERED_SECONDS + int(pause_seconds or 0)
        if not cache.add(_key("away", choice), time.time(), timeout=remembered):
            cache.touch(_key("away", choice), remembered)
        if pause_seconds:
            cache.set(_key("pause", choice), time.time() + pause_seconds, timeout=int(pause_seconds) + 1)
    except RedisError:
        logger.warning("the pause that the provider asked for could not be shared with other workers")


def note_answer(choice: Choice) -> None:
    """Forget the trouble: the provider answers again."""
    try:
        cache.delete(_key("away", choice))
    except RedisError:
        logger.warning("other workers could not be told that the provider answers again")


def minutes_away(choice: Choice) -> int | None:
    """Return for how long a provider has given no answer, None while that may still pass by itself."""
    _, since = _pause_of(choice)
    seconds = time.time() - since
    return int(seconds / 60) if since and seconds > settings.MODEL_PATIENCE_SECONDS else None


def _pause_of(choice: Choice) -> tuple[float, float]:
    pause, away = _key("pause", choice), _key("away", choice)
    try:
        kept = cache.get_many([pause, away])
    except RedisError:
        return 0.0, 0.0  # the broker is down; the provider will say itself that it is too much
    return float(kept.get(pause, 0.0)), float(kept.get(away, 0.0))


def _is_the_platforms(choice: Choice) -> bool:
    return bool(settings.OPENAI_API_KEY) and choice.credentials.key == settings.OPENAI_API_KEY


def _take_turn_at_the_shared_key() -> None:
    lease = lease_in_hand()
    share = 1.0 if lease is None or lease.queue in URGENT else 1 - LEFT_TO_THE_URGENT
    own, everybody = settings.MODEL_REQUESTS_PER_MINUTE_PER_ORGANIZATION, settings.MODEL_REQUESTS_PER_MINUTE
    if everybody:
        _count("all", everybody, share=share, why="the platform's key has been asked as often as it may be")
    if own:
        whose = f"of:{current_organization_id()}"
        _count(whose, own, share=1.0, why="the organization's share of the platform's key is used up")


def _count(whose: str, a_minute: int, *, share: float, why: str) -> None:
    """Count a turn, or put the Job off until the next ones are dealt out."""
    # Few turns a minute cannot be dealt out in stretches.
    length = STRETCH_SECONDS if a_minute >= STRETCHES_A_MINUTE else 60
    number, gone = divmod(time.time(), length)
    key = f"turns:{whose}:{int(number)}"
    try:
        cache.add(key, 0, timeout=2 * length)
        if cache.incr(key) <= max(1, int(a_minute * length / 60 * share)):
            return
        cache.decr(key)  # whoever is refused takes nothing from the more urgent
    except (RedisError, ValueError):  # ValueError: it has just expired
        return
    raise TemporaryFailure(why, retry_after_seconds=spread(length - gone + 0.1), spends_attempt=False)


def _key(what: str, choice: Choice) -> str:
    # All of them: two organizations may ask the same model without a key, by roles of their own or by headers.
    credentials = replace(choice.credentials, timeout_seconds=0)
    identity = "\0".join(map(repr, (choice.adapter, *astuple(credentials))))
    return f"provider-{what}:" + hashlib.sha256(identity.encode()).hexdigest()[:32]
