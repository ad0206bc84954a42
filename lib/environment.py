"""Settings read from the environment, each with its type, so that a wrong value fails at start and says so."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}


class SettingError(Exception):
    """A setting in the environment cannot be used; the text names it and says what would be accepted."""


def env_str(name: str, default: str = "") -> str:
    """Return a text setting; one that is set to nothing is as good as not set."""
    return os.environ.get(name, "").strip() or default


def env_list(name: str, default: str = "") -> list[str]:
    """Return a comma-separated setting as a list without empty entries."""
    return entries_of(env_str(name, default))


def entries_of(text: str) -> list[str]:
    """Return the entries of a comma-separated text, without the empty ones."""
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def env_bool(name: str, *, default: bool = False) -> bool:
    """Return a yes-or-no setting."""
    value = env_str(name)
    if not value:
        return default
    if value.lower() in TRUE_WORDS:
        return True
    if value.lower() in FALSE_WORDS:
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


def is_given(name: str) -> bool:
    """Tell whether a secret is set, in NAME or by NAME_FILE."""
    return bool(env_str(name) or env_str(f"{name}_FILE"))


def database_parts(url: str) -> dict[str, str]:
    """Split a `postgresql://user:password@host:port/name` address into Django's keys.

    A host that is a folder (a socket) is written percent-encoded, as libpq reads it.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise SettingError("DATABASE_URL must start with postgresql:// (PostgreSQL 15 or newer is the only database)")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise SettingError("DATABASE_URL names no database: it ends with /NAME")
    try:
        port = parts.port
    except ValueError as error:
        raise SettingError(f"DATABASE_URL has a port that is none: {error}") from error
    return {
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(_host_of(parts)),
        "PORT": str(port or ""),
    }


def _host_of(parts: SplitResult) -> str:
    # Not `parts.hostname`, which is in lower case: a folder's name is not.
    host_and_port = parts.netloc.rpartition("@")[2]
    if host_and_port.startswith("["):
        return host_and_port[1:].partition("]")[0]
    return host_and_port.partition(":")[0]


def database_options(url: str) -> dict[str, str]:
    """Return libpq's parameters after the `?` of a database's address, such as `sslmode`."""
    given = dict(parse_qsl(urlsplit(url).query))
    if "options" in given:
        raise SettingError("DATABASE_URL must not set options: the application says there which role it is")
    return given
