"""SQL injection in Java: a PreparedStatement in place of a Statement, and parameters for Spring's and JPA's calls."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from remediation.recipes.code import (
    JAVA,
    Case,
    Change,
    Draft,
    added_arguments,
    arguments_of,
    enclosing,
    named,
    recipe,
    replaced,
    runs_with,
    same,
    scope_of,
    statement_of,
    text_of,
    within,
)
from remediation.recipes.imports_java import java_import
from remediation.recipes.java_text import SETTERS, TextParts, given_text, java_value, type_of
from remediation.recipes.sql_text import Bound, Value, bind

STATEMENT_METHODS = frozenset({"executeQuery", "executeUpdate", "execute", "executeLargeUpdate"})
TEMPLATE_METHODS = frozenset({"queryForObject", "queryForList", "queryForMap", "queryForRowSet", "query", "update"})
QUERY_METHODS = frozenset({"createQuery", "createNativeQuery"})
PLAIN_STATEMENTS = frozenset({"expression_statement", "local_variable_declaration", "return_statement"})
EXPLANATION = (
    "The values are bound as parameters of a prepared statement, so that the database never reads them as SQL. "
    "Check that each one has the type its column expects: some databases do not compare a number with a text."
)


@dataclass(frozen=True)
class Sql:
    """A constant statement and what is bound to it."""

    parts: TextParts
    literal: str
    bound: Bound

    @property
    def values(self) -> list[str]:
        """The parameters, as expressions."""
        return [java_value(parameter) for parameter in self.bound.parameters]

    def setters(self, statement: str) -> list[str] | None:
        """Return a line for each parameter; None where the type of one is not known."""
        types = {
            part.source: type_of(node)
            for part, node in zip(self.parts.parts, self.parts.nodes, strict=True)
            if isinstance(part, Value)
        }
        lines = []
        for number, parameter in enumerate(self.bound.parameters):
            first = parameter[0]
            kind = types.get(first.source, "") if len(parameter) == 1 and isinstance(first, Value) else "String"
            # In quotes, whatever it was became a text.
            if self.bound.quoted[number] and kind == "":
                kind = "String" if re.search(r"\.get\w*\(|^\w+$", self.values[number]) else ""
            value = self.values[number]
            if self.bound.quoted[number] and kind != "String":
                kind, value = "String", f"String.valueOf({value})"
            if kind not in SETTERS:
                return None
            lines.append(f"{statement}.{SETTERS[kind]}({number + 1}, {value});")
        return lines


def prepare_statement(case: Case) -> Draft | None:
    """Turn `connection.createStatement()` and `statement.executeQuery(sql)` into a PreparedStatement."""
    for call in _calls(case, STATEMENT_METHODS):
        sql = _sql(case, call, lambda _: "?")
        receiver = named(call, "object")
        if sql is None or receiver is None or len(arguments_of(call)) != 1:
            continue
        known = java_import(case.code, "java.sql.PreparedStatement")
        if known is None:
            continue
        if receiver.type == "identifier":
            changes = _prepared_variable(case, call, text_of(receiver), sql, known.name)
        else:
            changes = _prepared_on_the_spot(case, call, receiver, sql, known.name)
        if changes is not None:
            return Draft((*known.changes, *changes), EXPLANATION)
    return None


def _calls(case: Case, methods: frozenset[str]) -> list[Node]:
    """Return the calls to look at: those the finding points at, or those that are given the variable it declares."""
    calls = [call for call in case.nodes("method_invocation") if text_of(named(call, "name")) in methods]
    for declarator in case.nodes("variable_declarator"):
        name = text_of(named(declarator, "name"))
        calls += [
            call
            for call in within(scope_of(declarator), "method_invocation")
            if text_of(named(call, "name")) in methods and [text_of(each) for each in arguments_of(call)][:1] == [name]
        ]
    return calls


def _sql(case: Case, call: Node, placeholder: object) -> Sql | None:
    arguments = arguments_of(call)
    parts = given_text(arguments[0]) if arguments else None
    if parts is None or not parts.has_values or not callable(placeholder):
        return None
    bound = bind(parts.parts, placeholder)
    return Sql(parts, parts.rebuilt(case.code, bound.texts), bound) if bound is not None else None


def _creating(value: Node | None) -> Node | None:
    """Return the connection in `connection.createStatement()`."""
    if value is None or value.type != "method_invocation" or text_of(named(value, "name")) != "createStatement":
        return None
    return named(value, "object") if not arguments_of(value) else None


def _prepared_variable(case: Case, call: Node, name: str, sql: Sql, kind: str) -> list[Change] | None:
    scope = scope_of(call)
    declared = [
        node
        for node in within(scope, "local_variable_declaration", "resource")
        if name in {text_of(named(node, "name")), text_of(named(named(node, "declarator") or node, "name"))}
    ]
    runs = [
        each
        for each in within(scope, "method_invocation")
        if text_of(named(each, "object")) == name and text_of(named(each, "name")) not in {"close"}
    ]
    if len(declared) != 1 or len(runs) != 1:
        return None
    declaration = declared[0]
    declarator = named(declaration, "declarator") or declaration
    created, declared_type = named(declarator, "value"), named(declaration, "type")
    connection = _creating(created)
    setters = sql.setters(name)
    statement = statement_of(call)
    if created is None or connection is None or declared_type is None or setters is None:
        return None
    # The parameters are set in statements of their own, for which a list of resources has no room.
    if enclosing(call, "resource_specification") is not None or not _is_in_block(statement, call):
        return None
    changes = [replaced(declared_type, kind)] if text_of(declared_type) == "Statement" else []
    if not changes and text_of(declared_type) != "var":
        return None
    changes += _constant_sql(sql, created, text_of(connection), behind=declaration.start_byte)
    argument = arguments_of(call)[0]
    changes.append(replaced(argument, ""))
    changes.append(_lines_above(case, statement, setters))
    return changes


def _constant_sql(sql: Sql, created: Node, connection: str, *, behind: int) -> list[Change]:
    """Hand the statement to prepareStatement: by its variable where that is known by then, else as it is."""
    declarator = sql.parts.declarator
    if declarator is None:
        return [replaced(created, f"{connection}.prepareStatement({sql.literal})")]
    if declarator.end_byte < behind:
        name = text_of(named(declarator, "name"))
        return [
            replaced(created, f"{connection}.prepareStatement({name})"),
            replaced(sql.parts.expression, sql.literal),
        ]
    # The text is declared below the statement that needs it now, so it is written there, and stays for what logs it.
    joined = re.sub(r"\"\s*\+ \"", "", sql.literal)
    return [replaced(created, f"{connection}.prepareStatement({joined})"), replaced(sql.parts.expression, sql.literal)]


def _is_in_block(statement: Node, call: Node) -> bool:
    """Tell whether statements may be put above: the call runs with its own, and that is no loop or condition."""
    if not runs_with(call, statement) or statement.type not in PLAIN_STATEMENTS:
        return False
    return statement.parent is not None and statement.parent.type in {
        "block",
        "constructor_body",
        "switch_block_statement_group",
    }


def _lines_above(case: Case, statement: Node, lines: list[str]) -> Change:
    indent = case.code.indent_at(statement)
    return Change(statement.start_byte, statement.start_byte, "".join(f"{line}\n{indent}" for line in lines))


def _prepared_on_the_spot(case: Case, call: Node, receiver: Node, sql: Sql, kind: str) -> list[Change] | None:
    """Write `connection.createStatement().executeQuery(sql)` as three statements."""
    connection = _creating(receiver)
    statement = statement_of(call)
    name = next(
        (
            each
            for each in ("statement", "prepared", "preparedStatement")
            if not re.search(rf"\b{each}\b", case.code.text)
        ),
        None,
    )
    if connection is None or name is None or not _is_in_block(statement, call):
        return None
    setters = sql.setters(name)
    if setters is None:
        return None
    declarator = sql.parts.declarator
    given = text_of(named(declarator, "name")) if declarator is not None else sql.literal
    changes = [replaced(sql.parts.expression, sql.literal)] if declarator is not None else []
    lines = [f"{kind} {name} = {text_of(connection)}.prepareStatement({given});", *setters]
    arguments = named(call, "arguments")
    assert arguments is not None
    running = Change(receiver.start_byte, arguments.end_byte, f"{name}.{text_of(named(call, 'name'))}()")
    return [*changes, _lines_above(case, statement, lines), running]


def bind_prepared(case: Case) -> Draft | None:
    """Set the values that were put into the text of `prepareStatement(…)` itself."""
    for call in _calls(case, frozenset({"prepareStatement"})):
        sql = _sql(case, call, lambda _: "?")
        declarator = call.parent
        statement = statement_of(call)
        if sql is None or declarator is None or declarator.type != "variable_declarator":
            continue
        if not _is_in_block(statement, call):
            continue
        name = text_of(named(declarator, "name"))
        setters = sql.setters(name)
        # Values that are bound already would have to be counted again.
        if setters is None or re.search(rf"\b{re.escape(name)}\.set[A-Z]", text_of(scope_of(call))):
            continue
        indent = case.code.indent_at(statement)
        below = Change(statement.end_byte, statement.end_byte, "".join(f"\n{indent}{line}" for line in setters))
        return Draft((replaced(sql.parts.expression, sql.literal), below), EXPLANATION)
    return None


def spring_template(case: Case) -> Draft | None:
    """Pass the values to Spring's JdbcTemplate as its last arguments."""
    if "org.springframework.jdbc" not in case.code.text:
        return None
    for call in _calls(case, TEMPLATE_METHODS):
        sql = _sql(case, call, lambda _: "?")
        arguments = arguments_of(call)
        if sql is None or "emplate" not in text_of(named(call, "object")) or len(arguments) > 2:  # noqa: PLR2004 - SQL and mapper
            continue
        if any(text_of(each).startswith("new Object") for each in arguments[1:]):
            continue
        return Draft((*_in_place(case, call, sql),), EXPLANATION)
    return None


