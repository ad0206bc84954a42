"""The cookbook: every entry is sound, and the right one answers a finding."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from findings.context import FindingContext, RuleContext, Span, TraceRole, TraceStep
from lib.standards import cwe_title
from lib.syntax import GRAMMARS, error_count
from remediation.answers import GuidanceAnswer
from remediation.cookbook import guidance_for
from remediation.cookbook.entries import Variant, answering_number, entry_of, files_by_number, neighbours
from remediation.cookbook.technology import technologies
from remediation.cookbook.topic import rule_words

PROMISED = [
    *(79, 89, 352, 862, 787, 22, 416, 125, 78, 94, 120, 434, 476, 121, 502, 122, 863, 20, 284, 200, 306, 918, 77, 639, 770),
    *(119, 190, 269, 287, 276, 362, 400, 798),
    *(95, 90, 91, 209, 215, 250, 295, 311, 319, 321, 326, 327, 328, 330, 338, 346, 347, 377, 384, 489, 501, 521, 522, 532),
    *(601, 611, 614, 643, 668, 693, 732, 776, 913, 915, 916, 942, 943, 1004, 1021, 1104, 1275, 1321, 1333, 1336),
]

# How a fragment is made a whole file: as it stands, inside a function, inside a class.
SHELLS = {
    "java": ["{}", "class A {{\n{}\n}}", "class A {{ void f() {{\n{}\n}} }}"],
    "csharp": ["{}", "class A {{\n{}\n}}", "class A {{ void F() {{\n{}\n}} }}"],
    "kotlin": ["{}", "fun f() {{\n{}\n}}", "class A {{\n{}\n}}"],
    "php": ["<?php\n{}", "{}"],
    "go": ["package p\n{}", "package p\nfunc f() {{\n{}\n}}", "{}"],
    "c": ["{}", "void f(void) {{\n{}\n}}"],
    "python": ["{}", "def f():\n{}", "async def f():\n{}"],
    "javascript": ["{}", "async function f() {{\n{}\n}}", "class A {{\n{}\n}}"],
}


def snippets() -> Iterator[tuple[str, str, str]]:
    for path in sorted(set(files_by_number().values())):
        number = next(number for number, file in files_by_number().items() if file == path)
        for variant in entry_of(number).variants:
            for slot, code in variant.code.items():
                language = variant.written_in.get(slot, variant.languages[0])
                yield f"{path.stem}-{language}-{'+'.join(variant.uses) or 'any'}-{slot}", language, code


def fewest_errors(code: str, language: str) -> int | None:
    counts = [error_count(shell.format(code), language) for shell in SHELLS.get(language, ["{}"])]
    return min((count for count in counts if count is not None), default=None)


ALL_SNIPPETS = list(snippets())
PARSED_SNIPPETS = [snippet for snippet in ALL_SNIPPETS if snippet[1] in GRAMMARS]


@pytest.mark.parametrize("path", sorted(set(files_by_number().values())), ids=lambda path: path.stem)
def test_every_entry_fits_its_model(path):
    number = next(number for number, file in files_by_number().items() if file == path)

    entry = entry_of(number)

    assert entry.variants or entry.steps


@pytest.mark.parametrize(("language", "code"), [s[1:] for s in PARSED_SNIPPETS], ids=[s[0] for s in PARSED_SNIPPETS])
def test_every_snippet_parses_in_its_language(language, code):
    assert fewest_errors(code, language) == 0
