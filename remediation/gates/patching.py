"""A fix as changed files: its edits applied, its changed lines, its diff."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from findings.context import FindingContext
from lib import diffs
from lib.languages import language_of
from lib.syntax import lines_of
from remediation.answers import Edit, FixAnswer

MOST_CHANGED_LINES = 120
LONGEST_EXACT_COMPARISON = 4000


class NotApplicable(Exception):
    """The fix cannot be applied, with the reason for people."""


@dataclass(frozen=True)
class FileChange:
    """One file before and after the fix."""

    path: str
    before: str
    after: str

    @property
    def language(self) -> str:
        """Semgrep's id of the file's language."""
        return language_of(self.path)

    @cached_property
    def removed(self) -> frozenset[int]:
        """The numbers of the lines, from 1, that stand only in the file before."""
        return frozenset(number for start, end, _, _ in self._changes for number in range(start + 1, end + 1))

    @cached_property
    def added(self) -> frozenset[int]:
        """The numbers of the lines, from 1, that stand only in the file after."""
        return frozenset(number for _, _, start, end in self._changes for number in range(start + 1, end + 1))

    @property
    def added_text(self) -> str:
        """The lines that stand only in the file after."""
        return "\n".join(self.lines_after[number - 1] for number in sorted(self.added))

    @cached_property
    def lines_before(self) -> list[str]:
        """The lines before, without their ends."""
        return lines_of(self.before)

    @cached_property
    def lines_after(self) -> list[str]:
        """The lines after, without their ends."""
        return lines_of(self.after)

    @cached_property
    def line_after(self) -> dict[int, int]:
        """Where each line that stayed now stands: number before -> number after, from 1."""
        return {
            start_before + step + 1: start_after + step + 1
            for kind, start_before, end_before, start_after, _ in self._opcodes
            if kind == "equal"
            for step in range(end_before - start_before)
        }

    @property
    def diff(self) -> str:
        """The change as `git apply` takes it."""
        return diffs.unified_diff(self.path, self.before, self.after)

    @cached_property
    def _opcodes(self) -> list[tuple[str, int, int, int, int]]:
        before, after = self.lines_before, self.lines_after
        # A fix changes a few lines of many: comparing only those between keeps a long file from taking seconds.
        start = _common_start(before, after)
        end = _common_start(before[start:][::-1], after[start:][::-1])
        middle_before, middle_after = before[start : len(before) - end], after[start : len(after) - end]
        is_long = len(middle_before) + len(middle_after) > LONGEST_EXACT_COMPARISON
        matcher = SequenceMatcher(a=middle_before, b=middle_after, autojunk=is_long)
        middle = [(kind, a + start, b + start, c + start, d + start) for kind, a, b, c, d in matcher.get_opcodes()]
        tail = ("equal", len(before) - end, len(before), len(after) - end, len(after))
        return [("equal", 0, start, 0, start), *middle, tail]

    @property
    def _changes(self) -> list[tuple[int, int, int, int]]:
        return [(a, b, c, d) for kind, a, b, c, d in self._opcodes if kind != "equal"]


def apply(*, context: FindingContext, answer: FixAnswer) -> tuple[FileChange, ...]:
    """Return the files a fix changes. Raises NotApplicable."""
    if not answer.edits:
        raise NotApplicable("There is no change to apply.")
    edits_of: dict[str, list[Edit]] = defaultdict(list)
    for edit in answer.edits:
        edits_of[edit.path].append(edit)
    changes = [_change(path, edits, context) for path, edits in edits_of.items()]
    changes = [change for change in changes if change.before != change.after]
    if not changes:
        raise NotApplicable("The change leaves every file as it was.")
    count = sum(len(change.removed) + len(change.added) for change in changes)
    if count > MOST_CHANGED_LINES:
        raise NotApplicable(
            f"The change touches {count} lines; more than {MOST_CHANGED_LINES} are not a fix that can be reviewed."
        )
    return tuple(changes)


def diff_of(changes: Sequence[FileChange]) -> str:
    """Return the whole change as one diff."""
    return "".join(change.diff for change in changes)


def _common_start(before: Sequence[str], after: Sequence[str]) -> int:
    pairs = enumerate(zip(before, after, strict=False))
    return next((number for number, (old, new) in pairs if old != new), min(len(before), len(after)))


def _change(path: str, edits: list[Edit], context: FindingContext) -> FileChange:
    before = context.text_of(path)
    if before is None:
        raise NotApplicable(f"The file {path} could not be read, so nothing in it can be replaced.")
    try:
        after = diffs.replace_each(before, [diffs.Replacement(edit.old, edit.new) for edit in edits])
    except diffs.EditError as error:
        raise NotApplicable(f"In {path}, {error}.") from error
    return FileChange(path, before, after)