def _in_place(case: Case, call: Node, sql: Sql) -> list[Change]:
    arguments = arguments_of(call)
    if len(arguments) == 1 and same(arguments[0], sql.parts.expression):
        return [replaced(arguments[0], ", ".join([sql.literal, *sql.values]))]
    return [replaced(sql.parts.expression, sql.literal), added_arguments(case.code, call, *sql.values)]


def jpa_query(case: Case) -> Draft | None:
    """Set the values on the query that `createQuery(…)` or `createNativeQuery(…)` gives."""
    if not re.search(r"\b(?:javax|jakarta)\.persistence\b|\borg\.hibernate\b", case.code.text):
        return None
    for call in _calls(case, QUERY_METHODS):
        sql = _sql(case, call, lambda number: f"?{number + 1}")
        if sql is None:
            continue
        setting = "".join(f".setParameter({number}, {value})" for number, value in enumerate(sql.values, start=1))
        return Draft(
            (replaced(sql.parts.expression, sql.literal), Change(call.end_byte, call.end_byte, setting)), EXPLANATION
        )
    return None


CWES = {89, 564, 943}
WORDS = "sql sqli sqlinjection jdbc"
RECIPES = (
    recipe(spring_template, languages=JAVA, cwes=CWES, words=WORDS),
    recipe(jpa_query, languages=JAVA, cwes=CWES, words=WORDS + " hibernate jpa jpql"),
    recipe(bind_prepared, languages=JAVA, cwes=CWES, words=WORDS),
    recipe(prepare_statement, languages=JAVA, cwes=CWES, words=WORDS),
)
