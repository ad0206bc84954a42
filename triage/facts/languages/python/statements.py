"""Statements and definitions of Python."""

from __future__ import annotations

from tree_sitter import Node

from triage.facts.flow.program import (
    Attempt,
    Block,
    Branch,
    Call,
    Case,
    Constant,
    Define,
    Evaluate,
    Expression,
    Function,
    Leave,
    Leaving,
    Loop,
    Name,
    Parameter,
    Program,
    Return,
    Statement,
    Switch,
)
from triage.facts.languages.python.expressions import Expressions
from triage.facts.languages.tree import (
    meaningful,
    once,
    place_of,
    text_of,
    unclear,
)


def translate(root: Node) -> Program:
    """Return the program of a Python file."""
    return _Translator().program(root)


class _Translator(Expressions):
    def __init__(self) -> None:
        self.result = Program()
        self.depth = 0
        self.owner = ""

    def program(self, root: Node) -> Program:
        self.result.statements = self.statements(root)
        return self.result

    # Statements

    def statements(self, node: Node | None) -> tuple[Statement, ...]:
        if node is None:
            return ()
        if node.type in {"block", "module"}:
            return tuple(statement for child in meaningful(node) for statement in self.statement(child))
        return self.statement(node)

    def statement(self, node: Node) -> tuple[Statement, ...]:  # noqa: PLR0911  one line a case
        place = place_of(node)
        match node.type:
            case "expression_statement":
                return tuple(Evaluate(place_of(child), self.expression(child)) for child in meaningful(node))
            case "return_statement":
                value = next(meaningful(node), None)
                return (Return(place, self.expression(value) if value else None),)
            case "raise_statement":
                value = next(meaningful(node), None)
                return (Leave(place, Leaving.RAISE, self.expression(value) if value else None),)
            case "break_statement":
                return (Leave(place, Leaving.BREAK),)
            case "continue_statement":
                return (Leave(place, Leaving.CONTINUE),)
            case "if_statement":
                return (self.branch(node),)
            case "for_statement" | "while_statement":
                return (self.loop(node),)
            case "try_statement":
                return (self.attempt(node),)
            case "with_statement":
                return self.with_block(node)
            case "match_statement":
                return (self.switch(node),)
            case "function_definition" | "decorated_definition" | "class_definition":
                return self.definition(node)
            case _:
                return self.simple(node)

    def simple(self, node: Node) -> tuple[Statement, ...]:
        place = place_of(node)
        match node.type:
            case "import_statement" | "import_from_statement":
                self.imports(node)
                return ()
            case "pass_statement" | "global_statement" | "nonlocal_statement" | "future_import_statement":
                return ()
            case "assert_statement":
                # `python -O` switches assertions off: whether one ends the function stays open.
                may_end = Evaluate(place, Call(place, Name(place, "fail"), ()))
                return (Branch(place, self.expression(next(meaningful(node), None)), (), (may_end,)),)
            case _:
                return (Evaluate(place, unclear(node, tuple(self.expression(child) for child in meaningful(node)))),)

    def imports(self, node: Node) -> None:
        module = text_of(node.child_by_field_name("module_name"))
        for child in node.children_by_field_name("name"):
            target, alias = child, ""
            if child.type == "aliased_import":
                target, alias = child.child_by_field_name("name") or child, text_of(child.child_by_field_name("alias"))
            name = text_of(target)
            if module:
                self.result.imports[alias or name] = f"{module}.{name}"
            elif alias:
                self.result.imports[alias] = name
            else:
                self.result.imports[name.split(".")[0]] = name.split(".")[0]

    def branch(self, node: Node) -> Branch:
        alternatives = node.children_by_field_name("alternative")
        negative: tuple[Statement, ...] = ()
        for alternative in reversed(alternatives):
            if alternative.type == "else_clause":
                negative = self.statements(alternative.child_by_field_name("body"))
            else:
                negative = (
                    Branch(
                        place_of(alternative),
                        self.expression(alternative.child_by_field_name("condition")),
                        self.statements(alternative.child_by_field_name("consequence")),
                        negative,
                    ),
                )
        test = self.expression(node.child_by_field_name("condition"))
        return Branch(place_of(node), test, self.statements(node.child_by_field_name("consequence")), negative)

    def loop(self, node: Node) -> Loop:
        body = self.statements(node.child_by_field_name("body"))
        alternative = node.child_by_field_name("alternative")
        otherwise = self.statements(alternative.child_by_field_name("body")) if alternative else ()
        if node.type == "while_statement":
            test = self.expression(node.child_by_field_name("condition"))
            return Loop(place_of(node), test, None, body, otherwise=otherwise)
        each = (self.expression(node.child_by_field_name("left")), self.expression(node.child_by_field_name("right")))
        return Loop(place_of(node), None, each, body, otherwise=otherwise)

    def attempt(self, node: Node) -> Attempt:
        handlers: list[tuple[str | None, tuple[Statement, ...]]] = []
        otherwise: tuple[Statement, ...] = ()
        finally_body: tuple[Statement, ...] = ()
        for child in meaningful(node):
            if child.type in {"except_clause", "except_group_clause"}:
                alias = next((inner for inner in meaningful(child) if inner.type == "as_pattern"), None)
                name = text_of(alias.child_by_field_name("alias")) if alias else None
                block = next((inner for inner in meaningful(child) if inner.type == "block"), None)
                handlers.append((name, self.statements(block)))
            elif child.type == "else_clause":
                otherwise = self.statements(child.child_by_field_name("body"))
            elif child.type == "finally_clause":
                finally_body = self.statements(next((i for i in meaningful(child) if i.type == "block"), None))
        body = self.statements(node.child_by_field_name("body"))
        return Attempt(place_of(node), body, tuple(handlers), otherwise, finally_body)

    def with_block(self, node: Node) -> tuple[Statement, ...]:
        opened: list[Statement] = []
        clause = next((child for child in meaningful(node) if child.type == "with_clause"), None)
        for item in meaningful(clause) if clause else ():
            value = item.child_by_field_name("value") or item
            opened.append(Evaluate(place_of(value), self.expression(value)))
        return (*opened, *self.statements(node.child_by_field_name("body")))

    def switch(self, node: Node) -> Switch:
        cases = []
        body = node.child_by_field_name("body") or node
        for clause in (child for child in meaningful(body) if child.type == "case_clause"):
            patterns = [child for child in meaningful(clause) if child.type == "case_pattern"]
            guard = clause.child_by_field_name("guard")
            labels, is_exact, is_default = self.patterns(patterns)
            block = self.statements(clause.child_by_field_name("consequence"))
            if is_default and guard is None:
                cases.append(Case(place_of(clause), None, block))
            else:
                cases.append(Case(place_of(clause), labels, block, is_exact and guard is None))
        subject = node.children_by_field_name("subject")
        whole = self.expression(subject[0]) if len(subject) == 1 else unclear(node)
        return Switch(place_of(node), whole, tuple(cases), falls_through=False)

    def patterns(self, patterns: list[Node]) -> tuple[tuple[Expression, ...], bool, bool]:
        """Return the literals of case patterns, whether they are all there is, and whether anything fits."""
        labels: list[Expression] = []
        is_exact = len(patterns) == 1
        for pattern in patterns:
            if text_of(pattern) == "_":
                return (), True, True
            inner = next(meaningful(pattern), pattern)
            alternatives = list(meaningful(inner)) if inner.type == "union_pattern" else [inner]
            for alternative in alternatives:
                value = self.expression(alternative)
                labels.append(value)
                is_exact = is_exact and isinstance(value, Constant)
        return tuple(labels), is_exact, False

    def definition(self, node: Node) -> tuple[Statement, ...]:
        marks = tuple(text_of(child)[1:].strip() for child in meaningful(node) if child.type == "decorator")
        inner = node.child_by_field_name("definition") if node.type == "decorated_definition" else node
        if inner is None:
            return ()
        if inner.type == "class_definition":
            name = text_of(inner.child_by_field_name("name"))
            parents = inner.child_by_field_name("superclasses")
            self.result.class_parents[name] = tuple(text_of(p) for p in meaningful(parents)) if parents else ()
            owner, self.owner = self.owner, name
            body = self.statements(inner.child_by_field_name("body"))
            self.owner = owner
            return (Block(place_of(inner), body),)
        function = self.function(inner, marks)
        self.result.functions.append(function)
        return (Define(place_of(inner), function),)

    def function(self, node: Node, marks: tuple[str, ...]) -> Function:
        body = node.child_by_field_name("body")
        owner = self.owner

        def statements() -> tuple[Statement, ...]:
            before, self.owner, depth, self.depth = self.owner, "", self.depth, 0
            try:
                return self.statements(body)
            finally:
                self.owner, self.depth = before, depth

        name = text_of(node.child_by_field_name("name"))
        parameters = self.parameters(node.child_by_field_name("parameters"))
        return Function(place_of(node), name, owner, parameters, once(statements), marks)

    def parameters(self, node: Node | None) -> tuple[Parameter, ...]:
        found: list[Parameter] = []
        for child in meaningful(node) if node else ():
            if child.type == "identifier":
                found.append(Parameter(text_of(child)))
            elif child.type in {"default_parameter", "typed_default_parameter", "typed_parameter"}:
                name = child.child_by_field_name("name") or next(meaningful(child), None)
                default = child.child_by_field_name("value")
                found.append(
                    Parameter(
                        text_of(name).lstrip("*"),
                        text_of(child.child_by_field_name("type")),
                        default=self.expression(default) if default else None,
                        gathers=text_of(name).startswith("*"),
                    )
                )
            elif "splat" in child.type:
                found.append(Parameter(text_of(child).lstrip("*"), gathers=True))
        return tuple(found)
