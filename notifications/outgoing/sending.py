"""One attempt to hand a message to an endpoint: what was asked, what came back, and what that means."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from lib.http.client import skim
from lib.http.policy import OutboundError
from notifications.outgoing import signing

SECONDS = 10.0
MOST_KEPT_BYTES = 2048
GONE = 410
USER_AGENT = "Assistant-Webhooks/1"


@dataclass(frozen=True)
class Attempt:
    """How one attempt went. `status` is 0 where no answer came, and `error` says why; `answer` is its beginning."""

    at: str
    status: int
    ms: int
    error: str = ""
    answer: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the endpoint took it."""
        return 200 <= self.status < 300  # noqa: PLR2004

    @property
    def is_gone(self) -> bool:
        """Whether the endpoint asks for nothing more, for good."""
        return self.status == GONE

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept with its message."""
        return asdict(self)


def encoded(body: Mapping[str, Any]) -> bytes:
    """Return a message's bytes: the same ones each time, as they are what is signed."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def attempt(*, url: str, message_id: str, body: Mapping[str, Any], secrets: signing.Secrets) -> Attempt:
    """Send a message and return how it went; takes up to ten seconds, and must not run in a transaction."""
    now = timezone.now()
    content = encoded(body)
    proof = signing.headers(message_id=message_id, at=now, body=content, signed_by=secrets.in_force(now))
    began = time.monotonic()
    try:
        answer = skim(
            url,
            method="POST",
            headers={"content-type": "application/json", "user-agent": USER_AGENT, **proof},
            body=content,
            timeout_seconds=SECONDS,
            kept_bytes=MOST_KEPT_BYTES,
        )
    except OutboundError as failure:
        return Attempt(_time(now), 0, _since(began), error=str(failure)[:300])
    error = ""
    if 300 <= answer.status < 400:  # noqa: PLR2004
        error = "The endpoint sends us on to another address. Give the one where it answers itself."
    text = answer.body.decode(errors="replace").replace("\0", "�")
    return Attempt(_time(now), answer.status, _since(began), error=error, answer=text)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
