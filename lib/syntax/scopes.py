"""What a line stands in: the functions, classes and configuration blocks around it, by name and by lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from tree_sitter import Node, Tree

from lib.syntax.lines import lines_of
from lib.syntax.trees import parse


class ScopeKind(StrEnum):
    """What sort of thing surrounds a line."""

    FUNCTION = "function"
    TYPE = "type"
    BLOCK = "block"


@dataclass(frozen=True)
class Scope:
    """Something with a name that surrounds lines; the lines count from 1 and both ends belong to it."""

    kind: ScopeKind
    name: str
    start_line: int
    end_line: int

    @property
    def line_count(self) -> int:
        """How many lines it covers."""
        return self.end_line - self.start_line + 1


# A file that names something more often is no ordinary one, and looking up each place can take as long as the file is.
PLACES_TRIED = 1_000

_CLASSES = {"class_declaration", "interface_declaration", "enum_declaration"}

_FUNCTIONS_OF_SCRIPT = {
    "function_declaration",
    "generator_function_declaration",
    "function_expression",
    "generator_function",
    "arrow_function",
    "method_definition",
}
_TYPES_OF_SCRIPT = _CLASSES | {"class", "abstract_class_declaration", "internal_module"}

# Node types of the pinned grammars.
FUNCTIONS: dict[str, set[str]] = {
    "bash": {"function_definition"},
    "c": {"function_definition", "lambda_expression"},
    "cpp": {"function_definition", "lambda_expression"},
    "csharp": {
        "method_declaration",
        "constructor_declaration",
        "destructor_declaration",
        "operator_declaration",
        "property_declaration",
        "local_function_statement",
        "lambda_expression",
        "anonymous_method_expression",
    },
    "go": {"function_declaration", "method_declaration", "func_literal"},
    "java": {
        "method_declaration",
        "constructor_declaration",
        "compact_constructor_declaration",
        "static_initializer",
        "lambda_expression",
    },
    "javascript": _FUNCTIONS_OF_SCRIPT,
    "kotlin": {
        "function_declaration",
        "secondary_constructor",
        "anonymous_initializer",
        "anonymous_function",
        "lambda_literal",
    },
    "php": {"function_definition", "method_declaration", "anonymous_function", "arrow_function"},
    "python": {"function_definition"},
    "ruby": {"method", "singleton_method", "do_block"},
    "rust": {"function_item", "closure_expression"},
    "scala": {"function_definition", "lambda_expression"},
    "swift": {"function_declaration", "init_declaration", "deinit_declaration", "lambda_literal"},
    "tsx": _FUNCTIONS_OF_SCRIPT,
    "typescript": _FUNCTIONS_OF_SCRIPT,
}

TYPES: dict[str, set[str]] = {
    "c": {"struct_specifier", "class_specifier", "namespace_definition"},
    "cpp": {"struct_specifier", "class_specifier", "namespace_definition"},
    "csharp": _CLASSES | {"struct_declaration", "record_declaration"},
    "go": {"type_spec"},
    "java": _CLASSES | {"record_declaration", "annotation_type_declaration"},
    "javascript": _TYPES_OF_SCRIPT,
    "kotlin": {"class_declaration", "object_declaration", "companion_object"},
    "php": _CLASSES | {"trait_declaration"},
    "python": {"class_definition"},
    "ruby": {"class", "module", "singleton_class"},
    "rust": {"impl_item", "trait_item", "struct_item", "enum_item", "mod_item"},
    "scala": {"class_definition", "object_definition", "trait_definition"},
    "swift": {"class_declaration", "protocol_declaration"},
    "tsx": _TYPES_OF_SCRIPT,
    "typescript": _TYPES_OF_SCRIPT,
}

BLOCKS: dict[str, set[str]] = {
    "html": {"element", "script_element", "style_element"},
    "json": {"pair"},
    "terraform": {"block"},
    "yaml": {"document", "block_mapping_pair", "block_sequence_item"},
}

# Grammars that put what decorates a declaration beside it, not inside.
DECORATIONS = {"decorator", "attribute_item"}

LONGEST_NAME = 120


def enclosing_scope(text: str, language: str, line: int) -> str:
    """Return the dotted name of what a line stands in, as `Account.close`; empty at the top of a file or unparsed."""
    return enclosing_scopes(text, language, [line])[line]


def enclosing_scopes(text: str, language: str, lines: Iterable[int]) -> dict[int, str]:
    """Return the dotted name of what each line stands in, parsing once."""
    tree, all_lines = parse(text, language), lines_of(text)
    if tree is None:
        return dict.fromkeys(lines, "")
    return {line: dotted_name(scopes_at(tree, language, all_lines, line, line)) for line in lines}


def dotted_name(scopes: Sequence[Scope]) -> str:
    """Join the names of scopes, outermost first, leaving out those without one."""
    return ".".join(scope.name for scope in scopes if scope.name)


def scopes_at(tree: Tree, language: str, lines: Sequence[str], start_line: int, end_line: int) -> tuple[Scope, ...]:
    """Return what surrounds all of the given lines, outermost first; nothing for lines outside the file."""
    if not 1 <= start_line <= end_line <= len(lines):
        return ()
    first, last = lines[start_line - 1], lines[end_line - 1]
    start = (start_line - 1, _bytes(first[: len(first) - len(first.lstrip())]))
    end = max(start, (end_line - 1, _bytes(last.rstrip())))
    decoration = _decoration_at(tree, start)
    if decoration and decoration.end_point.row >= end_line - 1:  # a comment may follow it on its line
        node: Node | None = decoration
    else:
        node = tree.root_node.named_descendant_for_point_range(start, end)
    return tuple(reversed(list(_scopes_outwards(node, language))))


def definition_of(tree: Tree, language: str, name: str) -> Scope | None:
    """Return the first function or method of that name that the file itself defines."""
    source, offset = tree.root_node.text or b"", tree.root_node.start_byte
    places = re.finditer(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)", source)
    for place in islice(places, PLACES_TRIED):
        node = tree.root_node.named_descendant_for_byte_range(offset + place.start(), offset + place.end())
        scope = next(_scopes_outwards(_bearer_of(node, language), language), None)
        if scope and scope.kind is ScopeKind.FUNCTION and scope.name.rsplit(".", 1)[-1] == name:
            return scope
    return None


def _bearer_of(name: Node | None, language: str) -> Node | None:
    """Return the function that a name names: `function name`, or `name = function`; None where it names none."""
    node = name
    for _ in range(4):  # C wraps a name in up to four declarators
        node = node.parent if node else None
        if node is None or node.type in FUNCTIONS.get(language, ()):
            break
        value = _field(node, "value", "right")
        if value and value.type in FUNCTIONS.get(language, ()) and not _holds(value, name):
            return value
    return node if node and name and _named_by(node) and _holds(_named_by(node), name) else None


def _scopes_outwards(node: Node | None, language: str) -> Iterator[Scope]:
    while node is not None and node.parent is not None:
        if node.type in DECORATIONS and (decorated := _decorated_by(node)):
            yield from _scope(decorated, language)
        yield from _scope(node, language)
        # Python's decorators and what they decorate are children of one node, which then stands for both.
        node = node.parent


def _scope(node: Node, language: str) -> Iterator[Scope]:
    if node.parent and node.parent.type == "decorated_definition":
        return
    named = node.child_by_field_name("definition") if node.type == "decorated_definition" else node
    kind = _kind(named, language) if named else None
    if named and kind:
        first_line = _first_decoration(node).start_point.row + 1
        yield Scope(kind, _name(named, language)[:LONGEST_NAME], first_line, _last_row(node) + 1)


def _kind(node: Node, language: str) -> ScopeKind | None:
    if not node.is_named:
        return None
    if node.type in FUNCTIONS.get(language, ()):
        return ScopeKind.FUNCTION
    if node.type in TYPES.get(language, ()):
        return ScopeKind.TYPE
    return ScopeKind.BLOCK if node.type in BLOCKS.get(language, ()) else None


def _decoration_at(tree: Tree, point: tuple[int, int]) -> Node | None:
    node = tree.root_node.descendant_for_point_range(point, point)
    while node is not None and node.type not in DECORATIONS:
        node = node.parent
    return node


def _decorated_by(decoration: Node) -> Node | None:
    sibling = decoration.next_named_sibling
    while sibling is not None and (sibling.type in DECORATIONS or "comment" in sibling.type):
        sibling = sibling.next_named_sibling
    return sibling


def _first_decoration(node: Node) -> Node:
    first, before = node, node.prev_named_sibling
    while before is not None and (before.type in DECORATIONS or "comment" in before.type):
        first = before if before.type in DECORATIONS else first
        before = before.prev_named_sibling
    return first


def _last_row(node: Node) -> int:
    """Return the last row that has text of the node; some grammars let a node end at the start of the next row."""
    end = node.end_point
    return end.row - 1 if end.column == 0 and end.row > node.start_point.row else end.row


def _name(node: Node, language: str) -> str:
    if node.type == "block":
        return ".".join(_text(child).strip('"') for child in node.named_children if child.type in _LABELS)
    if node.type in BLOCKS.get(language, ()):
        return _text(_field(node, "key")).strip("\"'")
    own = _text(_named_by(node))
    receiver = _field(node, "receiver")  # Go: func (s *Server) Close()
    if receiver and (of_type := re.search(r"(\w+)(\[[^]]*\])?\s*\)$", _text(receiver))):
        return f"{of_type[1]}.{own}"
    return own or _name_from_surroundings(node)


_LABELS = {"identifier", "string_lit"}


def _named_by(node: Node) -> Node | None:
    named_by = _field(node, "name", "type") if node.type == "impl_item" else _field(node, "name")
    declarator = _field(node, "declarator")
    while declarator and (inner := _field(declarator, "declarator")):
        declarator = inner
    return named_by or declarator


def _name_from_surroundings(node: Node) -> str:
    """Name a function without a name after what it is given to: a variable, a key, or the call that takes it."""
    child, parent = node, node.parent
    for _ in range(4):
        if parent is None or parent.type.endswith(("statement", "block", "body")):
            return ""
        given_to = _field(parent, "name", "left", "key", "property")
        if given_to and not _holds(given_to, child) and not _field(parent, "arguments"):
            return _text(given_to)
        called = _field(parent, "function", "method", "name")
        if called is None and parent.type == "call_expression":
            called = parent.named_child(0)
        if called and not _holds(called, child):
            return _text(called).split("(")[0] + _first_string(_field(parent, "arguments"))
        child, parent = parent, parent.parent
    return ""


def _first_string(arguments: Node | None) -> str:
    """Return `('/login')` for a call whose first argument is a string, which tells one route from another."""
    first = arguments.named_child(0) if arguments else None
    return f"({_text(first)})" if first and "string" in first.type else ""


def _field(node: Node, *names: str) -> Node | None:
    return next((child for name in names if (child := node.child_by_field_name(name))), None)


def _holds(outer: Node | None, inner: Node | None) -> bool:
    return bool(outer and inner and outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte)


def _text(node: Node | None) -> str:
    text = (node.text or b"") if node else b""
    return " ".join(text[: 4 * LONGEST_NAME].decode("utf-8", errors="ignore").split())


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", errors="replace"))
