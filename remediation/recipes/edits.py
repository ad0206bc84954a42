"""From a recipe's draft to the answer a model could have given: whole lines, each block unique in the file.

What cannot pass the gates of every fix (old block found once, still parses) is dropped here already.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from lib.diffs import EditError, Replacement, replace_each
from lib.syntax import error_count
from remediation.answers import Edit, FixAnswer
from remediation.recipes.code import Change, Code, Draft

MOST_EDITS = 6


@dataclass(frozen=True)
class Block:
    """Whole lines of the file, from line `first` up to but not including line `behind`, and the changes in them."""

    first: int
    behind: int
    changes: tuple[Change, ...]


def as_answer(draft: Draft, code: Code, path: str) -> FixAnswer | None:
    """Return the draft as edits of unique blocks; None where it changes nothing, overlaps itself or breaks the file."""
    changes = sorted(set(draft.changes), key=lambda change: (change.start, change.end))
    if not changes or any(one.end > other.start for one, other in itertools.pairwise(changes)):
        return None
    after = changed(code, changes, 0, len(code.raw))
    if after == code.text or (error_count(after, code.language) or 0) > (error_count(code.text, code.language) or 0):
        return None
    edits = _edits(code, changes, path)
    if edits is None:
        return None
    try:
        applied = replace_each(code.text, [Replacement(edit.old, edit.new) for edit in edits])
    except EditError:
        return None
    return FixAnswer(edits=edits, explanation=draft.explanation) if applied == after else None


def changed(code: Code, changes: list[Change] | tuple[Change, ...], start: int, end: int) -> str:
    """Return the bytes from `start` to `end` with the changes made that stand there, in order."""
    parts, position = [], start
    for change in changes:
        parts += [code.slice(position, change.start), change.new.replace("\n", code.line_end)]
        position = change.end
    return "".join([*parts, code.slice(position, end)])


def _edits(code: Code, changes: list[Change], path: str) -> list[Edit] | None:
    # Byte offsets of the line starts; the last one is the end of the file.
    starts = [0, *(index + 1 for index, byte in enumerate(code.raw) if byte == ord("\n"))]
    if starts[-1] != len(code.raw):
        starts.append(len(code.raw))
    merged: list[Block] = []
    for change in changes:
        block = _unique(code, starts, _block(starts, change))
        if block is None:
            return None
        merged.append(block if not merged or block.first > merged[-1].behind else _joined(merged.pop(), block))
    if len(merged) > MOST_EDITS:
        return None
    return [_edit(code, starts, block, path) for block in merged]


def _joined(one: Block, other: Block) -> Block:
    return Block(min(one.first, other.first), max(one.behind, other.behind), one.changes + other.changes)


def _block(starts: list[int], change: Change) -> Block:
    first = max(index for index, start in enumerate(starts) if start <= change.start)
    first = min(first, len(starts) - 2)
    # A change that ends where a line starts does not touch that line.
    behind = next(
        index
        for index, start in enumerate(starts)
        if start >= max(change.end, change.start + 1) or index == len(starts) - 1
    )
    return Block(first, max(behind, first + 1), (change,))


def _unique(code: Code, starts: list[int], block: Block) -> Block | None:
    """Take in neighbouring lines, in turn below and above, until the block stands in the file once."""
    first, behind = block.first, block.behind
    last = len(starts) - 1
    below = True
    while code.text.count(_trimmed(code.slice(starts[first], starts[behind]))) != 1:
        if first == 0 and behind == last:
            return None
        if (below and behind < last) or first == 0:
            behind += 1
        else:
            first -= 1
        below = not below
    return Block(first, behind, block.changes)


def _edit(code: Code, starts: list[int], block: Block, path: str) -> Edit:
    start, end = starts[block.first], starts[block.behind]
    old = code.slice(start, end)
    new = changed(code, block.changes, start, end)
    # The last line end stays out of the block where the new text keeps it, as people copy blocks.
    trimmed = _trimmed(old)
    ending = old[len(trimmed) :]
    if ending and new.endswith(ending):
        return Edit(path=path, old=trimmed, new=new.removesuffix(ending))
    return Edit(path=path, old=old, new=new)


def _trimmed(block: str) -> str:
    return block.removesuffix("\n").removesuffix("\r") or block
