"""A finding's file as a syntax tree, and what a recipe says should change in it.

Positions are byte offsets into the UTF-8 text, as tree-sitter counts; a `Change` replaces one such range.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tree_sitter import Node

from findings.context import FindingContext
from lib.syntax import parse

# Nodes that hold statements: a finding's statement is the ancestor just below one of these.
BLOCKS = frozenset(
    {"module", "block", "program", "statement_block", "class_body", "constructor_body", "switch_block_statement_group"}
)
FUNCTIONS = frozenset(
    {
        "function_definition",
        "function_declaration",
        "function_expression",
        "generator_function_declaration",
        "arrow_function",
        "method_definition",
        "method_declaration",
        "constructor_declaration",
        "lambda_expression",
        "lambda",
    }
)
COMPREHENSIONS = frozenset(
    {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
)


@dataclass(frozen=True)
class Change:
    """Replace the bytes from `start` to `end` by a text; equal ends insert it."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Draft:
    """What a recipe would change, and what it tells the developer, before any gate has looked at it."""

    changes: tuple[Change, ...]
    explanation: str


class Code:
    """A parsed file."""

    def __init__(self, text: str, language: str) -> None:
        self.text = text
        self.language = language
        self.raw = text.encode("utf-8", errors="replace")
        tree = parse(text, language)
        if tree is None:
            raise ValueError(f"no grammar for {language}")
        self.root = tree.root_node

    @cached_property
    def line_end(self) -> str:
        """How the file ends its lines."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def slice(self, start: int, end: int) -> str:
        """Return the text between two byte offsets."""
        return self.raw[start:end].decode()

    def indent_at(self, node: Node) -> str:
        """Return the blanks that open the line on which a node starts."""
        line_start = self.raw.rfind(b"\n", 0, node.start_byte) + 1
        return re.match(r"[ \t]*", self.slice(line_start, node.start_byte))[0]  # type: ignore[index]  # it always matches

    def of_type(self, *types: str) -> Iterator[Node]:
        """Yield the nodes of some types, in the order of the text."""
        return within(self.root, *types)


def text_of(node: Node | None) -> str:
    """Return a node's text; empty for no node."""
    return node.text.decode() if node is not None and node.text is not None else ""


def within(node: Node, *types: str) -> Iterator[Node]:
    """Yield a node and what stands below it, of some types, in the order of the text."""
    pending = [node]
    while pending:
        current = pending.pop()
        if current.type in types:
            yield current
        pending.extend(reversed(current.children))


def ancestors(node: Node) -> Iterator[Node]:
    """Yield what encloses a node, innermost first."""
    current = node.parent
    while current is not None:
        yield current
        current = current.parent


def enclosing(node: Node, *types: str) -> Node | None:
    """Return the innermost node of some types around a node."""
    return next((outer for outer in ancestors(node) if outer.type in types), None)


def scope_of(node: Node) -> Node:
    """Return the function around a node, or the whole file."""
    return next((outer for outer in ancestors(node) if outer.type in FUNCTIONS or outer.parent is None), node)


def statement_of(node: Node) -> Node:
    """Return the statement in which a node stands."""
    current = node
    for outer in ancestors(node):
        if outer.type in BLOCKS:
            break
        current = outer
    return current


def runs_with(node: Node, statement: Node) -> bool:
    """Tell whether an expression is computed where its statement is: in no function or comprehension inside it."""
    for outer in ancestors(node):
        if outer.id == statement.id:
            return True
        if outer.type in FUNCTIONS or outer.type in COMPREHENSIONS:
            return False
    return False


def same(one: Node | None, other: Node | None) -> bool:
    """Tell whether two nodes are the same place of the tree."""
    return one is not None and other is not None and one.id == other.id


def named(node: Node, field_name: str) -> Node | None:
    """Return the child that plays a part of the grammar."""
    return node.child_by_field_name(field_name)


def arguments_of(call: Node) -> list[Node]:
    """Return what a call is given, comments left out; empty where it has no list of arguments."""
    given = named(call, "arguments")
    if given is None or given.type not in {"argument_list", "arguments"}:
        return []
    return [child for child in given.named_children if "comment" not in child.type]


def keyword_of(call: Node, name: str) -> Node | None:
    """Return a Python call's `name=…` argument."""
    return next(
        (
            each
            for each in arguments_of(call)
            if each.type == "keyword_argument" and text_of(named(each, "name")) == name
        ),
        None,
    )


def is_string(node: Node | None) -> bool:
    """Tell whether a node is a constant text in any of our languages, without anything interpolated."""
    if node is None or node.type not in {"string", "string_literal", "template_string"}:
        return False
    return not any(child.type in {"interpolation", "template_substitution"} for child in node.children)


def constant_text(node: Node | None) -> str | None:
    """Return the source text between the quotes of a constant text; None for anything else."""
    if node is None or not is_string(node):
        return None
    match = re.fullmatch(r"""[A-Za-z]*(\"{3}|'{3}|["'`])(.*)\1""", text_of(node), re.DOTALL)
    return match[2] if match else None


def replaced(node: Node, new: str) -> Change:
    """Replace a node by a text."""
    return Change(node.start_byte, node.end_byte, new)


