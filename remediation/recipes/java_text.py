"""Java texts put together by +, taken apart into literals and values, and the types of what goes in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from remediation.recipes.code import Code, named, same, scope_of, text_of, within
from remediation.recipes.sql_text import Literal, Part, Value

TEXT_CALLS = re.compile(
    r"\.(?:getParameter|getHeader|getQueryString|getPathInfo|toString|trim|getValue|getCookie|substring)\("
)
SHOWS = re.compile(r"(?:print|log|debug|info|warn|error|trace|encode|escape|forHtml)")
SETTERS = {
    "String": "setString",
    "int": "setInt",
    "Integer": "setInt",
    "long": "setLong",
    "Long": "setLong",
    "double": "setDouble",
    "Double": "setDouble",
    "float": "setFloat",
    "boolean": "setBoolean",
    "Boolean": "setBoolean",
    "BigDecimal": "setBigDecimal",
}


@dataclass
class TextParts:
    """The parts of a text, the node of each, and the variable that carries the text, if one does."""

    expression: Node
    parts: list[Part] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    declarator: Node | None = None

    @property
    def has_values(self) -> bool:
        """Whether anything but constant text is in it."""
        return any(isinstance(part, Value) for part in self.parts)

    def rebuilt(self, code: Code, texts: Sequence[str]) -> str:
        """Return the expression as literals: one for each line of the source that held one."""
        lines: list[str] = []
        row = None
        for text, node, part in zip(texts, self.nodes, self.parts, strict=True):
            if isinstance(part, Literal) and lines and node.start_point.row != row:
                lines.append(text)
            elif lines:
                lines[-1] += text
            else:
                lines.append(text)
            row = node.start_point.row if isinstance(part, Literal) else row
        literals = [node for node, part in zip(self.nodes, self.parts, strict=True) if isinstance(part, Literal)]
        indent = code.indent_at(literals[-1])
        return f"\n{indent}+ ".join(f'"{line}"' for line in lines if line)


def text_parts(node: Node) -> TextParts | None:
    """Take a text apart; None for what is no sum with a literal in it."""
    found = TextParts(expression=node)
    return found if _take(node, found) and any(isinstance(part, Literal) for part in found.parts) else None


def _take(node: Node, found: TextParts) -> bool:
    if node.type == "parenthesized_expression":
        return _take(node.named_children[0], found)
    if node.type == "string_literal":
        raw = text_of(node)
        if raw.startswith('"""'):
            return False
        found.parts.append(Literal(raw[1:-1]))
        found.nodes.append(node)
        return True
    if node.type != "binary_expression" or text_of(named(node, "operator")) != "+":
        return False
    for side in (named(node, "left"), named(node, "right")):
        if side is None:
            return False
        if is_text(side):
            if not _take(side, found):
                return False
        else:
            found.parts.append(Value(text_of(side)))
            found.nodes.append(side)
    return True


def is_text(node: Node) -> bool:
    """Tell whether a node is a literal, or a sum with one in it."""
    if node.type == "string_literal":
        return True
    if node.type == "parenthesized_expression":
        return is_text(node.named_children[0])
    if node.type == "binary_expression" and text_of(named(node, "operator")) == "+":
        return any(side is not None and is_text(side) for side in (named(node, "left"), named(node, "right")))
    return False


def given_text(argument: Node) -> TextParts | None:
    """Take the text of an argument apart, also through a local variable that is set once and read here only."""
    if argument.type != "identifier":
        return text_parts(argument)
    name, scope = text_of(argument), scope_of(argument)
    declared = [each for each in within(scope, "variable_declarator") if text_of(named(each, "name")) == name]
    value = named(declared[0], "value") if len(declared) == 1 else None
    uses = [node for node in within(scope, "identifier") if text_of(node) == name]
    others = (
        [node for node in uses if not same(node, argument) and not same(node, named(declared[0], "name"))]
        if declared
        else []
    )
    if value is None or any(not _only_shows(node) for node in others) or declared[0].end_byte > argument.start_byte:
        return None
    parts = text_parts(value)
    if parts is None or _values_change(parts, scope, declared[0].end_byte, argument.start_byte):
        return None
    parts.declarator = declared[0]
    return parts


def _values_change(parts: TextParts, scope: Node, start: int, end: int) -> bool:
    sources = " ".join(part.source for part in parts.parts if isinstance(part, Value))
    names = set(re.findall(r"[A-Za-z_$][\w$]*", sources))
    return any(
        start <= node.start_byte < end and text_of(named(node, "left")) in names
        for node in within(scope, "assignment_expression")
    )


def _only_shows(node: Node) -> bool:
    """Tell whether a text is only printed, logged or encoded for a page where it is read."""
    call = node.parent.parent if node.parent is not None and node.parent.type == "argument_list" else None
    return call is not None and bool(SHOWS.match(text_of(named(call, "name"))))


def type_of(value: Node) -> str:
    """Return the declared type of a value, "String" for what is known to give text; empty where it is not known."""
    if value.type == "identifier":
        name = text_of(value)
        for node in within(scope_of(value), "formal_parameter", "local_variable_declaration", "catch_formal_parameter"):
            names = [text_of(named(node, "name")), *(text_of(named(each, "name")) for each in node.named_children)]
            if name in names:
                return text_of(named(node, "type"))
        return ""
    if value.type == "method_invocation":
        source = text_of(value)
        numbers = {
            "Integer.parseInt": "int",
            "Integer.valueOf": "Integer",
            "Long.parseLong": "long",
            "Long.valueOf": "Long",
        }
        called = source.partition("(")[0]
        return numbers.get(called, "String" if TEXT_CALLS.search(source) else "")
    return "String" if is_text(value) else ""


def java_value(parameter: tuple[Part, ...]) -> str:
    """Write a parameter as one expression: the value itself, or a sum with the text around it."""
    return " + ".join(part.source if isinstance(part, Value) else f'"{part.raw}"' for part in parameter)
