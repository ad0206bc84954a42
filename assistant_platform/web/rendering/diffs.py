"""A unified diff as rows of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.safestring import SafeString

from assistant_platform.web.rendering.code import coloured

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NEW_FILE = "+++ "


@dataclass(frozen=True)
class DiffRow:
    """A line of a change; `sign` is `+`, `-` or a blank, `word` says it, a number is None where the line is not."""

    sign: str
    word: str
    old_number: int | None
    new_number: int | None
    html: SafeString


@dataclass(frozen=True)
class DiffHunk:
    """Changed lines of a file with the unchanged ones around them."""

    path: str
    rows: tuple[DiffRow, ...]


_WORDS = {"+": "added", "-": "removed", " ": ""}


def hunks(diff: str) -> list[DiffHunk]:
    """Return the hunks of a unified diff in their order."""
    found: list[DiffHunk] = []
    path = ""
    lines = iter(diff.splitlines())
    for line in lines:
        if line.startswith(_NEW_FILE):
            path = line.removeprefix(_NEW_FILE).removeprefix("b/").split("\t")[0]
        elif header := _HUNK.match(line):
            # A hunk says how long it is; only that tells a removed `-- x` from the next file's header.
            old, old_count, new, new_count = (int(number or 1) for number in header.groups())
            found.append(_hunk(path, _body(lines, old_count, new_count), old, new))
    return found


def _body(lines: Iterator[str], old_count: int, new_count: int) -> list[str]:
    body = []
    while old_count > 0 or new_count > 0:
        line = next(lines, None)
        if line is None:
            break
        line = line or " "  # some tools write an empty unchanged line without its blank
        if line[0] in _WORDS:
            body.append(line)
            old_count -= line[0] != "+"
            new_count -= line[0] != "-"
    return body


def _hunk(path: str, lines: list[str], old: int, new: int) -> DiffHunk:
    rows = []
    for line, html in zip(lines, coloured("\n".join(line[1:] for line in lines), path), strict=True):
        sign = line[0]
        rows.append(
            DiffRow(
                sign=sign,
                word=_WORDS[sign],
                old_number=old if sign != "+" else None,
                new_number=new if sign != "-" else None,
                html=html,
            )
        )
        old += sign != "+"
        new += sign != "-"
    return DiffHunk(path=path, rows=tuple(rows))
