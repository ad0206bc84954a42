"""A unified diff as rows of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby, zip_longest

from django.utils.safestring import SafeString

from assistant_platform.web.rendering.code import coloured
from lib.text import printable

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


@dataclass(frozen=True)
class SideBySide:
    """A hunk whose removed and added lines stand beside each other; a side is None where it has no line there."""

    hunk: DiffHunk
    pairs: tuple[tuple[DiffRow | None, DiffRow | None], ...]


def side_by_side(hunk: DiffHunk) -> SideBySide:
    """Return a hunk for two columns: lines that were removed beside those that came in their place."""
    pairs: list[tuple[DiffRow | None, DiffRow | None]] = []
    for is_same, rows in groupby(hunk.rows, key=lambda row: row.sign == " "):
        block = list(rows)
        if is_same:
            pairs += [(row, row) for row in block]
        else:
            removed, added = ([row for row in block if row.sign == sign] for sign in "-+")
            pairs += zip_longest(removed, added)
    return SideBySide(hunk=hunk, pairs=tuple(pairs))


def hunks(diff: str, *, shorten: bool = True) -> list[DiffHunk]:
    """Return the hunks of a unified diff in their order; `shorten` cuts long lines: right for code, not for prose."""
    found: list[DiffHunk] = []
    path = ""
    lines = iter([line.removesuffix("\r") for line in diff.split("\n")])  # nothing else ends a line of a diff
    for line in lines:
        if line.startswith(_NEW_FILE):
            path = line.removeprefix(_NEW_FILE).removeprefix("b/").split("\t")[0]
        elif header := _HUNK.match(line):
            # A hunk says how long it is; only that tells a removed `-- x` from the next file's header.
            old, old_count, new, new_count = (int(number or 1) for number in header.groups())
            found.append(_hunk(path, _body(lines, old_count, new_count), old, new, shorten=shorten))
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


def _hunk(path: str, lines: list[str], old: int, new: int, *, shorten: bool) -> DiffHunk:
    rows = []
    texts = [line[1:] for line in lines]
    htmls = coloured("\n".join(texts), path) if shorten else [SafeString(escape(printable(text))) for text in texts]
    for line, html in zip(lines, htmls, strict=True):
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
