"""Fixes through all gates, with rules of our own and the real engine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from findings.context import FindingContext, RuleContext, Span
from remediation.answers import Edit, FixAnswer
from remediation.gates import FixCheck, Gate, Outcome, check
from rules import engine
from triage.answers import Confidence

# What comes in through a parameter must not become part of a query's text.
QUERY = """
rules:
- id: query-built-from-a-parameter
  mode: taint
  languages: [python]
  severity: ERROR
  message: the query holds what the caller gave
  pattern-sources:
  - patterns:
    - pattern: "def $F(..., $GIVEN, ...): ..."
    - focus-metavariable: $GIVEN
  pattern-sinks:
  - patterns:
    - pattern: $CURSOR.execute($TEXT, ...)
    - focus-metavariable: $TEXT
"""
EVALUATED = """
rules:
- id: evaluated-text
  languages: [javascript]
  severity: ERROR
  message: text is run as code
  pattern: eval($X)
"""
WEAK_DIGEST = """
rules:
- id: weak-digest
  languages: [java]
  severity: WARNING
  message: an old digest
  pattern: $D.getInstance("MD5")
"""
NO_PRINTING = """
rules:
- id: no-printing
  languages: [python, javascript]
  severity: INFO
  message: printed
  pattern-either:
  - pattern: print(...)
  - pattern: console.log(...)
"""

SHOP = """def orders(cursor, customer):
    cursor.execute("SELECT * FROM orders WHERE customer = '" + customer + "'")
    return cursor.fetchall()


def totals(cursor, year):
    cursor.execute("SELECT sum(total) FROM orders WHERE year = " + year)
    return cursor.fetchone()
"""
FIRST_QUERY = 'cursor.execute("SELECT * FROM orders WHERE customer = \'" + customer + "\'")'
BOUND = 'cursor.execute("SELECT * FROM orders WHERE customer = %s", (customer,))'


def finding(path: str, source: str, line: int, *, cwe: str) -> FindingContext:
    return FindingContext(
        rule=RuleContext("rules.own.query-built-from-a-parameter", "A message.", "ERROR", cwe=(cwe,)),
        path=path,
        span=Span(line, 5, line, len(source.split("\n")[line - 1]) + 1),
        source=source,
    )


def fix_shop(new: str, *, rule: str | None = QUERY, others: str | None = None, old: str = FIRST_QUERY) -> FixCheck:
    return check(
        context=finding("shop/orders.py", SHOP, 2, cwe="CWE-89"),
        answer=FixAnswer(edits=[Edit(path="shop/orders.py", old=old, new=new)], explanation=""),
        rule_yaml=rule,
        other_rules_yaml=others,
        known_dependencies=frozenset(),
    )


def failed(result: FixCheck) -> set[Gate]:
    return {each.gate for each in result.results if each.outcome is Outcome.FAILED}


def test_a_good_fix_passes_every_gate() -> None:
    result = fix_shop(BOUND, others=NO_PRINTING)

    assert [(each.gate, each.outcome) for each in result.results] == [(gate, Outcome.PASSED) for gate in Gate]
    assert result.is_verified
    assert result.highest_confidence is Confidence.HIGH
    assert result.patched == {"shop/orders.py": SHOP.replace(FIRST_QUERY, BOUND)}


def test_the_diff_of_a_fix_is_taken_by_git(tmp_path: Path) -> None:
    result = fix_shop(BOUND)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "orders.py").write_text(SHOP)

    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=result.diff.encode(), check=True)

    assert (tmp_path / "shop" / "orders.py").read_text() == result.patched["shop/orders.py"]


@pytest.mark.parametrize(
    ("path", "source", "line", "edit", "rule"),
    [
        (
            "web/form.js",
            "function read(text) {\n  return eval('(' + text + ')');\n}\n",
            2,
            ("eval('(' + text + ')')", "JSON.parse(text)"),
            EVALUATED,
        ),
        (
            "src/Digest.java",
            'class Digest {\n  Object of() throws Exception {\n    return MessageDigest.getInstance("MD5");\n  }\n}\n',
            3,
            ('"MD5"', '"SHA-256"'),
            WEAK_DIGEST,
        ),
    ],
)
def test_fixes_in_other_languages_are_verified(
    path: str, source: str, line: int, edit: tuple[str, str], rule: str
) -> None:
    result = check(
        context=finding(path, source, line, cwe="CWE-327"),
        answer=FixAnswer(edits=[Edit(path=path, old=edit[0], new=edit[1])], explanation=""),
        rule_yaml=rule,
        known_dependencies=frozenset(),
    )

    assert result.is_verified


def test_a_fix_that_leaves_the_finding_is_of_low_confidence() -> None:
    result = fix_shop("cursor.execute(f\"SELECT * FROM orders WHERE customer = '{customer.strip()}'\")")

    assert failed(result) == {Gate.RULE_SILENT}
    assert result.highest_confidence is Confidence.LOW


def test_a_fix_of_another_finding_is_not_taken_for_one_of_this() -> None:
    result = fix_shop(
        'cursor.execute("SELECT sum(total) FROM orders WHERE year = %s", (year,))',
        old='cursor.execute("SELECT sum(total) FROM orders WHERE year = " + year)',
    )

    assert Gate.RULE_SILENT in failed(result)


@pytest.mark.parametrize("mark", ["nosemgrep", "nosem", "nosemgrep: query-built-from-a-parameter"])
def test_a_suppressed_finding_is_still_found(mark: str) -> None:
    result = fix_shop(f"{FIRST_QUERY}  # {mark}")

    assert {Gate.RULE_SILENT, Gate.NO_CHEATING} <= failed(result)
    assert not result.is_shown


@pytest.mark.parametrize(
    "broken", [BOUND[:-1], f"if customer:\n    {BOUND}", f"{BOUND}\n  return", 'cursor.execute("""never ends)']
)
def test_broken_code_is_not_run_through_the_rule(broken: str) -> None:
    result = fix_shop(broken)

    assert failed(result) == {Gate.PARSES}
    assert result.outcome_of(Gate.RULE_SILENT) is Outcome.NOT_RUN
    assert not result.is_shown


