from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findings.context import Span
from findings.fingerprint import content_keys, fallback_fingerprints, fingerprints, numbered
from findings.ingest.base import ReportedFinding, Severity
from tests.unit.ingest.reports import payload

PYTHON = """import shelf


def open_gate(user):
    query = "gate " + user
    return shelf.run(query)


def close_gate(user):
    query = "gate " + user
    return shelf.run(query)
"""

GO = """package main

func serve(w Writer, name string) {
\tw.Print("<b>" + name)
\tw.Print("<b>" + name)
}
"""

JAVASCRIPT = """class Basket {
  total(items) { return eval(items.sum); }
  label(items) { return eval(items.name); }
}
"""


def found(path: str, text: str, needle: str, nth: int = 0, rule: str = "garden.rule") -> ReportedFinding:
    """Return a finding on the nth occurrence of a text that stands on one line, as a scanner would report it."""
    start = -1
    for _ in range(nth + 1):
        start = text.index(needle, start + 1)
    line = text.count("\n", 0, start) + 1
    column = len(text[text.rfind("\n", 0, start) + 1 : start].encode()) + 1
    span = Span(line, column, line, column + len(needle.encode()))
    lines = text.split("\n")[line - 1]
    return ReportedFinding(rule, path, span, "Words", Severity.HIGH, lines=lines)


def identity(finding: ReportedFinding, text: str | None) -> bytes:
    (one,) = fingerprints([finding], lambda path: text)
    return one


SAMPLES = [
    ("gate.py", PYTHON, "shelf.run(query)"),
    ("serve.go", GO, 'w.Print("<b>" + name)'),
    ("basket.js", JAVASCRIPT, "eval(items.sum)"),
]
samples = pytest.mark.parametrize(("path", "text", "needle"), SAMPLES, ids=["python", "go", "javascript"])


@samples
def test_an_identity_has_sixteen_bytes(path: str, text: str, needle: str) -> None:
    assert len(identity(found(path, text, needle), text)) == 16


@samples
@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "// a licence\n// of many lines\n" + text if "func" in text else "\n\n\n" + text,
        lambda text: text + "\n\n# the end\n",
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
    ],
    ids=["lines above", "lines below", "other line ends", "a byte order mark"],
)
def test_edits_elsewhere_change_nothing(path: str, text: str, needle: str, edit: Callable[[str], str]) -> None:
    edited = edit(text)

    assert identity(found(path, text, needle), text) == identity(
        found(path, edited.removeprefix("\ufeff"), needle), edited
    )


@samples
def test_new_indentation_changes_nothing(path: str, text: str, needle: str) -> None:
    indented = text.replace("    ", "  ").replace("\t", "        ")

    assert identity(found(path, text, needle), text) == identity(found(path, indented, needle), indented)


@samples
def test_an_edit_beside_the_match_on_its_line_changes_nothing(path: str, text: str, needle: str) -> None:
    edited = text.replace(needle, f"{needle} /* seen */" if path != "gate.py" else f"{needle}  # seen")

    assert identity(found(path, text, needle), text) == identity(found(path, edited, needle), edited)


@samples
def test_the_words_of_a_rule_change_nothing(path: str, text: str, needle: str) -> None:
    finding = found(path, text, needle)
    reworded = replace(finding, message="Other words", severity=Severity.LOW, scanner_fingerprint="x", cwe=("CWE-1",))

    assert identity(finding, text) == identity(reworded, text)


@samples
def test_a_prefixed_path_is_the_same_path(path: str, text: str, needle: str) -> None:
    finding = found(path, text, needle)

    assert identity(finding, text) == identity(replace(finding, path=f"./{path}"), text)


@samples
def test_rule_path_and_code_make_a_difference(path: str, text: str, needle: str) -> None:
    finding = found(path, text, needle)
    changed = text.replace(needle, needle.replace("(", "(1 + ", 1))
    others = [
        identity(replace(finding, rule_identifier="other.rule"), text),
        identity(replace(finding, path=f"other/{path}"), text),
        identity(found(path, changed, needle.replace("(", "(1 + ", 1)), changed),
    ]

    assert len({identity(finding, text), *others}) == 4


def test_equal_matches_in_two_functions_are_told_apart_by_the_function() -> None:
    above = PYTHON.replace("def open_gate", "def check_gate(user):\n    return shelf.run(query)\n\n\ndef open_gate")

    before = identity(found("gate.py", PYTHON, "shelf.run(query)", nth=1), PYTHON)
    (_, _, after) = fingerprints(
        [found("gate.py", above, "shelf.run(query)", nth=n) for n in range(3)], lambda _: above
    )

    assert before == after


def test_equal_matches_in_one_function_are_two_findings() -> None:
    first, second = (found("serve.go", GO, 'w.Print("<b>" + name)', nth=n) for n in (0, 1))

    one, two = fingerprints([first, second], lambda _: GO)

    assert one != two


def test_the_order_of_the_report_makes_no_difference() -> None:
    first, second = (found("serve.go", GO, 'w.Print("<b>" + name)', nth=n) for n in (0, 1))

    assert fingerprints([first, second], lambda _: GO) == fingerprints([second, first], lambda _: GO)[::-1]


