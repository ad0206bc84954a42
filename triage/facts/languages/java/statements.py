"""Statements and definitions of Java."""

from __future__ import annotations

from tree_sitter import Node

from triage.facts.flow.program import (
    Attempt,
    Block,
    Branch,
    Case,
    Constant,
    Evaluate,
    Expression,
    Function,
    Leave,
    Leaving,
    Loop,
    Member,
    Name,
    Parameter,
    Program,
    Return,
    Setting,
    Statement,
    Switch,
)
from triage.facts.languages.java.expressions import Expressions
from triage.facts.languages.tree import (
    TooDeep,
    meaningful,
    once,
    place_of,
    text_of,
    unclear,
)

TYPES_WITH_MEMBERS = {"class_declaration", "interface_declaration", "enum_declaration", "record_declaration"}


def translate(root: Node) -> Program:
    """Return the program of a Java file."""
    return _Translator().program(root)


class _Translator(Expressions):
    def __init__(self) -> None:
        self.result = Program()
        self.depth = 0

    def program(self, root: Node) -> Program:
        for child in meaningful(root):
            if child.type == "import_declaration":
                path = text_of(next(meaningful(child), None))
                self.result.imports[path.rsplit(".", 1)[-1]] = path
            elif child.type in TYPES_WITH_MEMBERS:
                self.type_declaration(child)
        return self.result

    def type_declaration(self, node: Node) -> None:
        name = text_of(node.child_by_field_name("name"))
        parents = [
            text_of(part)
            for child in meaningful(node)
            if child.type in {"superclass", "super_interfaces"}
            for part in meaningful(child)
        ]
        self.result.class_parents[name] = tuple(parents)
        self.members(node.child_by_field_name("body"), name)

    def members(self, body: Node | None, owner: str) -> None:
        for child in meaningful(body) if body else ():
            if child.type in {"method_declaration", "constructor_declaration"}:
                self.result.functions.append(self.method(child, owner))
            elif child.type in TYPES_WITH_MEMBERS:
                self.type_declaration(child)
            elif child.type == "enum_body_declarations":
                self.members(child, owner)
            elif child.type == "field_declaration" and "final" in self.modifiers(child):
                for declarator in child.children_by_field_name("declarator"):
                    value = declarator.child_by_field_name("value")
                    if value is not None:
                        constant = (text_of(declarator.child_by_field_name("name")), self.expression(value))
                        self.result.class_constants = (*self.result.class_constants, constant)

    def modifiers(self, node: Node) -> tuple[str, ...]:
        found = next((child for child in node.children if child.type == "modifiers"), None)
        return tuple(text_of(child).removeprefix("@") for child in found.children) if found else ()

    def method(self, node: Node, owner: str) -> Function:
        body = node.child_by_field_name("body")
        parameters = self.parameters(node.child_by_field_name("parameters"))
        name = text_of(node.child_by_field_name("name"))
        is_constructor = node.type == "constructor_declaration"
        return Function(
            place_of(node),
            "<constructor>" if is_constructor else name,
            owner,
            parameters,
            once(lambda: self.fresh_statements(body)),
            self.modifiers(node),
        )

    def fresh_statements(self, body: Node | None) -> tuple[Statement, ...]:
        depth, self.depth = self.depth, 0
        try:
            return self.statements(body)
        finally:
            self.depth = depth

    def parameters(self, node: Node | None) -> tuple[Parameter, ...]:
        found = []
        for child in meaningful(node) if node else ():
            if child.type == "identifier":
                found.append(Parameter(text_of(child)))
            elif child.type in {"formal_parameter", "spread_parameter"}:
                name = child.child_by_field_name("name")
                declarator = next((inner for inner in meaningful(child) if inner.type == "variable_declarator"), None)
                found.append(
                    Parameter(
                        text_of(name or (declarator.child_by_field_name("name") if declarator else None)),
                        text_of(child.child_by_field_name("type")),
                        self.modifiers(child),
                        gathers=child.type == "spread_parameter",
                    )
                )
        return tuple(found)

    # Statements

    def statements(self, node: Node | None) -> tuple[Statement, ...]:
        if node is None:
            return ()
        if node.type in {"block", "constructor_body"}:
            return tuple(statement for child in meaningful(node) for statement in self.statement(child))
        return self.statement(node)

    def statement(self, node: Node) -> tuple[Statement, ...]:  # noqa: PLR0911  one line a case
        place = place_of(node)
        match node.type:
            case "block":
                return (Block(place, self.statements(node)),)
            case "local_variable_declaration":
                return self.declarations(node)
            case "if_statement":
                negative = self.statements(node.child_by_field_name("alternative"))
                test = self.expression(node.child_by_field_name("condition"))
                return (Branch(place, test, self.statements(node.child_by_field_name("consequence")), negative),)
            case "for_statement" | "while_statement" | "do_statement" | "enhanced_for_statement":
                return self.loop(node)
            case "switch_expression":
                return (self.switch(node),)
            case "try_statement" | "try_with_resources_statement":
                return (self.attempt(node),)
            case "return_statement" | "yield_statement":
                value = next(meaningful(node), None)
                return (Return(place, self.expression(value) if value else None),)
            case "throw_statement":
                return (Leave(place, Leaving.RAISE, self.expression(next(meaningful(node), None))),)
            case "break_statement" | "continue_statement":
                if next(meaningful(node), None) is not None:  # a labelled jump goes further out than is modelled
                    raise TooDeep
                return (Leave(place, Leaving.BREAK if node.type == "break_statement" else Leaving.CONTINUE),)
            case _:
                return self.simple(node)

    def simple(self, node: Node) -> tuple[Statement, ...]:
        match node.type:
            case "expression_statement":
                child = next(meaningful(node), node)
                if child.type == "switch_expression":
                    return (self.switch(child),)
                return (Evaluate(place_of(child), self.expression(child)),)
            case "synchronized_statement" | "labeled_statement":
                body = node.child_by_field_name("body") or node.named_children[-1]
                return (Block(place_of(node), self.statements(body)),)
            case "class_declaration" | "assert_statement" | ";":
                return ()
            case _:
                return (Evaluate(place_of(node), unclear(node, self.each(node))),)

    def declarations(self, node: Node) -> tuple[Statement, ...]:
        made: list[Statement] = []
        for declarator in node.children_by_field_name("declarator"):
            value = declarator.child_by_field_name("value")
            if value is not None:
                target = self.expression(declarator.child_by_field_name("name"))
                # The whole statement stands for it, for a rule may match `String sql = ...;`.
                setting = Setting(place_of(declarator), target, self.expression(value), declares=True)
                made.append(Evaluate(place_of(node), setting))
        return tuple(made)

    def loop(self, node: Node) -> tuple[Statement, ...]:
        place = place_of(node)
        body = self.statements(node.child_by_field_name("body"))
        if node.type == "enhanced_for_statement":
            target = self.expression(node.child_by_field_name("name"))
            return (Loop(place, None, (target, self.expression(node.child_by_field_name("value"))), body),)
        condition = node.child_by_field_name("condition")
        test = self.expression(condition) if condition else Constant(place, value=True)
        first: list[Statement] = []
        for child in node.children_by_field_name("init"):
            first.extend(
                self.statement(child)
                if child.type.endswith("declaration")
                else [Evaluate(place_of(child), self.expression(child))]
            )
        step = tuple(Evaluate(place_of(c), self.expression(c)) for c in node.children_by_field_name("update"))
        return (*first, Loop(place, test, None, body, step, body_comes_first=node.type == "do_statement"))

    def switch(self, node: Node) -> Switch:
        cases: list[Case] = []
        body = node.child_by_field_name("body")
        falls_through = True
        for group in meaningful(body) if body else ():
            labels: list[Expression] = []
            is_default, inside = False, []
            for child in meaningful(group):
                if child.type != "switch_label":
                    inside.append(child)
                    continue
                values = [self.expression(inner) for inner in meaningful(child)]
                labels.extend(values)
                is_default = is_default or not values
            falls_through = falls_through and group.type != "switch_rule"
            statements = tuple(statement for child in inside for statement in self.statement(child))
            is_exact = all(isinstance(label, Constant | Name | Member) for label in labels)
            cases.append(Case(place_of(group), None if is_default else tuple(labels), statements, is_exact))
        return Switch(
            place_of(node), self.expression(node.child_by_field_name("condition")), tuple(cases), falls_through
        )

    def attempt(self, node: Node) -> Attempt:
        opened: list[Statement] = []
        resources = node.child_by_field_name("resources")
        for resource in meaningful(resources) if resources else ():
            target, value = resource.child_by_field_name("name"), resource.child_by_field_name("value")
            if target is not None and value is not None:
                setting = Setting(place_of(resource), self.expression(target), self.expression(value), declares=True)
                opened.append(Evaluate(place_of(resource), setting))
        handlers: list[tuple[str | None, tuple[Statement, ...]]] = []
        finally_body: tuple[Statement, ...] = ()
        for child in meaningful(node):
            if child.type == "catch_clause":
                caught = next((inner for inner in meaningful(child) if inner.type == "catch_formal_parameter"), None)
                name = text_of(caught.child_by_field_name("name")) if caught else None
                handlers.append((name, self.statements(child.child_by_field_name("body"))))
            elif child.type == "finally_clause":
                finally_body = self.statements(next(meaningful(child), None))
        body = (*opened, *self.statements(node.child_by_field_name("body")))
        return Attempt(place_of(node), body, tuple(handlers), (), finally_body)
