"""Secrets written in code, read from the environment instead. The leaked value must still be replaced by a new one."""

from __future__ import annotations

import re

from tree_sitter import Node

from remediation.recipes.code import (
    JAVA,
    JAVASCRIPT,
    PYTHON,
    Case,
    Change,
    Draft,
    arguments_of,
    constant_text,
    enclosing,
    named,
    recipe,
    replaced,
    text_of,
)
from remediation.recipes.imports_javascript import javascript_full_name
from remediation.recipes.imports_python import python_full_name, python_import

SECRET_NAME = re.compile(
    r"secret|passw|passwd|pwd|passphrase|token|credential|api_?key|auth_?key|access_?key|private_?key|signing_?key|"
    r"encryption_?key|account_?key|client_?key|^key$|_key$|connection_?string|\bsalt\b|dsn$|jwt",
    re.IGNORECASE,
)
# Names and texts that only speak of secrets: where one is found, what a field is called, an example.
NO_SECRET_NAME = re.compile(
    r"(?:_|\b|(?<=[a-z]))(?:url|uri|endpoint|field|label|name|header|path|file|prefix|type|pattern|regex|message|hint)$",
    re.IGNORECASE,
)
FROM_ELSEWHERE = re.compile(r"\$\{|\{\{|^<.*>$|^$|\s\w+\s\w+\s")
SHORTEST = 3
# Calls that take a secret without naming it: full name -> (its position, what to call it).
POSITIONS = {
    "jwt.encode": (1, "JWT_SECRET"),
    "jwt.decode": (1, "JWT_SECRET"),
    "jsonwebtoken.sign": (1, "JWT_SECRET"),
    "jsonwebtoken.verify": (1, "JWT_SECRET"),
    "crypto.createHmac": (1, "HMAC_KEY"),
    "DriverManager.getConnection": (2, "DATABASE_PASSWORD"),
}


def read_environment_in_python(case: Case) -> Draft | None:
    """Turn a secret's literal into `os.environ["NAME"]`."""
    found = _python_secret(case)
    known = python_import(case.code, "os") if found is not None else None
    if found is None or known is None:
        return None
    literal, name = found
    changes = _everywhere(case, literal, f'{known.name}.environ["{name}"]')
    return Draft((*known.changes, *changes), _explanation(name))


def _explanation(name: str) -> str:
    return (
        f"The value is read from the environment variable {name}, which must be set wherever the program runs. "
        "The old value stays in the history of the repository: revoke it and issue a new one."
    )


def _python_secret(case: Case) -> tuple[Node, str] | None:
    for node in case.nodes("assignment", "keyword_argument", "pair", "string"):
        if node.type == "string":
            call = enclosing(node, "call")
            name = python_full_name(case.code, text_of(named(call, "function"))) if call is not None else ""
            found = _by_position(call, name)
            if found is not None and found[0] == node:
                return found
            continue
        value = named(node, "right") or named(node, "value")
        target = named(node, "left") or named(node, "name") or named(node, "key")
        if target is not None and _is_secret(target, value):
            assert value is not None
            return value, _environment_name(target)
    for call in case.nodes("call"):
        found = _by_position(call, python_full_name(case.code, text_of(named(call, "function"))))
        if found is not None:
            return found
    return None


def _by_position(call: Node | None, name: str) -> tuple[Node, str] | None:
    position, variable = POSITIONS.get(name, (0, ""))
    arguments = arguments_of(call) if call is not None else []
    if not variable or len(arguments) <= position or not _is_literal(arguments[position]):
        return None
    return arguments[position], variable


def _is_secret(target: Node, value: Node | None) -> bool:
    name = _own_name(target)
    return bool(SECRET_NAME.search(name)) and not NO_SECRET_NAME.search(name) and _is_literal(value)


def _is_literal(value: Node | None) -> bool:
    text = constant_text(value)
    if value is None or text is None or re.match(r"[A-Za-z]", text_of(value)):
        return False
    return len(text) >= SHORTEST and not FROM_ELSEWHERE.search(text)


