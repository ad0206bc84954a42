"""JavaScript expressions that build a text (template literals and +), taken apart into literals and values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from remediation.recipes.code import Code, named, same, scope_of, text_of, within
from remediation.recipes.sql_text import Literal, Part, Value

HARMLESS_READERS = re.compile(r"^(?:console|logger|log)\.\w+$|^debug$")


@dataclass
class TextParts:
    """The parts of a text; `line_of` is the row on which each literal starts, None for an operand of `+`."""

    expression: Node
    parts: list[Part] = field(default_factory=list)
    homes: list[Node | None] = field(default_factory=list)
    # Where the text is carried by a variable: its declaration, and the place that reads it.
    declarator: Node | None = None

    @property
    def has_values(self) -> bool:
        """Whether anything but constant text is in it."""
        return any(isinstance(part, Value) for part in self.parts)

    def rebuilt(self, code: Code, texts: Sequence[str]) -> str | None:
        """Return the expression with values replaced, literals in their own quotes and on their own lines."""
        literals: list[tuple[Node, str]] = []
        carried = ""
        for text, home in zip(texts, self.homes, strict=True):
            if home is None and not literals:
                carried += text
            elif home is None or (literals and same(literals[-1][0], home)):
                literals[-1] = (literals[-1][0], literals[-1][1] + text)
            else:
                literals.append((home, carried + text))
                carried = ""
        lines: list[tuple[Node, str]] = []
        for home, text in literals:
            before = lines[-1][0] if lines else None
            if before is not None and before.end_point.row == home.start_point.row:
                lines[-1] = (before, lines[-1][1] + _requoted(text, home, before))
            else:
                lines.append((home, text))
        indent = code.indent_at(lines[1][0]) if len(lines) > 1 else ""
        quoted = [f"{_quote(home)}{text}{_quote(home)}" for home, text in lines]
        return f" +\n{indent}".join(quoted)


def _quote(literal: Node) -> str:
    return text_of(literal)[0]


def _requoted(text: str, home: Node, other: Node) -> str:
    """Write a literal's text for the quotes of another literal."""
    if _quote(home) == _quote(other):
        return text
    return re.sub(rf"(?<!\\){_quote(other)}", rf"\\{_quote(other)}", text)


def text_parts(node: Node) -> TextParts | None:
    """Take a text apart; None for what is no text."""
    found = TextParts(expression=node)
    return found if _take(node, found) and any(isinstance(part, Literal) for part in found.parts) else None


def _take(node: Node, found: TextParts) -> bool:
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return _take(node.named_children[0], found)
    if node.type == "string":
        found.parts.append(Literal(text_of(node)[1:-1]))
        found.homes.append(node)
        return True
    if node.type == "template_string":
        return _take_template(node, found)
    if node.type == "binary_expression" and text_of(named(node, "operator")) == "+":
        left, right = named(node, "left"), named(node, "right")
        return left is not None and right is not None and all(_take_operand(side, found) for side in (left, right))
    return False


def _take_operand(node: Node, found: TextParts) -> bool:
    if is_text(node):
        return _take(node, found)
    found.parts.append(Value(text_of(node)))
    found.homes.append(None)
    return True


def is_text(node: Node) -> bool:
    """Tell whether a node is a literal, or a sum with one in it."""
    if node.type in {"string", "template_string"}:
        return True
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return is_text(node.named_children[0])
    if node.type == "binary_expression" and text_of(named(node, "operator")) == "+":
        left, right = named(node, "left"), named(node, "right")
        return (left is not None and is_text(left)) or (right is not None and is_text(right))
    return False


def _take_template(node: Node, found: TextParts) -> bool:
    for child in node.children[1:-1]:
        if child.type == "template_substitution":
            if len(child.named_children) != 1:
                return False
            found.parts.append(Value(text_of(child.named_children[0])))
        else:
            found.parts.append(Literal(text_of(child)))
        found.homes.append(node)
    return True


def given_text(argument: Node) -> TextParts | None:
    """Take the text of an argument apart, also through a variable that is set once and goes nowhere else."""
    if argument.type != "identifier":
        return text_parts(argument)
    name, scope = text_of(argument), scope_of(argument)
    declared = [each for each in within(scope, "variable_declarator") if text_of(named(each, "name")) == name]
    value = named(declared[0], "value") if len(declared) == 1 else None
    if value is None or not same(scope_of(declared[0]), scope) or declared[0].end_byte > argument.start_byte:
        return None
    if any(_assigns(node, name) for node in within(scope, "assignment_expression", "augmented_assignment_expression")):
        return None
    for node in within(scope, "identifier", "shorthand_property_identifier"):
        if text_of(node) == name and not same(node, argument) and not same(node, named(declared[0], "name")):
            call = node.parent.parent if node.parent is not None and node.parent.type == "arguments" else None
            if call is None or not HARMLESS_READERS.match(text_of(named(call, "function"))):
                return None
    parts = text_parts(value)
    if parts is None or _values_change(parts, scope, declared[0].end_byte, argument.start_byte):
        return None
    parts.declarator = declared[0]
    return parts


def _assigns(node: Node, name: str) -> bool:
    return text_of(named(node, "left")) == name


def _values_change(parts: TextParts, scope: Node, start: int, end: int) -> bool:
    names = set(re.findall(r"[A-Za-z_$][\w$]*", " ".join(p.source for p in parts.parts if isinstance(p, Value))))
    return any(
        start <= node.start_byte < end and re.split(r"[.\[]", text_of(named(node, "left")))[0] in names
        for node in within(scope, "assignment_expression", "augmented_assignment_expression")
    )


def javascript_value(parameter: tuple[Part, ...]) -> str:
    """Write a parameter as one expression: the value itself, or a template literal with the text around it."""
    if len(parameter) == 1 and isinstance(parameter[0], Value):
        return parameter[0].source
    return (
        "`"
        + "".join(
            f"${{{part.source}}}" if isinstance(part, Value) else re.sub(r"(?<!\\)(`|\$\{)", r"\\\1", part.raw)
            for part in parameter
        )
        + "`"
    )
