"""Fixes that cheat, and fixes that only look as if they might: each check in both directions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from findings.context import FindingContext, RuleContext, Span
from remediation.gates import Outcome, cheating
from remediation.gates.cheating.comparison import Comparison
from remediation.gates.patching import FileChange

FIXES = Path(__file__).parent.parent / "payloads" / "fixes"
LEGITIMATE = YAML(typ="safe").load((FIXES / "legitimate.yaml").read_text())
CHEATING = YAML(typ="safe").load((FIXES / "cheating.yaml").read_text())
CHECKS = {check.__name__: check for check in cheating.CHECKS}


def finding(fix: dict[str, Any]) -> FindingContext:
    line = fix["before"].split("\n")[fix["line"] - 1]
    return FindingContext(
        rule=RuleContext("rules.sample", "A message.", "ERROR", cwe=(f"CWE-{fix['cwe']}",)),
        path=fix["path"],
        span=Span(fix["line"], 1, fix["line"], len(line) + 1),
        source=fix["before"],
    )


def change(fix: dict[str, Any]) -> FileChange:
    return FileChange(fix["path"], fix["before"], fix["after"])


@pytest.mark.parametrize("fix", LEGITIMATE, ids=lambda fix: fix["name"])
def test_a_fix_that_makes_the_code_safe_passes(fix: dict[str, Any]) -> None:
    result = cheating.check(context=finding(fix), changes=[change(fix)])

    assert (result.outcome, result.explanation) == (
        Outcome.PASSED,
        "Nothing is suppressed, deleted or disguised.",
    )


@pytest.mark.parametrize("fix", CHEATING, ids=lambda fix: fix["name"])
def test_a_fix_that_hides_the_problem_fails(fix: dict[str, Any]) -> None:
    result = cheating.check(context=finding(fix), changes=[change(fix)])

    assert result.outcome is Outcome.FAILED
    assert result.explanation.startswith("The change hides the problem: it ")


@pytest.mark.parametrize("fix", CHEATING, ids=lambda fix: fix["name"])
def test_the_check_made_for_a_trick_sees_it(fix: dict[str, Any]) -> None:
    complaint = CHECKS[fix["check"]](Comparison(finding(fix), change(fix)))

    assert complaint


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_is_tried_in_three_variants(name: str) -> None:
    tried = Counter(fix["check"] for fix in CHEATING)

    assert tried[name] >= 3


@pytest.mark.parametrize(
    "mark",
    [
        "# nosem",
        "// nosemgrep: some.rule",
        "# noqa: S105",
        "/* NOSONAR */",
        "// NOLINTNEXTLINE",
        "-- nosec",
        "<!-- nosemgrep -->",
        "# pylint: disable=eval-used",
        "# rubocop:disable Security/Eval",
        "// eslint-disable-line",
        "// phpcs:ignore",
        "#checkov:skip=CKV_1",
        "# gitleaks:allow",
    ],
)
def test_a_suppression_is_seen_in_any_comment(mark: str) -> None:
    before = "line one\nline two\n"
    fix = {"path": "a.txt", "cwe": 89, "line": 1, "before": before, "after": f"line one  {mark}\nline two\n"}

    result = cheating.check(context=finding(fix), changes=[change(fix)])

    assert "silences the scanner" in result.explanation


def test_a_suppression_that_stood_there_before_is_no_trick() -> None:
    fix = {
        "path": "a.py",
        "cwe": 502,
        "line": 2,
        "before": "import yaml\nx = yaml.load(s)\ny = z  # noqa\n",
        "after": "import yaml\nx = yaml.safe_load(s)\ny = z  # noqa\n",
    }

    result = cheating.check(context=finding(fix), changes=[change(fix)])

    assert result.outcome is Outcome.PASSED


def test_a_trick_in_a_second_file_is_seen() -> None:
    good = {"path": "a.py", "cwe": 502, "line": 1, "before": "yaml.load(s)\n", "after": "yaml.safe_load(s)\n"}
    bad = {"path": ".bandit", "before": "skips: []\n", "after": "skips: [B506]\n"}

    result = cheating.check(context=finding(good), changes=[change(good), change(bad)])

    assert "settings" in result.explanation


def test_a_file_that_is_too_long_to_compare_is_not_called_honest() -> None:
    text = "yaml.load(s)\n" + "x = 1\n" * 80_000
    fix = {"path": "a.py", "cwe": 502, "line": 1, "before": text, "after": text.replace("yaml.load", "yaml.safe_load")}

    result = cheating.check(context=finding(fix), changes=[change(fix)])

    assert result.outcome is Outcome.NOT_RUN


def test_an_apostrophe_on_the_page_around_php_opens_no_text() -> None:
    before = "<p>Don't</p>\n<?php exec('ls ' . $x); ?>\n<p>It's</p>\n"
    fix = {"path": "a.php", "cwe": 78, "line": 2, "before": before, "after": before.replace("exec('ls ' . $x);", "")}

    result = cheating.check(context=finding(fix), changes=[change(fix)])

    assert "removes the call of exec" in result.explanation
