"""What an import adds to a file: shared by the modules that know how a language writes one."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from remediation.recipes.code import Change, Code


@dataclass(frozen=True)
class Imported:
    """A name to write in code, and what has to be added to the file for it."""

    name: str
    changes: tuple[Change, ...] = ()


def line_below(code: Code, node: Node, line: str) -> Change:
    """Add a line below the one on which a node ends."""
    end = code.raw.find(b"\n", node.end_byte)
    if end == -1:
        return Change(len(code.raw), len(code.raw), f"\n{line}\n")
    return Change(end + 1, end + 1, f"{line}\n")
