"""Settings read from the environment, each with its type, so that a wrong value fails at start and says so."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off", ""}


class SettingError(Exception):
    """A setting in the environment cannot be used; the text names it and says what would be accepted."""


def env_str(name: str, default: str = "") -> str:
    """Return a text setting; one that is set to nothing is as good as not set."""
    return os.environ.get(name, "").strip() or default


def env_list(name: str, default: str = "") -> list[str]:
    """Return a comma-separated setting as a list without empty entries."""
    return [entry.strip() for entry in env_str(name, default).split(",") if entry.strip()]


def env_bool(name: str, *, default: bool = False) -> bool:
    """Return a yes-or-no setting."""
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE_WORDS:
        return True
    if value.strip().lower() in FALSE_WORDS:
        return False
    raise SettingError(f"{name} is {value!r}: use one of true, false, 1, 0, yes, no, on, off")


def env_int(name: str, default: int) -> int:
    """Return a whole-number setting."""
    value = env_str(name)
    if not value:
        return default
    try:
        return int(value)
    except ValueError as error:
        raise SettingError(f"{name} is {value!r}: use a whole number") from error


def env_secret(name: str, default: str = "") -> str:
    """Return a secret from NAME, or from the file that NAME_FILE points to (Docker and Kubernetes secrets)."""
    path = env_str(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"{name}_FILE points to {path}, which cannot be read: {error.strerror}") from error
    return env_str(name, default)


def database_parts(url: str) -> dict[str, str]:
    """Split a `postgresql://user:password@host:port/name` address into Django's keys.

    A host that is a folder (a socket) is written percent-encoded, as libpq reads it.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise SettingError("DATABASE_URL must start with postgresql:// (PostgreSQL 15 or newer is the only database)")
    return {
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
    }