def removed_argument(code: Code, argument: Node) -> Change:
    """Take an argument out of its list, with the comma beside it."""
    before, after = argument.prev_sibling, argument.next_sibling
    comma = after if after is not None and after.type == "," else None
    end = comma.end_byte if comma is not None else argument.end_byte
    line_start, line_end = code.raw.rfind(b"\n", 0, argument.start_byte) + 1, code.raw.find(b"\n", end)
    if not code.raw[line_start : argument.start_byte].strip() and line_end != -1 and not code.raw[end:line_end].strip():
        return Change(line_start, line_end + 1, "")
    if before is not None and before.type == ",":
        return Change(before.start_byte, argument.end_byte, "")
    blanks = len(code.raw[end:]) - len(code.raw[end:].lstrip(b" ")) if comma is not None else 0
    return Change(argument.start_byte, end + blanks, "")


def added_arguments(code: Code, call: Node, *texts: str) -> Change:
    """Append arguments to a call, also behind a trailing comma."""
    given = named(call, "arguments")
    assert given is not None
    last = given.named_children[-1] if given.named_children else None
    joined = ", ".join(texts)
    if last is None:
        return Change(given.start_byte + 1, given.start_byte + 1, joined)
    before, follows = last.prev_sibling, last.next_sibling
    # Where each argument has a line of its own, so has a new one.
    starts_line = before is not None and before.end_point.row < last.start_point.row
    separator = f"\n{code.indent_at(last)}" if starts_line else " "
    if follows is not None and follows.type == ",":
        return Change(follows.end_byte, follows.end_byte, f"{separator}{joined}" + ("," if starts_line else ""))
    return Change(last.end_byte, last.end_byte, f",{separator}{joined}")


@dataclass(frozen=True)
class Case:
    """A finding beside its parsed file: what a recipe is given."""

    context: FindingContext
    code: Code
    start: int = field(init=False)
    end: int = field(init=False)

    def __post_init__(self) -> None:
        start, end = span_in_bytes(self.code, self.context)
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)

    def nodes(self, *types: str) -> Iterator[Node]:
        """Yield the nodes of some types that the finding points at.

        Those inside the span come first, in the order of the text; then those around it, as far as its statement.
        """
        inside = [
            node for node in self.code.of_type(*types) if self.start <= node.start_byte and node.end_byte <= self.end
        ]
        yield from inside
        innermost = self.code.root.descendant_for_byte_range(self.start, max(self.start, self.end - 1))
        if innermost is None:
            return
        for node in (innermost, *ancestors(innermost)):
            if node.type in BLOCKS or node.type in FUNCTIONS:
                return
            if node.type in types and not any(same(node, seen) for seen in inside):
                yield node

    def statement(self) -> Node | None:
        """Return the statement in which the finding starts."""
        node = self.code.root.descendant_for_byte_range(self.start, self.start)
        return None if node is None or node.parent is None else statement_of(node)


def span_in_bytes(code: Code, context: FindingContext) -> tuple[int, int]:
    """Return where a finding starts and ends; whole lines where its columns do not fit the file.

    Semgrep counts columns in bytes. A SARIF report may leave them out.
    """
    lines = code.raw.split(b"\n")
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    first = min(max(context.span.start_line, 1), len(lines)) - 1
    last = min(max(context.span.end_line, first + 1), len(lines)) - 1
    start = offsets[first] + context.span.start_column - 1
    end = offsets[last] + context.span.end_column - 1
    if start >= end or context.span.start_column > len(lines[first]) or context.span.end_column > len(lines[last]) + 1:
        blanks = len(lines[first]) - len(lines[first].lstrip())
        return offsets[first] + blanks, offsets[last] + len(lines[last].rstrip())
    blanks = len(code.raw[start:end]) - len(code.raw[start:end].lstrip())
    return start + blanks, end


@dataclass(frozen=True)
class Recipe:
    """One deterministic fix: for which languages and which kinds of rule, and the function that drafts it.

    A rule fits by one of its CWE numbers, or by a word of its identifier where it names no CWE that decides.
    """

    languages: frozenset[str]
    cwes: frozenset[int]
    words: frozenset[str]
    draft: Callable[[Case], Draft | None]

    def fits(self, context: FindingContext) -> bool:
        """Tell whether the recipe speaks of this kind of finding; the code itself is looked at later."""
        if context.language not in self.languages:
            return False
        return bool(self.cwes & context.rule.cwe_numbers) or bool(self.words & words_of(context.rule.identifier))


def words_of(identifier: str) -> frozenset[str]:
    """Return the words of a rule's identifier, in lower case."""
    return frozenset(re.split(r"[^a-z0-9]+", identifier.lower()))


PYTHON = frozenset({"python"})
JAVASCRIPT = frozenset({"javascript", "typescript"})
JAVA = frozenset({"java"})


def recipe(
    draft: Callable[[Case], Draft | None], *, languages: frozenset[str], cwes: set[int], words: str = ""
) -> Recipe:
    """Return a recipe; `words` is a list with blanks between."""
    return Recipe(languages=languages, cwes=frozenset(cwes), words=frozenset(words.split()), draft=draft)
