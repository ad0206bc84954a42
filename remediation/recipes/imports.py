"""What a file imports, and the change that adds one more where the file's own order wants it.

Each `…_import` function answers the name to use and the changes that make it known, or None where the name is taken
by something else. Only the standard library, and packages that the file's own imports prove to be installed, are added.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from remediation.recipes.code import Change, Code, named, text_of, within


@dataclass(frozen=True)
class Imported:
    """A name to write in code, and what has to be added to the file for it."""

    name: str
    changes: tuple[Change, ...] = ()


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
    for each in python_imports(code):
        if each.module == module and not each.name and each.is_top_level:
            return Imported(
                each.bound if "." not in module or each.bound != module.split(".", maxsplit=1)[0] else module
            )
    bound = module.split(".", maxsplit=1)[0]
    return None if _is_bound(code, bound) else Imported(module, (_new_python_import(code, module, f"import {module}"),))


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


def _is_bound(code: Code, name: str) -> bool:
    """Tell whether a name already means something of the file's own: imported, assigned, defined or a parameter."""
    pattern = re.compile(
        rf"(?m)\b(?:def|class|as|for)\s+{name}\b|^\s*{name}\s*(?::[^=\n]+)?=[^=]|[(,]\s*{name}\s*[,):=]"
        rf"|^\s*(?:from\s+\S+\s+)?import\s[^#\n]*\b{name}\b\s*(?:,|$|#)"
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
        return _line_below(code, like[-1], line)
    if group and kind == "import_statement":
        return Change(group[0].start_byte, group[0].start_byte, f"{line}\n")
    if group:
        return _line_below(code, group[-1], line)
    if statements and is_standard(module):
        return Change(statements[0].start_byte, statements[0].start_byte, f"{line}\n\n")
    if standard:
        return _line_below(code, standard[-1], f"\n{line}")
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
    return _line_below(code, above, f"\n{line}")


def _line_below(code: Code, node: Node, line: str) -> Change:
    end = code.raw.find(b"\n", node.end_byte)
    if end == -1:
        return Change(len(code.raw), len(code.raw), f"\n{line}\n")
    return Change(end + 1, end + 1, f"{line}\n")


def _module_of(statement: Node) -> str:
    if statement.type == "import_from_statement":
        return text_of(named(statement, "module_name"))
    return text_of(next(within(statement, "dotted_name"), None))


def is_standard(module: str) -> bool:
    """Tell whether a module belongs to Python's standard library."""
    return module.split(".", maxsplit=1)[0] in sys.stdlib_module_names


@dataclass(frozen=True)
class JavaScriptImport:
    """What a `require` or an ES `import` brings: `bound` names the whole module, `names` its parts as bound."""

    module: str
    bound: str
    names: dict[str, str]
    statement: Node


def javascript_imports(code: Code) -> list[JavaScriptImport]:
    """Return the imports at the top of a JavaScript file; `node:` is left out of module names."""
    return [*_es_imports(code), *_requires(code)]


def _es_imports(code: Code) -> Iterator[JavaScriptImport]:
    for statement in code.of_type("import_statement"):
        module = _string_value(named(statement, "source")).removeprefix("node:")
        names = {}
        for each in within(statement, "import_specifier"):
            names[text_of(named(each, "name"))] = text_of(named(each, "alias") or named(each, "name"))
        clause = next((child for child in statement.named_children if child.type == "import_clause"), None)
        bound = ""
        for child in clause.named_children if clause is not None else []:
            if child.type == "identifier":
                bound = text_of(child)
            elif child.type == "namespace_import":
                bound = text_of(child.named_children[0])
        yield JavaScriptImport(module, bound, names, statement)


def _requires(code: Code) -> Iterator[JavaScriptImport]:
    for declarator in code.of_type("variable_declarator"):
        match = re.fullmatch(
            r"""require\(\s*['"](?:node:)?([^'"]+)['"]\s*\)((?:\.\w+)*)(?:\(.*\))?""",
            text_of(named(declarator, "value")),
            re.DOTALL,
        )
        target = named(declarator, "name")
        if match is None or target is None or declarator.parent is None:
            continue
        names = {}
        for each in target.named_children if target.type == "object_pattern" else []:
            key, value = (named(each, "key"), named(each, "value")) if each.type == "pair_pattern" else (each, each)
            names[text_of(key)] = text_of(value)
        bound = text_of(target) if target.type == "identifier" else ""
        if match[2]:  # require("module").part
            names, bound = ({match[2].rsplit(".", 1)[-1]: bound} if bound else names), ""
        yield JavaScriptImport(match[1], bound, names, declarator.parent)


def javascript_packages(code: Code) -> frozenset[str]:
    """Return the packages a JavaScript file imports from, without the paths inside them."""
    modules = [each.module for each in javascript_imports(code)]
    return frozenset("/".join(module.split("/")[: 2 if module.startswith("@") else 1]) for module in modules)


def javascript_full_name(code: Code, expression: str) -> str:
    """Return a dotted expression with its first name replaced by what it was imported as."""
    first, dot, rest = expression.partition(".")
    for each in javascript_imports(code):
        if each.bound == first:
            return f"{each.module}{dot}{rest}"
        for name, bound in each.names.items():
            if bound == first:
                return f"{each.module}.{name}{dot}{rest}"
    return expression


def javascript_module(code: Code, module: str, bound: str) -> Imported | None:
    """Make a Node.js module known under a name, in the file's own style of importing."""
    imports = javascript_imports(code)
    for each in imports:
        if each.module == module and each.bound:
            return Imported(each.bound)
    if re.search(rf"\b(?:const|let|var|function|class|import)\s+{bound}\b|[(,]\s*{bound}\s*[,)]\s*=>", code.text):
        return None
    return Imported(bound, (_new_javascript_import(code, imports, f"{bound}", module),))


def javascript_name(code: Code, module: str, name: str) -> Imported | None:
    """Make a part of a Node.js module known, reusing what the file imports already."""
    imports = javascript_imports(code)
    for each in imports:
        if each.module != module:
            continue
        if name in each.names:
            return Imported(each.names[name])
        if each.bound:
            return Imported(f"{each.bound}.{name}")
    if re.search(rf"\b(?:const|let|var|function|class)\s+{name}\b|[(,{{]\s*{name}\s*[,)}}]", code.text):
        return None
    for each in imports:
        if each.module == module and each.names:
            parts = list(
                within(each.statement, "import_specifier", "shorthand_property_identifier_pattern", "pair_pattern")
            )
            return Imported(name, (Change(parts[-1].end_byte, parts[-1].end_byte, f", {name}"),))
    return Imported(name, (_new_javascript_import(code, imports, f"{{ {name} }}", module),))


def _new_javascript_import(code: Code, imports: list[JavaScriptImport], pattern: str, module: str) -> Change:
    top = [
        each.statement
        for each in imports
        if each.statement.parent is not None and each.statement.parent.type == "program"
    ]
    last = max(top, key=lambda statement: statement.end_byte, default=None)
    text = text_of(last) if last is not None else code.text
    quote = '"' if '"' in text or "'" not in text else "'"
    end = ";" if last is None or text.endswith(";") else ""
    is_es = any(each.type == "import_statement" for each in top) or (
        last is None and (code.language == "typescript" or bool(re.search(r"(?m)^export\b", code.text)))
    )
    line = (
        f"import {pattern} from {quote}{module}{quote}{end}"
        if is_es
        else f"const {pattern} = require({quote}{module}{quote}){end}"
    )
    if last is not None:
        return _line_below(code, last, line)
    start = 0
    for child in code.root.children:
        is_directive = child.type == "expression_statement" and child.children[0].type == "string"
        if child.type not in {"hash_bang_line", "comment"} and not is_directive:
            start = child.start_byte
            break
    return Change(start, start, f"{line}\n\n")


def _string_value(node: Node | None) -> str:
    return text_of(node)[1:-1]


def java_import(code: Code, name: str) -> Imported | None:
    """Make a Java class known by its short name; None where the short name means another class."""
    package, _, short = name.rpartition(".")
    declarations = [child for child in code.root.children if child.type == "import_declaration"]
    imported = [re.sub(r"^import\s+|\s*;$", "", text_of(each)) for each in declarations]
    if name in imported or f"{package}.*" in imported or package == "java.lang":
        return Imported(short)
    if any(each.endswith(f".{short}") for each in imported) or re.search(
        rf"\b(?:class|interface|enum|record)\s+{short}\b", code.text
    ):
        return None
    line = f"import {name};"
    plain = [each for each, text in zip(declarations, imported, strict=True) if not text.startswith("static ")]
    root = name.split(".", maxsplit=1)[0]
    like = [each for each in plain if text_of(each).split()[1].startswith(f"{root}.")]
    for each in like:
        if text_of(each).removeprefix("import ").rstrip(";") > name:
            return Imported(short, (Change(each.start_byte, each.start_byte, f"{line}\n"),))
    if like or plain:
        return Imported(short, (_line_below(code, (like or plain)[-1], line),))
    package_line = next((child for child in code.root.children if child.type == "package_declaration"), None)
    if package_line is not None:
        return Imported(short, (_line_below(code, package_line, f"\n{line}"),))
    start = code.root.children[0].start_byte if code.root.children else 0
    return Imported(short, (Change(start, start, f"{line}\n\n"),))
