"""A Job names its task; only what is a task can be named."""

from __future__ import annotations

import sys

import pytest

import triage.tasks
from events.tasks import task_named


def test_a_task_is_found_by_its_name() -> None:
    assert task_named("triage.tasks.judge_finding") is triage.tasks.judge_finding


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "triage.tasks.services",
        "triage.services.judge_finding",
        "events.tasks.run_job",
        "tests.factories.a_finding",
        "triage.tasks.nothing",
        "judge_finding",
        "",
        ".",
    ],
)
def test_nothing_else_can_be_named(name: str) -> None:
    with pytest.raises(LookupError):
        task_named(name)


def test_a_name_imports_nothing() -> None:
    with pytest.raises(LookupError):
        task_named("antigravity.fly")

    assert "antigravity" not in sys.modules
