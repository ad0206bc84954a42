"""Where in a merge request's diff a comment can stand, and how GitLab wants to be told so.

https://docs.gitlab.com/api/discussions/#create-a-new-thread-in-the-merge-request-diff
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lib.diffs import HUNK_HEADER, RowKind, line_changes
from scm.adapters.gitlab.shapes import Diff, Version
from scm.adapters.values import ChangedFile, CommentDraft


@dataclass(frozen=True)
class Place:
    """A line of the new side: its number on the old one, None where it was added.

    `old_count` is where the old side stands at it, which a code of a line has even for an added one.
    """

    old: int | None
    new: int
    old_count: int


def changed_file(diff: Diff) -> ChangedFile:
    """Return a file with the lines where a comment can stand: none where GitLab shows no text."""
    return ChangedFile(
        path=diff.new_path,
        old_path=diff.old_path,
        lines={} if diff.deleted_file else {line: place.old for line, place in places_of(diff).items()},
        status=_status(diff),
    )


def places_of(diff: Diff) -> dict[int, Place]:
    """Return the places of the new side by line."""
    if diff.too_large or diff.collapsed or not diff.diff:
        return {}
    places: dict[int, Place] = {}
    for hunk in line_changes(diff.diff):
        header = HUNK_HEADER.match(hunk.header)
        old_count = int(header[1]) if header else 0
        for row in hunk.rows:
            if row.new_number is not None:
                places[row.new_number] = Place(row.old_number, row.new_number, old_count)
            old_count += row.kind is not RowKind.ADDED
    return places


class DiffPlaces:
    """The places of one version of a merge request."""

    def __init__(self, version: Version, diffs: Iterable[Diff]) -> None:
        self._version = version
        self._diffs: Mapping[str, Diff] = {diff.new_path: diff for diff in diffs if not diff.deleted_file}

    def position(self, draft: CommentDraft) -> dict[str, Any] | None:
        """Return the position of a comment as GitLab takes it, None where the diff does not show the line."""
        diff = self._diffs.get(draft.path)
        places = places_of(diff) if diff else {}
        place = places.get(draft.line or 0)
        if diff is None or place is None:
            return None
        position: dict[str, Any] = {
            "position_type": "text",
            "base_sha": self._version.base_commit_sha,
            "start_sha": self._version.start_commit_sha,
            "head_sha": self._version.head_commit_sha,
            "old_path": diff.old_path,
            "new_path": diff.new_path,
            **_numbers(place),
        }
        start = places.get(draft.start_line or 0)
        if start is not None and start.new < place.new:
            position["line_range"] = {"start": _end(diff, start), "end": _end(diff, place)}
        return position


def _numbers(place: Place) -> dict[str, int]:
    """Return an added line by its new number only, an unchanged one by both."""
    return {"new_line": place.new} | ({} if place.old is None else {"old_line": place.old})


def _end(diff: Diff, place: Place) -> dict[str, Any]:
    file = hashlib.sha1(diff.new_path.encode(), usedforsecurity=False).hexdigest()
    return {
        "line_code": f"{file}_{place.old_count}_{place.new}",
        "type": "new" if place.old is None else "old",
        **_numbers(place),
    }


def _status(diff: Diff) -> str:
    if diff.new_file:
        return "added"
    if diff.deleted_file:
        return "removed"
    return "renamed" if diff.renamed_file else "modified"
