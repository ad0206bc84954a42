"""What `up` and the commands beside it are told: the same, and never other than what a person has set."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant_platform.embedded.environment import CHECKOUT, data_folder, fill_in, generated_settings
from assistant_platform.embedded.state import State


@pytest.mark.parametrize("name", ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DEMO_PASSWORD"])
def test_what_a_person_has_set_stands(name: str, tmp_path: Path) -> None:
    environment = {name: "chosen"}

    fill_in(environment, generated_settings(State(), tmp_path))

    assert environment[name] == "chosen"


def test_a_secret_in_a_file_stands_too(tmp_path: Path) -> None:
    environment = {"SECRET_KEY_FILE": "/run/secrets/key"}

    fill_in(environment, generated_settings(State(), tmp_path))

    assert "SECRET_KEY" not in environment


def test_a_setting_that_is_empty_is_filled_in(tmp_path: Path) -> None:
    environment = {"DEMO_PASSWORD": ""}

    fill_in(environment, generated_settings(State(), tmp_path))

    assert environment["DEMO_PASSWORD"]


@pytest.mark.parametrize(("given", "folder"), [("/srv/data", Path("/srv/data")), ("", CHECKOUT / ".data")])
def test_the_data_folder_is_the_one_that_was_named(monkeypatch: pytest.MonkeyPatch, given: str, folder: Path) -> None:
    monkeypatch.setenv("ASSISTANT_DATA", given)

    assert data_folder() == folder
