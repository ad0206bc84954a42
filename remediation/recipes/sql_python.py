"""SQL injection in Python: the statement becomes constant, its values become bound parameters.

The style of the placeholders follows the driver that the file imports, or the module it takes its connection from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from remediation.recipes.code import (
    PYTHON,
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
from remediation.recipes.imports_python import python_imports, python_name, python_packages
from remediation.recipes.python_text import TextParts, python_value, text_parts
from remediation.recipes.python_variables import GivenText, assignment_only_for, given_text, keeps_its_values
from remediation.recipes.sql_text import Bound, Literal, Value, bind

STYLE_OF_DRIVER = {
    "sqlite3": "qmark",
    "aiosqlite": "qmark",
    "pyodbc": "qmark",
    "psycopg": "format",
    "psycopg2": "format",
    "MySQLdb": "format",
    "pymysql": "format",
    "mysql": "format",
    "aiomysql": "format",
    "aiopg": "format",
    "flask_mysqldb": "format",
    "pymssql": "format",
    "django": "format",
    "sqlalchemy": "named",
    "flask_sqlalchemy": "named",
}
MYSQL = frozenset({"MySQLdb", "pymysql", "mysql", "aiomysql", "flask_mysqldb"})
DOUBLE_QUOTES = MYSQL | {"sqlite3", "aiosqlite"}
SINKS = frozenset({"execute", "raw", "read_sql", "read_sql_query"})
PANDAS_SINKS = frozenset({"read_sql", "read_sql_query"})

EXPLANATION = (
    "The values are bound as parameters, so that the database never reads them as SQL. "
    "Check that each parameter has the type its column expects."
)


@dataclass(frozen=True)
class Driver:
    """How the file's database driver wants its parameters."""

    style: str
    is_mysql: bool
    takes_double_quotes: bool


@dataclass(frozen=True)
class Query:
    """A call that runs SQL and the expression its SQL is built by, perhaps one variable away."""

    call: Node
    text_call: Node | None
    parts: TextParts
    assignment: Node | None


def bind_parameters(case: Case) -> Draft | None:
    """Bind what was formatted into the SQL of `execute(…)`, Django's `raw(…)` or pandas' `read_sql(…)`."""
    for call in _calls(case):
        query = _query(case.code, call)
        if query is None:
            continue
        driver = driver_of(case)
        draft = _draft(case.code, query, driver) if driver is not None else None
        if draft is not None:
            return draft
    return None


def _calls(case: Case) -> list[Node]:
    """Return the calls to look at: those the finding points at, or those that use the variable it assigns."""
    calls = [call for call in case.nodes("call") if _method(call) in SINKS]
    for assignment in case.nodes("assignment"):
        name = text_of(named(assignment, "left"))
        calls += [
            call
            for call in within(scope_of(assignment), "call")
            if _method(call) in SINKS and any(text_of(argument) == name for argument in _sql_arguments(call))
        ]
    return calls


def _method(call: Node) -> str:
    function = named(call, "function")
    if function is None:
        return ""
    return text_of(named(function, "attribute")) if function.type == "attribute" else text_of(function)


def _sql_arguments(call: Node) -> list[Node]:
    arguments = arguments_of(call)
    if not arguments:
        return []
    inner = arguments_of(arguments[0]) if _is_text_call(arguments[0]) else []
    return [arguments[0], *inner]


def _is_text_call(node: Node) -> bool:
    return node.type == "call" and _method(node) == "text" and len(arguments_of(node)) == 1


def _query(code: Code, call: Node) -> Query | None:
    arguments = arguments_of(call)
    if not arguments:
        return None
    text_call = arguments[0] if _is_text_call(arguments[0]) else None
    argument = arguments_of(text_call)[0] if text_call is not None else arguments[0]
    others = arguments[1:]
    if _method(call) in PANDAS_SINKS:
        if any(text_of(named(other, "name")) == "params" for other in others):
            return None
    elif others:
        return None
    given = given_text(argument) or _text_call_in_variable(argument)
    if given is None or not given.parts.has_values:
        return None
    outer = given.parts.expression.parent
    if given.assignment is not None and outer is not None and outer.parent is not None and _is_text_call(outer.parent):
        text_call = outer.parent
    return Query(call, text_call, given.parts, given.assignment)


def _text_call_in_variable(argument: Node) -> GivenText | None:
    """Take apart the SQL of `statement = text(…)` above the call."""
    assignment = assignment_only_for(argument) if argument.type == "identifier" else None
    right = named(assignment, "right") if assignment is not None else None
    if assignment is None or right is None or not _is_text_call(right):
        return None
    parts = text_parts(arguments_of(right)[0])
    if parts is None or not keeps_its_values(parts, assignment, argument):
        return None
    return GivenText(argument, parts, assignment)


def driver_of(case: Case) -> Driver | None:
    """Return the driver in use, by the imports of the file or of its neighbours, or by marks it writes elsewhere."""
    packages = python_packages(case.code)
    drivers = packages & STYLE_OF_DRIVER.keys()
    if not drivers:
        drivers = frozenset().union(*(python_packages(each) for each in _local_modules(case))) & STYLE_OF_DRIVER.keys()
    styles = {STYLE_OF_DRIVER[driver] for driver in drivers}
    style = styles.pop() if len(styles) == 1 else _style_in_use(case.code, styles)
    if style is None:
        return None
    return Driver(
        style=style, is_mysql=bool(drivers & MYSQL), takes_double_quotes=bool(drivers) and drivers <= DOUBLE_QUOTES
    )


