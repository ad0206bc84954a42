"""Picking one rule out of a text."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from rules.engine import rule_yaml_for

TWO = """# kept apart
rules:
  - id: first
    languages: [python]
    # why it is so
    pattern: |
      one(...)

      two(...)
  - id: folder.second
    languages: [go]
    pattern-regex: .*&x
"""


def ids(text: str | None) -> list[str]:
    return [rule["id"] for rule in YAML(typ="safe").load(text or "rules: []")["rules"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("first", ["first"]),
        ("rules.python.lang.first", ["first"]),
        ("rules.folder.second", ["folder.second"]),
        ("second", ["folder.second"]),
        ("third", []),
        ("rst", []),
        ("rules.xfirst", []),
    ],
)
def test_a_rule_is_found_by_the_name_a_report_gives_it(asked: str, found: list[str]) -> None:
    assert ids(rule_yaml_for(TWO, asked)) == found


def test_the_exact_name_comes_before_a_longer_one() -> None:
    text = "rules: [{id: b, x: 1}, {id: a.b, x: 2}]"

    assert "x: 2" in (rule_yaml_for(text, "a.b") or "")
    assert "x: 2" in (rule_yaml_for(text, "folder.a.b") or "")


def test_a_name_that_two_rules_bear_is_not_clear() -> None:
    assert rule_yaml_for("rules: [{id: a, x: 1}, {id: a, x: 2}]", "a") is None
    assert rule_yaml_for("rules: [{id: p.a}, {id: q.a}]", "a") is None


def test_a_rule_is_cut_out_as_it_was_written() -> None:
    text = rule_yaml_for(TWO, "first")

    assert text == (
        "rules:\n- id: first\n  languages: [python]\n  # why it is so\n  pattern: |\n    one(...)\n\n    two(...)\n"
    )


@pytest.mark.parametrize("ending", ["", "\n", "\n\n", "\n# the end\n"])
def test_the_last_rule_is_whole_however_the_text_ends(ending: str) -> None:
    text = rule_yaml_for("rules:\n- id: a\n- id: b\n  message: all of it" + ending, "b")

    assert YAML(typ="safe").load(text or "") == {"rules": [{"id": "b", "message": "all of it"}]}


def test_a_rule_that_borrows_from_another_keeps_what_it_borrowed() -> None:
    text = rule_yaml_for("rules:\n- id: a\n  languages: &l [python]\n- id: b\n  languages: *l\n", "b")

    assert YAML(typ="safe").load(text or "") == {"rules": [{"id": "b", "languages": ["python"]}]}


def test_a_rule_of_a_json_bundle_is_found() -> None:
    text = rule_yaml_for('{"rules": [{"id": "a", "message": "m"}, {"id": "b", "message": "n"}]}', "b")

    assert YAML(typ="safe").load(text or "") == {"rules": [{"id": "b", "message": "n"}]}


@pytest.mark.parametrize("text", ["", "rules:", "rules: 5", "rules: [", "rules: " + "[" * 100_000, "- " * 100_000])
def test_no_rule_is_found_where_there_is_none(text: str) -> None:
    assert rule_yaml_for(text, "a") is None