@pytest.mark.parametrize(
    "trick",
    [
        "pass",
        "# " + FIRST_QUERY,
        'run = cursor.execute\n    run("SELECT * FROM orders WHERE customer = \'" + customer + "\'")',
        "getattr(cursor, 'exe' + 'cute')(\"SELECT * FROM orders WHERE customer = '\" + customer + \"'\")",
        "if False:\n        " + FIRST_QUERY,
        'cursor.execute("SELECT 1")',
    ],
)
def test_a_trick_is_never_shown_whatever_the_rule_says(trick: str) -> None:
    result = fix_shop(trick)

    assert Gate.NO_CHEATING in failed(result)
    assert not result.is_shown


def test_a_concatenation_moved_into_a_new_function_is_not_shown() -> None:
    text = '"SELECT * FROM orders WHERE customer = \'" + {} + "\'"'
    result = check(
        context=finding("shop/orders.py", SHOP, 2, cwe="CWE-89"),
        answer=FixAnswer(
            edits=[
                Edit(
                    path="shop/orders.py",
                    old="def orders(cursor, customer):",
                    new=f"def query_of(name):\n    return {text.format('name')}\n\n\ndef orders(cursor, customer):",
                ),
                Edit(path="shop/orders.py", old=FIRST_QUERY, new="cursor.execute(query_of(customer))"),
            ],
            explanation="",
        ),
        rule_yaml=QUERY,
    )

    assert Gate.NO_CHEATING in failed(result)
    assert not result.is_shown


def test_a_new_finding_of_another_rule_lowers_confidence() -> None:
    result = fix_shop(f"print(customer)\n    {BOUND}", others=NO_PRINTING)

    assert failed(result) == {Gate.NO_NEW_FINDING}
    assert result.highest_confidence is Confidence.LOW


def test_a_finding_of_another_rule_that_stood_there_is_not_new() -> None:
    source = SHOP.replace("    return cursor.fetchall()", "    print(customer)\n    return cursor.fetchall()")
    result = check(
        context=finding("shop/orders.py", source, 2, cwe="CWE-89"),
        answer=FixAnswer(edits=[Edit(path="shop/orders.py", old=FIRST_QUERY, new=f"\n    {BOUND}")], explanation=""),
        rule_yaml=QUERY,
        other_rules_yaml=NO_PRINTING,
    )

    assert failed(result) == set()


def test_a_rule_that_is_not_known_leaves_medium_confidence() -> None:
    result = fix_shop(BOUND, rule=None)

    assert result.outcome_of(Gate.RULE_SILENT) is Outcome.NOT_RUN
    assert result.highest_confidence is Confidence.MEDIUM
    assert not result.is_verified


def test_a_rule_that_does_not_find_the_original_proves_nothing() -> None:
    result = fix_shop(BOUND, rule=NO_PRINTING)

    assert result.outcome_of(Gate.RULE_SILENT) is Outcome.NOT_RUN
    assert result.highest_confidence is Confidence.MEDIUM


def test_a_rule_that_the_engine_refuses_proves_nothing() -> None:
    result = fix_shop(BOUND, rule=QUERY.replace("mode: taint", "mode: paint"))

    assert result.outcome_of(Gate.RULE_SILENT) is Outcome.NOT_RUN
    assert "does not accept the rule" in result.results[2].explanation


def test_without_the_engine_a_good_fix_is_shown_unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Path:
        raise engine.EngineMissing

    monkeypatch.setattr("rules.engine.process.binary", missing)

    result = fix_shop(BOUND)

    assert result.is_shown
    assert result.highest_confidence is Confidence.MEDIUM
    assert "pip install semgrep" in result.results[2].explanation


def test_the_rule_is_picked_out_of_the_file_it_came_with() -> None:
    result = fix_shop(BOUND, rule=NO_PRINTING + QUERY.replace("rules:\n", "").lstrip("\n"))

    assert result.is_verified