def _local_modules(case: Case) -> list[Code]:
    """Return the project's own modules that the file imports from, where they can be read."""
    folder = case.context.path.rpartition("/")[0]
    found = []
    for each in python_imports(case.code):
        names = [each.module.lstrip("."), f"{each.module}.{each.name}".lstrip(".")]
        for name in names:
            path = name.replace(".", "/") + ".py"
            for candidate in (path, f"{folder}/{path}".lstrip("/")):
                text = case.context.read_file(candidate) if candidate != case.context.path else None
                if text is not None:
                    found.append(Code(text, "python"))
    return found


def _style_in_use(code: Code, allowed: set[str]) -> str | None:
    """Return the style of the statements in the file that bind parameters already."""
    styles = set()
    for call in code.of_type("call"):
        arguments = arguments_of(call)
        if _method(call) != "execute" or not arguments[1:] or arguments[0].type == "identifier":
            continue
        sql = text_of(arguments[0])
        styles |= {style for style, mark in (("qmark", "?"), ("format", "%s")) if mark in sql}
    style = styles.pop() if len(styles) == 1 else None
    return style if style and (not allowed or style in allowed) else None


def _draft(code: Code, query: Query, driver: Driver) -> Draft | None:
    style, is_text = driver.style, query.text_call is not None
    is_pandas = _method(query.call) in PANDAS_SINKS
    if (is_text and style != "named") or (is_pandas and style == "named"):
        return None
    if _method(query.call) == "raw" and style != "format":
        return None
    names = _parameter_names(query.parts)
    marks = {"qmark": lambda _: "?", "format": lambda _: "%s", "named": lambda number: f":{names[number]}"}
    constant = "".join(part.raw for part in query.parts.parts if isinstance(part, Literal))
    # What stands in the statement already must not turn into a placeholder.
    if (style == "qmark" and "?" in constant) or (style == "format" and "%s" in constant):
        return None
    if style == "named" and not is_text and re.search(r"(?<!:):\w", constant):
        return None
    bound = bind(
        query.parts.parts,
        marks[style],
        doubled_percent=style == "format",
        double_quotes=driver.takes_double_quotes,
        # MySQL's drivers put a text in quotes, which LIMIT refuses.
        limit=not driver.is_mysql,
    )
    if bound is None:
        return None
    literal = query.parts.rebuilt(code, bound.texts)
    if literal is None:
        return None
    return _written(code, query, literal, parameters=_parameters(bound, names, style), needs_text=style == "named")


def _written(code: Code, query: Query, literal: str, *, parameters: str, needs_text: bool) -> Draft | None:
    changes: list[Change] = []
    if needs_text and query.text_call is None:
        text = python_name(code, "sqlalchemy", "text")
        if text is None:
            return None
        changes += text.changes
        literal = f"{text.name}({literal})"
    changes.append(replaced(query.parts.expression, literal))
    sql = arguments_of(query.call)[0]
    given = f"params={parameters}" if _method(query.call) in PANDAS_SINKS else parameters
    if _method(query.call) in PANDAS_SINKS:
        last = arguments_of(query.call)[-1]
        changes.append(Change(last.end_byte, last.end_byte, f", {given}"))
        return Draft(tuple(changes), EXPLANATION)
    # One change where the literal itself is the argument, since changes at one place would be out of order.
    if query.assignment is None and same(sql, query.parts.expression):
        changes[-1] = replaced(sql, _beside(code, query, literal, given))
    else:
        changes.append(Change(sql.end_byte, sql.end_byte, f", {given}"))
    return Draft(tuple(changes), EXPLANATION)


def _beside(code: Code, query: Query, literal: str, given: str) -> str:
    """Put the parameters behind the statement, on a line of their own where it stands on one."""
    sql = arguments_of(query.call)[0]
    starts_line = code.raw[: sql.start_byte].decode().rpartition("\n")[2].strip() == ""
    if not starts_line:
        return f"{literal}, {given}"
    trailing = sql.next_sibling is not None and sql.next_sibling.type == ","
    return f"{literal},\n{code.indent_at(sql)}{given}" + ("" if trailing else ",")


def _parameter_names(parts: TextParts) -> list[str]:
    """Return a name for each value, from its own last word, told apart by numbers."""
    names: list[str] = []
    for part in parts.parts:
        if isinstance(part, Value):
            words = re.findall(r"[A-Za-z_]\w*", part.source) or ["value"]
            name = words[-1].lower()
            names.append(name if name not in names else f"{name}_{len(names) + 1}")
    return names


def _parameters(bound: Bound, names: list[str], style: str) -> str:
    values = [
        # Outside SQL quotes, `str(number)` only served to build the text; the number itself is what is compared.
        python_value(parameter) if quoted else re.sub(r"^str\(([\w.\[\]\"']+)\)$", r"\1", python_value(parameter))
        for parameter, quoted in zip(bound.parameters, bound.quoted, strict=True)
    ]
    if style == "named":
        return "{" + ", ".join(f'"{name}": {value}' for name, value in zip(names, values, strict=False)) + "}"
    return f"({values[0]},)" if len(values) == 1 else f"({', '.join(values)})"


RECIPES = (recipe(bind_parameters, languages=PYTHON, cwes={89, 564, 943}, words="sql sqli sqlinjection sqlalchemy"),)
