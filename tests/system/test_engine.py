"""The real Semgrep, run inside its bounds."""

from __future__ import annotations

import contextlib
import ctypes
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rules import engine
from rules.engine import process

NO_SHOUTING = """
rules:
- id: no-shouting
  languages: [python]
  severity: WARNING
  message: do not shout $WHAT
  pattern: shout($WHAT)
"""

# What the kernel answers when it is asked for its version of Landlock; 4 is the first that knows of networks.
IS_CONFINED = sys.platform == "linux" and ctypes.CDLL(None).syscall(444, None, 0, 1) >= 4


StandIn = Callable[[str], None]


@pytest.fixture
def binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Put a script in the engine's place, to see how whatever stands there is treated."""

    def stand_in(script: str) -> None:
        path = tmp_path / "bin" / "semgrep"
        path.parent.mkdir()
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        tmp_path.chmod(0o755)
        monkeypatch.setattr(process, "binary", lambda: path)

    return stand_in


def run_once(
    *,
    timeout_seconds: float = 20,
    memory_bytes: int = process.MEMORY_BYTES,
    output_bytes: int = process.OUTPUT_BYTES,
) -> process.Outcome:
    with process.scratch_folder() as scratch:
        return process.run(
            ["scan"],
            scratch=scratch,
            timeout_seconds=timeout_seconds,
            memory_bytes=memory_bytes,
            output_bytes=output_bytes,
        )


def commands_running() -> str:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended while we looked
            found.append(path.read_text(errors="replace"))
    return "\n".join(found)


def test_a_match_has_the_rules_own_id_and_exactly_the_matched_text() -> None:
    result = engine.scan({"app/main.py": 'name = "é𝔘"; shout("é")\n'}, NO_SHOUTING)

    assert result.matches == (
        engine.Match(
            rule_id="no-shouting",
            path="app/main.py",
            start_line=1,
            start_column=14,
            end_line=1,
            end_column=24,
            text='shout("é")',
            message='do not shout "é"',
            severity="WARNING",
        ),
    )


@pytest.mark.parametrize("comment", ["# nosemgrep", "# nosem", "# nosemgrep: no-shouting"])
def test_a_suppression_comment_silences_nothing(comment: str) -> None:
    result = engine.scan({"main.py": f"shout(1)  {comment}\n"}, NO_SHOUTING)

    assert len(result.matches) == 1


@pytest.mark.parametrize("path", ["tests/test_a.py", "vendor/a.py", "node_modules/a/b.py", ".github/a.py", "a.min.py"])
def test_no_folder_is_passed_over(path: str) -> None:
    result = engine.scan({path: "shout(1)\n"}, NO_SHOUTING)

    assert [match.path for match in result.matches] == [path]


def test_the_paths_of_a_rule_are_those_of_every_version() -> None:
    rule = f"{NO_SHOUTING}  paths:\n    include: ['/app/*.py']\n"

    first, second = engine.scan_versions(
        ({"app/a.py": "shout(1)\n", "b.py": "shout(2)\n"}, {"app/a.py": "shout(3)\n"}), rule
    )

    assert [match.text for match in first.matches] == ["shout(1)"]
    assert [match.text for match in second.matches] == ["shout(3)"]


def test_a_file_that_is_read_only_in_part_is_named() -> None:
    result = engine.scan({"good.py": "shout(1)\n", "bad.py": "shout(1)\n\n\nclass (((:\n"}, NO_SHOUTING)

    assert result.partially_parsed == ("bad.py",)
    assert "bad.py" in result.errors[0]


@pytest.mark.parametrize(
    "path", ["../a.py", "/etc/a.py", "a/../../b.py", "a/./b.py", "a\\b.py", "a\0.py", "", "x" * 2000]
)
def test_a_path_that_leaves_the_folder_is_refused(path: str) -> None:
    with pytest.raises(engine.EngineRefused):
        engine.scan({path: "shout(1)\n"}, NO_SHOUTING)


