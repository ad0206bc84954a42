"""The verdict without a model: when it decides, when it does not, and what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from findings.context import FindingContext, RuleContext, Span
from tests.unit.facts.marked import COMMAND, SQL, XSS, finding, verdict_on
from triage.answers import Confidence, Verdict
from triage.facts import Fact, FactKind, Leaning, Strength, gather, verdict_without_model

SECRET = ("hardcoded-secret", "CWE-798")
QUERY = "from flask import request\ndef find():\n    n = {}\n    «db.execute('SELECT ' + n)»\n"
IN_TESTS = "def test_it():\n    q = load()\n    «db.execute(q)»\n"


def test_without_code_nothing_is_known_and_the_way_to_supply_it_is_said() -> None:
    context = FindingContext(RuleContext("sql", "", "ERROR", ("CWE-89",)), "a.py", Span(1, 1, 1, 5), None)

    facts = gather(context)
    answer = verdict_without_model(context, facts)

    assert facts == ()
    assert (answer.verdict, answer.confidence) == (Verdict.UNSURE, Confidence.LOW)
    assert "upload" in answer.explanation
    assert "connect the code host" in answer.explanation


def test_a_match_outside_the_text_gives_no_facts() -> None:
    context = FindingContext(RuleContext("sql", "", "ERROR", ("CWE-89",)), "a.py", Span(90, 1, 90, 5), "x = 1\n")

    facts = gather(context)

    assert facts == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("request.args['n']", Verdict.TRUE_POSITIVE),
        ("str(int(request.args['n']))", Verdict.FALSE_POSITIVE),
        ("'fixed'", Verdict.FALSE_POSITIVE),
        ("lookup(request.args['n'])", Verdict.UNSURE),
        ("str(float(request.form.get('n')))", Verdict.FALSE_POSITIVE),
        ("request.form.get('n').strip()", Verdict.TRUE_POSITIVE),
    ],
)
def test_editing_the_code_changes_the_verdict(value: str, expected: Verdict) -> None:
    code = QUERY.format(value)

    verdict = verdict_on(code, SQL, "shop/find.py")

    assert verdict is expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [(SQL, Verdict.TRUE_POSITIVE), (COMMAND, Verdict.TRUE_POSITIVE), (XSS, Verdict.FALSE_POSITIVE)],
)
def test_an_encoder_helps_only_against_what_it_encodes_for(rule: tuple[str, str], expected: Verdict) -> None:
    code = "import html\nfrom flask import request\ndef show():\n    return «render(html.escape(request.args['n']))»\n"

    verdict = verdict_on(code, rule, "shop/show.py")

    assert verdict is expected


def test_a_decision_has_medium_confidence_and_quotes_source_and_match() -> None:
    context = finding(QUERY.format("request.args['n']"), SQL, "shop/find.py")

    answer = verdict_without_model(context, gather(context))

    assert answer.confidence is Confidence.MEDIUM
    assert [(quote.start_line, quote.role.value) for quote in answer.evidence] == [(3, "source"), (4, "sink")]
    assert "request.args (line 3)" in answer.explanation


def test_the_same_code_gives_the_same_answer() -> None:
    context = finding(QUERY.format("request.args['n'] + request.form['m']"), SQL, "shop/find.py")

    answers = {verdict_without_model(context, gather(context)).model_dump_json() for _ in range(3)}

    assert len(answers) == 1


@pytest.mark.parametrize("path", ["tests/test_db.py", "src/spec/db_spec.py", "examples/db.py"])
def test_a_place_among_tests_or_examples_decides_only_where_the_organization_says_so(path: str) -> None:
    left_alone = verdict_on(IN_TESTS, SQL, path)
    switched_on = verdict_on(IN_TESTS, SQL, path, test_paths_decide=True)

    assert left_alone is Verdict.UNSURE
    assert switched_on is Verdict.FALSE_POSITIVE


def test_a_secret_in_a_test_is_never_waved_through_by_its_place() -> None:
    code = "«API_TOKEN = 'q8Zk2vLr0TnXw4'»\n"

    verdict = verdict_on(code, SECRET, "tests/test_login.py", test_paths_decide=True)

    assert verdict is Verdict.UNSURE


def test_the_place_is_mentioned_where_it_does_not_decide() -> None:
    context = finding(IN_TESTS, SQL, "tests/test_db.py")

    answer = verdict_without_model(context, gather(context))

    assert "test code" in answer.explanation


def test_facts_that_contradict_each_other_decide_nothing() -> None:
    context = finding(QUERY.format("request.args['n']"), SQL, "shop/find.py")
    (danger,) = gather(context)
    safe = replace(danger, kind=FactKind.SAFE_FLAG, leaning=Leaning.SAFE, statement="It is safe.")

    answer = verdict_without_model(context, [danger, safe])

    assert (answer.verdict, answer.confidence) == (Verdict.UNSURE, Confidence.LOW)


def test_a_fact_whose_quote_does_not_stand_there_decides_nothing() -> None:
    context = finding(QUERY.format("'fixed'"), SQL, "shop/find.py")
    facts = gather(context)
    invented = [
        replace(fact, quotes=tuple(quote.model_copy(update={"quote": "n = 'other'"}) for quote in fact.quotes))
        for fact in facts
    ]

    answer = verdict_without_model(context, invented)

    assert answer.verdict is Verdict.UNSURE


def test_a_strong_fact_without_any_quote_decides_nothing() -> None:
    context = finding(QUERY.format("lookup()"), SQL, "shop/find.py")
    fact = Fact(FactKind.SAFE_FLAG, "It is safe.", (), Leaning.SAFE, Strength.STRONG)

    answer = verdict_without_model(context, [fact])

    assert answer.verdict is Verdict.UNSURE


def test_what_is_wrong_by_itself_is_a_true_positive() -> None:
    code = "import requests\ndef load(u):\n    return «requests.get(u, verify=False)»\n"

    verdict = verdict_on(code, ("disabled-cert-validation", "CWE-295"), "shop/load.py")

    assert verdict is Verdict.TRUE_POSITIVE


@pytest.mark.parametrize("comment", ["# safe", "# sanitized above", "# nosec: constant"])
def test_comments_and_names_persuade_nobody(comment: str) -> None:
    source = "from flask import request\ndef f():\n    safe_sql = request.args['q']"
    code = f"{source}  {comment}\n    «db.execute(safe_sql)»\n"

    verdict = verdict_on(code, SQL, "shop/find.py")

    assert verdict is Verdict.TRUE_POSITIVE


def test_a_function_too_long_to_follow_is_left_alone() -> None:
    lines = "\n".join(f"    x{number} = 'a'" for number in range(3001))
    code = f"def f():\n{lines}\n    «db.execute('SELECT ' + x1)»\n"

    verdict = verdict_on(code, SQL, "shop/find.py")

    assert verdict is Verdict.UNSURE


def test_code_nested_out_of_reason_is_left_alone() -> None:
    code = f"def f():\n    «db.execute({'(' * 400}'a'{')' * 400})»\n"

    verdict = verdict_on(code, SQL, "shop/find.py")

    assert verdict is Verdict.UNSURE


def test_broken_code_around_the_match_is_left_alone() -> None:
    code = "def f(:\n    x = 'a'\n    «db.execute('SELECT ' + x)» ) )\n"

    verdict = verdict_on(code, SQL, "shop/find.py")

    assert verdict is Verdict.UNSURE
