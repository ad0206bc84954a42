"""Changes as SARIF `fix` objects: which text of the original file gives way to which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from findings.context import Span
from lib.diffs import HUNK_HEADER, NO_NEWLINE, RowKind, line_changes

SOURCE_ROOT = "%SRCROOT%"


@dataclass
class _Change:
    """Neighbouring lines that give way to others; `before_line` is the line of the original file they stand at."""

    before_line: int
    removed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)


def fix_of_diff(diff: str, *, explanation: str) -> dict[str, Any] | None:
    """Return a unified diff of ours as a SARIF fix; None where it changes nothing.

    Line ends are those of the diff, so that a file keeps its own.
    """
    replacements: dict[str, list[dict[str, Any]]] = {}
    for path, change in _changes_in(diff):
        replacements.setdefault(path, []).append(_replacement(change))
    if not replacements:
        return None
    return {
        **({"description": {"text": explanation}} if explanation else {}),
        "artifactChanges": [
            {"artifactLocation": artifact_location(path), "replacements": made} for path, made in replacements.items()
        ],
    }


def fix_of_rule(path: str, span: Span, text: str) -> dict[str, Any]:
    """Return the fix that a rule brings along, which replaces exactly what it matched."""
    return {
        "description": {"text": "The rule's own fix."},
        "artifactChanges": [
            {
                "artifactLocation": artifact_location(path),
                "replacements": [{"deletedRegion": region(span), "insertedContent": {"text": text}}],
            }
        ],
    }


def artifact_location(path: str) -> dict[str, Any]:
    """Return a file of the repository as SARIF names it."""
    return {"uri": quote(path), "uriBaseId": SOURCE_ROOT}


def region(span: Span) -> dict[str, int]:
    """Return a span as a SARIF region; both count from 1 and end one past the last character."""
    return {
        "startLine": span.start_line,
        "startColumn": span.start_column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _changes_in(diff: str) -> Iterator[tuple[str, _Change]]:
    ends = _line_ends(diff)
    for hunk in line_changes(diff):
        change: _Change | None = None
        line = next((row.old_number for row in hunk.rows if row.old_number is not None), 1)
        for row in hunk.rows:
            text = row.text + next(ends)
            if row.kind is RowKind.CONTEXT:
                if change is not None:
                    yield hunk.path, change
                change = None
            else:
                change = change or _Change(before_line=line)
                (change.removed if row.kind is RowKind.REMOVED else change.added).append(text)
            line += row.kind is not RowKind.ADDED
        if change is not None:
            yield hunk.path, change


def _line_ends(diff: str) -> Iterator[str]:
    """Yield how each line of the hunks ends in its file: `line_changes` is for pages and leaves that out."""
    old_left = new_left = 0
    for line, following in pairwise([*diff.split("\n"), ""]):
        if old_left or new_left:
            if line.startswith("\\"):
                continue
            old_left -= not line.startswith("+")
            new_left -= not line.startswith("-")
            yield ("\r" if line.endswith("\r") else "") + ("" if f"{following}\n" == NO_NEWLINE else "\n")
        elif match := HUNK_HEADER.match(line):
            old_left, new_left = int(match[2] or 1), int(match[4] or 1)


def _replacement(change: _Change) -> dict[str, Any]:
    inserted = "".join(change.added)
    line = change.before_line
    end = Span(line, 1, line + len(change.removed), 1)
    if change.removed and not change.removed[-1].endswith("\n"):
        # The file's last line: there is no next line whose beginning could be the end.
        end = Span(line, 1, line + len(change.removed) - 1, len(change.removed[-1]) + 1)
    elif change.removed and inserted.endswith("\n"):
        # The end of the last line stays, so that no reader stumbles over a region that ends behind the file.
        last = change.removed[-1].rstrip("\r\n")
        end = Span(line, 1, line + len(change.removed) - 1, len(last) + 1)
        inserted = inserted.removesuffix("\n").removesuffix("\r")
    return {"deletedRegion": region(end), "insertedContent": {"text": inserted}}
