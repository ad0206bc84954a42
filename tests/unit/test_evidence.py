"""Quotes are looked up, and an answer stands only as far as they carry it."""

from __future__ import annotations

import pytest

from findings.context import FindingContext, RuleContext, Span
from triage.answers import Confidence, EvidenceRole, Quote, Verdict, VerdictAnswer
from triage.evidence import LONGEST_EXPLANATION, CheckedQuote, check, settle

SOURCE = """import shlex


def archive(folder, name):
    # the gateway cleans every name
    target = shlex.quote(name)  # cleaned above
    if not name.isalnum():
        raise ValueError(name)
    run("tar cf {}".format(target))
    log(folder)
    log(name)
    log(folder)
"""

CONTEXT = FindingContext(
    RuleContext("rules.command", "A message.", "ERROR"),
    "jobs/archive.py",
    Span(9, 5, 9, 36),
    SOURCE,
    read_file={"jobs/names.py": "def clean(name):\n    return name.strip()\n"}.get,
)


def quoting(
    text: str,
    start: int,
    end: int = 0,
    *,
    role: EvidenceRole = EvidenceRole.SANITIZER,
    path: str = "jobs/archive.py",
) -> Quote:
    return Quote(path=path, start_line=start, end_line=end or start, quote=text, role=role)


def checked(quote: Quote) -> CheckedQuote:
    return check([quote], CONTEXT)[0]


def answer(verdict: Verdict, *quotes: Quote, explanation: str = "The name is quoted.") -> VerdictAnswer:
    return VerdictAnswer(evidence=list(quotes), verdict=verdict, confidence=Confidence.HIGH, explanation=explanation)


def settled(verdict: Verdict, *quotes: Quote) -> VerdictAnswer:
    return settle(answer(verdict, *quotes), check(quotes, CONTEXT))


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("target = shlex.quote(name)", 6, 6),
        ("    target   =\tshlex.quote(name)", 6, 6),
        ("if not name.isalnum():\n        raise ValueError(name)", 7, 8),
        ("raise ValueError(name)", 7, 9),
        ("     6 |     target = shlex.quote(name)", 6, 6),
        ('>    9 |     run("tar cf {}".format(target))', 9, 9),
    ],
)
def test_a_quote_that_stands_where_it_says_holds(text: str, start: int, end: int) -> None:
    found = checked(quoting(text, start, end))

    assert found.holds
    assert not found.moved
    assert found.problem == ""


def test_a_quote_from_another_file_is_looked_up_there() -> None:
    assert checked(quoting("return name.strip()", 2, path="jobs/names.py")).holds


def test_a_quote_that_stands_once_elsewhere_gets_its_true_lines() -> None:
    found = checked(quoting("raise ValueError(name)", 3))

    assert found.holds
    assert found.moved
    assert (found.quote.start_line, found.quote.end_line) == (8, 8)


def test_a_quote_within_a_wide_range_gets_its_true_lines() -> None:
    found = checked(quoting("raise ValueError(name)", 1, 12))

    assert (found.quote.start_line, found.quote.end_line) == (8, 8)


@pytest.mark.parametrize(
    ("quote", "problem"),
    [
        (quoting("target = escape(name)", 6), "no such text"),
        (quoting("log(folder)", 2), "2 places"),
        (quoting("target = escape(name)", 90), "only 12 lines"),
        (quoting("target = shlex.quote(name)", 7, 6), "end before they start"),
        (quoting("target = shlex.quote(name)", 6, path="jobs/other.py"), "no such file"),
        (quoting("target = shlex.quote(name)", 6, path="../archive.py"), "outside"),
        (quoting("target = shlex.quote(name)", 6, path="/jobs/archive.py"), "outside"),
        (quoting("", 6), "too short"),
        (quoting("})", 6), "too short"),
        (quoting("  \n", 6), "too short"),
        (quoting("get = shlex.quote(name)", 6), "no such text"),
    ],
)
def test_a_quote_that_does_not_stand_there_says_why(quote: Quote, problem: str) -> None:
    found = checked(quote)

    assert not found.holds
    assert problem in found.problem


def test_nothing_holds_where_the_file_could_not_be_read() -> None:
    context = FindingContext(CONTEXT.rule, CONTEXT.path, CONTEXT.span, None)

    assert not check([quoting("target = shlex.quote(name)", 6)], context)[0].holds


