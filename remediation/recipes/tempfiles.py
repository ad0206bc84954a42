"""Temporary files that are created at once, so that nobody can slip in between the name and the file."""

from __future__ import annotations

import re

from tree_sitter import Node

from remediation.recipes.code import (
    PYTHON,
    Case,
    Change,
    Draft,
    arguments_of,
    constant_text,
    keyword_of,
    named,
    recipe,
    replaced,
    scope_of,
    text_of,
)
from remediation.recipes.imports_python import python_full_name, python_import, python_sibling

# What wants a name where nothing stands yet.
NEEDS_NO_FILE = re.compile(
    r"\b(?:mkdir|makedirs|mkfifo|mknod|bind|symlink|link|copytree|exists|O_EXCL)\b|open\(.*['\"]x"
)
EXPLANATION = (
    "The file is created together with its name, readable by its owner only, so that nobody can put another one in its "
    "place. It exists from now on, empty: check that the program removes it when it is done."
)


def create_temporary_file(case: Case) -> Draft | None:
    """Turn `tempfile.mktemp()` into `mkstemp()`, or into NamedTemporaryFile where it is opened on the spot."""
    for call in case.nodes("call"):
        function = text_of(named(call, "function"))
        if python_full_name(case.code, function) != "tempfile.mktemp" or NEEDS_NO_FILE.search(text_of(scope_of(call))):
            continue
        opened = _open_around(call)
        draft = _opened(case, call, opened) if opened is not None else _assigned(case, call)
        if draft is not None:
            return draft
    return None


def _open_around(call: Node) -> Node | None:
    outer = call.parent.parent if call.parent is not None and call.parent.type == "argument_list" else None
    is_first = outer is not None and arguments_of(outer)[:1] == [call]
    return outer if outer is not None and is_first and text_of(named(outer, "function")) == "open" else None


def _opened(case: Case, call: Node, opened: Node) -> Draft | None:
    """Write `open(tempfile.mktemp(suffix=s), "w")` as `tempfile.NamedTemporaryFile("w", suffix=s, delete=False)`."""
    others = arguments_of(opened)[1:]
    mode = constant_text(others[0]) if len(others) == 1 else None
    given = arguments_of(call)
    if mode is None or not mode.startswith("w") or any(each.type != "keyword_argument" for each in given):
        return None
    function = named(call, "function")
    known = python_sibling(case.code, function, "tempfile", "NamedTemporaryFile") if function is not None else None
    if known is None:
        return None
    arguments = [text_of(others[0]), *(text_of(each) for each in given), "delete=False"]
    return Draft((*known.changes, replaced(opened, f"{known.name}({', '.join(arguments)})")), EXPLANATION)


def _assigned(case: Case, call: Node) -> Draft | None:
    """Write `path = tempfile.mktemp(…)` as `handle, path = tempfile.mkstemp(…)`, and close the handle."""
    assignment = call.parent
    statement = assignment.parent if assignment is not None else None
    if assignment is None or statement is None or statement.type != "expression_statement":
        return None
    target, function = named(assignment, "left"), named(call, "function")
    if assignment.type != "assignment" or named(assignment, "type") is not None or target is None or function is None:
        return None
    if target.type not in {"identifier", "attribute"} or keyword_of(call, "text") is not None:
        return None
    handle = next(
        (name for name in ("handle", "descriptor", "temporary_fd") if not re.search(rf"\b{name}\b", case.code.text)),
        None,
    )
    system, maker = python_import(case.code, "os"), python_sibling(case.code, function, "tempfile", "mkstemp")
    if handle is None or system is None or maker is None:
        return None
    indent = case.code.indent_at(statement)
    return Draft(
        (
            *system.changes,
            *maker.changes,
            Change(target.start_byte, target.start_byte, f"{handle}, "),
            replaced(function, maker.name),
            Change(statement.end_byte, statement.end_byte, f"\n{indent}{system.name}.close({handle})"),
        ),
        EXPLANATION,
    )


RECIPES = (recipe(create_temporary_file, languages=PYTHON, cwes={377, 378, 379}, words="mktemp tempfile"),)