def _own_name(target: Node) -> str:
    """Return `X` for X, app.X, config["X"] and "X"."""
    index = named(target, "subscript") or named(target, "index")
    if index is not None:
        return constant_text(index) or ""
    part = named(target, "attribute") or named(target, "property")
    return text_of(part) if part is not None else constant_text(target) or text_of(target)


def _environment_name(target: Node) -> str:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", _own_name(target))
    return re.sub(r"[^A-Z0-9]+", "_", words.upper()).strip("_")


def _everywhere(case: Case, literal: Node, new: str) -> list[Change]:
    """Replace the literal wherever it stands in the file: a key that signs must stay the key that verifies."""
    text = constant_text(literal)
    long_enough = len(text or "") >= 8  # noqa: PLR2004 - a short word may stand elsewhere by chance
    return [
        replaced(node, new)
        for node in case.code.of_type(literal.type)
        if node == literal or (long_enough and constant_text(node) == text and _is_value(node))
    ]


def _is_value(node: Node) -> bool:
    parent = node.parent
    return (
        parent is not None
        and parent.type not in {"expression_statement", "concatenated_string"}
        and named(parent, "key") != node
    )


def read_environment_in_javascript(case: Case) -> Draft | None:
    """Turn a secret's literal into `process.env.NAME`."""
    # A browser has no environment; its bundle would show the value anyway.
    if re.search(r"\b(?:document|window|localStorage)\s*\.", case.code.text):
        return None
    for node in case.nodes(
        "variable_declarator", "pair", "assignment_expression", "public_field_definition", "field_definition"
    ):
        value = named(node, "value") or named(node, "right")
        target = named(node, "name") or named(node, "key") or named(node, "left") or named(node, "property")
        if target is not None and value is not None and _is_secret(target, value):
            return _javascript_draft(case, value, _environment_name(target))
    for call in [
        *case.nodes("call_expression"),
        *(enclosing(each, "call_expression") for each in case.nodes("string")),
    ]:
        found = (
            _by_position(call, javascript_full_name(case.code, text_of(named(call, "function"))))
            if call is not None
            else None
        )
        if found is not None:
            return _javascript_draft(case, *found)
    return None


def _javascript_draft(case: Case, literal: Node, name: str) -> Draft:
    # TypeScript must be told that the variable is set, as the explanation asks for.
    new = f"process.env.{name}!" if case.code.language == "typescript" else f"process.env.{name}"
    return Draft(tuple(_everywhere(case, literal, new)), _explanation(name))


def read_environment_in_java(case: Case) -> Draft | None:
    """Turn a secret's literal into `System.getenv("NAME")`."""
    for node in case.nodes("variable_declarator", "assignment_expression"):
        value, target = named(node, "value") or named(node, "right"), named(node, "name") or named(node, "left")
        if target is None or value is None or not _is_secret(target, value) or _must_be_constant(case, target):
            continue
        name = _environment_name(target)
        return Draft((replaced(value, f'System.getenv("{name}")'),), _explanation(name))
    for call in case.nodes("method_invocation"):
        name = f"{text_of(named(call, 'object')).rpartition('.')[2]}.{text_of(named(call, 'name'))}"
        found = _by_position(call, name)
        if found is not None:
            return Draft((replaced(found[0], f'System.getenv("{found[1]}")'),), _explanation(found[1]))
    return None


def _must_be_constant(case: Case, target: Node) -> bool:
    """Tell whether a name is used where Java accepts constants only: in annotations and case labels."""
    name = text_of(target)
    return any(
        re.search(rf"\b{re.escape(name)}\b", text_of(node)) for node in case.code.of_type("annotation", "switch_label")
    )


CWES = {798, 259, 321, 522, 547}
WORDS = "hardcoded secret secrets password credential credentials token"
RECIPES = (
    recipe(read_environment_in_python, languages=PYTHON, cwes=CWES, words=WORDS),
    recipe(read_environment_in_javascript, languages=JAVASCRIPT, cwes=CWES, words=WORDS),
    recipe(read_environment_in_java, languages=JAVA, cwes=CWES, words=WORDS),
)
