"""Which lines of a file a comment can stand at: those of the new side that GitHub shows."""

from __future__ import annotations

from lib.diffs import RowKind, line_changes
from scm.adapters.github import answers
from scm.adapters.values import ChangedFile

# GitHub's words that we have others for; a copy is a new file, and `changed` is a mode.
STATUSES = {"copied": "added", "changed": "modified", "unchanged": "modified"}


def changed_file(told: answers.ChangedFile) -> ChangedFile:
    """Return a file of a pull request; one without a patch has no lines."""
    return ChangedFile(
        path=told.filename,
        old_path=told.previous_filename or told.filename,
        lines=lines_shown(told.patch),
        status=STATUSES.get(told.status, told.status),
    )


def lines_shown(patch: str) -> dict[int, int | None]:
    """Return each line of the new side with its number on the old side, None for an added one."""
    return {
        row.new_number: row.old_number
        for hunk in line_changes(patch)
        for row in hunk.rows
        if row.kind is not RowKind.REMOVED and row.new_number is not None
    }