def test_a_file_in_the_place_of_a_folder_is_refused() -> None:
    with pytest.raises(engine.EngineRefused):
        engine.scan({"a": "", "a/b.py": "shout(1)\n"}, NO_SHOUTING)


def test_too_many_files_are_refused() -> None:
    with pytest.raises(engine.EngineRefused):
        engine.scan({f"a{number}.py": "" for number in range(501)}, NO_SHOUTING)


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(engine.EngineRefused):
        engine.scan({"a.py": "#" * 3_000_000}, NO_SHOUTING)


@pytest.mark.parametrize(
    ("wrong", "right", "line", "words"),
    [
        ("pattern: shout(", "pattern: shout($WHAT)", 7, "Invalid pattern"),
        ("languages: [pythn]", "languages: [python]", 4, "invalid language"),
        ("patern: shout(1)", "pattern: shout($WHAT)", 3, "to be present"),
        ("severity: [WARNING", "severity: WARNING", 6, "YAML"),
    ],
)
def test_a_broken_rule_is_refused_with_its_line(wrong: str, right: str, line: int, words: str) -> None:
    errors = engine.validate(NO_SHOUTING.replace(right, wrong))

    assert [error.line for error in errors] == [line]
    assert words in errors[0].message


@pytest.mark.parametrize("text", ["", "rules: []", "something: else", "- a\n- b", "rules: " + "[" * 5000])
def test_a_text_without_rules_is_refused(text: str) -> None:
    with pytest.raises(engine.RuleInvalid):
        engine.scan({"a.py": ""}, text)


def test_a_rule_without_faults_is_valid() -> None:
    assert engine.validate(NO_SHOUTING) == ()


def test_good_rules_run_beside_a_broken_one() -> None:
    broken = NO_SHOUTING.replace("rules:\n", "").replace("no-shouting", "broken").replace("shout($WHAT)", "shout(")

    result = engine.scan({"a.py": "shout(1)\n"}, NO_SHOUTING + broken.lstrip("\n"))

    assert [match.rule_id for match in result.matches] == ["no-shouting"]
    assert [(error.rule_id, error.line) for error in result.refused] == [("broken", 12)]


def test_a_rule_that_reads_other_rules_is_never_run() -> None:
    rule = NO_SHOUTING.replace("  pattern: shout($WHAT)", "  mode: join\n  join: {refs: [{rule: /etc/x.yaml}], on: []}")

    with pytest.raises(engine.RuleInvalid, match="read other files"):
        engine.scan({"a.py": "shout(1)\n"}, rule)


def test_the_ordinary_front_end_answers_where_the_fast_one_does_not(binary: StandIn) -> None:
    real = process.binary()
    binary(f'case "$*" in *--experimental*) echo no such option >&2; exit 2;; esac; exec {real} "$@"')

    result = engine.scan({"tests/a.py": "shout(1)  # nosem\n"}, NO_SHOUTING)

    assert [(match.rule_id, match.path) for match in result.matches] == [("no-shouting", "tests/a.py")]


def test_an_engine_that_never_ends_is_stopped_with_its_children(binary: StandIn) -> None:
    binary("sleep 8643.21 & wait")

    with pytest.raises(engine.EngineTimeout):
        run_once(timeout_seconds=0.5)

    assert "sleep\0008643.21" not in commands_running()


def test_an_engine_that_writes_without_end_is_stopped(binary: StandIn) -> None:
    binary("exec yes")

    with pytest.raises(engine.EngineFailed, match="wrote more"):
        run_once(output_bytes=2_000_000)


def test_an_engine_that_takes_too_much_memory_fails(binary: StandIn) -> None:
    binary(f"exec {sys.executable} -c 'print(len(bytearray(900_000_000)))'")

    outcome = run_once(memory_bytes=500_000_000)

    assert outcome.exit_code != 0
    assert "MemoryError" in outcome.messages


def test_an_engine_that_crashes_says_its_last_words(binary: StandIn) -> None:
    binary("echo out of luck >&2; exit 9")

    with pytest.raises(engine.EngineFailed, match=r"exit code 9.*out of luck"):
        engine.scan({"a.py": "shout(1)\n"}, NO_SHOUTING)


