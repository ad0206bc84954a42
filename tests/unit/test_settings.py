"""The settings of a server that people rely on: safe, or they refuse to start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATABASE = {"DATABASE_URL": "postgresql://u:p@db.example/name"}
PRODUCTION = {**DATABASE, "SECRET_KEY": "k" * 50}
PRINT = (
    "import json, sys; import assistant_platform.settings as s;"
    " print(json.dumps({name: getattr(s, name) for name in sys.argv[1:]}, default=str))"
)


def settings(*names: str, **environment: str) -> dict[str, object]:
    """Return settings as a new process with only this environment reads them."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", PRINT, *names],
        env={**kept, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    values: dict[str, object] = json.loads(done.stdout)
    return values


def test_production_without_a_secret_key_does_not_start() -> None:
    with pytest.raises(RuntimeError, match="SECRET_KEY is not set"):
        settings("SECRET_KEY", **DATABASE)


def test_production_with_its_database_in_a_file_does_not_start_without_a_secret_key_either(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(DATABASE["DATABASE_URL"], encoding="utf-8")

    with pytest.raises(RuntimeError, match="SECRET_KEY is not set"):
        settings("SECRET_KEY", DATABASE_URL_FILE=str(tmp_path / "url"))


def test_a_command_without_a_secret_key_has_one_that_nobody_knows() -> None:
    assert settings("SECRET_KEY") != settings("SECRET_KEY")


def test_a_mode_that_is_none_does_not_start() -> None:
    with pytest.raises(RuntimeError, match="ASSISTANT_MODE"):
        settings("MODE", ASSISTANT_MODE="prod", **PRODUCTION)


def test_production_with_debug_does_not_start() -> None:
    with pytest.raises(RuntimeError, match="DEBUG"):
        settings("DEBUG", DEBUG="true", **PRODUCTION)


def test_an_encrypted_public_address_makes_cookies_and_browsers_stay_encrypted() -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SECURE_HSTS_SECONDS")

    assert settings(*names, PUBLIC_URL="https://assistant.example", **PRODUCTION) == {
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
    }


def test_plain_http_on_this_machine_works_without_secure_cookies() -> None:
    assert settings("SESSION_COOKIE_SECURE", "SECURE_HSTS_SECONDS", **PRODUCTION) == {
        "SESSION_COOKIE_SECURE": False,
        "SECURE_HSTS_SECONDS": 0,
    }


def test_the_header_of_a_proxy_is_believed_only_behind_one() -> None:
    names = ("SECURE_PROXY_SSL_HEADER", "ALLAUTH_TRUSTED_PROXY_COUNT")

    alone = settings(*names, **PRODUCTION)
    behind = settings(*names, BEHIND_PROXY="1", **PRODUCTION)

    assert list(alone.values()) == [None, 0]
    assert list(behind.values()) == [["HTTP_X_FORWARDED_PROTO", "https"], 1]


def test_keys_for_fields_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("new,old\n", encoding="utf-8")

    found = settings("FIELD_ENCRYPTION_KEYS", FIELD_ENCRYPTION_KEYS_FILE=str(tmp_path / "keys"), **PRODUCTION)

    assert found == {"FIELD_ENCRYPTION_KEYS": ["new", "old"]}


def test_the_connection_to_the_database_is_encrypted_when_its_address_says_so() -> None:
    url = "postgresql://u:p@db.example/name?sslmode=verify-full"

    databases = settings("DATABASES", SECRET_KEY="k" * 50, DATABASE_URL=url)["DATABASES"]

    assert isinstance(databases, dict)
    assert {alias: database["OPTIONS"]["sslmode"] for alias, database in databases.items()} == {
        "default": "verify-full",
        "owner": "verify-full",
    }
