"""A prompt's text does not change without its version."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

import providers.prompts

PROMPT = "---\nversion: {version}\nanswer: triage.answers.VerdictAnswer\n---\n# system\n{words}\n# user\nx\n"


@pytest.fixture
def prompt(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A locked prompt in a project of its own."""
    settings.BASE_DIR = tmp_path
    path = tmp_path / "triage" / "prompts" / "verdict.md"
    path.parent.mkdir(parents=True)
    path.write_text(PROMPT.format(version=1, words="Judge."))
    providers.prompts._load.cache_clear()
    call_command("lock_prompts", verbosity=0)
    providers.prompts._load.cache_clear()
    yield path
    providers.prompts._load.cache_clear()


def test_the_lock_says_what_the_prompts_are() -> None:
    assert providers.prompts.all_prompts() == providers.prompts.locked_prompts(), "run `manage.py lock_prompts`"


def test_a_word_changed_without_a_new_version_is_refused(prompt: Path) -> None:
    prompt.write_text(PROMPT.format(version=1, words="Judge well."))

    with pytest.raises(CommandError, match="Raise the version of triage/verdict"):
        call_command("lock_prompts", verbosity=0)


def test_a_word_changed_with_a_new_version_is_locked(prompt: Path) -> None:
    prompt.write_text(PROMPT.format(version=2, words="Judge well."))

    call_command("lock_prompts", verbosity=0)

    assert json.loads((settings.BASE_DIR / "prompts.lock").read_text())["triage/verdict"]["version"] == 2