def test_no_secret_of_ours_reaches_the_engine(binary: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMGREP_APP_TOKEN", "token-of-the-organization")
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-organization")
    binary("env")

    written = run_once().output.decode()

    assert "of-the-organization" not in written
    assert "SEMGREP_SEND_METRICS=off" in written


@pytest.mark.skipif(not IS_CONFINED, reason="the kernel offers no confinement")
def test_the_engine_reads_nothing_outside_its_folder(binary: StandIn, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.txt"
    secret.write_text("nobody may read this")
    binary(f"cat {secret} /etc/passwd; echo done")

    outcome = run_once()

    assert outcome.output == b"done\n"


@pytest.mark.skipif(not IS_CONFINED, reason="the kernel offers no confinement")
def test_the_engine_reaches_no_network(binary: StandIn) -> None:
    connect = "import socket; socket.create_connection((chr(49) + chr(46) + chr(49), 80), 2)"
    listen = (
        "import socket; s = socket.socket(); s.bind((str(), 0)); s.listen(); socket.create_connection(s.getsockname())"
    )
    binary(f"{sys.executable} -c '{connect}' || echo no way out; {sys.executable} -c '{listen}' || echo nor in")

    outcome = run_once()

    assert outcome.output == b"no way out\nnor in\n"


def test_a_missing_engine_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(engine.EngineMissing, match="pip install semgrep"):
        process.binary()


@pytest.mark.parametrize(
    ("path", "good", "broken"),
    [
        ("a.py", "print(f\"{a['b']}\")\n", "def f(:\n    pass\n"),
        ("a.js", "const f = a => a?.b ?? 1\n", "function f(a) { return (a }\n"),
        ("a.ts", "function f(a: string): number { return 1 }\n", "function f(a: string: number { return 1 }\n"),
        ("a.tsx", "const a = <div>{b}</div>\n", "const a = <div>{b</div>\n"),
        ("A.java", "class A { void f() { g(1); } }\n", "class A { void f() { g(1; } }\n"),
        ("a.go", "package a\nfunc f() { g(1) }\n", "package a\nfunc f() { g(1 }\n"),
        ("a.php", "<?php f($a); ?>\n", "<?php f($a; ?>\n"),
        ("a.rb", "def f\n  g(1)\nend\n", "def f\n  g(1\nend\n"),
        ("a.cs", "class A { void F() { G(1); } }\n", "class A { void F() { G(1; } }\n"),
        ("a.kt", "fun f() { g(1) }\n", "fun f() { g(1 }\n"),
        ("a.yaml", "a: [1, 2]\n", "a: [1, 2\n"),
        ("main.tf", 'resource "a" "b" {}\n', 'resource "a" "b" {\n'),
    ],
)
def test_broken_code_is_told_from_good_code(path: str, good: str, broken: str) -> None:
    assert engine.parses(path, good) is True
    assert engine.parses(path, broken) is False


@pytest.mark.parametrize("path", ["a.txt", "a.vue", "LICENSE"])
def test_a_file_without_a_parser_is_neither_good_nor_broken(path: str) -> None:
    assert engine.parses(path, "((((") is None


def test_a_folder_is_scanned_into_a_report(tmp_path: Path) -> None:
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / "src" / "a.py").write_text("shout(1)\nshout(2)  # nosem\n")
    (tmp_path / "rules.yaml").write_text(NO_SHOUTING)

    report = json.loads(engine.scan_folder(tmp_path / "project", [tmp_path / "rules.yaml"], timeout_seconds=60))

    found = [(result["path"], result["start"]["line"]) for result in report["results"]]
    assert found == [("src/a.py", 1)]
    assert report["version"] == engine.version()


def test_a_folder_is_not_scanned_with_broken_rules(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("shout(1)\n")
    (tmp_path / "rules.yaml").write_text(NO_SHOUTING.replace("shout($WHAT)", "shout("))

    with pytest.raises(engine.RuleInvalid):
        engine.scan_folder(tmp_path, [tmp_path / "rules.yaml"], timeout_seconds=60)
