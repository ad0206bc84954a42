"""A model's fix: hidden values are put back, gates judge it, a second try is told what was wrong."""

from __future__ import annotations

import pytest

import remediation.services
from findings.models import Finding
from remediation.models import Autofix
from tests import factories
from tests.integration.providers.situations import a_finding_in, fix
from tests.vendors.openai_server import OpenAIServer, completion

PASSWORD = "Tr0ub4dor&3x"
CONNECT = f'''import psycopg


def connect(name):
    password = "{PASSWORD}"
    return psycopg.connect(f"dbname={{name}}", password=password, sslmode="disable")
'''
BOUND = '    query = "SELECT * FROM orders WHERE name = ?"\n    return connection.execute(query, (name,))'
OLD = '    query = "SELECT * FROM orders WHERE name = \'" + name + "\'"\n    return connection.execute(query)'


def write_fix(finding: Finding) -> Autofix:
    factories.a_verdict(finding, "true_positive")
    return remediation.services.write_fix(finding=finding)


def test_a_fix_is_written_by_the_model(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer_always(completion(fix(OLD, BOUND)))

    autofix = write_fix(finding)

    assert "+    return connection.execute(query, (name,))" in autofix.diff


def test_a_hidden_value_never_leaves_and_is_put_back_into_the_fix(openai: OpenAIServer) -> None:
    finding = a_finding_in(CONNECT)
    connect = '    return psycopg.connect(f"dbname={name}", password=password, sslmode="disable")'
    old = f'    password = "⟦SECRET-1⟧"\n{connect}'
    openai.answer_always(completion(fix(old, old.replace("disable", "verify-full"))))

    autofix = write_fix(finding)

    assert PASSWORD not in str([exchange.body for exchange in openai.exchanges])
    assert '"⟦SECRET-1⟧"' in openai.exchanges[0].user
    assert f'     password = "{PASSWORD}"' in autofix.diff
    assert "⟦" not in autofix.diff


def test_a_placeholder_in_an_explanation_stays(openai: OpenAIServer) -> None:
    finding = a_finding_in(CONNECT)
    change = fix('sslmode="disable"', 'sslmode="verify-full"')
    openai.answer_always(completion({**change, "explanation": "The password ⟦SECRET-1⟧ stays where it is."}))

    autofix = write_fix(finding)

    assert autofix.explanation == "The password ⟦SECRET-1⟧ stays where it is."


def test_a_placeholder_may_stand_for_more_than_an_answer_may_hold(openai: OpenAIServer) -> None:
    finding = a_finding_in(CONNECT.replace(PASSWORD, "x1" * 100))
    openai.answer_always(completion(fix('password = "⟦SECRET-1⟧"\n' * 100, "")))

    autofix = write_fix(finding)

    assert autofix.edits[0]["old"].startswith('password = "x1x1')


def test_a_fix_that_does_not_apply_is_asked_for_once_more_with_the_reason(
    openai: OpenAIServer, finding: Finding
) -> None:
    openai.answer(completion(fix("no such line", "x")), completion(fix(OLD, BOUND)))

    autofix = write_fix(finding)

    second = openai.exchanges[1].user
    assert openai.asked == 2
    assert "An earlier attempt did not pass:" in second
    assert "no such line" in second
    assert "+    return connection.execute(query, (name,))" in autofix.diff


def test_a_fix_that_never_applies_is_kept_and_not_shown(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer_always(completion(fix("no such line", "x")))

    autofix = write_fix(finding)

    assert openai.asked == 2
    assert (autofix.is_shown, autofix.is_verified, autofix.confidence) == (False, False, "")


def test_no_fix_is_an_answer_too(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer(completion({"edits": [], "explanation": "The file of the caller is missing."}))

    autofix = write_fix(finding)

    assert (openai.asked, autofix.is_shown) == (1, False)
    assert autofix.explanation == "The file of the caller is missing."


@pytest.mark.parametrize("steps", [[{"text": "Bind the value.", "code": ""}], [{"text": "Ask.", "code": "x = 1"}]])
def test_guidance_is_written_by_the_model(openai: OpenAIServer, finding: Finding, steps: list[dict[str, str]]) -> None:
    openai.answer(completion({"summary": "Bind the value.", "steps": steps}))

    guidance = remediation.services.write_guidance(finding=finding)

    assert (guidance.summary, guidance.steps) == ("Bind the value.", steps)
