"""SQL injection in JavaScript: the statement becomes constant, its values go into the array of parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

from remediation.recipes.code import (
    JAVASCRIPT,
    Case,
    Change,
    Code,
    Draft,
    arguments_of,
    named,
    recipe,
    replaced,
    same,
    scope_of,
    text_of,
    within,
)
from remediation.recipes.imports_javascript import javascript_imports, javascript_packages
from remediation.recipes.javascript_text import TextParts, given_text, javascript_value
from remediation.recipes.sql_text import Bound, Literal, bind

# Package -> how its marks are written.
MARKS = {
    "mysql": "?",
    "mysql2": "?",
    "promise-mysql": "?",
    "sqlite3": "?",
    "sqlite": "?",
    "better-sqlite3": "?",
    "pg": "$",
    "pg-promise": "$",
    "pg-pool": "$",
    "sequelize": "sequelize",
    "knex": "?",
}
DOUBLE_QUOTES = frozenset({"mysql", "mysql2", "promise-mysql", "sqlite3", "sqlite", "better-sqlite3"})
MYSQL = frozenset({"mysql", "mysql2", "promise-mysql"})
METHODS = frozenset(
    {"query", "execute", "all", "get", "run", "each", "raw", "any", "one", "oneOrNone", "none", "many", "manyOrNone"}
)
EXPLANATION = (
    "The values are passed apart from the statement, so that the database never reads them as SQL. "
    "Check that each one has the type its column expects."
)


@dataclass(frozen=True)
class Driver:
    """The database packages in use, and how they want parameters."""

    packages: frozenset[str]
    style: str

    @property
    def mark(self) -> Callable[[int], str]:
        """The n-th placeholder, from 0."""
        return (lambda number: f"${number + 1}") if self.style == "$" else (lambda _: "?")


def bind_parameters(case: Case) -> Draft | None:
    """Bind what was put into the SQL of `db.query(…)` and its kin."""
    driver = driver_of(case)
    if driver is None:
        return None
    for call in _calls(case):
        arguments = arguments_of(call)
        parts = given_text(arguments[0]) if arguments else None
        if parts is None or not parts.has_values:
            continue
        draft = _draft(case.code, call, parts, driver)
        if draft is not None:
            return draft
    return None


def _calls(case: Case) -> list[Node]:
    """Return the calls to look at: those the finding points at, or those that are given the variable it declares."""
    calls = [call for call in case.nodes("call_expression") if _method(call) in METHODS | {"prepare"}]
    for declarator in case.nodes("variable_declarator"):
        name = text_of(named(declarator, "name"))
        calls += [
            call
            for call in within(scope_of(declarator), "call_expression")
            if _method(call) in METHODS | {"prepare"} and [text_of(each) for each in arguments_of(call)][:1] == [name]
        ]
    return calls


def _method(call: Node) -> str:
    function = named(call, "function")
    # The TypeScript grammar reads `await db.query<Row>(…)` as a call of `await db.query`.
    if function is not None and function.type == "await_expression":
        function = function.named_children[0]
    return text_of(named(function, "property")) if function is not None and function.type == "member_expression" else ""


def driver_of(case: Case) -> Driver | None:
    """Return the driver that the file imports, or that the project's own modules it imports do."""
    packages = javascript_packages(case.code) & MARKS.keys()
    if not packages:
        packages = frozenset().union(*(javascript_packages(each) for each in _local_modules(case))) & MARKS.keys()
    # Sequelize and knex bring a driver along and speak for it.
    speaking = packages & {"sequelize", "knex"} or packages
    styles = {MARKS[package] for package in speaking}
    return Driver(frozenset(packages), styles.pop()) if len(styles) == 1 else None


def _local_modules(case: Case) -> list[Code]:
    folder = case.context.path.split("/")[:-1]
    found = []
    for each in javascript_imports(case.code):
        if not each.module.startswith("."):
            continue
        steps = list(folder)
        for step in each.module.split("/"):
            if step == ".." and steps:
                steps.pop()
            elif step not in {".", ".."}:
                steps.append(step)
        base = "/".join(steps)
        for candidate in (base, f"{base}.js", f"{base}.ts", f"{base}/index.js", f"{base}/index.ts"):
            text = case.context.read_file(candidate)
            if text is not None:
                found.append(Code(text, case.code.language))
                break
    return found


def _draft(code: Code, call: Node, parts: TextParts, driver: Driver) -> Draft | None:
    arguments = arguments_of(call)
    is_prepare = _method(call) == "prepare"
    # What stands second already may be parameters of its own; a function is the callback.
    if len(arguments) > 1 and (is_prepare or not _is_callback(arguments[1])):
        return None
    if any("?" in part.raw for part in parts.parts if isinstance(part, Literal)) and driver.style != "$":
        return None
    bound = bind(
        parts.parts,
        driver.mark,
        double_quotes=bool(driver.packages) and driver.packages <= DOUBLE_QUOTES,
        limit=not driver.packages & MYSQL,
    )
    literal = parts.rebuilt(code, bound.texts) if bound is not None else None
    if bound is None or literal is None:
        return None
    values = _values(bound)
    if is_prepare:
        running = _running_call(call)
        if running is None or "better-sqlite3" not in driver.packages:
            return None
        inside = named(running, "arguments")
        assert inside is not None
        given = Change(inside.start_byte + 1, inside.start_byte + 1, values)
        return Draft((replaced(parts.expression, literal), given), EXPLANATION)
    written = f"{{ replacements: [{values}] }}" if driver.style == "sequelize" else f"[{values}]"
    if same(arguments[0], parts.expression):
        return Draft((replaced(arguments[0], f"{literal}, {written}"),), EXPLANATION)
    end = arguments[0].end_byte
    return Draft((replaced(parts.expression, literal), Change(end, end, f", {written}")), EXPLANATION)


def _is_callback(node: Node) -> bool:
    if node.type == "identifier":
        return bool(re.search(r"^(?:cb|done|next)$|callback$|handler$", text_of(node), re.IGNORECASE))
    return node.type in {"arrow_function", "function_expression"}


def _values(bound: Bound) -> str:
    return ", ".join(javascript_value(parameter) for parameter in bound.parameters)


def _running_call(prepare: Node) -> Node | None:
    """Return `.get()` in `db.prepare(…).get()`, if nothing is passed to it yet."""
    member = prepare.parent
    call = member.parent if member is not None and member.type == "member_expression" else None
    if call is None or _method(call) not in {"get", "all", "run", "iterate"} or arguments_of(call):
        return None
    return call


RECIPES = (
    recipe(bind_parameters, languages=JAVASCRIPT, cwes={89, 564, 943}, words="sql sqli sqlinjection sequelize knex"),
)
