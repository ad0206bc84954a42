"""What the command line asks for, checked before anything is started."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from rules.engine import EngineError, RuleInvalid, scan_folder
from rules.engine.files import one_file
from rules.engine.rule_text import Unreadable, written_rules

YAML_SUFFIXES = {".yaml", ".yml"}
# Built-in computes, and the engine that proves fixes computes too; a model is waited for.
THREADS_BUILT_IN = os.cpu_count() or 1
THREADS_MODEL = 8


class InputError(Exception):
    """What was asked for cannot be done; the text says what to change."""


class Provider(StrEnum):
    """Who judges: the deterministic parts alone, or the model behind OPENAI_API_KEY."""

    BUILT_IN = "builtin"
    OPENAI = "openai"


class FailOn(StrEnum):
    """Which findings make the command end with exit code 1; each level includes those before it."""

    NEVER = "never"
    FIX = "fix"
    UNSURE = "unsure"
    ANY = "any"


@dataclass(frozen=True)
class Request:
    """One analysis: a folder, where its report comes from, the rules' files, and who judges with how many threads."""

    repo: Path
    report: Path | None
    rule_files: tuple[Path, ...]
    provider: Provider
    threads: int
    patience_seconds: float

    def rules_yaml(self) -> str:
        """Return all the rules as one file, empty where none were given. Raises InputError."""
        if not self.rule_files:
            return ""
        try:
            return one_file(_text_of(path) for path in self.rule_files)
        except Unreadable as error:
            raise InputError(f"--rules: {error}") from error

    def open_report(self) -> BinaryIO:
        """Return the report, made here and now by the engine where none was given. Raises InputError."""
        if self.report is not None:
            return self.report.open("rb")
        try:
            return io.BytesIO(scan_folder(self.repo, self.rule_files))
        except RuleInvalid as error:
            raise InputError(f"--rules: Semgrep cannot run them: {error}") from error
        except EngineError as error:
            raise InputError(f"Semgrep could not scan {self.repo}: {error}") from error


def request_from(options: Mapping[str, object]) -> Request:
    """Read the command's options. Raises InputError."""
    repo = Path(str(options["repo"])).expanduser()
    if not repo.is_dir():
        raise InputError(f"--repo {repo}: there is no such folder. Give the folder that was scanned.")
    report = Path(str(options["report"])).expanduser() if options["report"] else None
    if report is not None and not (report.is_file() and os.access(report, os.R_OK)):
        raise InputError(f"--report {report}: there is no such file, or it may not be read.")
    rule_files = _rule_files(Path(str(options["rules"])).expanduser()) if options["rules"] else ()
    if report is None and not rule_files:
        raise InputError("--semgrep needs --rules: give a file of rules, or a folder with some.")
    provider = Provider(str(options["provider"]))
    if provider is Provider.OPENAI and not settings.OPENAI_API_KEY:
        raise InputError(
            "--provider openai needs OPENAI_API_KEY in the environment (and OPENAI_BASE_URL for a compatible server)."
        )
    return Request(
        repo=repo.resolve(),
        report=report,
        rule_files=rule_files,
        provider=provider,
        threads=_threads(options["jobs"], provider),
        patience_seconds=float(str(options["wait"])),
    )


def _threads(wanted: object, provider: Provider) -> int:
    if wanted is None:
        return THREADS_BUILT_IN if provider is Provider.BUILT_IN else THREADS_MODEL
    threads = int(str(wanted))
    if threads < 1:
        raise InputError("--jobs: give a number from 1 up.")
    return threads


def _rule_files(place: Path) -> tuple[Path, ...]:
    """Return the file, or those files of a folder that hold rules: beside rules there often lie tests and workflows."""
    if not place.exists():
        raise InputError(f"--rules {place}: there is no such file or folder.")
    if place.is_file():
        return (place.resolve(),)
    below = sorted(path for path in place.rglob("*") if path.suffix in YAML_SUFFIXES and path.is_file())
    found = tuple(path.resolve() for path in below if _holds_rules(path))
    if not found:
        raise InputError(f"--rules {place}: no YAML file below it holds Semgrep rules.")
    return found


def _holds_rules(path: Path) -> bool:
    try:
        return bool(written_rules(_text_of(path)))
    except Unreadable:
        return False


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
