from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findings.context import Span
from findings.fingerprint import Keys, keys_of
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


def keys(finding: ReportedFinding, text: str | None) -> Keys:
    (one,) = keys_of([finding], lambda path: text)
    return one


def identity(finding: ReportedFinding, text: str | None) -> bytes:
    return keys(finding, text).whole


SAMPLES = [
    ("gate.py", PYTHON, "shelf.run(query)"),
    ("serve.go", GO, 'w.Print("<b>" + name)'),
    ("basket.js", JAVASCRIPT, "eval(items.sum)"),
]
samples = pytest.mark.parametrize(("path", "text", "needle"), SAMPLES, ids=["python", "go", "javascript"])


@samples
def test_each_key_has_sixteen_bytes_of_its_own(path: str, text: str, needle: str) -> None:
    known = keys(found(path, text, needle), text)

    assert {len(key) for key in (known.whole, known.code, known.place)} == {16}
    assert len({known.whole, known.code, known.place}) == 3


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
    (_, _, after) = keys_of([found("gate.py", above, "shelf.run(query)", nth=n) for n in range(3)], lambda _: above)

    assert before == after.whole


def test_equal_matches_in_one_function_share_their_keys() -> None:
    first, second = (found("serve.go", GO, 'w.Print("<b>" + name)', nth=n) for n in (0, 1))

    one, two = keys_of([first, second], lambda _: GO)

    assert one == two


def test_columns_count_bytes_as_semgrep_counts_them() -> None:
    plain, accented = "x = 'a'; run(y)\n", "x = 'é€😀'; run(y)\n"

    assert identity(found("a.py", plain, "run(y)"), plain) == identity(found("a.py", accented, "run(y)"), accented)


def test_a_form_feed_ends_no_line() -> None:
    plain, fed = "a = 1\nb = 2\nrun(c)\n", "a = 1\n\x0cb = 2\nrun(c)\n"

    assert identity(found("a.py", plain, "run(c)"), plain) == identity(found("a.py", fed, "run(c)"), fed)


def test_the_lines_of_the_report_stand_in_for_the_file() -> None:
    text = "run(top)\n"
    finding = found("top.py", text, "run(top)")

    assert keys(finding, text).code == keys(finding, None).code


@samples
def test_only_the_whole_key_depends_on_having_the_file(path: str, text: str, needle: str) -> None:
    finding = found(path, text, needle)
    with_file, without = keys(finding, text), keys(finding, None)

    assert (with_file.code, with_file.place) == (without.code, without.place)
    assert with_file.whole != without.whole


@samples
def test_a_renamed_function_leaves_the_key_of_the_code(path: str, text: str, needle: str) -> None:
    renamed = text.replace("open_gate", "unlock").replace("serve", "answer").replace("Basket", "Cart")
    before, after = keys(found(path, text, needle), text), keys(found(path, renamed, needle), renamed)

    assert before.whole != after.whole
    assert before.code == after.code


def test_a_snippet_of_only_the_match_is_not_cut_again() -> None:
    text = "    total = run(query) + 1\n"
    whole = found("a.py", text, "run(query)")

    assert identity(whole, None) == identity(replace(whole, lines="run(query)"), None)


def test_without_any_code_rule_and_path_are_all_there_is() -> None:
    blind = [replace(found("serve.go", GO, 'w.Print("<b>" + name)', nth=n), lines="") for n in (0, 1)]

    one, two = keys_of(blind, lambda _: None)

    assert one == two
    assert one.whole == one.code == one.place


def test_a_span_past_the_end_of_the_file_falls_back_on_the_report() -> None:
    finding = found("top.py", "\n\nrun(top)\n", "run(top)")

    assert keys(finding, "shorter").code == keys(finding, None).code


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

    wholes = [[known.whole for known in keys_of(some, lambda _: text)] for some in (json_97, json_182, sarif)]

    assert wholes[0] == wholes[1]
    assert sorted(wholes[1]) == sorted(wholes[2])


def test_batches_give_the_same_keys() -> None:
    texts = {"gate.py": PYTHON, "serve.go": GO}
    gates = [found("gate.py", PYTHON, "shelf.run(query)", nth=n) for n in (0, 1)]
    serves = [found("serve.go", GO, 'w.Print("<b>" + name)', nth=n) for n in (0, 1)]

    in_batches = [*keys_of(gates[:1], texts.get), *keys_of([gates[1], *serves], texts.get)]

    assert in_batches == keys_of([*gates, *serves], texts.get)


lines_of_code = st.lists(st.sampled_from(["run(a)", "run(b)", "  run(a)", "x = 1", "", "é = run(a)"]), max_size=12)


def findings_in(lines: list[str]) -> list[ReportedFinding]:
    return [
        ReportedFinding("garden.rule", "a.py", Span(n, 1, n, len(line.encode()) + 1), "Words", Severity.LOW, lines=line)
        for n, line in enumerate(lines, start=1)
        if "run" in line
    ]


@given(
    lines_of_code, st.lists(st.sampled_from(["", "# note", "import os"]), max_size=5), st.randoms(use_true_random=False)
)
@settings(deadline=None)
def test_keys_outlive_lines_above_and_another_order(lines: list[str], above: list[str], chance: Random) -> None:
    moved = findings_in([*above, *lines])
    chance.shuffle(moved)

    before, after = keys_of(findings_in(lines), lambda _: None), keys_of(moved, lambda _: None)

    assert sorted(known.whole for known in after) == sorted(known.whole for known in before)
