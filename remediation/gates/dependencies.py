"""Which packages a project says it needs, read from its manifests without running any build tool."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

PYTHON_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
COORDINATES = re.compile(r"['\"]([\w.-]+):([\w.-]+)(?::[^'\"]*)?['\"]")
COORDINATES_BY_NAME = re.compile(
    r"group\s*[:=]\s*['\"]([\w.-]+)['\"]\s*,\s*(?:name|module)\s*[:=]\s*['\"]([\w.-]+)['\"]"
)
POM_DEPENDENCY = re.compile(r"<(dependency|parent)>(.*?)</\1>", re.DOTALL)
POM_FIELD = re.compile(r"<(groupId|artifactId)>\s*([^<\s]+)\s*</\1>")
GO_REQUIRE = re.compile(r"^[ \t]*(?:require[ \t]+)?([\w.-]+(?:/[\w.~-]+)*)[ \t]+v\d", re.MULTILINE)
GO_MODULE = re.compile(r"^[ \t]*module\s+(\S+)", re.MULTILINE)
GEM = re.compile(r"^[ \t]*gem\s+['\"]([\w.-]+)['\"]", re.MULTILINE)
NUGET = re.compile(r"<PackageReference\s+[^>]*Include=\"([\w.-]+)\"", re.IGNORECASE)
TABLES_OF_NPM = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")


def dependencies_in(manifests: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the packages that manifests (path -> text) declare, in lower case.

    Python names are normalised (`-` for `_` and `.`), Maven and Gradle give `group` and `group:artifact`. A manifest
    that cannot be read adds nothing.
    """
    return frozenset(
        name.lower() for path, text in manifests.items() for read in _readers_of(path) for name in read(text) if name
    )


def normalised(name: str) -> str:
    """Return a Python package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _readers_of(path: str) -> Iterator[Callable[[str], Iterator[str]]]:
    name = PurePosixPath(path).name.lower()
    for pattern, read in READERS:
        if re.fullmatch(pattern, name):
            yield read


def _requirements(text: str) -> Iterator[str]:
    for line in text.splitlines():
        # A comment, an option (`-r`, `--hash`) or the address of a file names no package.
        found = None if line.lstrip().startswith(("#", "-")) else PYTHON_NAME.match(line)
        if found:
            yield normalised(found[1])


def _pyproject(text: str) -> Iterator[str]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    project = _table(document, "project")
    groups = [project.get("dependencies"), *_table(project, "optional-dependencies").values()]
    groups += [*_table(document, "dependency-groups").values()]
    for group in groups:
        for requirement in group if isinstance(group, list) else []:
            found = PYTHON_NAME.match(requirement) if isinstance(requirement, str) else None
            if found:
                yield normalised(found[1])
    poetry = _table(_table(document, "tool"), "poetry")
    tables = [poetry, *(_table(_table(poetry, "group"), name) for name in _table(poetry, "group"))]
    for table in tables:
        for key in ("dependencies", "dev-dependencies"):
            yield from (normalised(name) for name in _table(table, key) if name != "python")


def _pipfile(text: str) -> Iterator[str]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    for key in ("packages", "dev-packages"):
        yield from (normalised(name) for name in _table(document, key))


def _package_json(text: str) -> Iterator[str]:
    document = _json(text)
    for key in TABLES_OF_NPM:
        yield from _table(document, key)


def _composer(text: str) -> Iterator[str]:
    document = _json(text)
    for key in ("require", "require-dev"):
        yield from _table(document, key)


def _pom(text: str) -> Iterator[str]:
    for _, body in POM_DEPENDENCY.findall(text):
        fields = dict(POM_FIELD.findall(body))
        yield from _coordinates(fields.get("groupId", ""), fields.get("artifactId", ""))


def _gradle(text: str) -> Iterator[str]:
    for group, artifact in (*COORDINATES.findall(text), *COORDINATES_BY_NAME.findall(text)):
        yield from _coordinates(group, artifact)


def _coordinates(group: str, artifact: str) -> Iterator[str]:
    if group:
        yield group
        yield f"{group}:{artifact}"


def _go_mod(text: str) -> Iterator[str]:
    yield from GO_MODULE.findall(text)
    yield from GO_REQUIRE.findall(text)


def _gemfile(text: str) -> Iterator[str]:
    yield from GEM.findall(text)


def _nuget(text: str) -> Iterator[str]:
    yield from NUGET.findall(text)


def _json(text: str) -> dict[str, Any]:  # whatever JSON holds
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _table(document: Mapping[str, Any], key: str) -> dict[str, Any]:  # whatever the manifest holds
    value = document.get(key)
    return value if isinstance(value, dict) else {}


READERS: tuple[tuple[str, Callable[[str], Iterator[str]]], ...] = (
    (r"[\w.-]*requirements[\w.-]*\.(?:txt|in)|constraints\.txt", _requirements),
    (r"pyproject\.toml", _pyproject),
    (r"pipfile", _pipfile),
    (r"package\.json", _package_json),
    (r"composer\.json", _composer),
    (r"pom\.xml", _pom),
    (r"[\w.-]*\.gradle(?:\.kts)?", _gradle),
    (r"go\.mod", _go_mod),
    (r"gemfile", _gemfile),
    (r"[\w.-]+\.csproj", _nuget),
)
