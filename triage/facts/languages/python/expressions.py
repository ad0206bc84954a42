"""Expressions of Python."""

from __future__ import annotations

from abc import abstractmethod

from tree_sitter import Node

from triage.facts.flow.program import (
    Call,
    Choice,
    Comprehension,
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


class Expressions:
    """Translates expressions; what else stands in them, the translator of statements provides."""

    depth = 0

    @abstractmethod
    def parameters(self, node: Node | None) -> tuple[Parameter, ...]:
        """Translate the parameters of a function."""

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
            case "identifier":
                return Name(place, text_of(node))
            case "integer" | "float" | "true" | "false" | "none":
                return _literal(node)
            case "string" | "concatenated_string":
                return self._text(node)
            case "attribute":
                base = self.expression(node.child_by_field_name("object"))
                return Member(place, base, text_of(node.child_by_field_name("attribute")))
            case "subscript":
                return self._item(node)
            case "call":
                return self._call(node)
            case "parenthesized_expression" | "await" | "type" | "case_pattern":
                return self.expression(next(meaningful(node), None))
            case "assignment" | "augmented_assignment" | "named_expression":
                return self._setting(node)
            case "list" | "tuple" | "set" | "expression_list" | "pattern_list" | "tuple_pattern" | "list_pattern":
                return Listing(place, tuple(self.expression(child) for child in meaningful(node)))
            case "dictionary":
                return self._mapping(node)
            case _:
                return self._compound(node)

    def _compound(self, node: Node) -> Expression:  # noqa: PLR0911  one line a case
        place = place_of(node)
        children = list(meaningful(node))
        match node.type:
            case "binary_operator":
                sides = (
                    self.expression(node.child_by_field_name("left")),
                    self.expression(node.child_by_field_name("right")),
                )
                return Operation(place, text_of(node.child_by_field_name("operator")), sides)
            case "boolean_operator":
                sides = (
                    self.expression(node.child_by_field_name("left")),
                    self.expression(node.child_by_field_name("right")),
                )
                return Operation(place, text_of(node.child_by_field_name("operator")), sides)
            case "not_operator" | "unary_operator":
                argument = self.expression(node.child_by_field_name("argument"))
                operator = "not" if node.type == "not_operator" else text_of(node.child_by_field_name("operator"))
                return Operation(place, operator, (argument,))
            case "comparison_operator" if len(children) == 2:  # noqa: PLR2004  a length, said by its place
                operator = " ".join(text_of(part) for part in node.children_by_field_name("operators"))
                return Operation(place, operator, tuple(self.expression(child) for child in children))
            case "conditional_expression" if len(children) == 3:  # noqa: PLR2004  a length, said by its place
                positive, test, negative = (self.expression(child) for child in children)
                return Choice(place, test, positive, negative)
            case "list_comprehension" | "generator_expression" | "set_comprehension":
                return self._comprehension(node)
            case "lambda":
                return self._closure(node)
            case "as_pattern":
                value = self.expression(children[0])
                target = node.child_by_field_name("alias")
                return Setting(place, self.expression(next(meaningful(target), target)), value) if target else value
            case "block" | "module":
                return unclear(node)
            case _:
                return unclear(node, tuple(self.expression(child) for child in children))

    def _text(self, node: Node) -> Expression:
        if node.type == "concatenated_string":
            return Concatenation(place_of(node), tuple(self._text(child) for child in meaningful(node)))
        start = text_of(node.children[0]).lower() if node.children else ""
        parts: list[Expression] = []
        for child in node.children[1:-1]:
            if child.type == "interpolation":
                parts.append(self.expression(child.child_by_field_name("expression")))
            else:
                parts.append(Constant(place_of(child), self._fragment(child, is_raw="r" in start)))
        if len(parts) == 1 and isinstance(parts[0], Constant):
            return Constant(place_of(node), parts[0].value)
        return Concatenation(place_of(node), tuple(parts)) if parts else Constant(place_of(node), "")

    def _fragment(self, node: Node, *, is_raw: bool) -> str:
        whole = text_of(node)
        if is_raw or not node.children:
            return whole
        pieces, end = [], node.start_byte
        source = node.text or b""
        for child in node.children:
            pieces.append(source[end - node.start_byte : child.start_byte - node.start_byte].decode(errors="replace"))
            piece = text_of(child)
            pieces.append(unescaped(piece) if child.type == "escape_sequence" else piece)
            end = child.end_byte
        pieces.append(source[end - node.start_byte :].decode(errors="replace"))
        return "".join(pieces)

    def _item(self, node: Node) -> Item:
        keys = node.children_by_field_name("subscript")
        base = self.expression(node.child_by_field_name("value"))
        return Item(place_of(node), base, self.expression(keys[0]) if len(keys) == 1 else None)

    def _call(self, node: Node) -> Expression:
        arguments: list[Expression] = []
        keywords: list[tuple[str, Expression]] = []
        given = node.child_by_field_name("arguments")
        if given is not None and given.type == "generator_expression":
            arguments.append(self.expression(given))
            given = None
        for child in meaningful(given) if given else ():
            if child.type == "keyword_argument":
                value = self.expression(child.child_by_field_name("value"))
                keywords.append((text_of(child.child_by_field_name("name")), value))
            else:
                arguments.append(self.expression(child))
        callee = self.expression(node.child_by_field_name("function"))
        return Call(place_of(node), callee, tuple(arguments), tuple(keywords))

    def _setting(self, node: Node) -> Expression:
        target = node.child_by_field_name("left") or node.child_by_field_name("name")
        value = node.child_by_field_name("right") or node.child_by_field_name("value")
        if value is None:  # `x: int` declares, and sets nothing
            return unclear(node)
        operator = text_of(node.child_by_field_name("operator")).removesuffix("=")
        operator = operator if node.type == "augmented_assignment" else ""
        return Setting(place_of(node), self.expression(target), self.expression(value), operator)

    def _mapping(self, node: Node) -> Mapping:
        pairs: list[tuple[Expression | None, Expression]] = []
        for child in meaningful(node):
            if child.type == "pair":
                key = self.expression(child.child_by_field_name("key"))
                pairs.append((key, self.expression(child.child_by_field_name("value"))))
            else:
                pairs.append((None, unclear(child)))
        return Mapping(place_of(node), tuple(pairs))

    def _comprehension(self, node: Node) -> Comprehension:
        clauses, tests = [], []
        for child in meaningful(node):
            if child.type == "for_in_clause":
                target = self.expression(child.child_by_field_name("left"))
                clauses.append((target, self.expression(child.child_by_field_name("right"))))
            elif child.type == "if_clause":
                tests.append(self.expression(next(meaningful(child), None)))
        element = self.expression(node.child_by_field_name("body"))
        return Comprehension(place_of(node), element, tuple(clauses), tuple(tests))

    def _closure(self, node: Node) -> Function:
        value = node.child_by_field_name("body")

        def statements() -> tuple[Statement, ...]:
            return (Return(place_of(node), self.expression(value)),)

        parameters = self.parameters(node.child_by_field_name("parameters"))
        return Function(place_of(node), "", "", parameters, once(statements), is_closure=True)


def _literal(node: Node) -> Expression:
    text, place = text_of(node).replace("_", "").lower(), place_of(node)
    try:
        match node.type:
            case "true" | "false":
                return Constant(place, text == "true")
            case "none":
                return Constant(place, None)
            case "integer":
                return Constant(place, int(text, 0))
            case _:
                return Constant(place, float(text))
    except ValueError:  # an imaginary number, an octal number of Python 2
        return unclear(node)
