"""`.env.example` lists every setting that is read, with its default, and no other."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings

from lib.environment import env_str

ROOT = Path(settings.BASE_DIR)
SETTINGS = ROOT / "assistant_platform" / "settings.py"
# Not ours to set, or only between our own processes.
OF_OTHERS = {"DJANGO_SETTINGS_MODULE", "PATH", "UV_SYSTEM_CERTS", "HOME", "CI", "COLUMNS", "TERM", "NO_COLOR"}
READERS = {"env_str", "env_bool", "env_int", "env_list", "env_secret"}
ENTRY = re.compile(r"^([A-Z][A-Z_0-9]+)=(.*)$", re.MULTILINE)


def example() -> dict[str, str]:
    return dict(ENTRY.findall((ROOT / ".env.example").read_text()))


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


def name_of(call: ast.Call) -> str:
    return ast.unparse(call.func)


def read_in(path: Path) -> set[str]:
    """Return the names of the environment that a module reads."""
    arguments = [
        call.args[0] for call in calls(path) if name_of(call) in READERS | {"os.environ.get", "os.getenv"} and call.args
    ]
    subscripts = [
        node.slice
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Subscript)
        and ast.unparse(node.value) == "os.environ"
        and isinstance(node.ctx, ast.Load)
    ]
    return {str(node.value) for node in [*arguments, *subscripts] if isinstance(node, ast.Constant)}


def modules() -> list[Path]:
    places = [*ROOT.glob("*/**/*.py"), *ROOT.glob("*.py")]
    tests = {"tests", "bench", "demo", ".venv", "node_modules"}
    return [path for path in places if path.relative_to(ROOT).parts[0] not in tests]


def read_by_compose() -> set[str]:
    return set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))


def test_every_setting_that_is_read_is_in_the_example_and_no_other() -> None:
    read = set().union(*(read_in(path) for path in modules())) | read_by_compose()

    assert set(example()) == read - OF_OTHERS


def test_each_setting_has_a_line_of_meaning() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()

    undescribed = [line for before, line in pairwise(lines) if ENTRY.match(line) and before[:2] != "# "]

    assert undescribed == []


def test_each_setting_is_listed_once() -> None:
    names = [name for name, _ in ENTRY.findall((ROOT / ".env.example").read_text())]

    assert sorted(names) == sorted(set(names))


# Of two places that read the same setting, the one that gives a default counts.
PLAIN = {
    str(ast.literal_eval(call.args[0])): call
    for call in sorted(calls(SETTINGS), key=lambda call: len(call.args))
    if name_of(call) in READERS and all(isinstance(argument, ast.Constant) for argument in call.args)
}


@pytest.mark.parametrize("name", PLAIN)
def test_the_default_is_the_one_in_the_code(name: str) -> None:
    default = [ast.literal_eval(argument) for argument in PLAIN[name].args[1:]]
    nothing = {"env_bool": "false", "env_int": "0"}.get(name_of(PLAIN[name]), "")

    assert example()[name] == (str(default[0]) if default else nothing)


def test_an_empty_setting_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_MODULES", "")

    assert env_str("NODE_MODULES", "node_modules") == "node_modules"


def test_secrets_are_marked() -> None:
    secret = [call.args[0] for path in modules() for call in calls(path) if name_of(call) == "env_secret"]
    secrets = {argument.value for argument in secret if isinstance(argument, ast.Constant)}
    marked = set(re.findall(r"^# \* .*\n(?:# .*\n)*([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert marked == secrets
