"""Code is coloured while that is quick, and shown in any case."""

from __future__ import annotations

import pytest

from assistant_platform.web.rendering.code import coloured


@pytest.mark.parametrize("path", ["A.java", "a.c", "a.py", "a.js", "a.go"])
@pytest.mark.parametrize("line", ["", " " * 39, "\t"])
def test_a_mile_of_blank_lines_is_shown(path: str, line: str) -> None:
    assert len(coloured("\n".join([line] * 100_000), path)) == 100_000


def test_code_between_blank_lines_is_coloured_and_keeps_its_place() -> None:
    lines = coloured("\n   \nreturn 1\n\n", "a.py")

    assert [bool(line) for line in lines] == [False, False, True, False, False]
    assert "<span" in lines[2]
