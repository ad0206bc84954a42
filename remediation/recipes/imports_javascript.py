"""What a JavaScript file imports or requires, and the change that adds one more in the file's own style.

Each function that makes a name known answers the name to use and the changes that do it, or None where the name is
taken by something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from remediation.recipes.code import Change, Code, named, text_of, within
from remediation.recipes.imports import Imported, line_below


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
        return line_below(code, last, line)
    start = 0
    for child in code.root.children:
        is_directive = child.type == "expression_statement" and child.children[0].type == "string"
        if child.type not in {"hash_bang_line", "comment"} and not is_directive:
            start = child.start_byte
            break
    return Change(start, start, f"{line}\n\n")


def _string_value(node: Node | None) -> str:
    return text_of(node)[1:-1]
