"""A unified diff as rows of a table."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.safestring import SafeString

from assistant_platform.web.rendering.code import coloured

_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)$")
_OLD_FILE, _NEW_FILE = "--- ", "+++ "


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
    waiting: list[str] = []
    path, old, new = "", 0, 0
    # Only a hunk's own length tells a removed `-- x` from a file's header, but our diffs name files by a/ and b/.
    for line in diff.splitlines():
        if line.startswith((_OLD_FILE + "a/", _OLD_FILE + "/dev/null", _NEW_FILE + "b/", _NEW_FILE + "/dev/null")):
            if waiting:
                found.append(_hunk(path, waiting, old, new))
                waiting = []
            if line.startswith(_NEW_FILE + "b/"):
                path = line.removeprefix(_NEW_FILE + "b/").split("\t")[0]
        elif header := _HUNK.match(line):
            if waiting:
                found.append(_hunk(path, waiting, old, new))
            waiting, old, new = [], int(header[1]), int(header[2])
        elif line[:1] in _WORDS and (old or new):
            waiting.append(line)
        elif not line and (old or new):
            waiting.append(" ")
    if waiting:
        found.append(_hunk(path, waiting, old, new))
    return found


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
