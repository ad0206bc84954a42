"""Statements and definitions of JavaScript and TypeScript."""

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
    Member,
    Name,
    Parameter,
    Program,
    Return,
    Setting,
    Statement,
    Switch,
)
from triage.facts.languages.javascript.expressions import Expressions
from triage.facts.languages.tree import (
    TooDeep,
    meaningful,
    once,
    place_of,
    text_of,
    unclear,
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


def translate(root: Node) -> Program:
    """Return the program of a JavaScript or TypeScript file."""
    return _Translator().program(root)


class _Translator(Expressions):
    def __init__(self) -> None:
        self.result = Program()
        self.depth = 0
        self.owner = ""

    def program(self, root: Node) -> Program:
        self.result.statements = tuple(statement for child in meaningful(root) for statement in self.statement(child))
        return self.result

    # Statements

    def block(self, node: Node | None) -> tuple[Statement, ...]:
        if node is None:
            return ()
        if node.type != "statement_block":
            return self.statement(node)
        own = frozenset(
            name
            for child in meaningful(node)
            if child.type == "lexical_declaration"
            for declarator in meaningful(child)
            for name in self.names_in(declarator.child_by_field_name("name"))
        )
        body = tuple(statement for child in meaningful(node) for statement in self.statement(child))
        return (Block(place_of(node), body, own),)

    def names_in(self, node: Node | None) -> list[str]:
        if node is None:
            return []
        if node.type in {"identifier", "shorthand_property_identifier_pattern"}:
            return [text_of(node)]
        return [name for child in meaningful(node) for name in self.names_in(child)]

    def statement(self, node: Node) -> tuple[Statement, ...]:  # noqa: PLR0911  one line a case
        place = place_of(node)
        match node.type:
            case "expression_statement":
                return tuple(Evaluate(place_of(child), self.expression(child)) for child in meaningful(node))
            case "lexical_declaration" | "variable_declaration":
                return self.declarations(node)
            case "statement_block":
                return self.block(node)
            case "if_statement":
                return (self.branch(node),)
            case "for_statement" | "while_statement" | "do_statement" | "for_in_statement":
                return self.loop(node)
            case "return_statement":
                value = next(meaningful(node), None)
                return (Return(place, self.expression(value) if value else None),)
            case "throw_statement":
                return (Leave(place, Leaving.RAISE, self.expression(next(meaningful(node), None))),)
            case "break_statement" | "continue_statement":
                if next(meaningful(node), None) is not None:  # a labelled jump goes further out than is modelled
                    raise TooDeep
                return (Leave(place, Leaving.BREAK if node.type == "break_statement" else Leaving.CONTINUE),)
            case "try_statement":
                return (self.attempt(node),)
            case "switch_statement":
                return (self.switch(node),)
            case _:
                return self.definition(node)

    def definition(self, node: Node) -> tuple[Statement, ...]:  # noqa: PLR0911  one line a case
        place = place_of(node)
        match node.type:
            case "function_declaration" | "generator_function_declaration":
                function = self.function(node)
                self.result.functions.append(function)
                return (Define(place, function),)
            case "class_declaration" | "class" | "abstract_class_declaration":
                return self.class_body(node)
            case "export_statement":
                inner = node.child_by_field_name("declaration") or node.child_by_field_name("value")
                if inner is None:
                    return ()
                if inner.type in FUNCTIONS or not inner.type.endswith("declaration"):
                    return (
                        self.statement(inner)
                        if inner.type.endswith("declaration")
                        else (Evaluate(place_of(inner), self.expression(inner)),)
                    )
                return self.statement(inner)
            case "import_statement":
                self.imports(node)
                return ()
            case "labeled_statement":
                return self.block(node.child_by_field_name("body"))
            case "empty_statement" | "interface_declaration" | "type_alias_declaration" | "ambient_declaration":
                return ()
            case _:
                return (Evaluate(place, unclear(node, self.each(node))),)

    def class_body(self, node: Node) -> tuple[Statement, ...]:
        name = text_of(node.child_by_field_name("name"))
        heritage = next((child for child in meaningful(node) if child.type == "class_heritage"), None)
        self.result.class_parents[name] = (text_of(heritage),) if heritage else ()
        owner, self.owner = self.owner, name
        made: list[Statement] = []
        for child in meaningful(node.child_by_field_name("body") or node):
            if child.type == "method_definition":
                function = self.function(child)
                self.result.functions.append(function)
                made.append(Define(place_of(child), function))
            elif child.type in {"public_field_definition", "field_definition"}:
                value = child.child_by_field_name("value")
                if value is not None:
                    made.append(Evaluate(place_of(child), self.expression(value)))
        self.owner = owner
        return (Block(place_of(node), tuple(made)),)

    def imports(self, node: Node) -> None:
        source = self.expression(node.child_by_field_name("source"))
        module = str(source.value) if isinstance(source, Constant) else ""
        for clause in (child for child in meaningful(node) if child.type == "import_clause"):
            for part in meaningful(clause):
                if part.type == "identifier":
                    self.result.imports[text_of(part)] = module
                elif part.type == "namespace_import":
                    self.result.imports[text_of(next(meaningful(part), None))] = module
                else:
                    for named in meaningful(part):
                        name = text_of(named.child_by_field_name("name"))
                        self.result.imports[text_of(named.child_by_field_name("alias")) or name] = f"{module}.{name}"

    def declarations(self, node: Node) -> tuple[Statement, ...]:
        made: list[Statement] = []
        for declarator in meaningful(node):
            value = declarator.child_by_field_name("value")
            target = declarator.child_by_field_name("name")
            if value is None or target is None:
                continue
            translated = self.expression(value)
            self.remember_require(target, translated)
            # The whole statement stands for it, for a rule may match `const sql = ...;`.
            setting = Setting(place_of(declarator), self.expression(target), translated, declares=True)
            made.append(Evaluate(place_of(node), setting))
            if isinstance(translated, Function) and target.type == "identifier":
                named = Function(
                    translated.place, text_of(target), "", translated.parameters, translated.body, is_closure=True
                )
                self.result.functions.append(named)
        return tuple(made)

    def remember_require(self, target: Node, value: Expression) -> None:
        path: list[str] = []
        while isinstance(value, Member):
            path.insert(0, value.name)
            value = value.base
        match value:
            case Call(callee=Name(name="require"), arguments=(Constant(value=str(module)),)):
                module = module.removeprefix("node:")
                if target.type == "identifier":
                    self.result.imports[text_of(target)] = ".".join([module, *path])
                else:
                    for child in meaningful(target):
                        key = text_of(child.child_by_field_name("key")) or text_of(child)
                        name = text_of(child.child_by_field_name("value")) or text_of(child)
                        self.result.imports[name] = ".".join([module, *path, key])

    def branch(self, node: Node) -> Branch:
        alternative = node.child_by_field_name("alternative")
        negative = self.block(next(meaningful(alternative), None)) if alternative else ()
        test = self.expression(node.child_by_field_name("condition"))
        return Branch(place_of(node), test, self.block(node.child_by_field_name("consequence")), negative)

    def loop(self, node: Node) -> tuple[Statement, ...]:
        place = place_of(node)
        body = self.block(node.child_by_field_name("body"))
        if node.type == "for_in_statement":
            target = self.expression(node.child_by_field_name("left"))
            iterable = self.expression(node.child_by_field_name("right"))
            if text_of(node.child_by_field_name("operator")) == "in":
                iterable = Call(place, Member(place, iterable, "keys"), ())
            return (Loop(place, None, (target, iterable), body),)
        condition = node.child_by_field_name("condition")
        if condition is not None and condition.type == "expression_statement":
            condition = next(meaningful(condition), None)
        has_test = condition is not None and condition.type not in {";", "empty_statement"}
        test = self.expression(condition) if has_test else Constant(place, value=True)
        initializer, increment = node.child_by_field_name("initializer"), node.child_by_field_name("increment")
        is_statement = initializer is not None and initializer.type.endswith(("declaration", "statement"))
        first = self.statement(initializer) if initializer is not None and is_statement else ()
        step = (Evaluate(place_of(increment), self.expression(increment)),) if increment else ()
        return (*first, Loop(place, test, None, body, step, body_comes_first=node.type == "do_statement"))

    def attempt(self, node: Node) -> Attempt:
        handlers: tuple[tuple[str | None, tuple[Statement, ...]], ...] = ()
        handler, finalizer = node.child_by_field_name("handler"), node.child_by_field_name("finalizer")
        if handler is not None:
            parameter = handler.child_by_field_name("parameter")
            name = text_of(parameter) if parameter is not None and parameter.type == "identifier" else None
            handlers = ((name, self.block(handler.child_by_field_name("body"))),)
        finally_body = self.block(finalizer.child_by_field_name("body")) if finalizer else ()
        return Attempt(place_of(node), self.block(node.child_by_field_name("body")), handlers, (), finally_body)

    def switch(self, node: Node) -> Switch:
        cases: list[Case] = []
        for group in meaningful(node.child_by_field_name("body") or node):
            value = group.child_by_field_name("value")
            statements = tuple(
                statement for child in group.children_by_field_name("body") if child.is_named
                for statement in self.statement(child)
            )  # fmt: skip
            if value is None:
                cases.append(Case(place_of(group), None, statements))
            else:
                label = self.expression(value)
                cases.append(Case(place_of(group), (label,), statements, isinstance(label, Constant)))
        return Switch(
            place_of(node), self.expression(node.child_by_field_name("value")), tuple(cases), falls_through=True
        )

    def function(self, node: Node) -> Function:
        body = node.child_by_field_name("body")

        def statements() -> tuple[Statement, ...]:
            before, self.owner, depth, self.depth = self.owner, "", self.depth, 0
            try:
                if body is None or body.type == "statement_block":
                    return self.block(body)
                return (Return(place_of(node), self.expression(body)),)
            finally:
                self.owner, self.depth = before, depth

        single = node.child_by_field_name("parameter")
        given = [single] if single else list(meaningful(node.child_by_field_name("parameters") or node))
        parameters = tuple(self.parameter(child) for child in given) if single or node.child_by_field_name(
            "parameters"
        ) else ()  # fmt: skip
        name = text_of(node.child_by_field_name("name"))
        is_closure = node.type in {"arrow_function", "function_expression", "function_declaration"}
        return Function(place_of(node), name, self.owner, parameters, once(statements), is_closure=is_closure)

    def parameter(self, node: Node) -> Parameter:
        if node.type in {"required_parameter", "optional_parameter"}:
            pattern = node.child_by_field_name("pattern")
            marks = tuple(text_of(child)[1:] for child in meaningful(node) if child.type == "decorator")
            return Parameter(text_of(pattern), text_of(node.child_by_field_name("type")).lstrip(": "), marks)
        if node.type == "assignment_pattern":
            default = node.child_by_field_name("right")
            name = text_of(node.child_by_field_name("left"))
            return Parameter(name, default=self.expression(default) if default else None)
        return Parameter(text_of(node).lstrip("."), gathers=node.type == "rest_pattern")
