"""What a Python file imports, and the change that adds one more where the file's own order wants it.

Each function that makes a name known answers the name to use and the changes that do it, or None where the name is
taken by something else. Callers add only the standard library, and packages that the file's imports prove installed.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from tree_sitter import Node

from remediation.recipes.code import Change, Code, named, replaced, text_of, within
from remediation.recipes.imports import Imported, line_below


@dataclass(frozen=True)
class PythonImport:
    """One imported name: `import module as bound`, or `from module import name as bound`."""

    module: str
    name: str
    bound: str
    statement: Node

    @property
    def is_top_level(self) -> bool:
        """Whether the whole file sees it."""
        return self.statement.parent is not None and self.statement.parent.type == "module"


def python_imports(code: Code) -> list[PythonImport]:
    """Return every import of a Python file; `name` is empty for `import module`."""
    found = []
    for statement in code.of_type("import_statement", "import_from_statement"):
        module = text_of(named(statement, "module_name"))
        for child in statement.children_by_field_name("name"):
            imported = text_of(named(child, "name")) if child.type == "aliased_import" else text_of(child)
            alias = text_of(named(child, "alias")) if child.type == "aliased_import" else ""
            if statement.type == "import_statement":
                found.append(PythonImport(imported, "", alias or imported.split(".")[0], statement))
            else:
                found.append(PythonImport(module, imported, alias or imported, statement))
    return found


def python_packages(code: Code) -> frozenset[str]:
    """Return the top packages a Python file imports from, relative imports left out."""
    return frozenset(each.module.split(".")[0] for each in python_imports(code) if not each.module.startswith("."))


def python_full_name(code: Code, expression: str) -> str:
    """Return a dotted expression with its first name replaced by what it was imported as."""
    first, dot, rest = expression.partition(".")
    for each in python_imports(code):
        if each.bound != first:
            continue
        if each.name:
            return f"{each.module}.{each.name}{dot}{rest}"
        return f"{each.module}{dot}{rest}" if each.bound != each.module.split(".")[0] else expression
    return expression


def python_import(code: Code, module: str) -> Imported | None:
    """Make `import module` known, reusing an import of the whole file."""
    top = module.split(".", maxsplit=1)[0]
    for each in python_imports(code):
        if each.module == module and not each.name and each.is_top_level:
            return Imported(module if each.bound == top else each.bound)
    return None if _is_bound(code, top) else Imported(module, (_new_python_import(code, module, f"import {module}"),))


def python_import_instead(code: Code, module: str, old: str, use: Node) -> Imported | None:
    """Make `import module` known, in place of `import old` where `use` was all that needed it."""
    known = python_import(code, module)
    statement = next((each.statement for each in python_imports(code) if (each.module, each.name) == (old, "")), None)
    if known is None or not known.changes or statement is None or text_of(statement) != f"import {old}":
        return known
    uses = [
        node
        for node in code.of_type("identifier")
        if text_of(node) == old
        and not statement.start_byte <= node.start_byte < statement.end_byte
        and not use.start_byte <= node.start_byte < use.end_byte
    ]
    return known if uses else Imported(known.name, (replaced(statement, f"import {module}"),))


def python_name(code: Code, module: str, name: str) -> Imported | None:
    """Make a name of a module known, reusing what the file imports already, also through the module itself."""
    same_module = None
    for each in python_imports(code):
        if each.module != module or not each.is_top_level:
            continue
        if each.name == name:
            return Imported(each.bound)
        if not each.name and "." not in module:
            return Imported(f"{each.bound}.{name}")
        if each.name and each.name != "*":
            same_module = each.statement
    if _is_bound(code, name):
        return None
    if same_module is not None:
        return Imported(name, (_added_to_from_import(same_module, name),))
    return Imported(name, (_new_python_import(code, module, f"from {module} import {name}"),))


def python_sibling(code: Code, function: Node, module: str, name: str) -> Imported | None:
    """Make a name known that stands in the same module as a function in use, by the way that function is written."""
    owner = text_of(named(function, "object")) if function.type == "attribute" else ""
    if owner and python_full_name(code, owner) == module:
        return Imported(f"{owner}.{name}")
    return python_name(code, module, name)


def _is_bound(code: Code, name: str) -> bool:
    """Tell whether a name already means something of the file's own: imported, assigned, defined or a parameter."""
    pattern = re.compile(
        rf"(?m)\b(?:def|class|as|for)\s+{name}\b|^[ \t]*{name}\s*(?::[^=\n]+)?=[^=]|[(,]\s*{name}\s*[,):=]"
        rf"|^[ \t]*(?:from\s+\S+\s+)?import\s[^#\n]*\b{name}\b\s*(?:,|$|#)"
    )
    return bool(pattern.search(code.text))


def _added_to_from_import(statement: Node, name: str) -> Change:
    names = statement.children_by_field_name("name")
    separator = ", "
    if len(names) > 1 and names[0].start_point.row != names[1].start_point.row:
        separator = f",\n{' ' * names[0].start_point.column}"
    for each in names:
        if text_of(each).casefold() > name.casefold():
            return Change(each.start_byte, each.start_byte, f"{name}{separator}")
    return Change(names[-1].end_byte, names[-1].end_byte, f"{separator}{name}")


def _new_python_import(code: Code, module: str, line: str) -> Change:
    statements = [child for child in code.root.children if child.type in {"import_statement", "import_from_statement"}]
    kind = "import_statement" if line.startswith("import") else "import_from_statement"
    standard = [child for child in statements if is_standard(_module_of(child))]
    # The new line goes among its like: standard library by itself, `import x` before `from x import y`.
    group = standard if is_standard(module) else [child for child in statements if child not in standard]
    group = [child for child in group if not _module_of(child).startswith(".")]
    like = [child for child in group if child.type == kind]
    for child in like:
        if _module_of(child).casefold() > module.casefold():
            return Change(child.start_byte, child.start_byte, f"{line}\n")
    if like:
        return line_below(code, like[-1], line)
    if group and kind == "import_statement":
        return Change(group[0].start_byte, group[0].start_byte, f"{line}\n")
    if group:
        return line_below(code, group[-1], line)
    if statements and is_standard(module):
        return Change(statements[0].start_byte, statements[0].start_byte, f"{line}\n\n")
    if standard:
        return line_below(code, standard[-1], f"\n{line}")
    return _first_python_import(code, line)


def _first_python_import(code: Code, line: str) -> Change:
    """Place a file's first import below its docstring and its `from __future__` line."""
    above = None
    for child in code.root.children:
        is_docstring = child.type == "expression_statement" and child.children[0].type == "string"
        if child.type not in {"comment", "future_import_statement"} and not is_docstring:
            break
        above = child
    if above is None:
        start = code.root.children[0].start_byte if code.root.children else 0
        return Change(start, start, f"{line}\n\n")
    follows = above.next_sibling
    has_blank_line = follows is None or follows.start_point.row > above.end_point.row + 1
    return line_below(code, above, f"\n{line}" if has_blank_line else f"\n{line}\n")


def _module_of(statement: Node) -> str:
    if statement.type == "import_from_statement":
        return text_of(named(statement, "module_name"))
    return text_of(next(within(statement, "dotted_name"), None))


def is_standard(module: str) -> bool:
    """Tell whether a module belongs to Python's standard library."""
    return module.split(".", maxsplit=1)[0] in sys.stdlib_module_names
