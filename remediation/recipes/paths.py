"""Files named by a request, kept inside the folder they are meant to come from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from remediation.recipes.code import (
    JAVASCRIPT,
    PYTHON,
    Case,
    Change,
    Code,
    Draft,
    arguments_of,
    enclosing,
    keyword_of,
    named,
    recipe,
    replaced,
    runs_with,
    scope_of,
    statement_of,
    text_of,
)
from remediation.recipes.imports_javascript import javascript_full_name, javascript_module
from remediation.recipes.imports_python import (
    python_full_name,
    python_import,
    python_name,
    python_packages,
    python_sibling,
)
from remediation.recipes.python_variables import only_assignment

EXPLANATION = (
    "The path is resolved and must lie inside its folder, so that `..` or an absolute name no longer leads out of it. "
    "Check that no file is meant to be reached through a link that points elsewhere."
)


@dataclass(frozen=True)
class Joined:
    """A path that is put together: the folder, the name in it, and the expression that joins them."""

    folder: str
    name: str
    expression: Node
    assignment: Node | None = None


def joined_path(case: Case, argument: Node) -> Joined | None:
    """Return what `os.path.join(folder, name)` puts together, also through a variable assigned once."""
    assignment = None
    expression = argument
    if argument.type == "identifier":
        assignment = only_assignment(scope_of(argument), text_of(argument))
        found = named(assignment, "right") if assignment is not None else None
        if assignment is None or found is None or assignment.end_byte > argument.start_byte:
            return None
        expression = found
    function = python_full_name(case.code, text_of(named(expression, "function"))) if expression.type == "call" else ""
    parts = [text_of(each) for each in arguments_of(expression)]
    if function != "os.path.join" or len(parts) < 2 or any(part.startswith("*") for part in parts):  # noqa: PLR2004 - folder and name
        return None
    *folders, name = parts
    join = text_of(named(expression, "function"))
    folder = folders[0] if len(folders) == 1 else f"{join}({', '.join(folders)})"
    # The folder is written twice, so it must cost and change nothing.
    return (
        Joined(folder, name, expression, assignment)
        if re.fullmatch(r"[\w.\[\]\"'/\- ]+|os\.path\.join\([\w., \"'/\-]+\)", folder)
        else None
    )


def send_from_directory(case: Case) -> Draft | None:
    """Turn Flask's `send_file(os.path.join(folder, name))` into `send_from_directory(folder, name)`."""
    for call in case.nodes("call"):
        function, arguments = named(call, "function"), arguments_of(call)
        if python_full_name(case.code, text_of(function)) != "flask.send_file" or not arguments or function is None:
            continue
        path = joined_path(case, arguments[0])
        if path is None or path.assignment is not None or keyword_of(call, "path_or_file") is not None:
            continue
        known = python_sibling(case.code, function, "flask", "send_from_directory")
        if known is not None:
            changes = (replaced(function, known.name), replaced(arguments[0], f"{path.folder}, {path.name}"))
            return Draft(
                (*known.changes, *changes),
                "Flask itself keeps the file inside the folder and answers 404 for any other. "
                "Check that the folder is the one you mean.",
            )
    return None


def check_in_python(case: Case) -> Draft | None:
    """Resolve a path that is opened, and refuse it where it lies outside its folder."""
    for call in case.nodes("call"):
        function = python_full_name(case.code, text_of(named(call, "function")))
        arguments = arguments_of(call)
        if (
            function not in {"open", "io.open", "os.remove", "os.unlink", "flask.send_file", "shutil.rmtree"}
            or not arguments
        ):
            continue
        path = joined_path(case, arguments[0])
        system, checker = python_import(case.code, "os"), python_name(case.code, "pathlib", "Path")
        refusal = _python_refusal(case.code, call)
        if (
            path is None
            or system is None
            or system.name != "os"
            or checker is None
            or "realpath" in text_of(scope_of(call))
        ):
            continue
        changes = _checked(case, call, path, checker=checker.name, refusal=refusal.text)
        if changes is not None:
            return Draft((*system.changes, *checker.changes, *refusal.changes, *changes), EXPLANATION)
    return None


@dataclass(frozen=True)
class Refusal:
    """The statement that refuses a path, and what has to be imported for it."""

    text: str
    changes: tuple[Change, ...] = ()


def _python_refusal(code: Code, node: Node) -> Refusal:
    """Answer 404 in a Flask view; raise an error elsewhere."""
    decorated = enclosing(node, "decorated_definition")
    if (
        "flask" in python_packages(code)
        and decorated is not None
        and re.search(r"@[\w.]+\.(?:route|get|post)\(", text_of(decorated))
    ):
        known = python_name(code, "flask", "abort")
        if known is not None:
            return Refusal(f"{known.name}(404)", known.changes)
    return Refusal('raise ValueError("the path lies outside its folder")')


