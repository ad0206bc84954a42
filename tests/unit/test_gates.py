"""The gates that need no engine, and what follows from all of them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from findings.context import FindingContext, RuleContext, Span
from remediation.answers import Edit, FixAnswer
from remediation.gates import FixCheck, Gate, GateResult, Outcome, check, dependencies_in, imports
from remediation.gates.patching import FileChange, NotApplicable, apply
from triage.answers import Confidence

SOURCE = "import yaml\n\n\ndef read(text):\n    return yaml.load(text)\n"

PYPROJECT = """
[project]
dependencies = ['a>1']
[project.optional-dependencies]
x = ['b']
[dependency-groups]
dev = ['c', {include-group = 'x'}]
[tool.poetry.dependencies]
python = '3'
d = '1'
[tool.poetry.group.dev.dependencies]
e = '1'
"""
POM = """
<project><groupId>me</groupId><dependencies>
<dependency><groupId>org.a</groupId><artifactId>b</artifactId></dependency>
</dependencies></project>
"""
GO_MOD = """
module example.org/me

go 1.22

require (
	example.org/a/b v1.2.0
)
require example.org/c v0.1.0
"""


def finding(source: str | None = SOURCE, *, path: str = "app/read.py", files: Mapping[str, str] = {}) -> FindingContext:
    return FindingContext(
        rule=RuleContext("rules.sample", "A message.", "ERROR", cwe=("CWE-502",)),
        path=path,
        span=Span(5, 12, 5, 27),
        source=source,
        read_file=files.get,
    )


def replacing(old: str, new: str, *, path: str = "app/read.py") -> FixAnswer:
    return FixAnswer(edits=[Edit(path=path, old=old, new=new)], explanation="")


def fix_check(**outcomes: Outcome) -> FixCheck:
    return FixCheck(
        tuple(GateResult(gate, outcomes.get(gate.value, Outcome.PASSED), "Words for people.") for gate in Gate)
    )


def test_an_edit_is_applied_and_shown_as_a_diff() -> None:
    changes = apply(context=finding(), answer=replacing("yaml.load(text)", "yaml.safe_load(text)"))

    assert [change.after for change in changes] == [SOURCE.replace("yaml.load", "yaml.safe_load")]
    assert "+    return yaml.safe_load(text)\n" in changes[0].diff


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (FixAnswer(edits=[], explanation="There is no way."), "no change"),
        (replacing("yaml.load(other)", "1"), "does not stand"),
        (replacing("yaml", "json"), "more than once"),
        (replacing("import yaml", "import yaml"), "as it was"),
        (replacing("a", "b", path="app/other.py"), "could not be read"),
        (replacing("import yaml\n", "import yaml\n" + "x = 1\n" * 121), "121 lines"),
    ],
)
def test_a_fix_that_does_not_apply_says_why(answer: FixAnswer, words: str) -> None:
    with pytest.raises(NotApplicable, match=words):
        apply(context=finding(), answer=answer)


def test_a_file_that_could_not_be_read_is_not_patched() -> None:
    with pytest.raises(NotApplicable, match="could not be read"):
        apply(context=finding(source=None), answer=replacing("yaml", "json"))


def test_another_file_is_patched_where_it_can_be_read() -> None:
    context = finding(files={"app/other.py": "a = 1\n"})

    changes = apply(context=context, answer=replacing("a = 1", "a = 2", path="app/other.py"))

    assert [(change.path, change.after) for change in changes] == [("app/other.py", "a = 2\n")]


def test_only_the_lines_that_change_count_in_a_long_file() -> None:
    source = "import os\n" + "}\n" * 30_000 + "last = 1\n"
    answer = FixAnswer(
        edits=[
            Edit(path="app/read.py", old="import os", new="import re\nimport os"),
            Edit(path="app/read.py", old="last = 1", new="last = 2"),
        ],
        explanation="",
    )

    changes = apply(context=finding(source), answer=answer)

    assert sorted(changes[0].removed) == [30_002]
    assert sorted(changes[0].added) == [1, 30_003]


def test_what_does_not_apply_is_not_checked_further() -> None:
    result = check(context=finding(), answer=replacing("nowhere", "x"), rule_yaml=None)

    assert [each.outcome for each in result.results] == [Outcome.FAILED, *[Outcome.NOT_RUN] * 5]
    assert not result.is_shown
    assert result.highest_confidence is None


@pytest.mark.parametrize("gate", ["applies", "parses", "no_cheating"])
@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.NOT_RUN])
def test_a_fix_is_not_shown_unless_three_gates_passed(gate: str, outcome: Outcome) -> None:
    result = fix_check(**{gate: outcome})

    assert not result.is_shown
    assert not result.is_verified
    assert result.highest_confidence is None


@pytest.mark.parametrize("gate", ["rule_silent", "no_new_finding", "imports_known"])
def test_a_fix_that_fails_a_later_gate_is_of_low_confidence(gate: str) -> None:
    result = fix_check(**{gate: Outcome.FAILED})

    assert result.is_shown
    assert not result.is_verified
    assert result.highest_confidence is Confidence.LOW


@pytest.mark.parametrize("gate", ["rule_silent", "no_new_finding", "imports_known"])
def test_a_fix_with_a_gate_not_run_is_of_medium_confidence_at_most(gate: str) -> None:
    result = fix_check(**{gate: Outcome.NOT_RUN})

    assert not result.is_verified
    assert result.highest_confidence is Confidence.MEDIUM


def test_a_fix_that_passed_everything_is_verified() -> None:
    result = fix_check()

    assert result.is_verified
    assert result.highest_confidence is Confidence.HIGH


def judged(
    path: str, before: str, after: str, known: frozenset[str] | None, files: Mapping[str, str] = {}
) -> GateResult:
    return imports.check(
        context=finding(before, path=path, files=files),
        changes=[FileChange(path, before, after)],
        known_dependencies=known,
    )


@pytest.mark.parametrize(
    ("path", "before", "added"),
    [
        ("a.py", "import os\n", "import secrets\n"),
        ("a.py", "import os\n", "from urllib.parse import urlparse, quote\n"),
        ("a.py", "import flask\n", "from flask import abort\n"),
        ("a.py", "from flask import Flask\n", "from markupsafe import escape\n"),
        ("a.js", "const a = 1\n", "const { execFile } = require('child_process')\n"),
        ("a.ts", "const a = 1\n", "import crypto from 'node:crypto'\n"),
        ("a.ts", "import a from '@acme/safe'\n", "import b from '@acme/safe/html'\n"),
        ("A.java", "package a;\n", "import java.security.SecureRandom;\n"),
        ("A.java", "import org.acme.web.Page;\n", "import org.acme.web.Escaper;\n"),
        ("a.go", "package a\n", 'import "os/exec"\n'),
        ("a.go", 'package a\nimport "fmt"\n', 'import (\n\t"crypto/rand"\n\t"html/template"\n)\n'),
        ("a.rb", "x = 1\n", "require 'shellwords'\n"),
        ("a.php", "<?php\nuse Acme\\Page;\n", "use Acme\\Escaper;\n"),
        ("a.cs", "using System;\n", "using System.Security.Cryptography;\n"),
        ("main.tf", "a = 1\n", "b = 2\n"),
    ],
)
def test_what_comes_with_the_language_or_the_file_is_known(path: str, before: str, added: str) -> None:
    result = judged(path, before, before + added, frozenset())

    assert result.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("path", "before", "added", "name"),
    [
        ("a.py", "import os\n", "import safe_yaml_pro\n", "safe_yaml_pro"),
        ("a.py", "import os\n", "from markupsafe import escape\n", "markupsafe"),
        ("a.py", "import os\n", "from .missing import thing\n", ".missing"),
        ("a.js", "const a = 1\n", "const d = require('dompurify')\n", "dompurify"),
        ("a.ts", "const a = 1\n", "import d from '@acme/purify/x'\n", "@acme/purify/x"),
        ("a.ts", "const a = 1\n", "import d from './missing'\n", "./missing"),
        ("A.java", "package a;\n", "import org.acme.encoder.Encode;\n", "org.acme.encoder.Encode"),
        ("a.go", "package a\n", 'import "example.org/safe/html"\n', "example.org/safe/html"),
        ("a.rb", "x = 1\n", "require 'sanitize_all'\n", "sanitize_all"),
        ("a.php", "<?php\n", "use Purifier\\Html;\n", "Purifier"),
        ("a.cs", "using System;\n", "using Acme.Encoder;\n", "Acme.Encoder"),
    ],
)
def test_what_nothing_declares_is_named(path: str, before: str, added: str, name: str) -> None:
    result = judged(path, before, before + added, frozenset({"django"}))

    assert result.outcome is Outcome.FAILED
    assert f"imports {name}," in result.explanation


@pytest.mark.parametrize(
    ("path", "added", "declared"),
    [
        ("a.py", "import yaml\n", "pyyaml"),
        ("a.py", "from argon2 import PasswordHasher\n", "argon2-cffi"),
        ("a.py", "from markupsafe import escape\n", "flask"),
        ("a.py", "import my_package.part\n", "my-package"),
        ("a.js", "const d = require('dompurify/x')\n", "dompurify"),
        ("a.ts", "import d from '@acme/purify/x'\n", "@acme/purify"),
        ("A.java", "import org.acme.encoder.Encode;\n", "org.acme.encoder"),
        ("a.kt", "import org.acme.encoder.Encode\n", "org.acme.encoder"),
        ("a.go", 'import "example.org/safe/html"\n', "example.org/safe"),
        ("a.rb", "require 'sanitize'\n", "sanitize"),
        ("a.php", "use Purifier\\Html;\n", "purifier/html"),
        ("a.cs", "using Acme.Encoder.Html;\n", "acme.encoder"),
    ],
)
def test_a_declared_package_is_known(path: str, added: str, declared: str) -> None:
    result = judged(path, "", added, frozenset({declared}))

    assert result.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("path", "added", "file"),
    [
        ("app/a.py", "from .html import clean\n", "app/html.py"),
        ("app/a.py", "from ..lib import clean\n", "lib/__init__.py"),
        ("app/a.py", "from app.html import clean\n", "app/html.py"),
        ("web/a.js", "const c = require('../lib/clean')\n", "lib/clean.js"),
        ("web/a.ts", "import c from './clean'\n", "web/clean/index.ts"),
        ("src/main/java/x/A.java", "import com.acme.Clean;\n", "src/main/java/com/acme/Clean.java"),
        ("lib/a.rb", "require_relative 'clean'\n", "lib/clean.rb"),
    ],
)
def test_a_file_of_the_project_is_known(path: str, added: str, file: str) -> None:
    result = judged(path, "", added, frozenset(), files={file: "clean\n"})

    assert result.outcome is Outcome.PASSED


def test_nothing_is_said_of_a_package_where_no_manifest_was_read() -> None:
    result = judged("a.py", "import os\n", "import os\nimport nh3\n", None)

    assert result.outcome is Outcome.NOT_RUN
    assert "nh3" in result.explanation


def test_the_imports_of_an_unfamiliar_language_are_not_judged() -> None:
    result = judged("a.swift", "let a = 1\n", "import Purify\nlet a = 1\n", frozenset())

    assert result.outcome is Outcome.NOT_RUN


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        (
            "requirements.txt",
            "Django>=5\n# no\n-r other.txt\nPy_YAML[x]==6 ; python_version>'3'\n",
            {"django", "py-yaml"},
        ),
        ("dev-requirements.in", "nh3\n", {"nh3"}),
        ("pyproject.toml", PYPROJECT, {"a", "b", "c", "d", "e"}),
        ("pom.xml", POM, {"org.a", "org.a:b"}),
        (
            "build.gradle.kts",
            "implementation(\"org.a:b:1\")\nruntimeOnly group: 'org.c', name: 'd', version: '1'\n",
            {"org.a", "org.a:b", "org.c", "org.c:d"},
        ),
        ("go.mod", GO_MOD, {"example.org/me", "example.org/a/b", "example.org/c"}),
        (
            "composer.json",
            '{"require": {"acme/html": "^1"}, "require-dev": {"acme/test": "1"}}',
            {"acme/html", "acme/test"},
        ),
        ("Gemfile", "source 'x'\ngem 'rails', '~> 7'\n  gem \"nokogiri\"\n", {"rails", "nokogiri"}),
        ("src/App.csproj", '<PackageReference Include="Acme.Encoder" Version="1" />', {"acme.encoder"}),
        ("package.json", "{ broken", set()),
        ("pyproject.toml", "= broken", set()),
        ("notes.txt", "django\n", set()),
    ],
)
def test_a_manifest_names_its_dependencies(path: str, text: str, names: set[str]) -> None:
    assert dependencies_in({path: text}) == names
