"""`manage.py analyze` as people and CI jobs run it: a process of its own, from any folder, with nothing running.

Each run makes a database, which takes seconds: what does not ask for a run of its own looks at one that is shared.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.contract.contracts import contract
from tests.vendors.openai_server import Exchange, OpenAIServer, Scripted, completion, error

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
RULE = """\
rules:
- id: query-by-concatenation
  mode: taint
  message: The query is put together from the request.
  severity: ERROR
  languages: [python]
  metadata: {cwe: ["CWE-89: SQL Injection"], category: security}
  pattern-sources: [{pattern: request.args.get(...)}]
  pattern-sinks: [{patterns: [{pattern: "$DB.execute($QUERY, ...)"}, {focus-metavariable: $QUERY}]}]
- id: loud-print
  message: Use the log.
  severity: INFO
  languages: [python]
  metadata: {category: best-practice}
  pattern: print(...)
"""
CODE = """\
import sqlite3

from flask import request


def find_plant():
    db = sqlite3.connect("plants.db")
    name = request.args.get("name", "")
    return db.execute("SELECT id FROM plants WHERE name = '" + name + "'").fetchall()


def greet():
    print("welcome")
"""
READY = {"ready": True}
ANSWERS: dict[str, dict[str, Any]] = {
    "_Ready": {"ready": True},
    "ComponentAnswer": {"tag": "API", "risk": "neutral", "reason": "It answers requests."},
    "VerdictAnswer": {
        "evidence": [
            {"path": "garden/plants.py", "start_line": 8, "end_line": 8, "quote": "request.args.get", "role": "source"}
        ],
        "verdict": "unsure",
        "confidence": "low",
        "explanation": "It depends on the caller.",
    },
    "GuidanceAnswer": {"summary": "Bind the value.", "steps": [{"text": "Use a placeholder.", "code": ""}]},
}


def repo_in(folder: Path) -> Path:
    """Make a folder with one finding to fix and one that is not about security."""
    repo = folder / "repo"
    (repo / "garden").mkdir(parents=True)
    (repo / "garden" / "plants.py").write_text(CODE)
    return repo


def rules_in(folder: Path) -> Path:
    """Write the rules behind the findings, into a folder where other YAML lies too."""
    rules = folder / "rules"
    rules.mkdir()
    (rules / "garden.yaml").write_text(RULE)
    (rules / "workflow.yml").write_text("on: push\njobs: {}\n")
    return rules


def report_in(folder: Path) -> Path:
    """Write a report as Semgrep does, of the finding to fix."""
    found = {
        "check_id": "rules.query-by-concatenation",
        "path": "garden/plants.py",
        "start": {"line": 9, "col": 23, "offset": 0},
        "end": {"line": 9, "col": 75, "offset": 0},
        "extra": {
            "message": "The query is put together from the request.",
            "severity": "ERROR",
            "metadata": {"cwe": ["CWE-89: SQL Injection"], "category": "security"},
            "lines": CODE.splitlines()[8],
        },
    }
    path = folder / "report.json"
    path.write_text(
        json.dumps({"version": "1.100.0", "results": [found], "errors": [], "paths": {"scanned": [found["path"]]}})
    )
    return path


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repo_in(tmp_path)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return rules_in(tmp_path)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return report_in(tmp_path)


@contextmanager
def a_model() -> Iterator[OpenAIServer]:
    """Run a model that is unsure of everything."""
    with OpenAIServer().running() as server:
        server.rule = answer_by_schema
        yield server
    assert not server.violations


@pytest.fixture
def model() -> Iterator[OpenAIServer]:
    with a_model() as server:
        yield server


def answer_by_schema(exchange: Exchange) -> Scripted:
    return completion(ANSWERS[exchange.body["response_format"]["json_schema"]["name"]])


def analyze(*words: str | Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`, with no server named and no key but what is given."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, MANAGE, "analyze", *words],
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def analyze_with(model_url: str, *words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    key = "sk-test-" + "0123456789abcdefghij" * 2
    return analyze(
        *words, "--provider", "openai", folder=folder, OPENAI_API_KEY=key, OPENAI_BASE_URL=model_url, OPENAI_MODEL="m"
    )


# --- Runs that several tests look at ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """A run that has ended, the folder it was about, and how often a model was asked."""

    done: subprocess.CompletedProcess[str]
    repo: Path
    model_asked: int = 0


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Of a folder that is scanned first, named as seen from its parent."""
    folder = tmp_path_factory.mktemp("scanned")
    repo, _ = repo_in(folder), rules_in(folder)
    return Run(analyze("--repo", "repo", "--semgrep", "--rules", "rules", "--format", "json", folder=folder), repo)


