"""Expressions of Java."""

from __future__ import annotations

from abc import abstractmethod

from tree_sitter import Node

from triage.facts.flow.program import (
    Call,
    Choice,
    Constant,
    Expression,
    Function,
    Item,
    Listing,
    Literal,
    Member,
    Name,
    Operation,
    Parameter,
    Return,
    Setting,
    Statement,
)
from triage.facts.languages.tree import (
    DEEPEST_NESTING,
    TooDeep,
    meaningful,
    once,
    place_of,
    text_of,
    unclear,
    unescaped,
)

TYPES_WITH_MEMBERS = {"class_declaration", "interface_declaration", "enum_declaration", "record_declaration"}


class Expressions:
    """Translates expressions; what else stands in them, the translator of statements provides."""

    depth = 0

    @abstractmethod
    def parameters(self, node: Node | None) -> tuple[Parameter, ...]:
        """Translate the parameters of a method."""

    @abstractmethod
    def members(self, body: Node | None, owner: str) -> None:
        """Take in the members of a class."""

    @abstractmethod
    def fresh_statements(self, body: Node | None) -> tuple[Statement, ...]:
        """Translate the body of a function of its own."""

    def each(self, node: Node) -> tuple[Expression, ...]:
        """Translate the children of a node."""
        return tuple(self.expression(child) for child in meaningful(node) if not child.type.endswith("statement"))

    def expression(self, node: Node | None) -> Expression:
        """Translate an expression, or raise TooDeep."""
        if node is None:
            raise TooDeep
        self.depth += 1
        try:
            if self.depth > DEEPEST_NESTING:
                raise TooDeep
            return self._expression(node)
        finally:
            self.depth -= 1

    def _expression(self, node: Node) -> Expression:  # noqa: PLR0911  one line a case
        place = place_of(node)
        match node.type:
            case "identifier" | "type_identifier" | "this" | "super":
                return Name(place, text_of(node))
            case "string_literal" | "character_literal" | "true" | "false" | "null_literal":
                return Constant(place, _literal(node))
            case "decimal_integer_literal" | "hex_integer_literal" | "octal_integer_literal" | "binary_integer_literal":
                return Constant(place, _number(text_of(node)))
            case "decimal_floating_point_literal":
                return Constant(place, float(text_of(node).replace("_", "").rstrip("fFdD")))
            case "field_access" | "scoped_type_identifier" | "scoped_identifier":
                return self._member(node)
            case "array_access":
                base = self.expression(node.child_by_field_name("array"))
                return Item(place, base, self.expression(node.child_by_field_name("index")))
            case "method_invocation":
                return self._call(node)
            case "object_creation_expression":
                return self._creation(node)
            case "parenthesized_expression":
                return self.expression(next(meaningful(node), None))
            case "cast_expression":
                return self._cast(node)
            case _:
                return self._compound(node)

    def _compound(self, node: Node) -> Expression:  # noqa: PLR0911  one line a case
        place = place_of(node)
        match node.type:
            case "binary_expression":
                sides = (
                    self.expression(node.child_by_field_name("left")),
                    self.expression(node.child_by_field_name("right")),
                )
                return Operation(place, text_of(node.child_by_field_name("operator")), sides)
            case "unary_expression":
                operand = self.expression(node.child_by_field_name("operand"))
                return Operation(place, text_of(node.child_by_field_name("operator")), (operand,))
            case "ternary_expression":
                return Choice(
                    place,
                    self.expression(node.child_by_field_name("condition")),
                    self.expression(node.child_by_field_name("consequence")),
                    self.expression(node.child_by_field_name("alternative")),
                )
            case "assignment_expression":
                target = self.expression(node.child_by_field_name("left"))
                operator = text_of(node.child_by_field_name("operator")).removesuffix("=")
                return Setting(place, target, self.expression(node.child_by_field_name("right")), operator)
            case "update_expression":
                target = self.expression(next(meaningful(node), None))
                return Setting(place, target, Constant(place, 1), "-" if "--" in text_of(node) else "+")
            case "array_initializer":
                return Listing(place, self.each(node))
            case "array_creation_expression":
                value = node.child_by_field_name("value")
                return self.expression(value) if value else unclear(node)
            case "lambda_expression":
                return self._closure(node)
            case "instanceof_expression":
                return Operation(place, "instanceof", (self.expression(node.child_by_field_name("left")),))
            case _:
                return unclear(node, self.each(node) if node.type not in {"class_body", "switch_expression"} else ())

    def _member(self, node: Node) -> Expression:
        base, name = node.child_by_field_name("object"), node.child_by_field_name("field")
        if base is None:
            children = list(meaningful(node))
            base, name = children[0], children[-1]
        return Member(place_of(node), self.expression(base), text_of(name))

    def _call(self, node: Node) -> Call:
        name_node = node.child_by_field_name("name")
        name = text_of(name_node)
        base = node.child_by_field_name("object")
        callee: Expression
        if base is not None:
            callee = Member(place_of(node), self.expression(base), name)
        else:
            callee = Name(place_of(name_node or node), name)
        given = node.child_by_field_name("arguments")
        return Call(place_of(node), callee, self.each(given) if given else ())

    def _creation(self, node: Node) -> Call:
        given = node.child_by_field_name("arguments")
        body = next((child for child in meaningful(node) if child.type == "class_body"), None)
        if body is not None:
            self.members(body, f"<anonymous at {place_of(node).line}>")
        made = node.child_by_field_name("type")
        if made is not None and made.type == "generic_type":
            made = next(meaningful(made), made)
        return Call(place_of(node), self.expression(made), self.each(given) if given else (), makes_object=True)

    def _cast(self, node: Node) -> Expression:
        value = self.expression(node.child_by_field_name("value"))
        kind = text_of(node.child_by_field_name("type"))
        if kind in {"int", "long", "short", "byte", "float", "double"}:
            return Operation(place_of(node), "number", (value,))
        return value

    def _closure(self, node: Node) -> Function:
        given = node.child_by_field_name("parameters")
        if given is not None and given.type == "identifier":
            parameters: tuple[Parameter, ...] = (Parameter(text_of(given)),)
        else:
            parameters = self.parameters(given)
        body = node.child_by_field_name("body")

        def statements() -> tuple[Statement, ...]:
            if body is None or body.type == "block":
                return self.fresh_statements(body)
            return (Return(place_of(node), self.expression(body)),)

        return Function(place_of(node), "", "", parameters, once(statements), is_closure=True)


def _literal(node: Node) -> Literal:
    text = text_of(node)
    if node.type in {"true", "false"}:
        return text == "true"
    if node.type == "null_literal":
        return None
    if node.type == "character_literal":
        inner = text[1:-1]
        return unescaped(inner) if inner.startswith("\\") else inner
    parts = [
        unescaped(text_of(child)) if child.type == "escape_sequence" else text_of(child) for child in meaningful(node)
    ]
    return "".join(parts)


def _number(text: str) -> int:
    digits = text.replace("_", "").rstrip("lL").lower()
    if digits.startswith(("0x", "0b")):
        return int(digits, 0)
    return int(digits, 8) if digits.startswith("0") and len(digits) > 1 else int(digits)
