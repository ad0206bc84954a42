"""What a Java file imports, and the change that adds one more class in alphabetical order."""

from __future__ import annotations

import re

from remediation.recipes.code import Change, Code, text_of
from remediation.recipes.imports import Imported, line_below


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
        return Imported(short, (line_below(code, (like or plain)[-1], line),))
    package_line = next((child for child in code.root.children if child.type == "package_declaration"), None)
    if package_line is not None:
        return Imported(short, (line_below(code, package_line, f"\n{line}"),))
    start = code.root.children[0].start_byte if code.root.children else 0
    return Imported(short, (Change(start, start, f"{line}\n\n"),))
