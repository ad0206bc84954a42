"""Run rules over files with the real engine, ask it whether a text parses, and check rules: nothing else runs it."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from lib.languages import GENERIC, language_of
from rules.engine.errors import EngineFailed, EngineRefused, RuleError, RuleInvalid
from rules.engine.process import CORES, MEBIBYTE, MEMORY_BYTES, Outcome, run, scratch_folder
from rules.engine.report import UNNAMED_ERROR, Complaint, EngineResult, Report, read_report, result_of
from rules.engine.rule_text import refused_beforehand, with_lines, written_rules

MOST_FILES = 500
LARGEST_FILE_BYTES = 2 * MEBIBYTE
LARGEST_TOTAL_BYTES = 32 * MEBIBYTE
LARGEST_RULES_BYTES = 8 * MEBIBYTE
LONGEST_PATH = 1024

FOLDER_MEMORY_BYTES = 6144 * MEBIBYTE
FOLDER_OUTPUT_BYTES = 256 * MEBIBYTE

COMMON = (
    "--json",
    "--quiet",
    "--metrics=off",
    "--disable-version-check",
    "--no-git-ignore",
    "--oss-only",
    "--no-rewrite-rule-ids",
)
# The part of Semgrep without its Python front end: the same matches for a tenth of the processor time (measured).
FAST = "--experimental"
# The ordinary front end reserves some 4 GiB of addresses for its stack, whatever it then uses (measured).
FRONT_ENDS: tuple[tuple[tuple[str, ...], int], ...] = (((FAST,), MEMORY_BYTES), ((), MEMORY_BYTES + 4096 * MEBIBYTE))
# As slow a rule as a fix check waits for, before it says that the rule could not finish.
SECONDS_PER_RULE_AND_FILE = 10

SYNTAX_ERROR = 3
PARSE_SECONDS = 10.0
# Semgrep's ids of languages that `--dump-ast` cannot parse, or that anything parses as.
WITHOUT_SYNTAX = frozenset({GENERIC, "vue", "elixir", "apex", "powershell", "ql"})
PARSE_FAILURE = re.compile(r"Parsing_error\.(?!Other_error \(Vue)|errors=")


def scan(files: Mapping[str, str], rules_yaml: str, *, timeout_seconds: float = 30) -> EngineResult:
    """Return what the rules match in some files (path -> text), suppression comments disregarded.

    Raises RuleInvalid when no rule can be run, EngineRefused, EngineTimeout, EngineFailed or EngineMissing.
    """
    return scan_versions((files,), rules_yaml, timeout_seconds=timeout_seconds)[0]


def scan_versions(
    versions: Sequence[Mapping[str, str]], rules_yaml: str, *, timeout_seconds: float = 30
) -> tuple[EngineResult, ...]:
    """Return what `scan` returns for several versions of the same files, in one run of the engine."""
    _refuse_too_much(versions, rules_yaml)
    beforehand = refused_beforehand(rules_yaml)
    _raise_if_none_left(beforehand, rules_yaml)
    with scratch_folder() as scratch:
        # Each version is its own project, so that a rule's `paths` see the paths they were written for.
        names = [f"v{number}" for number in range(len(versions))]
        for name, files in zip(names, versions, strict=True):
            _lay_out(files, scratch / "files" / name)
        (scratch / "rules.yaml").write_text(rules_yaml, encoding="utf-8")
        report = _report(scratch, names, timeout_seconds=timeout_seconds)
    refused = (*beforehand, *with_lines(_rule_errors(report), rules_yaml))
    _raise_if_none_left(refused, rules_yaml)
    return tuple(
        result_of(report, dict(files), under=name, refused=refused) for name, files in zip(names, versions, strict=True)
    )


def validate(rules_yaml: str) -> tuple[RuleError, ...]:
    """Return what is wrong with the rules, with the line of each error; empty when all of them can be run."""
    # Not `--validate`: it fetches rules about rules from the network, and hangs without one.
    try:
        return scan({"empty.txt": ""}, rules_yaml).refused
    except RuleInvalid as invalid:
        return invalid.errors


def scan_folder(root: Path, rules: Sequence[Path], *, timeout_seconds: float = 600) -> bytes:
    """Return Semgrep's JSON report over a folder, its paths relative to it, with traces where the engine gives them.

    `rules` are files or folders of rules; suppression comments and `.semgrepignore` count, `.gitignore` does not.
    Raises RuleInvalid, EngineTimeout, EngineFailed or EngineMissing.
    """
    root = root.resolve()
    rules = [path.resolve() for path in rules]
    configs = [f"--config={path}" for path in rules]
    with scratch_folder() as scratch:
        outcome = None
        deadline = time.monotonic() + timeout_seconds
        for front_end, _ in FRONT_ENDS:
            outcome = run(
                ["scan", *front_end, f"--jobs={CORES}", *COMMON, "--dataflow-traces", *configs, "."],
                scratch=scratch,
                folder=root,
                readable=rules,
                timeout_seconds=max(deadline - time.monotonic(), 1),
                memory_bytes=FOLDER_MEMORY_BYTES,
                output_bytes=FOLDER_OUTPUT_BYTES,
            )
            report = read_report(outcome.output)
            if report and (report.results or not report.about_rules):
                return outcome.output
            if report:
                raise RuleInvalid(_rule_errors(report))
    raise EngineFailed(_last_words(outcome))


def parses(path: str, text: str) -> bool | None:
    """Say whether the engine can parse a whole file; None where its language has no parser here."""
    language = language_of(path)
    if language in WITHOUT_SYNTAX:
        return None
    _refuse_too_much(({path: text},), "")
    with scratch_folder() as scratch:
        # The suffix tells dialects apart (TSX, a header of C++).
        file = scratch / "files" / f"text{PurePosixPath(path).suffix}"
        file.write_bytes(text.encode())
        outcome = run(
            ["scan", FAST, "--dump-ast", f"--lang={language}", "--metrics=off", file.name],
            scratch=scratch,
            timeout_seconds=PARSE_SECONDS,
        )
    if outcome.exit_code == 0:
        return True
    if outcome.exit_code == SYNTAX_ERROR or PARSE_FAILURE.search(outcome.messages):
        return False
    return None


def version() -> str:
    """Return Semgrep's version, such as `1.182.0`. Raises EngineMissing, EngineTimeout or EngineFailed."""
    with scratch_folder() as scratch:
        outcome = run([FAST, "--version"], scratch=scratch, timeout_seconds=30)
    written = outcome.output.decode(errors="replace").strip()
    if outcome.exit_code or not written:
        raise EngineFailed(_last_words(outcome))
    return written.splitlines()[-1]


