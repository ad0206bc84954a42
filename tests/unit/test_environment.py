"""Settings as the environment gives them: read by type, refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.environment import (
    SettingError,
    database_options,
    database_parts,
    env_bool,
    env_int,
    env_list,
    env_secret,
    is_given,
)


@pytest.mark.parametrize(("word", "value"), [("TRUE", True), ("on", True), ("1", True), (" no ", False), ("0", False)])
def test_words_for_yes_and_no_are_read(monkeypatch: pytest.MonkeyPatch, word: str, value: bool) -> None:
    monkeypatch.setenv("SWITCH", word)

    assert env_bool("SWITCH", default=not value) is value


@pytest.mark.parametrize("default", [True, False])
def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch, default: bool) -> None:
    monkeypatch.setenv("SWITCH", "")
    monkeypatch.setenv("NUMBER", " ")

    assert (env_bool("SWITCH", default=default), env_int("NUMBER", 7)) == (default, 7)


@pytest.mark.parametrize("word", ["maybe", "2", "yes please"])
def test_another_word_for_yes_and_no_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("SWITCH", word)

    with pytest.raises(SettingError, match="SWITCH"):
        env_bool("SWITCH")


@pytest.mark.parametrize("word", ["many", "1.5", "1e3"])
def test_what_is_no_number_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("NUMBER", word)

    with pytest.raises(SettingError, match="NUMBER"):
        env_int("NUMBER", 1)


def test_a_list_has_no_empty_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTS", " a, ,b,")

    assert env_list("HOSTS") == ["a", "b"]


def test_a_secret_is_read_from_its_file_before_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file\n", encoding="utf-8")
    monkeypatch.setenv("KEY", "from the variable")
    monkeypatch.setenv("KEY_FILE", str(tmp_path / "key"))

    assert env_secret("KEY") == "from the file"


def test_a_secret_whose_file_is_missing_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_FILE", "/nowhere/key")

    with pytest.raises(SettingError, match="KEY_FILE"):
        env_secret("KEY")


@pytest.mark.parametrize("name", ["KEY", "KEY_FILE"])
def test_a_secret_is_given_in_either_way(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")

    assert is_given("KEY")
    assert not is_given("OTHER")


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgresql://user:pass@db.example:5433/name", "db.example", "5433"),
        ("postgres://user:pass@db.example/name", "db.example", ""),
        ("postgresql://user:pass@[::1]:5433/name", "::1", "5433"),
        ("postgresql://user:pass@%2FVar%2FRun%2Fpg/name", "/Var/Run/pg", ""),
        ("postgresql://user:pass@/name", "", ""),
    ],
)
def test_an_address_of_a_database_is_taken_apart(url: str, host: str, port: str) -> None:
    assert database_parts(url) == {"NAME": "name", "USER": "user", "PASSWORD": "pass", "HOST": host, "PORT": port}


def test_a_password_may_hold_any_character() -> None:
    assert database_parts("postgresql://user:p%40ss%2Fw%3Fo%23rd@h/name")["PASSWORD"] == "p@ss/w?o#rd"


@pytest.mark.parametrize(
    "url", ["sqlite:///db", "mysql://u:p@h/name", "", "postgresql://h:port/name", "postgresql://h/"]
)
def test_what_is_no_address_of_a_database_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="DATABASE_URL"):
        database_parts(url)


def test_parameters_of_the_connection_are_kept() -> None:
    url = "postgresql://u:p@h/name?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem"

    assert database_options(url) == {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"}


def test_options_that_would_take_the_roles_place_are_refused() -> None:
    with pytest.raises(SettingError, match="options"):
        database_options("postgresql://u:p@h/name?options=-c%20role%3Dpostgres")
