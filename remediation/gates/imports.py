"""Does a fix import only what is there? A model that invents a package opens the door to whoever registers it."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from findings.context import FindingContext
from remediation.gates.dependencies import normalised
from remediation.gates.patching import FileChange
from remediation.gates.results import Gate, GateResult, Outcome
from remediation.gates.standard_libraries import NODE_BUILT_INS, RUBY_STANDARD

WITHOUT_IMPORTS = frozenset({"yaml", "json", "terraform", "dockerfile", "html", "xml", "generic"})
LOOKS_LIKE_AN_IMPORT = re.compile(
    r"^[ \t]*(?:import|from|use|using|require|include|#\s*include|source|load)\b", re.MULTILINE
)

# Import name -> the packages that bring it, where the names differ or another package always brings it along.
BROUGHT_BY = {
    "argon2": ("argon2-cffi",),
    "asgiref": ("django",),
    "bs4": ("beautifulsoup4",),
    "certifi": ("requests", "httpx"),
    "click": ("flask",),
    "crypto": ("pycryptodome", "pycrypto"),
    "cryptodome": ("pycryptodomex",),
    "cv2": ("opencv-python",),
    "dateutil": ("python-dateutil",),
    "decouple": ("python-decouple",),
    "dotenv": ("python-dotenv",),
    "environ": ("django-environ",),
    "itsdangerous": ("flask",),
    "jinja2": ("flask",),
    "jose": ("python-jose",),
    "jwt": ("pyjwt",),
    "ldap": ("python-ldap",),
    "magic": ("python-magic",),
    "markupsafe": ("jinja2", "flask", "werkzeug"),
    "mysqldb": ("mysqlclient",),
    "nacl": ("pynacl",),
    "openssl": ("pyopenssl",),
    "pil": ("pillow",),
    "psycopg2": ("psycopg2-binary",),
    "rest-framework": ("djangorestframework",),
    "sklearn": ("scikit-learn",),
    "sqlalchemy": ("flask-sqlalchemy", "sqlmodel"),
    "starlette": ("fastapi",),
    "pydantic": ("fastapi",),
    "urllib3": ("requests",),
    "werkzeug": ("flask",),
    "yaml": ("pyyaml",),
}
# As many parts of a package's name as tell one library from another: org.apache.commons, com.acme.web.
PARTS_OF_A_LIBRARY = 3


@dataclass(frozen=True)
class Project:
    """What an import may refer to: declared packages, files of the project, and what the file imports already."""

    context: FindingContext
    path: str
    declared: frozenset[str]
    imported: frozenset[str]

    def has_file(self, *candidates: str) -> bool:
        """Whether one of these files of the project can be read."""
        return any(self.context.text_of(posixpath.normpath(path)) is not None for path in candidates)


@dataclass(frozen=True)
class Language:
    """How a language imports: the names in a text, and whether such a name is there."""

    names_in: Callable[[str], Iterator[str]]
    is_there: Callable[[str, Project], bool]


def check(
    *, context: FindingContext, changes: Sequence[FileChange], known_dependencies: frozenset[str] | None
) -> GateResult:
    """Return whether every import that a fix adds is of the language, of the project, or a declared package."""
    unknown: list[str] = []
    for change in changes:
        language = LANGUAGES.get(change.language)
        if language is None:
            if change.language not in WITHOUT_IMPORTS and LOOKS_LIKE_AN_IMPORT.search(change.added_text):
                explanation = f"The imports of {change.path} cannot be judged: its language is not known well enough."
                return GateResult(Gate.IMPORTS_KNOWN, Outcome.NOT_RUN, explanation)
            continue
        before = frozenset(language.names_in(change.before))
        project = Project(context, change.path, known_dependencies or frozenset(), before)
        added = dict.fromkeys(name for name in language.names_in(change.after) if name not in before)
        unknown.extend(name for name in added if not language.is_there(name, project))
    if not unknown:
        return GateResult(Gate.IMPORTS_KNOWN, Outcome.PASSED, "The change needs no package that is not there.")
    names = ", ".join(unknown)
    if known_dependencies is None:
        explanation = f"The change imports {names}; the project's dependencies are not known here."
        return GateResult(Gate.IMPORTS_KNOWN, Outcome.NOT_RUN, explanation)
    explanation = f"The change imports {names}, which the project does not declare."
    return GateResult(Gate.IMPORTS_KNOWN, Outcome.FAILED, explanation)


def _python_names(text: str) -> Iterator[str]:
    for line in re.findall(r"^[ \t]*import[ \t]+([^\n#;]+)", text, re.MULTILINE):
        yield from (part.split()[0] for part in line.split(",") if part.split())
    for module, names in re.findall(
        r"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]*)", text, re.MULTILINE
    ):
        if module.strip("."):
            yield module
        else:
            yield from (f"{module}{name.split()[0]}" for name in names.strip("()").split(",") if name.split())


def _python_is_there(name: str, project: Project) -> bool:
    folder = posixpath.dirname(project.path)
    if name.startswith("."):
        above = len(name) - len(name.lstrip(".")) - 1
        place = posixpath.join(folder, *[".."] * above, *name.lstrip(".").split("."))
        # `from .models import User` names what stands in a file, `from . import models` the file.
        return project.has_file(f"{place}.py", f"{place}/__init__.py", f"{posixpath.dirname(place)}/__init__.py")
    root = name.split(".", maxsplit=1)[0]
    if root in sys.stdlib_module_names or root in {known.split(".")[0] for known in project.imported}:
        return True
    packages = (normalised(root), *BROUGHT_BY.get(normalised(root), ()))
    imported = {normalised(known.split(".")[0]) for known in project.imported}
    if any(package in project.declared | imported for package in packages):
        return True
    if any(declared.replace("-", "") == normalised(root).replace("-", "") for declared in project.declared):
        return True
    place = name.replace(".", "/")
    parents = ("", folder)
    return project.has_file(
        *(posixpath.join(parent, f"{place}{end}") for parent in parents for end in (".py", "/__init__.py"))
    )


SCRIPT_IMPORT = re.compile(
    r"(?:\bfrom\s*|\bimport\s*(?:\(\s*)?|\brequire\s*\(\s*)(?P<quote>['\"`])(?P<name>[^'\"`\n]+)(?P=quote)"
)
SCRIPT_ENDINGS = ("", ".js", ".ts", ".tsx", ".jsx", ".mjs", ".cjs", ".json", "/index.js", "/index.ts", "/index.tsx")


def _script_names(text: str) -> Iterator[str]:
    for found in SCRIPT_IMPORT.finditer(text):
        yield found["name"]


def _script_is_there(name: str, project: Project) -> bool:
    if name.startswith("."):
        place = posixpath.join(posixpath.dirname(project.path), name)
        return project.has_file(*(f"{place}{ending}" for ending in SCRIPT_ENDINGS))
    if name.startswith("node:"):
        return name.removeprefix("node:").split("/")[0] in NODE_BUILT_INS
    package = "/".join(name.split("/")[: 2 if name.startswith("@") else 1])
    others = {"/".join(known.split("/")[: 2 if known.startswith("@") else 1]) for known in project.imported}
    return package in NODE_BUILT_INS or package in others or package.lower() in project.declared


def _java_names(text: str) -> Iterator[str]:
    yield from re.findall(r"^[ \t]*import\s+(?:static\s+)?([\w.]+(?:\.\*)?)", text, re.MULTILINE)


def _java_is_there(name: str, project: Project) -> bool:
    if name.startswith(("java.", "javax.", "kotlin.", "scala.", "jdk.")):
        return True
    library = _library(name)
    if any(_library(known) == library for known in project.imported):
        return True
    if any(name.lower().startswith(f"{declared}.") for declared in project.declared if ":" not in declared):
        return True
    # The file's own folder tells where the packages of the project begin.
    parts = name.removesuffix(".*").split(".")
    roots = re.match(r"(.*?/(?:java|kotlin|scala)/|(?:src/)?)", project.path)
    root = roots[1] if roots else ""
    return project.has_file(
        *(
            f"{root}{'/'.join(parts[:end])}{suffix}"
            for end in (len(parts), len(parts) - 1)
            for suffix in (".java", ".kt")
        )
    )


def _library(name: str) -> str:
    packages = [part for part in name.split(".") if part[:1].islower()]
    return ".".join(packages[:PARTS_OF_A_LIBRARY])


def _go_names(text: str) -> Iterator[str]:
    for block in re.findall(r"^import\s*\(([^)]*)\)", text, re.MULTILINE):
        yield from re.findall(r'"([^"\n]+)"', block)
    yield from re.findall(r'^import\s+(?:[\w.]+\s+)?"([^"\n]+)"', text, re.MULTILINE)


def _go_is_there(name: str, project: Project) -> bool:
    if "." not in name.split("/", maxsplit=1)[0]:
        return True
    return any(name == declared or name.startswith(f"{declared}/") for declared in project.declared | project.imported)


def _php_names(text: str) -> Iterator[str]:
    for name in re.findall(r"^[ \t]*use\s+(?:function\s+|const\s+)?\\?([\w\\]+)", text, re.MULTILINE):
        yield name.split("\\")[0] if "\\" in name else ""
    yield from re.findall(r"^[ \t]*namespace\s+([\w]+)", text, re.MULTILINE)


def _php_is_there(name: str, project: Project) -> bool:
    vendors = {declared.split("/")[0] for declared in project.declared}
    return not name or name in project.imported or name.lower() in vendors


def _ruby_names(text: str) -> Iterator[str]:
    yield from re.findall(r"^[ \t]*require\s+['\"]([^'\"\n]+)['\"]", text, re.MULTILINE)
    for name in re.findall(r"^[ \t]*require_relative\s+['\"]([^'\"\n]+)['\"]", text, re.MULTILINE):
        yield f"./{name}"


def _ruby_is_there(name: str, project: Project) -> bool:
    if name.startswith("./"):
        place = posixpath.join(posixpath.dirname(project.path), name)
        return project.has_file(place, f"{place}.rb")
    root = name.split("/", maxsplit=1)[0]
    names = {root.lower(), name.replace("/", "-").lower(), root.replace("_", "-").lower()}
    return (
        root in RUBY_STANDARD or bool(names & project.declared) or root in {n.split("/")[0] for n in project.imported}
    )


def _csharp_names(text: str) -> Iterator[str]:
    yield from re.findall(r"^[ \t]*(?:global\s+)?using\s+(?:static\s+)?([\w.]+)\s*;", text, re.MULTILINE)
    yield from re.findall(r"^[ \t]*namespace\s+([\w.]+)", text, re.MULTILINE)


def _csharp_is_there(name: str, project: Project) -> bool:
    root = name.split(".", maxsplit=1)[0]
    if root == "System" or root in {
        known.split(".")[0] for known in project.imported if not known.startswith("Microsoft")
    }:
        return True
    if any(known.split(".")[:2] == name.split(".")[:2] for known in project.imported):
        return True
    return any(name.lower() == declared or name.lower().startswith(f"{declared}.") for declared in project.declared)


LANGUAGES = {
    "python": Language(_python_names, _python_is_there),
    "javascript": Language(_script_names, _script_is_there),
    "typescript": Language(_script_names, _script_is_there),
    "vue": Language(_script_names, _script_is_there),
    "java": Language(_java_names, _java_is_there),
    "kotlin": Language(_java_names, _java_is_there),
    "scala": Language(_java_names, _java_is_there),
    "go": Language(_go_names, _go_is_there),
    "php": Language(_php_names, _php_is_there),
    "ruby": Language(_ruby_names, _ruby_is_there),
    "csharp": Language(_csharp_names, _csharp_is_there),
}
