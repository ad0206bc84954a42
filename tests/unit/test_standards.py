"""Titles of weaknesses and risk categories."""

from __future__ import annotations

import pytest

from lib.standards import cwe_title, owasp_title


def test_cwe_titles_are_known_and_unknown_ones_empty() -> None:
    assert cwe_title(89) == "SQL Injection"
    assert cwe_title(1321) == "Prototype Pollution"
    assert cwe_title(999_999) == ""


@pytest.mark.parametrize(
    ("category", "title"),
    [
        ("A03:2021", "Injection"),
        ("A3:2017", "Sensitive Data Exposure"),
        ("A10:2025", "Mishandling of Exceptional Conditions"),
        ("A03:2021 - Injection", "Injection"),
        ("A11:2021", ""),
        ("LLM01:2025", ""),
    ],
)
def test_owasp_categories_have_the_titles_of_their_edition(category: str, title: str) -> None:
    assert owasp_title(category) == title


@pytest.mark.parametrize("year", ["2017", "2021", "2025"])
def test_every_edition_has_ten_categories(year: int) -> None:
    assert all(owasp_title(f"A{place:02}:{year}") for place in range(1, 11))