@pytest.fixture(scope="module")
def tabled(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Of a report, into a pipe, for a job that fails by a finding to fix and has a key for other purposes."""
    folder = tmp_path_factory.mktemp("tabled")
    repo, report = repo_in(folder), report_in(folder)
    with a_model() as model:
        environment = {"COLUMNS": "80", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": model.url}
        done = analyze("--repo", repo, "--report", report, "--fail-on", "fix", folder=folder, **environment)
        return Run(done, repo, model.asked)


@pytest.fixture(scope="module")
def judged_by_a_busy_model(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Of a report, by a model that is asked for and asks for patience after its first answer."""
    folder = tmp_path_factory.mktemp("judged")
    repo, report = repo_in(folder), report_in(folder)
    busy = error(429, "Too many requests.", code="rate_limit_exceeded", headers={"Retry-After": "1"})
    with a_model() as model:
        model.answer(completion(READY), busy)
        done = analyze_with(model.url, "--repo", repo, "--report", report, "--format", "json", folder=folder)
        return Run(done, repo, model.asked)


# --- What it finds out ------------------------------------------------------------------------------------------------


def test_a_folder_is_scanned_judged_and_fixed_with_proof(scanned: Run) -> None:
    result = json.loads(scanned.done.stdout)

    to_fix, about_style = result["findings"]
    assert scanned.done.returncode == 0, scanned.done.stderr
    assert (to_fix["path"], to_fix["start_line"], to_fix["verdict"]["recommendation"]) == ("garden/plants.py", 9, "fix")
    assert to_fix["guidance"]["steps"]
    assert to_fix["fix"]["is_verified"]
    assert {gate["outcome"] for gate in to_fix["fix"]["gates"]} == {"passed"}
    assert about_style["not_analysed"]["reason"] == "not_security"


def test_the_fix_is_a_patch_that_git_takes(scanned: Run, tmp_path: Path) -> None:
    repo = Path(shutil.copytree(scanned.repo, tmp_path / "repo"))
    diff = json.loads(scanned.done.stdout)["findings"][0]["fix"]["diff"]

    applied = subprocess.run(["git", "apply", "-"], cwd=repo, input=diff, capture_output=True, text=True, check=False)

    assert applied.returncode == 0, applied.stderr
    assert (repo / "garden" / "plants.py").read_text() != CODE


def test_without_the_rules_a_fix_is_shown_unverified(repo: Path, report: Path, tmp_path: Path) -> None:
    done = analyze("--repo", repo, "--report", report, "--format", "json", folder=tmp_path)

    fix = json.loads(done.stdout)["findings"][0]["fix"]
    assert not fix["is_verified"]
    assert fix["confidence"] == "medium"


def test_sarif_goes_into_a_file_and_fits_the_standard(repo: Path, report: Path, rules: Path, tmp_path: Path) -> None:
    schema = contract("sarif-2.1.0-rtm.5.json")

    done = analyze(
        *("--repo", repo, "--report", report, "--rules", rules, "--format", "sarif", "--output", "out.sarif"),
        folder=tmp_path,
    )

    written = json.loads((tmp_path / "out.sarif").read_text())
    assert done.stdout == ""
    assert list(jsonschema.Draft4Validator(schema).iter_errors(written)) == []
    assert written["runs"][0]["results"][0]["fixes"]


def test_the_table_is_read_without_colours_in_a_pipe(tabled: Run) -> None:
    assert "garden/plants.py:9" in tabled.done.stdout
    assert "Fix (medium confidence)" in tabled.done.stdout
    assert "Built-in" in tabled.done.stdout
    assert "\x1b" not in tabled.done.stdout + tabled.done.stderr


# --- Exit codes -------------------------------------------------------------------------------------------------------


def test_a_finding_to_fix_fails_the_job_that_asks_for_it(tabled: Run) -> None:
    assert tabled.done.returncode == 1
    assert "garden/plants.py:9" in tabled.done.stdout


def test_a_folder_without_the_reports_files_is_refused(report: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    done = analyze("--repo", "empty", "--report", report, "--output", "out.txt", folder=tmp_path)

    assert done.returncode == 2
    assert "Give the folder that Semgrep was run in" in done.stderr
    assert not list(tmp_path.glob("out.txt*"))


def test_what_is_no_report_is_refused(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text('{"apples": 3}')

    done = analyze("--repo", repo, "--report", "notes.json", folder=tmp_path)

    assert done.returncode == 2
    assert "Upload what `semgrep scan --json` or `--sarif` writes" in done.stderr


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("--repo", "nowhere", "--report", "report.json"), "Give the folder that was scanned"),
        (("--repo", "repo", "--report", "nothing.json"), "there is no such file"),
        (("--repo", "repo", "--semgrep"), "--semgrep needs --rules"),
        (("--repo", "repo", "--report", "report.json", "--rules", "repo"), "holds Semgrep rules"),
        (("--repo", "repo", "--report", "report.json", "--provider", "openai"), "OPENAI_API_KEY"),
        (("--repo", "repo", "--report", "report.json", "--jobs", "0"), "--jobs"),
        (("--repo", "repo", "--report", "report.json", "--output", "no/such/folder.txt"), "--output"),
        (("--repo", "repo"), "--report"),
    ],
)
def test_wrong_usage_says_what_to_do(
    repo: Path, report: Path, tmp_path: Path, words: tuple[str, ...], remedy: str
) -> None:
    done = analyze(*words, folder=tmp_path)

    assert done.returncode == 2
    assert remedy in done.stderr
    assert "Traceback" not in done.stderr