def _report(scratch: Path, names: list[str], *, timeout_seconds: float) -> Report:
    """The report of the fast front end; of the ordinary one where the fast one gives none."""
    deadline = time.monotonic() + timeout_seconds
    arguments = [
        "--jobs=1",
        *COMMON,
        "--disable-nosem",
        "--max-target-bytes=0",
        f"--timeout={math.ceil(min(timeout_seconds / 2, SECONDS_PER_RULE_AND_FILE))}",
        "--timeout-threshold=0",
        f"--config={scratch / 'rules.yaml'}",
        *names,
    ]
    outcome = None
    for front_end, memory_bytes in FRONT_ENDS:
        outcome = run(
            ["scan", *front_end, *arguments],
            scratch=scratch,
            timeout_seconds=max(deadline - time.monotonic(), 1),
            memory_bytes=memory_bytes,
        )
        report = read_report(outcome.output)
        if report is not None:
            return report
    raise EngineFailed(_last_words(outcome))


def _rule_errors(report: Report) -> tuple[RuleError, ...]:
    errors = report.about_rules
    # The ordinary front end closes with "1 configs were invalid", which names nothing.
    errors = [error for error in errors if error.name != UNNAMED_ERROR or len(errors) == 1]
    return tuple(RuleError(error.rule_id, error.text, _line_said(error)) for error in errors)


def _line_said(error: Complaint) -> int | None:
    lines = [span.get("start", {}).get("line") for span in error.spans]
    return next((line for line in lines if isinstance(line, int)), None)


def _raise_if_none_left(refused: tuple[RuleError, ...], rules_yaml: str) -> None:
    if not refused:
        return
    identifiers = {error.rule_id for error in refused}
    # An error without an id is about the text as a whole.
    if "" in identifiers or identifiers >= {rule.identifier for rule in written_rules(rules_yaml)}:
        raise RuleInvalid(refused)


def _refuse_too_much(versions: Sequence[Mapping[str, str]], rules_yaml: str) -> None:
    sizes = [len(text.encode(errors="replace")) for files in versions for text in files.values()]
    if len(sizes) > MOST_FILES:
        raise EngineRefused(f"The engine is given at most {MOST_FILES} files at once, not {len(sizes)}.")
    if max(sizes, default=0) > LARGEST_FILE_BYTES or sum(sizes) > LARGEST_TOTAL_BYTES:
        raise EngineRefused(f"The engine is given files of at most {LARGEST_FILE_BYTES // MEBIBYTE} MiB.")
    if len(rules_yaml.encode(errors="replace")) > LARGEST_RULES_BYTES:
        raise EngineRefused(f"The engine is given at most {LARGEST_RULES_BYTES // MEBIBYTE} MiB of rules.")
    for files in versions:
        for path in files:
            _refuse_escape(path)


def _refuse_escape(path: str) -> None:
    parts = path.split("/")
    outside = path.startswith("/") or ".." in parts or "\\" in path or "\0" in path
    if outside or not path.strip() or len(path) > LONGEST_PATH or "." in parts or "" in parts:
        raise EngineRefused(f"The path {path[:100]!r} does not stay inside the engine's folder.")


def _lay_out(files: Mapping[str, str], folder: Path) -> None:
    folder.mkdir()
    # An empty one of our own: without it Semgrep passes over tests, vendored and minified files.
    (folder / ".semgrepignore").touch()
    for path, text in files.items():
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode(errors="replace"))
        except OSError as error:
            raise EngineRefused(
                f"The path {path[:100]!r} cannot be written: {os.strerror(error.errno or 0)}."
            ) from None


def _last_words(outcome: Outcome | None) -> str:
    if outcome is None or not outcome.messages.strip():
        code = outcome.exit_code if outcome else "none"
        return f"The engine ended without an answer (exit code {code})."
    last = [line for line in outcome.messages.splitlines() if line.strip()][-3:]
    return f"The engine ended without an answer (exit code {outcome.exit_code}): {' '.join(last)[:500]}"
