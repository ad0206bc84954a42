"""JavaScript object literals: find a property, set one."""

from __future__ import annotations

from tree_sitter import Node

from remediation.recipes.code import Change, Code, named, replaced, text_of


def property_of(literal: Node, name: str) -> Node | None:
    """Return the `name: value` pair of an object literal, also where the name stands in quotes."""
    return next(
        (
            pair
            for pair in literal.named_children
            if pair.type == "pair" and text_of(named(pair, "key")).strip("'\"") == name
        ),
        None,
    )


def with_properties(code: Code, literal: Node, wanted: dict[str, str]) -> list[Change] | None:
    """Return the changes that give an object some properties, none where it has them; None where it is not known."""
    if any(child.type == "spread_element" for child in literal.named_children):
        return None
    changes: list[Change] = []
    missing = []
    for name, value in wanted.items():
        pair = property_of(literal, name)
        held = named(pair, "value") if pair is not None else None
        if held is None:
            missing.append(f"{name}: {value}")
        elif text_of(held) != value:
            # A value that is computed was chosen by someone; only a constant is overruled.
            if held.type not in {"true", "false", "string", "null", "undefined", "number"}:
                return None
            changes.append(replaced(held, value))
    if missing:
        changes.append(_added(code, literal, missing))
    return changes


def _added(code: Code, literal: Node, properties: list[str]) -> Change:
    if not literal.named_children:
        return replaced(literal, "{ " + ", ".join(properties) + " }")
    last = literal.named_children[-1]
    follows = last.next_sibling
    comma = follows if follows is not None and follows.type == "," else None
    end = comma.end_byte if comma is not None else last.end_byte
    several_lines = literal.start_point.row != last.start_point.row
    separator = f"\n{code.indent_at(last)}" if several_lines else " "
    text = f",{separator}".join(properties)
    return Change(end, end, ("" if comma is not None else ",") + separator + text + ("," if comma is not None else ""))
