"""Expressions of JavaScript and TypeScript."""

from __future__ import annotations

from abc import abstractmethod

from tree_sitter import Node

from triage.facts.flow.program import (
    Call,
    Choice,
    Concatenation,
    Constant,
    Expression,
    Function,
    Item,
    Listing,
    Mapping,
    Member,
    Name,
    Operation,
    Pattern,
    Setting,
)
from triage.facts.languages.tree import (
    DEEPEST_NESTING,
    TooDeep,
    meaningful,
    place_of,
    text_of,
    unclear,
    unescaped,
)

FUNCTIONS = {
    "function_declaration", "function_expression", "arrow_function", "generator_function",
    "generator_function_declaration", "method_definition",
}  # fmt: skip
# Wrappers that change nothing at run time.
TRANSPARENT = {
    "parenthesized_expression", "await_expression", "as_expression", "non_null_expression", "satisfies_expression",
    "expression_statement",
}  # fmt: skip


class Expressions:
    """Translates expressions; what else stands in them, the translator of statements provides."""

    depth = 0

    @abstractmethod
    def function(self, node: Node) -> Function:
        """Translate a function."""

    def each(self, node: Node) -> tuple[Expression, ...]:
        """Translate the children of a node."""
        return tuple(self.expression(child) for child in meaningful(node))

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
        if node.type in TRANSPARENT:
            return self.expression(next(meaningful(node), None))
        if node.type in FUNCTIONS:
            return self.function(node)
        match node.type:
            case "identifier" | "this" | "super" | "shorthand_property_identifier" | "undefined":
                return Constant(place, None) if text_of(node) == "undefined" else Name(place, text_of(node))
            case "shorthand_property_identifier_pattern":
                return Name(place, text_of(node))
            case "number" | "true" | "false" | "null":
                return self._literal(node)
            case "string" | "template_string":
                return self._text(node)
            case "regex":
                is_by_line = "m" in text_of(node.child_by_field_name("flags"))
                return unclear(node) if is_by_line else Pattern(place, text_of(node.child_by_field_name("pattern")))
            case "member_expression":
                base = self.expression(node.child_by_field_name("object"))
                return Member(place, base, text_of(node.child_by_field_name("property")))
            case "subscript_expression":
                base = self.expression(node.child_by_field_name("object"))
                return Item(place, base, self.expression(node.child_by_field_name("index")))
            case _:
                return self._compound(node)

    def _compound(self, node: Node) -> Expression:  # noqa: PLR0911  one line a case
        place = place_of(node)
        match node.type:
            case "call_expression" | "new_expression":
                return self._call(node)
            case "binary_expression":
                left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
                operator = text_of(node.child_by_field_name("operator"))
                return Operation(place, operator, (self.expression(left), self.expression(right)))
            case "unary_expression":
                argument = self.expression(node.child_by_field_name("argument"))
                operator = text_of(node.child_by_field_name("operator"))
                return Operation(place, "number" if operator == "+" else operator, (argument,))
            case "ternary_expression":
                return Choice(
                    place,
                    self.expression(node.child_by_field_name("condition")),
                    self.expression(node.child_by_field_name("consequence")),
                    self.expression(node.child_by_field_name("alternative")),
                )
            case "assignment_expression" | "augmented_assignment_expression":
                operator = text_of(node.child_by_field_name("operator")).removesuffix("=")
                target = self.expression(node.child_by_field_name("left"))
                return Setting(place, target, self.expression(node.child_by_field_name("right")), operator)
            case "update_expression":
                target = self.expression(node.child_by_field_name("argument"))
                return Setting(place, target, Constant(place, 1), "-" if "--" in text_of(node) else "+")
            case "array" | "array_pattern":
                return Listing(place, self.each(node))
            case "object" | "object_pattern":
                return self._mapping(node)
            case _:
                return unclear(node, self.each(node) if "class" not in node.type else ())

    def _literal(self, node: Node) -> Expression:
        text = text_of(node).replace("_", "")
        if node.type != "number":
            return Constant(place_of(node), {"true": True, "false": False}.get(text))
        try:
            return Constant(place_of(node), int(text, 0))
        except ValueError:
            pass
        try:
            return Constant(place_of(node), float(text))
        except ValueError:
            return unclear(node)

    def _text(self, node: Node) -> Expression:
        parts: list[Expression] = []
        for child in meaningful(node):
            if child.type == "template_substitution":
                parts.append(self.expression(next(meaningful(child), None)))
            elif child.type == "escape_sequence":
                parts.append(Constant(place_of(child), unescaped(text_of(child))))
            else:
                parts.append(Constant(place_of(child), text_of(child)))
        if all(isinstance(part, Constant) for part in parts):
            return Constant(place_of(node), "".join(str(part.value) for part in parts if isinstance(part, Constant)))
        return Concatenation(place_of(node), tuple(parts))

    def _call(self, node: Node) -> Expression:
        is_new = node.type == "new_expression"
        callee = self.expression(node.child_by_field_name("constructor" if is_new else "function"))
        given = node.child_by_field_name("arguments")
        if given is not None and given.type == "template_string":  # a tag decides what becomes of the parts
            return unclear(node, (callee, self.expression(given)))
        return Call(place_of(node), callee, self.each(given) if given else (), makes_object=is_new)

    def _mapping(self, node: Node) -> Mapping:
        pairs: list[tuple[Expression | None, Expression]] = []
        for child in meaningful(node):
            place = place_of(child)
            if child.type in {"pair", "pair_pattern"}:
                key_node = child.child_by_field_name("key")
                key: Expression | None = None
                if key_node is not None and key_node.type in {"property_identifier", "identifier"}:
                    key = Constant(place, text_of(key_node))
                elif key_node is not None and key_node.type in {"string", "number"}:
                    key = self.expression(key_node)
                pairs.append((key, self.expression(child.child_by_field_name("value"))))
            elif child.type.startswith("shorthand_property"):
                pairs.append((Constant(place, text_of(child)), Name(place, text_of(child))))
            elif child.type == "method_definition":
                pairs.append((Constant(place, text_of(child.child_by_field_name("name"))), self.function(child)))
            else:
                pairs.append((None, unclear(child, self.each(child))))
        return Mapping(place_of(node), tuple(pairs))
