"""Small things done to text."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

DIGITS_OF_AN_ID = 18  # as many as always fit PostgreSQL's bigint


def is_id(text: str) -> bool:
    """Whether a text from outside can be the id of a row."""
    return text.isascii() and text.isdigit() and len(text) <= DIGITS_OF_AN_ID


def json_objects_in(text: str) -> list[dict[str, Any]]:
    """Return the JSON objects in a text, in order; they may stand in prose or in code blocks.

    Raises ValueError where one begins and none ends: the text was cut off, or is no JSON.
    """
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    start = text.find("{")
    while start != -1:
        try:
            entry, end = decoder.raw_decode(text, start)
        except ValueError:
            end = start + 1
        except RecursionError:
            break  # nested deeper than any answer of ours
        else:
            found.append(entry)
        start = text.find("{", end)
    if not found and "{" in text:
        raise ValueError("the JSON object in the answer is not valid, or was cut off")
    return found


def printable(text: str) -> str:
    """Return a text on one line with a mark for every character that would not show, or would reorder what does."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character == "\t" or unicodedata.category(character) not in _UNSEEN
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


# Control, format (zero width, text direction), surrogate, private use, unassigned, line and paragraph separators.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
