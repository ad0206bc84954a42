"""Which libraries and frameworks a finding is about: those its file uses, and those its rule is written for."""

from __future__ import annotations

import re
from functools import cache

from pydantic import BaseModel, ConfigDict

from findings.context import FindingContext, RuleContext
from remediation.cookbook.entries import FOLDER, read_yaml

# What a file imports, per language; each group that matched is a module's name. Never `^\s*`: on a thousand blank lines
# it begins a thousand times and reads to their end each time.
PYTHON_IMPORTS = re.compile(r"^[ \t]*(?:from\s+([\w.]+)\s+import\b|import\s+([\w., ]+))", re.MULTILINE)
SCRIPT_IMPORTS = re.compile(r"""(?:\bfrom\s*|\brequire\s*\(\s*|\bimport\s*(?:\(\s*)?)["']([^"'\n]+)["']""")
JVM_IMPORTS = re.compile(r"^[ \t]*(?:import|using)\s+(?:static\s+)?([\w.]+)", re.MULTILINE)
GO_IMPORTS = re.compile(r"""^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?"([\w./-]+)"[ \t\r]*$""", re.MULTILINE)
RUBY_IMPORTS = re.compile(r"""^[ \t]*require\s+["']([^"'\n]+)["']""", re.MULTILINE)
PHP_IMPORTS = re.compile(r"^[ \t]*use\s+([\w\\]+)", re.MULTILINE)
IMPORTS = {
    "python": PYTHON_IMPORTS,
    "javascript": SCRIPT_IMPORTS,
    "typescript": SCRIPT_IMPORTS,
    "vue": SCRIPT_IMPORTS,
    "java": JVM_IMPORTS,
    "kotlin": JVM_IMPORTS,
    "scala": JVM_IMPORTS,
    "csharp": JVM_IMPORTS,
    "go": GO_IMPORTS,
    "ruby": RUBY_IMPORTS,
    "php": PHP_IMPORTS,
}


class Technology(BaseModel):
    """How a library or framework is recognised in a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    modules: tuple[str, ...] = ()
    text: str = ""
    path: str = ""
    kind: str = ""


@cache
def technologies() -> dict[str, Technology]:
    """Return the known technologies by name."""
    content = read_yaml(FOLDER / "technologies.yaml")
    return {name: Technology.model_validate(signs) for name, signs in content.items()}


def technologies_in_file(context: FindingContext, language: str) -> frozenset[str]:
    """Return the technologies that the file's path, imports or text show; by its path only where it cannot be read."""
    source = context.source or ""
    modules = imported_modules(source, language)
    return frozenset(
        name
        for name, signs in technologies().items()
        if _is_imported(signs, modules)
        or (signs.text and re.search(signs.text, source, re.MULTILINE))
        or (signs.path and re.search(signs.path, context.path))
    )


def technologies_of_rule(rule: RuleContext, *, in_file: frozenset[str]) -> frozenset[str]:
    """Return the technologies that a rule's metadata or identifier names, but for those the file has another for.

    Rules written for one web framework match code of another one as well; the file then tells the truth.
    """
    words = {word.lower() for word in rule.technology} | set(re.split(r"[.\-_]", rule.identifier.lower()))
    kinds_in_file = {technologies()[name].kind for name in in_file} - {""}
    return frozenset(name for name in words & set(technologies()) if technologies()[name].kind not in kinds_in_file)


def imported_modules(source: str, language: str) -> frozenset[str]:
    """Return the names of the modules a file imports, with dots between their parts."""
    pattern = IMPORTS.get(language)
    if pattern is None:
        return frozenset()
    names = (
        name for found in pattern.finditer(source) for group in found.groups() if group for name in group.split(",")
    )
    return frozenset(re.sub(r"[/\\:]+", ".", name.split(" as ")[0].strip().removeprefix("node:")) for name in names)


def _is_imported(signs: Technology, modules: frozenset[str]) -> bool:
    return any(module == wanted or module.startswith(f"{wanted}.") for wanted in signs.modules for module in modules)