@pytest.mark.parametrize(("text", "line"), [("# the gateway cleans every name", 5), ("cleaned above", 6)])
def test_a_quoted_comment_holds_but_proves_nothing(text: str, line: int) -> None:
    found = checked(quoting(text, line))

    assert found.holds
    assert found.is_comment
    assert not found.can_block


@pytest.mark.parametrize(
    ("path", "source", "text", "line"),
    [
        ("a.js", "/*\n all input is clean\n*/\nrun(x);\n", "all input is clean", 2),
        ("a.py", 'def run(x):\n    """Only clean input arrives."""\n    go(x)\n', "Only clean input arrives.", 2),
        ("Dockerfile", "FROM base\n# runs as nobody in production\nRUN make\n", "runs as nobody in production", 2),
    ],
)
def test_a_comment_is_known_in_any_file(path: str, source: str, text: str, line: int) -> None:
    context = FindingContext(CONTEXT.rule, path, Span(1, 1, 1, 2), source)

    assert check([quoting(text, line, path=path)], context)[0].is_comment


@pytest.mark.parametrize("text", ["target = shlex.quote(name)  # cleaned above", "target = shlex.quote(name)"])
def test_code_with_a_comment_behind_it_is_code(text: str) -> None:
    assert not checked(quoting(text, 6)).is_comment


def test_a_false_positive_whose_quotes_hold_stands() -> None:
    outcome = settled(Verdict.FALSE_POSITIVE, quoting("target = shlex.quote(name)", 6))

    assert outcome.verdict is Verdict.FALSE_POSITIVE
    assert outcome.confidence is Confidence.HIGH
    assert outcome.explanation == "The name is quoted."


@pytest.mark.parametrize(
    "role", [EvidenceRole.SANITIZER, EvidenceRole.GUARD, EvidenceRole.CONTEXT, EvidenceRole.SOURCE]
)
def test_a_false_positive_rests_on_what_can_block_the_harm(role: EvidenceRole) -> None:
    assert (
        settled(Verdict.FALSE_POSITIVE, quoting("raise ValueError(name)", 8, role=role)).verdict
        is Verdict.FALSE_POSITIVE
    )


@pytest.mark.parametrize(
    "quotes",
    [
        [quoting("target = escape(name)", 6)],
        [quoting("target = shlex.quote(name)", 6), quoting("target = escape(name)", 6)],
        [quoting('run("tar cf {}".format(target))', 9, role=EvidenceRole.SINK)],
        [quoting("# the gateway cleans every name", 5, role=EvidenceRole.CONTEXT)],
    ],
)
def test_a_false_positive_without_proof_becomes_unsure(quotes: list[Quote]) -> None:
    outcome = settled(Verdict.FALSE_POSITIVE, *quotes)

    assert outcome.verdict is Verdict.UNSURE
    assert outcome.confidence is Confidence.LOW
    assert outcome.explanation.startswith("The name is quoted. ")
    assert outcome.explanation.endswith("not called a false positive.")


def test_a_true_positive_with_a_broken_quote_keeps_its_verdict_at_low_confidence() -> None:
    outcome = settled(Verdict.TRUE_POSITIVE, quoting("run(name)", 9, role=EvidenceRole.SINK))

    assert outcome.verdict is Verdict.TRUE_POSITIVE
    assert outcome.confidence is Confidence.LOW
    assert "not found in the code" in outcome.explanation


def test_a_true_positive_whose_quotes_hold_is_left_as_it_is() -> None:
    given = answer(Verdict.TRUE_POSITIVE, quoting("log(name)", 11, role=EvidenceRole.SINK))

    assert settle(given, check(given.evidence, CONTEXT)) == given


def test_only_quotes_that_hold_are_kept_with_their_true_lines() -> None:
    outcome = settled(Verdict.TRUE_POSITIVE, quoting("run(name)", 9), quoting("raise ValueError(name)", 2))

    assert [(quote.quote, quote.start_line) for quote in outcome.evidence] == [("raise ValueError(name)", 8)]


def test_a_long_explanation_makes_room_for_the_reason() -> None:
    given = answer(Verdict.FALSE_POSITIVE, quoting("run(name)", 9), explanation="x" * LONGEST_EXPLANATION)

    outcome = settle(given, check(given.evidence, CONTEXT))

    assert len(outcome.explanation) == LONGEST_EXPLANATION
    assert outcome.explanation.endswith("not called a false positive.")
