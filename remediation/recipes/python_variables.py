"""Texts that reach a Python call through a local variable, and how freely that variable may be changed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from remediation.recipes.code import named, same, scope_of, text_of, within
from remediation.recipes.python_text import TextParts, text_parts
from remediation.recipes.sql_text import Value

HARMLESS_READERS = re.compile(r"(?:^|\.)(?:print|pprint|debug|info|warning|error|exception|log)$")


@dataclass(frozen=True)
class GivenText:
    """A text that a call is given: its parts, and the assignment of the variable that carries it, if one does."""

    argument: Node
    parts: TextParts
    assignment: Node | None = None


def given_text(argument: Node) -> GivenText | None:
    """Take the text of an argument apart, also through a variable that is assigned once and goes nowhere else."""
    if argument.type != "identifier":
        parts = text_parts(argument)
        return GivenText(argument, parts) if parts is not None else None
    assignment = assignment_only_for(argument)
    right = named(assignment, "right") if assignment is not None else None
    parts = text_parts(right) if right is not None else None
    if parts is None or assignment is None or not keeps_its_values(parts, assignment, argument):
        return None
    return GivenText(argument, parts, assignment)


def assignment_only_for(argument: Node) -> Node | None:
    """Return the one assignment of a variable that is read by this argument alone, and before it."""
    name, scope = text_of(argument), scope_of(argument)
    assignment = only_assignment(scope, name)
    if assignment is None or assignment.end_byte > argument.start_byte or _is_read_elsewhere(scope, name, argument):
        return None
    return assignment


def keeps_its_values(parts: TextParts, assignment: Node, use: Node) -> bool:
    """Tell whether the names in a text still mean the same where it is used as where it was put together."""
    names = {
        name for part in parts.parts if isinstance(part, Value) for name in re.findall(r"[A-Za-z_]\w*", part.source)
    }
    return not any(_is_assigned_between(scope_of(use), name, assignment.end_byte, use.start_byte) for name in names)


def only_assignment(scope: Node, name: str) -> Node | None:
    """Return the one plain assignment of a local variable; None where it is bound in any other way too."""
    assigned = [node for node in within(scope, "assignment") if text_of(named(node, "left")) == name]
    others = [
        node
        for node in within(scope, "augmented_assignment", "named_expression", "for_statement", "global_statement")
        if name in {text_of(named(node, "left")), text_of(named(node, "name")), text_of(node).removeprefix("global ")}
    ]
    if len(assigned) != 1 or others or not same(scope_of(assigned[0]), scope):
        return None
    return assigned[0] if named(assigned[0], "right") is not None else None


def _is_read_elsewhere(scope: Node, name: str, argument: Node) -> bool:
    for node in within(scope, "identifier"):
        parent = node.parent
        if text_of(node) != name or same(node, argument) or parent is None or same(named(parent, "left"), node):
            continue
        call = parent.parent if parent.type == "argument_list" else None
        if call is None or not HARMLESS_READERS.search(text_of(named(call, "function"))):
            return True
    return False


def _is_assigned_between(scope: Node, name: str, start: int, end: int) -> bool:
    return any(
        start <= node.start_byte < end and re.search(rf"\b{name}\b", text_of(named(node, "left")))
        for node in within(scope, "assignment", "augmented_assignment", "for_statement")
    )
