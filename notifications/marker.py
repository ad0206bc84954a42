"""The hidden sign in a comment of ours, by which it is found again after a crash between posting and writing it down.

It names the comment's key and is signed for one pull request of one organization. Whoever copies it into another pull
request, or writes one, has a sign that does not hold; whether the comment is by us, the host says (`is_ours`).
"""

from __future__ import annotations

import hmac
import re

from django.conf import settings
from django.utils.crypto import salted_hmac

_MARKER = re.compile(r"<!-- assistant: ([a-z0-9-]{1,80}) ([0-9a-f]{40}) -->")
_SALT = "notifications.marker"


def marker_for(key: str, *, organization_id: int, pull_request_id: int) -> str:
    """Return the sign of a comment, to be put at its end. `key` is small letters, digits and dashes."""
    marker = f"<!-- assistant: {key} {_signature(key, organization_id, pull_request_id, settings.SECRET_KEY)} -->"
    if not _MARKER.fullmatch(marker):
        raise ValueError(f"{key!r} is no key of a comment")
    return marker


def read_marker(body: str, *, organization_id: int, pull_request_id: int) -> str | None:
    """Return the key of the last sign in a comment that holds for this pull request, None where none does.

    What else was written into the comment, or taken out of it, does not matter.
    """
    for found in reversed(list(_MARKER.finditer(body))):
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
            expected = _signature(found[1], organization_id, pull_request_id, secret)
            if hmac.compare_digest(expected, found[2]):
                return found[1]
    return None


def ends_with_sign(body: str) -> bool:
    """Tell whether a comment ends as those of ours do; whether the sign holds does not matter."""
    lines = body.strip().splitlines()
    return bool(lines) and _MARKER.fullmatch(lines[-1].strip()) is not None


def _signature(key: str, organization_id: int, pull_request_id: int, secret: str | bytes) -> str:
    signed = f"{organization_id}:{pull_request_id}:{key}"
    return salted_hmac(_SALT, signed, secret=secret, algorithm="sha256").hexdigest()[:40]
