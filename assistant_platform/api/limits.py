"""How often a token may ask: so many requests a minute, counted in Redis for all processes."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled

from orgs.models import ApiToken

WINDOW_SECONDS = 60
# While Redis does not answer nobody is limited, and nobody waits for it with every request.
PAUSE_WITHOUT_REDIS_SECONDS = 30.0

logger = logging.getLogger(__name__)
_asks_again_at = 0.0


@dataclass(frozen=True)
class Allowance:
    """What a token may still ask in this window; `reset_seconds` until the next one."""

    limit: int
    used: int
    reset_seconds: int

    @property
    def remaining(self) -> int:
        """How many requests are left."""
        return max(self.limit - self.used, 0)

    @property
    def is_spent(self) -> bool:
        """Whether this request was one too many."""
        return self.used > self.limit

    def as_headers(self) -> dict[str, str]:
        """Return the headers that tell of it."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }


def count_request(token: ApiToken) -> Allowance | None:
    """Count a request of a token, and return what is left; None where nothing is limited or Redis is away."""
    global _asks_again_at  # noqa: PLW0603  (one clock a process: what it knows of Redis)
    limit = settings.API_REQUESTS_PER_MINUTE
    if not limit or time.monotonic() < _asks_again_at:
        return None
    now = int(time.time())
    key = f"api:requests:{token.digest[:32]}:{now // WINDOW_SECONDS}"
    try:
        cache.add(key, 0, WINDOW_SECONDS * 2)
        used = cache.incr(key)
    except (RedisError, ValueError):  # ValueError: added to the process's own memory, while Redis was away
        logger.warning("requests are not limited: Redis does not answer")
        _asks_again_at = time.monotonic() + PAUSE_WITHOUT_REDIS_SECONDS
        return None
    return Allowance(limit=limit, used=used, reset_seconds=WINDOW_SECONDS - now % WINDOW_SECONDS)


def refusal(allowance: Allowance) -> Throttled:
    """Return the exception for one request too many."""
    words = f"A token may ask {allowance.limit} times a minute; this one has. Try again"
    return Throttled(wait=allowance.reset_seconds, detail=words)