# --- With a model -----------------------------------------------------------------------------------------------------


def test_a_model_judges_where_it_is_asked_for(judged_by_a_busy_model: Run) -> None:
    done = judged_by_a_busy_model.done

    [finding] = json.loads(done.stdout)["findings"]
    assert done.returncode == 0, done.stderr
    assert (finding["verdict"]["value"], finding["verdict"]["source"]) == ("unsure", "model")
    assert finding["guidance"]["summary"] == "Bind the value."


def test_a_provider_that_asks_for_patience_gets_it(judged_by_a_busy_model: Run) -> None:
    done = judged_by_a_busy_model.done

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["is_complete"]


def test_a_key_alone_sends_nothing(tabled: Run) -> None:
    assert "Judged by Built-in" in tabled.done.stderr
    assert tabled.model_asked == 0


def test_a_provider_that_is_away_leaves_the_analysis_incomplete(repo: Path, report: Path, tmp_path: Path) -> None:
    words = ("--repo", repo, "--report", report, "--format", "json", "--wait", "0")

    done = analyze_with("http://127.0.0.1:9/v1", *words, folder=tmp_path)

    result = json.loads(done.stdout)
    assert done.returncode == 3
    assert not result["is_complete"]
    assert result["findings"][0]["not_analysed"]


def test_a_refused_key_is_told_before_anything_is_done(
    repo: Path, report: Path, model: OpenAIServer, tmp_path: Path
) -> None:
    model.answer_always(error(401, "Incorrect API key provided.", code="invalid_api_key"))

    done = analyze_with(model.url, "--repo", repo, "--report", report, folder=tmp_path)

    assert done.returncode == 2
    assert "Check the key" in done.stderr
    assert model.asked == 1
