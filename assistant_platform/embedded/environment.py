"""What the platform's processes are told through their environment."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from assistant_platform.embedded import roles
from assistant_platform.embedded.ports import LOOPBACK
from assistant_platform.embedded.state import State

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def data_folder() -> Path:
    """Return the folder of all data, unless the command line names another."""
    return Path(os.environ.get("ASSISTANT_DATA") or CHECKOUT / ".data")


def fill_in(environment: MutableMapping[str, str], values: Mapping[str, str]) -> None:
    """Add the settings that a person has not given; those they have stand, for `up` and for each command alike."""
    for name, value in values.items():
        if not is_set(environment, name):
            environment[name] = value


def generated_settings(state: State, folder: Path) -> dict[str, str]:
    """Return the settings that come from the data folder, and must be the same at each start."""
    return {
        "SECRET_KEY": state.secret_key,
        "FIELD_ENCRYPTION_KEYS": state.field_encryption_key,
        "STATIC_ROOT": str(folder / "static"),
        "DEMO_EMAIL": state.demo_email,
        "DEMO_PASSWORD": state.demo_password,
        "PYTHONUNBUFFERED": "1",
    }


def address_settings(url: str, host: str, *, listens_everywhere: bool) -> dict[str, str]:
    """Return the settings that depend on where the platform is reached."""
    hosts = {"localhost", "127.0.0.1", "[::1]", host}
    if listens_everywhere:
        hosts |= {socket.gethostname(), socket.getfqdn()}
    return {
        "ASSISTANT_MODE": "evaluation",
        "ALLOWED_HOSTS": ",".join(sorted(hosts)),
        "CSRF_TRUSTED_ORIGINS": url,
        "PUBLIC_URL": url,
    }


def database_url(*, port: int, password: str) -> str:
    """Return the application's address of an embedded PostgreSQL."""
    return f"postgresql://{roles.DEFAULT_LOGIN}:{password}@{LOOPBACK}:{port}/{roles.DEFAULT_DATABASE}"


def redis_url(*, port: int, password: str) -> str:
    """Return the address of an embedded Valkey."""
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def is_set(environment: Mapping[str, str], name: str) -> bool:
    """Tell whether a setting is given, by itself or as a file."""
    return bool(environment.get(name) or environment.get(f"{name}_FILE"))


def provider_in_use(environment: Mapping[str, str]) -> str:
    """Say which model answers where an organization has chosen none."""
    if not is_set(environment, "OPENAI_API_KEY"):
        return "Built-in: facts and recipes, no model. Set OPENAI_API_KEY to have OpenAI answer"
    endpoint = environment.get("OPENAI_BASE_URL")
    return f"the OpenAI-compatible endpoint {endpoint}" if endpoint else "OpenAI"