def _checked(case: Case, call: Node, path: Joined, *, checker: str, refusal: str) -> list[Change] | None:
    resolved = f"os.path.realpath({text_of(path.expression)})"
    if path.assignment is not None:
        name = text_of(named(path.assignment, "left"))
        statement = path.assignment.parent
        if statement is None or statement.type != "expression_statement":
            return None
        indent = case.code.indent_at(statement)
        lines = _check(name, path.folder, indent, checker=checker, refusal=refusal)
        return [
            replaced(path.expression, resolved),
            Change(statement.end_byte, statement.end_byte, "".join(f"\n{line}" for line in lines)),
        ]
    free = next(
        (each for each in ("full_path", "resolved_path") if not re.search(rf"\b{each}\b", text_of(scope_of(call)))),
        None,
    )
    statement = statement_of(call)
    if free is None or statement.parent is None or statement.parent.type not in {"block", "module"}:
        return None
    # The value of a condition or a loop is computed again and again; above it, the path would be computed once.
    kinds = {"expression_statement", "return_statement", "with_statement"}
    if statement.type not in kinds or not runs_with(call, statement):
        return None
    indent = case.code.indent_at(statement)
    lines = [f"{free} = {resolved}", *_check(free, path.folder, indent, checker=checker, refusal=refusal)]
    above = f"{lines[0]}\n" + "".join(f"{line}\n" for line in lines[1:]) + indent
    return [Change(statement.start_byte, statement.start_byte, above), replaced(path.expression, free)]


def _check(name: str, folder: str, indent: str, *, checker: str, refusal: str) -> list[str]:
    step = "\t" if "\t" in indent else "    "
    return [
        f"{indent}if not {checker}({name}).is_relative_to(os.path.realpath({folder})):",
        f"{indent}{step}{refusal}",
    ]


def send_with_root(case: Case) -> Draft | None:
    """Turn Express' `res.sendFile(path.join(folder, name))` into `res.sendFile(name, { root: folder })`."""
    for call in case.nodes("call_expression"):
        arguments = arguments_of(call)
        if (
            not re.fullmatch(r"\w*[rR]es(?:ponse)?\.(?:sendFile|download)", text_of(named(call, "function")))
            or not arguments
        ):
            continue
        if text_of(named(call, "function")).endswith("download") and len(arguments) != 1:
            continue
        if arguments[1:] and arguments[1].type not in {"arrow_function", "function_expression"}:
            continue
        joined = arguments[0]
        parts = [text_of(each) for each in arguments_of(joined)]
        name = javascript_full_name(case.code, text_of(named(joined, "function")))
        if name not in {"path.join", "path.resolve"} or len(parts) < 2 or any(part.startswith("...") for part in parts):  # noqa: PLR2004 - folder and name
            continue
        *folders, file = parts
        folder = folders[0] if len(folders) == 1 else f"{text_of(named(joined, 'function'))}({', '.join(folders)})"
        return Draft(
            (replaced(joined, f"{file}, {{ root: {folder} }}"),),
            "Express itself keeps the file inside the folder and refuses any other. Check that it is the one you mean.",
        )
    return None


def check_in_javascript(case: Case) -> Draft | None:
    """Resolve a path that `fs` is given, and refuse it where it lies outside its folder."""
    for call in case.nodes("call_expression"):
        arguments = arguments_of(call)
        function = javascript_full_name(case.code, text_of(named(call, "function")))
        if (
            not re.match(
                r"(?:fs|fs/promises|fs-extra)\.(?:promises\.)?(?:read|write|append|create|unlink|rm|stat)", function
            )
            or not arguments
        ):
            continue
        joined = arguments[0]
        parts = [text_of(each) for each in arguments_of(joined)]
        join = javascript_full_name(case.code, text_of(named(joined, "function")))
        known = javascript_module(case.code, "path", "path")
        statement = statement_of(call)
        if join != "path.join" or len(parts) != 2 or known is None or not re.fullmatch(r"[\w$.\"'/\-]+", parts[0]):  # noqa: PLR2004 - folder and name
            continue
        scope = scope_of(call)
        if (
            statement.parent is None
            or statement.parent.type not in {"statement_block", "program"}
            or statement.type
            not in {
                "expression_statement",
                "return_statement",
                "lexical_declaration",
                "variable_declaration",
            }
        ):
            continue
        if re.search(r"\bfullPath\b", text_of(scope)) or not runs_with(call, statement):
            continue
        indent = case.code.indent_at(statement)
        step = "\t" if "\t" in indent else "  " if len(indent) % 4 else "    "
        parameters = text_of(named(scope, "parameters"))
        refusal = (
            "return res.status(404).end();"
            if re.search(r"\bres\b", parameters)
            else 'throw new Error("the path lies outside its folder");'
        )
        lines = (
            f"const fullPath = {known.name}.resolve({text_of(joined)});\n"
            f"{indent}if (!fullPath.startsWith({known.name}.resolve({parts[0]}) + {known.name}.sep)) {{\n"
            f"{indent}{step}{refusal}\n{indent}}}\n{indent}"
        )
        above = Change(statement.start_byte, statement.start_byte, lines)
        return Draft((*known.changes, above, replaced(joined, "fullPath")), EXPLANATION)
    return None


CWES = {22, 23, 36, 73}
WORDS = "traversal path sendfile"
RECIPES = (
    recipe(send_from_directory, languages=PYTHON, cwes=CWES, words=WORDS),
    recipe(check_in_python, languages=PYTHON, cwes=CWES, words=WORDS),
    recipe(send_with_root, languages=JAVASCRIPT, cwes=CWES, words=WORDS),
    recipe(check_in_javascript, languages=JAVASCRIPT, cwes=CWES, words=WORDS),
)
