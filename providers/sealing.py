"""The secrets of a connection, as they lie in the database: sealed, and bound to their organization."""

from __future__ import annotations

from dataclasses import dataclass, field

from tenancy.sealing import open_secrets, seal_secrets


@dataclass(frozen=True)
class Secrets:
    """What nobody is shown again: a key (AWS: its id), AWS's secret key, and headers with their values."""

    key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return bool(self.key or self.secret_key or self.headers)


def seal(secrets: Secrets) -> str:
    """Return secrets sealed for the organization in scope; an empty text where there are none."""
    return seal_secrets({"key": secrets.key, "secret_key": secrets.secret_key, "headers": secrets.headers})


def open_sealed(sealed: str) -> Secrets:
    """Return the secrets of the organization in scope, or raise CannotDecrypt."""
    content = open_secrets(sealed)
    return Secrets(
        key=content.get("key", ""),
        secret_key=content.get("secret_key", ""),
        headers=tuple((name, value) for name, value in content.get("headers", ())),
    )
