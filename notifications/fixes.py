"""Fixes as they are stored, read into the lines that give way to others."""

from __future__ import annotations

from collections.abc import Iterator

from findings.ingest.writer import TRUNCATED_LINES
from findings.models import Finding
from lib.diffs import NO_NEWLINE, Hunk, RowKind, line_changes
from lib.syntax import lines_of
from notifications.messages import Fix, FixOrigin, LineEdit
from remediation.models import Autofix


def fix_of_assistant(autofix: Autofix) -> Fix:
    """Return a change of ours, with the lines that its diff knows."""
    hunks = line_changes(autofix.diff)
    is_exact = _keeps_the_end(autofix.diff)
    edits = tuple(edit for hunk in hunks for edit in _edits(hunk, is_exact=is_exact))
    paths = {edit.path for edit in edits}
    return Fix(
        origin=FixOrigin.ASSISTANT,
        is_verified=autofix.is_verified,
        confidence=autofix.confidence,
        explanation=autofix.explanation,
        diff=autofix.diff,
        edits=edits,
        known_lines=tuple(line for hunk in hunks for line in _old_lines(hunk)) if len(paths) == 1 else (),
        has_crlf="\r\n" in autofix.diff,
    )


def fix_of_rule(finding: Finding, *, has_crlf: bool = False) -> Fix:
    """Return the fix that a rule brings along, which replaces exactly what it matched.

    Where the matched lines are not known, only its text is.
    """
    lines = lines_of(finding.matched_lines)
    count = finding.end_line - finding.start_line + 1
    is_whole = len(lines) == count and len(finding.matched_lines) < TRUNCATED_LINES
    is_known = finding.has_code and is_whole and "\ufeff" not in finding.matched_lines
    if not is_known or len(lines[0]) < finding.start_column - 1 or len(lines[-1]) < finding.end_column - 1:
        return Fix(origin=FixOrigin.RULE, is_verified=False, code=finding.rule_fix)
    changed = lines[0][: finding.start_column - 1] + finding.rule_fix + lines[-1][finding.end_column - 1 :]
    new_lines = changed.replace("\r\n", "\n").split("\n") if changed.strip() else []
    return Fix(
        origin=FixOrigin.RULE,
        is_verified=False,
        code=finding.rule_fix,
        diff="\n".join([*(f"-{line}" for line in lines), *(f"+{line}" for line in new_lines)]),
        edits=(LineEdit(finding.path, finding.start_line, tuple(lines), tuple(new_lines)),),
        known_lines=tuple(enumerate(lines, finding.start_line)),
        has_crlf=has_crlf or "\r" in finding.matched_lines,
    )


def _edits(hunk: Hunk, *, is_exact: bool) -> Iterator[LineEdit]:
    """Yield the runs of changed lines of a hunk."""
    old: list[str] = []
    new: list[str] = []
    number = next((row.old_number for row in hunk.rows if row.old_number is not None), 1)
    start = number
    for row in hunk.rows:
        if row.kind is RowKind.CONTEXT:
            if old or new:
                yield LineEdit(hunk.path, start, tuple(old), tuple(new), is_exact)
                old, new = [], []
            start = number + 1
        else:
            (old if row.kind is RowKind.REMOVED else new).append(row.text)
        number += row.kind is not RowKind.ADDED
    if old or new:
        yield LineEdit(hunk.path, start, tuple(old), tuple(new), is_exact)


def _old_lines(hunk: Hunk) -> Iterator[tuple[int, str]]:
    for row in hunk.rows:
        if row.old_number is not None:
            yield row.old_number, row.text


def _keeps_the_end(diff: str) -> bool:
    """Tell whether the last line of each file has a line end after the change if it had one before."""
    lines = diff.split("\n")
    marked = {lines[number - 1][:1] for number, line in enumerate(lines) if f"{line}\n" == NO_NEWLINE and number}
    return marked not in ({"-"}, {"+"})
