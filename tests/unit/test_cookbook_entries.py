"""The entries of the cookbook: each is sound, its code parses, and no promised weakness is without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from lib.languages import LANGUAGE_OF_EXTENSION
from lib.standards import cwe_title
from lib.syntax import error_count
from lib.syntax.trees import GRAMMARS
from remediation.cookbook.entries import Entry, answering_number, entry_of, files_by_number, neighbours
from remediation.cookbook.technology import technologies
from remediation.cookbook.topic import rule_words

KNOWN_LANGUAGES = {*LANGUAGE_OF_EXTENSION.values(), "dockerfile"}

PROMISED = [
    *(
        79,
        89,
        352,
        862,
        787,
        22,
        416,
        125,
        78,
        94,
        120,
        434,
        476,
        121,
        502,
        122,
        863,
        20,
        284,
        200,
        306,
        918,
        77,
        639,
        770,
    ),
    *(119, 190, 269, 287, 276, 362, 400, 798),
    *(
        95,
        90,
        91,
        209,
        215,
        250,
        295,
        311,
        319,
        321,
        326,
        327,
        328,
        330,
        338,
        346,
        347,
        377,
        384,
        489,
        501,
        521,
        522,
        532,
    ),
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
def test_every_entry_fits_its_model(path: Path) -> None:
    number = next(number for number, file in files_by_number().items() if file == path)

    entry = entry_of(number)

    assert len([step for step in entry.steps if step.text]) >= 3


@pytest.mark.parametrize(("language", "code"), [s[1:] for s in PARSED_SNIPPETS], ids=[s[0] for s in PARSED_SNIPPETS])
def test_every_snippet_parses_in_its_language(language: str, code: str) -> None:
    assert fewest_errors(code, language) == 0


@pytest.mark.parametrize("number", PROMISED)
def test_every_promised_cwe_has_an_entry(number: int) -> None:
    assert answering_number(number) is not None


def test_neighbours_lead_to_entries_and_have_none_themselves() -> None:
    assert set(neighbours().values()) <= set(files_by_number())
    assert not set(neighbours()) & set(files_by_number())


def test_rule_words_lead_to_entries() -> None:
    assert [line.cwe for line in rule_words() if answering_number(line.cwe) is None] == []


def test_every_cwe_with_an_entry_has_a_title() -> None:
    assert [number for number in files_by_number() if not cwe_title(number)] == []


def test_variants_name_known_technologies_and_languages() -> None:
    variants = [variant for path in files_by_number() for variant in entry_of(path).variants]

    assert {name for variant in variants for name in variant.uses} <= set(technologies())
    assert {name for variant in variants for name in variant.languages} <= KNOWN_LANGUAGES


def test_an_entry_whose_code_no_step_shows_is_refused() -> None:
    steps = [{"text": "One."}, {"text": "Two."}, {"text": "Three.", "shows": "fix"}]
    variants = [{"languages": ["python"], "code": {"other": "pass"}}]

    with pytest.raises(ValidationError, match="no step shows"):
        Entry.model_validate({"title": "T", "summary": "{place} does it.", "steps": steps, "variants": variants})
