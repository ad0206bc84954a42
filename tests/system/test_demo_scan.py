"""The demo is scanned by the real engine and compared with the written truth, so that neither can drift away.

`tests/payloads/demo_truth.json` says for every finding whether it is a true positive (`TP`), a false positive (`FP`)
or undecidable from the code (`unclear`), and why. Only tests and benches read it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_typescript
from ruamel.yaml import YAML
from tree_sitter import Language, Node, Parser

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "demo"
SHOP = DEMO / "shop"
RULES = DEMO / "rules"
TRUTH = REPOSITORY / "tests" / "payloads" / "demo_truth.json"
SAMPLES = sorted((RULES / "tests").glob("*.*"))
SEMGREP = Path(sys.executable).with_name("semgrep")

GRAMMARS = {
    ".py": tree_sitter_python.language,
    ".js": tree_sitter_javascript.language,
    ".ts": tree_sitter_typescript.language_typescript,
    ".java": tree_sitter_java.language,
}
FUNCTION_NODES = frozenset(
    {"function_definition", "function_declaration", "method_declaration", "constructor_declaration"}
)
PROMISED_CWES = frozenset(
    {22, 78, 79, 89, 95, 295, 327, 328, 330, 338, 347, 352, 377, 489, 502, 601, 611, 614, 798, 918, 942, 1004}
)


class Place(NamedTuple):
    """Where a finding stands, in words that survive an edit above it; `path` counts from the shop's folder."""

    rule: str
    path: str
    function: str


def run_semgrep(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"}
    return subprocess.run(
        [str(SEMGREP), *arguments], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )


@cache
def scan(*front_end: str) -> dict[str, Any]:
    """Scan the shop as a project of its own, which is what makes its `.semgrepignore` count."""
    ran = run_semgrep(
        "scan", *front_end, "--json", "--metrics=off", "--disable-version-check",
        "--project-root", str(SHOP), "--config", str(RULES), str(SHOP),
    )  # fmt: skip
    report: dict[str, Any] = json.loads(ran.stdout)
    return report


@cache
def parser_for(suffix: str) -> Parser:
    return Parser(Language(GRAMMARS[suffix]()))


def enclosing_function(path: Path, line: int, column: int) -> str:
    """Name the innermost named function around a place counted from 1, or nothing at module level."""
    tree = parser_for(path.suffix).parse(path.read_bytes())
    point = (line - 1, column - 1)
    node: Node | None = tree.root_node.descendant_for_point_range(point, point)
    while node is not None and node.type not in FUNCTION_NODES:
        node = node.parent
    name = node.child_by_field_name("name") if node is not None else None
    return name.text.decode() if name is not None and name.text is not None else ""


def declared_rules() -> dict[str, dict[str, Any]]:
    files = sorted(RULES.glob("*.yaml"))
    return {rule["id"]: rule for file in files for rule in YAML(typ="safe").load(file)["rules"]}


def rule_id(check_id: str) -> str:
    """Take off the folder that the engine writes in front of an identifier."""
    return next(identifier for identifier in declared_rules() if check_id.endswith(identifier))


def place_of(result: dict[str, Any]) -> Place:
    path = Path(result["path"])
    start = result["start"]
    return Place(
        rule=rule_id(result["check_id"]),
        path=path.relative_to(SHOP).as_posix(),
        function=enclosing_function(path, start["line"], start["col"]),
    )


def exact(result: dict[str, Any]) -> tuple[object, ...]:
    return (
        rule_id(result["check_id"]),
        result["path"],
        tuple(result["start"].items()),
        tuple(result["end"].items()),
        result["extra"].get("fix", ""),
    )


def written_truth() -> list[dict[str, str]]:
    findings: list[dict[str, str]] = json.loads(TRUTH.read_text(encoding="utf-8"))["findings"]
    return findings


def written_places() -> list[Place]:
    return [Place(entry["rule"], entry["path"], entry["function"]) for entry in written_truth()]


def found_places() -> list[Place]:
    return [place_of(result) for result in scan("--experimental")["results"]]


def test_the_engine_reads_the_demo_without_errors() -> None:
    report = scan("--experimental")

    assert report["errors"] == []


@pytest.mark.parametrize("suffix", [".py", ".js", ".ts", ".java"])
def test_every_language_of_the_demo_has_findings(suffix: str) -> None:
    suffixes = {Path(place.path).suffix for place in found_places()}

    assert suffix in suffixes


def test_both_front_ends_of_the_engine_find_the_same() -> None:
    classic = sorted(map(exact, scan()["results"]), key=repr)
    experimental = sorted(map(exact, scan("--experimental")["results"]), key=repr)

    assert classic == experimental


def test_every_finding_has_a_written_truth() -> None:
    unwritten = Counter(found_places()) - Counter(written_places())

    assert unwritten == Counter()


def test_every_written_truth_is_still_found() -> None:
    vanished = Counter(written_places()) - Counter(found_places())

    assert vanished == Counter()


def test_no_two_findings_share_a_place() -> None:
    places = written_places()

    assert len(set(places)) == len(places)


def test_the_mixture_is_the_promised_one() -> None:
    truths = Counter(entry["truth"] for entry in written_truth())

    assert set(truths) == {"TP", "FP", "unclear"}
    assert 45 <= truths.total() <= 70
    assert 0.55 <= truths["TP"] / truths.total() <= 0.65
    assert truths["FP"] >= 20
    assert truths["unclear"] >= 2


def test_every_truth_gives_its_reason() -> None:
    silent = [entry for entry in written_truth() if len(entry["why"].split()) < 6]

    assert silent == []


def test_every_promised_weakness_is_found() -> None:
    rules = declared_rules()
    written = [cwe for place in found_places() for cwe in rules[place.rule]["metadata"].get("cwe", [])]
    numbers = {int(cwe.split(":")[0].removeprefix("CWE-")) for cwe in written}

    assert numbers >= PROMISED_CWES


def test_every_rule_finds_something() -> None:
    idle = set(declared_rules()) - {place.rule for place in found_places()}

    assert idle == set()


def test_findings_of_every_severity_occur() -> None:
    severities = {result["extra"]["severity"] for result in scan("--experimental")["results"]}

    assert severities == {"CRITICAL", "HIGH", "MEDIUM", "LOW", "ERROR", "WARNING", "INFO"}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_a_taint_rule_passes_its_own_samples(sample: Path) -> None:
    rules = RULES / f"{sample.stem}.yaml"

    ran = run_semgrep("test", "--experimental", "--json", "--config", str(rules), str(sample))

    checks = [check for file in json.loads(ran.stdout)["results"].values() for check in file["checks"].values()]
    assert ran.returncode == 0
    assert [check["passed"] for check in checks] == [True]


def test_every_taint_rule_has_samples() -> None:
    taint_rules = {identifier for identifier, rule in declared_rules().items() if rule.get("mode") == "taint"}

    assert {identifier.rsplit(".", 1)[-1] for identifier in taint_rules} == {sample.stem for sample in SAMPLES}
