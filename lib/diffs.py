"""Blocks of text replaced exactly, and unified diffs that `git apply` accepts.

Line ends are never normalised: what was not replaced stays as it was, byte for byte.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

NO_NEWLINE = "\\ No newline at end of file\n"
LINE_END = re.compile(r"\r?\n")
PRINTABLE = range(0x20, 0x7F)
ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\", ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r"}
HUNK_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class EditError(ValueError):
    """Say why an edit cannot be applied, in words that tell its author what to do."""


class BlockNotFound(EditError):
    """The old block does not stand in the text."""


class BlockNotUnique(EditError):
    """The old block stands in the text more than once."""


class EditsOverlap(EditError):
    """Two edits replace the same text."""


@dataclass(frozen=True)
class Replacement:
    """A block to replace: `old` must stand in the text exactly once."""

    old: str
    new: str


class RowKind(StrEnum):
    """What a row of a hunk says about its line."""

    CONTEXT = "context"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True)
class Row:
    """One line of a hunk; a number is None on the side where the line does not stand."""

    kind: RowKind
    old_number: int | None
    new_number: int | None
    text: str


@dataclass(frozen=True)
class Hunk:
    """Changed lines that stand together, in the file `path`."""

    path: str
    header: str
    rows: tuple[Row, ...]


def replace_once(text: str, old: str, new: str) -> str:
    """Return the text with its only `old` block replaced.

    Where `old` stands nowhere as written, blanks before a line end and the kind of line end are left out of the
    comparison. New lines end as the lines around them do. Raises BlockNotFound or BlockNotUnique.
    """
    return replace_each(text, [Replacement(old, new)])


def replace_each(text: str, replacements: Sequence[Replacement]) -> str:
    """Return the text with every block replaced; each is looked for in the text as it was before.

    Raises BlockNotFound, BlockNotUnique or EditsOverlap.
    """
    found = sorted((*_find_only(text, each.old), each.new) for each in replacements)
    for (_, end, _), (start, _, _) in itertools.pairwise(found):
        if start < end:
            raise EditsOverlap("two edits replace the same lines: join them into one edit")
    for start, end, new in reversed(found):
        text = text[:start] + _with_line_ends_of(text[start:end], text, new) + text[end:]
    return text


def _find_only(text: str, old: str) -> tuple[int, int]:
    if not old:
        raise BlockNotFound("the old block is empty: copy the lines to replace from the file")
    spans = _exact_spans(text, old) or _spans_but_for_line_ends(text, old)
    if not spans:
        raise BlockNotFound("the old block does not stand in the file: copy the lines to replace exactly as shown")
    if len(spans) > 1:
        raise BlockNotUnique(
            "the old block stands in the file more than once: add neighbouring lines until it is unique"
        )
    return spans[0]


def _exact_spans(text: str, old: str) -> list[tuple[int, int]]:
    spans = []
    start = text.find(old)
    while start != -1:
        spans.append((start, start + len(old)))
        start = text.find(old, start + 1)
    return spans


def _spans_but_for_line_ends(text: str, old: str) -> list[tuple[int, int]]:
    lines = [re.escape(line.rstrip(" \t")) for line in LINE_END.split(old)]
    if len(lines) == 1 or not any(lines):
        return []
    return [match.span() for match in re.finditer(r"[ \t]*\r?\n".join(lines), text)]


def _with_line_ends_of(block: str, text: str, new: str) -> str:
    kinds = set(LINE_END.findall(block)) or set(LINE_END.findall(text))
    return LINE_END.sub(kinds.pop(), new) if len(kinds) == 1 else new


def unified_diff(path: str, before: str, after: str) -> str:
    """Return a diff that turns `before` into `after` under `git apply`; empty where they are equal.

    Diffs of several files may be joined into one. Write it without translating line ends.
    """
    if before == after:
        return ""
    old_name, new_name = quoted_path(f"a/{path}"), quoted_path(f"b/{path}")
    # Git ends a name with a blank in it by a tab, so that readers know where it stops.
    tab = "\t" if " " in path else ""
    lines = [f"diff --git {old_name} {new_name}\n", f"--- {old_name}{tab}\n", f"+++ {new_name}{tab}\n"]
    # Only \n ends a line for Git; str.splitlines() would also break at form feeds and at a lone \r.
    hunks = difflib.unified_diff(_lines(before), _lines(after))
    body = list(hunks)[2:]
    lines.extend(line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}" for line in body)
    return "".join(lines)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def quoted_path(path: str) -> str:
    """Return a path as Git writes it in a diff: in quotes with octal escapes where a byte needs them."""
    written = "".join(
        ESCAPES.get(byte) or (chr(byte) if byte in PRINTABLE else f"\\{byte:03o}") for byte in path.encode()
    )
    return path if written == path else f'"{written}"'


def line_changes(diff: str) -> tuple[Hunk, ...]:
    """Return the hunks of a unified diff, with the line numbers of both sides, for showing it on a page."""
    hunks: list[Hunk] = []
    path = ""
    lines = iter(diff.split("\n"))
    for line in lines:
        if line.startswith("+++ "):
            path = _path_named_by(line.removeprefix("+++ "))
        elif match := HUNK_HEADER.match(line):
            hunks.append(Hunk(path=path, header=line, rows=tuple(_rows(lines, match))))
    return tuple(hunks)


def _path_named_by(name: str) -> str:
    name = name.removesuffix("\r").removesuffix("\t")
    if name.startswith('"'):
        # Octal escapes stand for bytes, so the text is read as Latin-1 first and as UTF-8 after.
        name = name[1:-1].encode("ascii", "backslashreplace").decode("unicode_escape").encode("latin-1").decode()
    return name.removeprefix("b/")


def _rows(lines: Iterator[str], header: re.Match[str]) -> Iterator[Row]:
    old_number, new_number = int(header[1]), int(header[3])
    # The header's counts say where the hunk ends; a removed line may itself look like a header.
    old_left, new_left = int(header[2] or 1), int(header[4] or 1)
    while old_left or new_left:
        line = next(lines, None)
        if line is None:
            return
        sign, text = line[:1], line[1:].removesuffix("\r")
        if sign == "\\":
            continue
        if sign == "-":
            yield Row(RowKind.REMOVED, old_number, None, text)
        elif sign == "+":
            yield Row(RowKind.ADDED, None, new_number, text)
        else:
            yield Row(RowKind.CONTEXT, old_number, new_number, text)
        old_number, old_left = (old_number, old_left) if sign == "+" else (old_number + 1, old_left - 1)
        new_number, new_left = (new_number, new_left) if sign == "-" else (new_number + 1, new_left - 1)
