"""What the translators of all languages share: places, children, laziness, text of a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from tree_sitter import Node

from triage.facts.flow.program import Expression, Place, Statement, Unclear

# How deep expressions may nest before the translator gives up; machine-written code nests thousands deep.
DEEPEST_NESTING = 150


class TooDeep(Exception):
    """Code nests deeper than is worth following."""


def place_of(node: Node) -> Place:
    """Return where a node stands."""
    return Place(node.start_byte, node.end_byte, node.start_point[0] + 1)


def text_of(node: Node | None) -> str:
    """Return the source text of a node, empty for none."""
    return node.text.decode("utf-8", errors="replace") if node is not None and node.text is not None else ""


def meaningful(node: Node) -> Iterator[Node]:
    """Yield the named children without comments."""
    for child in node.named_children:
        if "comment" not in child.type:
            yield child


def unclear(node: Node, parts: tuple[Expression, ...] = ()) -> Unclear:
    """Return an expression of unknown value."""
    return Unclear(place_of(node), parts)


def once(make: Callable[[], tuple[Statement, ...]]) -> Callable[[], tuple[Statement, ...]]:
    """Return a function that translates a body on its first call and remembers it."""
    return cache(make)


SIMPLE_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0", "\n": ""}


def unescaped(text: str) -> str:
    """Return what an escape sequence stands for, near enough to compare and cut texts."""
    body = text[1:]
    if body[:1] in {"u", "x"}:
        digits = body[1:].strip("{}")
        try:
            return chr(int(digits, 16))
        except ValueError:
            return text
    return SIMPLE_ESCAPES.get(body, body)
