"""Files that nobody wrote: a mile of blank lines, a number without end. Each is read once, not once a character.

These would not fail but never end: each pattern here once read on from every line or digit to the end of the file.
"""

from __future__ import annotations

import pytest

from findings.context import FindingContext, RuleContext, Span
from remediation.cookbook import guidance_for
from remediation.cookbook.technology import imported_modules
from triage.answers import ComponentTag
from triage.components import tag_without_model

MANY = 400_000
RULE = RuleContext("a.rule", "Something is wrong.", "High", cwe=("CWE-89",))


@pytest.mark.parametrize("path", ["a.py", "b.js", "c.java", "d.go", "e.rb", "f.php", "g.cs", "h.tf"])
@pytest.mark.parametrize("line", ["\n", "  \n", "\r\n"])
def test_guidance_is_given_for_a_file_of_blank_lines(path: str, line: str) -> None:
    context = FindingContext(rule=RULE, path=path, span=Span(1, 1, 1, 1), source=line * MANY)

    assert guidance_for(context).steps


@pytest.mark.parametrize(("language", "word"), [("javascript", "import "), ("go", "import "), ("python", "from ")])
def test_imports_are_looked_for_behind_any_number_of_blanks(language: str, word: str) -> None:
    assert imported_modules(word + " " * MANY, language) == frozenset()


@pytest.mark.parametrize("text", ["1" * MANY, "7a" * MANY, "A" * MANY, "a1" * MANY])
def test_a_file_of_one_word_is_tagged(text: str) -> None:
    assert tag_without_model("data/numbers.bin", text).tag in ComponentTag


@pytest.mark.parametrize(
    ("language", "text", "module"),
    [
        ("python", "  from flask import request\n", "flask"),
        ("python", "\n\n\timport os.path, json\n", "os.path"),
        ("javascript", "import( 'express' )", "express"),
        ("javascript", "import   'express'", "express"),
        ("go", 'import (\n\tsql "database/sql"\r\n)\n', "database.sql"),
        ("java", "\n  import static java.util.Map;\n", "java.util.Map"),
    ],
)
def test_imports_are_found_as_before(language: str, text: str, module: str) -> None:
    assert module in imported_modules(text, language)
