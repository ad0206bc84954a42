"""Secrets of endpoints and what they sign, as Standard Webhooks describes it, so that its libraries can verify.

The signed text is `id.timestamp.body`; the header holds one `v1,<base64 HMAC-SHA256>` for each secret in force.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tenancy.sealing import open_secrets, seal_secrets

PREFIX = "whsec_"
SECRET_BYTES = 32
OVERLAP = timedelta(hours=24)


@dataclass(frozen=True)
class Secrets:
    """The secret in force, and the one before with the time until which it signs as well."""

    current: str
    old: str = ""
    old_until: datetime | None = None

    @classmethod
    def opened(cls, sealed: str) -> Secrets:
        """Return what was sealed, or raise CannotDecrypt. Needs the organization in scope."""
        content: dict[str, Any] = open_secrets(sealed)
        until = content.get("old_until") or ""
        return cls(content["current"], content.get("old", ""), datetime.fromisoformat(until) if until else None)

    def sealed(self) -> str:
        """Return it as it lies in the database."""
        until = self.old_until.isoformat() if self.old_until else ""
        return seal_secrets({"current": self.current, "old": self.old, "old_until": until})

    def in_force(self, now: datetime) -> list[str]:
        """Return the secrets that sign now, the newest first."""
        overlaps = bool(self.old) and self.old_until is not None and now < self.old_until
        return [self.current, self.old] if overlaps else [self.current]

    def rotated(self, now: datetime) -> Secrets:
        """Return a new secret, with this one beside it for the overlap."""
        return Secrets(new_secret(), self.current, now + OVERLAP)


def new_secret() -> str:
    """Return a secret of 256 bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(*, message_id: str, at: datetime, body: bytes, signed_by: list[str]) -> Mapping[str, str]:
    """Return the three headers that prove a message."""
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in signed_by),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
