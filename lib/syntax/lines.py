"""Lines of a source file, counted as scanners, editors and tree-sitter count them."""

from __future__ import annotations


def lines_of(text: str) -> list[str]:
    """Return a text's lines without their ends.

    Only a line feed ends a line. `str.splitlines` breaks at form feeds and other characters too, and every number
    after the first of them would be wrong.
    """
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    if lines[-1] == "":
        lines.pop()
    return lines
