"""What a load balancer and an orchestrator ask: does the process answer, and is all there that it needs?"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from redis import Redis
from redis.exceptions import RedisError

ANSWER_WITHIN_SECONDS = 2


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Tell that the process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Tell whether database and broker can be reached; 503 and which one where not."""
    parts = {"database": _reaches(_ask_database), "broker": _reaches(_ask_broker)}
    is_ready = all(parts.values())
    return JsonResponse(
        {
            "status": "ok" if is_ready else "unavailable",
            **{part: "ok" if answers else "unreachable" for part, answers in parts.items()},
        },
        status=200 if is_ready else 503,
    )


def _reaches(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except (Error, RedisError):
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_broker() -> None:
    with Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=ANSWER_WITHIN_SECONDS, socket_timeout=ANSWER_WITHIN_SECONDS
    ) as broker:
        broker.ping()
