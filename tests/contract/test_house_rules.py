"""Our own Semgrep rules find what they are for, spare what is right, and find nothing in our code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAYLOADS = ROOT / "tests" / "payloads" / "house_rules"
MARK = re.compile(r"(ruleid|ok): ([a-z-]+)")
SCAN = ["scan", "--json", "--metrics=off", "--disable-version-check", "--quiet", "--no-git-ignore"]


def scan(folder: Path, *options: str) -> set[tuple[str, str, int]]:
    """Return what the rules find in a folder, as (file, rule, line)."""
    done = subprocess.run(
        [Path(sys.executable).parent / "semgrep", *SCAN, *options, "--config", str(ROOT / ".semgrep"), "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    return {
        (result["path"], result["check_id"].rpartition(".")[2], result["start"]["line"]) for result in report["results"]
    }


def marked(word: str) -> set[tuple[str, str, int]]:
    """Return the lines below each mark of that word, as (file, rule, line)."""
    return {
        (f"app/{path.name}", match[2], number + 1)
        for path in PAYLOADS.iterdir()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (match := MARK.search(line)) and match[1] == word
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str, int]]:
    """What the rules find in the payloads, which lie where our code would."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(PAYLOADS, folder / "app")
    return scan(folder)


def test_each_rule_finds_what_it_is_for_and_nothing_else(found: set[tuple[str, str, int]]) -> None:
    assert found == marked("ruleid")


def test_each_rule_is_tried_both_ways() -> None:
    rules = set(
        re.findall(r"^  - id: ([a-z-]+)$", "\n".join(p.read_text() for p in ROOT.glob(".semgrep/*.yaml")), re.MULTILINE)
    )

    assert {rule for _, rule, _ in marked("ruleid")} == rules
    assert {rule for _, rule, _ in marked("ok")} == rules


def test_our_own_code_is_clean() -> None:
    found = scan(ROOT, "--exclude=.venv", "--exclude=node_modules", "--exclude=staticfiles")

    assert found == set()


def test_each_exception_has_a_reason() -> None:
    mark = re.compile(r"nosem(?:grep)?\b(?!: [a-z-]+  \([^)]{10,}\))")
    skipped = {"tests", ".venv", "node_modules", "demo", "docs"}

    without = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in ROOT.glob("*/**/*.py")
        if path.relative_to(ROOT).parts[0] not in skipped
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "# nosem" in line and mark.search(line) and "nosemgrep and" not in line
    ]

    assert without == []