def test_equal_matches_on_one_line_are_ordered_by_column() -> None:
    line = "run(a); run(a)\n"
    findings = [found("twice.js", line, "run(a)", nth=n) for n in (0, 1)]

    assert len(set(fingerprints(findings, lambda _: line))) == 2


def test_columns_count_bytes_as_semgrep_counts_them() -> None:
    plain, accented = "x = 'a'; run(y)\n", "x = 'é€😀'; run(y)\n"

    assert identity(found("a.py", plain, "run(y)"), plain) == identity(found("a.py", accented, "run(y)"), accented)


def test_a_form_feed_ends_no_line() -> None:
    plain, fed = "a = 1\nb = 2\nrun(c)\n", "a = 1\n\x0cb = 2\nrun(c)\n"

    assert identity(found("a.py", plain, "run(c)"), plain) == identity(found("a.py", fed, "run(c)"), fed)


def test_the_lines_of_the_report_stand_in_for_the_file() -> None:
    text = "run(top)\n"
    finding = found("top.py", text, "run(top)")

    assert identity(finding, text) == identity(finding, None)


@samples
def test_the_fallback_is_the_same_with_and_without_the_file(path: str, text: str, needle: str) -> None:
    findings = [found(path, text, needle)]

    assert fallback_fingerprints(findings, lambda _: text) == fallback_fingerprints(findings, lambda _: None)
    assert fingerprints(findings, lambda _: text) != fingerprints(findings, lambda _: None)


def test_a_snippet_of_only_the_match_is_not_cut_again() -> None:
    text = "    total = run(query) + 1\n"
    whole = found("a.py", text, "run(query)")

    assert identity(whole, None) == identity(replace(whole, lines="run(query)"), None)


def test_without_any_code_the_order_of_lines_is_all_there_is() -> None:
    blind = [replace(found("serve.go", GO, 'w.Print("<b>" + name)', nth=n), lines="") for n in (0, 1)]
    moved = [
        replace(finding, span=replace(finding.span, start_line=finding.span.start_line + 40, end_line=99))
        for finding in blind
    ]

    assert fingerprints(blind, lambda _: None) == fingerprints(moved, lambda _: None)
    assert len(set(fingerprints(blind, lambda _: None))) == 2


def test_a_span_past_the_end_of_the_file_falls_back_on_the_report() -> None:
    finding = found("top.py", "\n\nrun(top)\n", "run(top)")

    assert identity(finding, "shorter") == identity(finding, None)


def test_findings_about_a_whole_file_do_not_depend_on_its_first_line() -> None:
    finding = ReportedFinding("garden.rule", "a.txt", Span(1, 1, 1, 1), "Words", Severity.LOW)

    assert identity(finding, "one\n") == identity(finding, "another\n")


def test_both_generations_and_both_formats_agree_when_the_files_are_known() -> None:
    text = "\n".join(
        f"line {n}(x, y, z) of the shop, long enough to be cut by every column there is" for n in range(30)
    )
    json_97 = [finding for finding in payload("semgrep/signed_in.json") if not finding.is_suppressed]
    json_182 = list(payload("semgrep/withheld.json"))
    sarif = [finding for finding in payload("sarif/semgrep.sarif") if not finding.is_suppressed]

    identities = [fingerprints(findings, lambda _: text) for findings in (json_97, json_182, sarif)]

    assert identities[0] == identities[1]
    assert sorted(identities[1]) == sorted(identities[2])


def test_batches_of_whole_files_give_the_same_identities() -> None:
    texts = {"gate.py": PYTHON, "serve.go": GO}
    gates = [found("gate.py", PYTHON, "shelf.run(query)", nth=n) for n in (0, 1)]
    serves = [found("serve.go", GO, 'w.Print("<b>" + name)', nth=n) for n in (0, 1)]

    keys = [*content_keys(gates, texts.get), *content_keys(serves, texts.get)]
    in_batches = numbered([(key, finding.span) for key, finding in zip(keys, [*gates, *serves], strict=True)])

    assert in_batches == fingerprints([*gates, *serves], texts.get)


lines_of_code = st.lists(st.sampled_from(["run(a)", "run(b)", "  run(a)", "x = 1", "", "é = run(a)"]), max_size=12)


def findings_in(lines: list[str]) -> list[ReportedFinding]:
    return [
        ReportedFinding("garden.rule", "a.py", Span(n, 1, n, len(line.encode()) + 1), "Words", Severity.LOW, lines=line)
        for n, line in enumerate(lines, start=1)
        if "run" in line
    ]


@given(lines_of_code)
@settings(deadline=None)
def test_identities_are_distinct_in_every_file(lines: list[str]) -> None:
    findings = findings_in(lines)

    assert len(set(fingerprints(findings, lambda _: "\n".join(lines)))) == len(findings)


@given(
    lines_of_code, st.lists(st.sampled_from(["", "# note", "import os"]), max_size=5), st.randoms(use_true_random=False)
)
@settings(deadline=None)
def test_identities_outlive_lines_above_and_another_order(lines: list[str], above: list[str], chance: Random) -> None:
    moved = findings_in([*above, *lines])
    chance.shuffle(moved)

    before, after = fingerprints(findings_in(lines), lambda _: None), fingerprints(moved, lambda _: None)

    assert sorted(after) == sorted(before)
