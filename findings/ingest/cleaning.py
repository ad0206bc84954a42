"""Make what a report says safe to keep: texts within limits, paths inside the repository, known words."""

# ruff: noqa: PLC0414  (what rules say as well lives in lib; parsers find it here with the rest)
from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any

from findings.context import Span, TraceStep
from findings.ingest.base import Product, ResultUnusable, Severity
from lib.rule_words import MAX_ENTRIES as MAX_ENTRIES
from lib.rule_words import MAX_WORD as MAX_WORD
from lib.rule_words import confidence_of as confidence_of
from lib.rule_words import cwe_in as cwe_in
from lib.rule_words import owasp_in as owasp_in
from lib.rule_words import text_of as text_of
from lib.rule_words import texts_of as texts_of

MAX_IDENTIFIER = 500
MAX_PATH = 1_000
MAX_MESSAGE = 10_000
MAX_CODE = 20_000
MAX_STEP_TEXT = 1_000
MAX_TRACE_STEPS = 100
MAX_TERM = 60  # a category, a technology, a version
MAX_SCANNER_FINGERPRINT = 300
MAX_LINK = 1_000
MAX_JUSTIFICATION = 3_000

MAX_LINE = 10_000_000
END_OF_LINE = (
    2**31 - 1
)  # an end column where the report gives none; also the largest number a column of the database holds

CRITICAL_SCORE, HIGH_SCORE, MEDIUM_SCORE = 9.0, 7.0, 4.0
MAX_SCORE = 10.0

SEVERITY_OF_WORD = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "error": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "warning": Severity.MEDIUM,
    "low": Severity.LOW,
    "info": Severity.LOW,
    "note": Severity.LOW,
    "none": Severity.LOW,
    "inventory": Severity.LOW,
    "experiment": Severity.LOW,
}

WITHHELD = "requires login"  # what Semgrep writes for code and fingerprint to a user who is not signed in

_NOT_IN_PATHS = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def code_of(value: object, *, limit: int = MAX_CODE) -> str:
    """Return code as `text_of` does; empty where Semgrep withheld it."""
    text = text_of(value, limit=limit)
    return "" if text == WITHHELD else text


def mapping_of(value: object) -> Mapping[str, Any]:
    """Return an object of JSON, empty for anything else."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """Return a list of JSON, empty for anything else."""
    return value if isinstance(value, list) else []


def identifier_of(value: object) -> str:
    """Return a rule's identifier as reported. Raise `ResultUnusable` where there is none, or one too long to keep."""
    identifier = text_of(value, limit=MAX_IDENTIFIER + 1).strip()
    if not identifier:
        raise ResultUnusable("it names no rule")
    if len(identifier) > MAX_IDENTIFIER:
        raise ResultUnusable(f"its rule's name is longer than {MAX_IDENTIFIER} characters")
    return identifier


def path_of(value: object) -> str:
    """Return a path as POSIX, relative to the repository. Raise `ResultUnusable` where it is not inside."""
    if not isinstance(value, str) or not value.strip():
        raise ResultUnusable("it names no file")
    if _NOT_IN_PATHS.search(value):
        raise ResultUnusable("its path holds characters that no path has")
    if value.startswith(("/", "\\")) or _DRIVE.match(value):
        raise ResultUnusable(
            f"its path is absolute ({value[:80]}); scan from inside the repository and name the folder relatively"
        )
    path = posixpath.normpath(value.replace("\\", "/"))
    if path == ".." or path.startswith("../"):
        raise ResultUnusable(f"its path leaves the repository ({value[:80]})")
    if path == ".":
        raise ResultUnusable("it names no file")
    if len(path) > MAX_PATH:
        raise ResultUnusable(f"its path is longer than {MAX_PATH} characters")
    return path


def path_or_none(value: object) -> str:
    """Return a path as `path_of` does, empty where it is not inside the repository."""
    try:
        return path_of(value)
    except ResultUnusable:
        return ""


def span_of(*, start_line: object, start_column: object, end_line: object, end_column: object) -> Span:
    """Return a range with its ends in order. Raise `ResultUnusable` where the first line is no line number."""
    first = _whole(start_line)
    if first is None or first > MAX_LINE:
        raise ResultUnusable("its line is missing or no line number")
    first = max(first, 1)
    column = _column(start_column, otherwise=1)
    last = _whole(end_line)
    last = first if last is None or last > MAX_LINE else max(first, last)
    end = _column(end_column, otherwise=END_OF_LINE)
    return Span(first, column, last, max(end, column) if last == first else end)


def severity_of(word: object) -> Severity | None:
    """Return the severity that a scanner's word means, None for an unknown one."""
    return SEVERITY_OF_WORD.get(word.strip().lower()) if isinstance(word, str) else None


def severity_of_score(score: object) -> Severity | None:
    """Return the severity of a CVSS-like score from 0 to 10, a text or a number; None for anything else."""
    if isinstance(score, bool) or not isinstance(score, str | int | float):
        return None
    try:
        number = float(score)
    except (ValueError, OverflowError):
        return None
    if not 0 <= number <= MAX_SCORE:
        return None
    if number >= CRITICAL_SCORE:
        return Severity.CRITICAL
    if number >= HIGH_SCORE:
        return Severity.HIGH
    return Severity.MEDIUM if number >= MEDIUM_SCORE else Severity.LOW


def within_limit(steps: list[TraceStep]) -> tuple[TraceStep, ...]:
    """Return a trace with its middle left out where it is too long: source and sink are what a reader needs."""
    if len(steps) <= MAX_TRACE_STEPS:
        return tuple(steps)
    half = MAX_TRACE_STEPS // 2
    return (*steps[:half], *steps[-half:])


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == value // 1 and abs(value) <= END_OF_LINE else None


def _column(value: object, *, otherwise: int) -> int:
    number = _whole(value)
    return otherwise if number is None else max(number, 1)


_VULNERABILITY = re.compile(
    r"(CVE-\d{4}-|GHSA-|PYSEC-|RUSTSEC-|OSV-|MAL-|GO-\d{4}-|GMS-\d{4}-|SNYK-|ssc-|(DSA|DLA|USN|RHSA|ELSA|ALAS\d?)-\d)",
    re.IGNORECASE,
)
# Scanners of dependencies only. Trivy and Checkov look at other things too, and tell them apart by rule and tag.
_DEPENDENCY_SCANNERS = ("grype", "osv-scanner", "govulncheck", "pip-audit", "npm-audit", "dependency-check")
_SECRET_SCANNERS = ("gitleaks", "trufflehog", "detect-secrets", "ggshield", "gitguardian", "noseyparker", "kingfisher")


def product_of(*, tool: str, rule: str, tags: Iterable[str]) -> Product:
    """Return the kind of scanner behind a finding: a dependency's advisory, a secret, or else code."""
    if _VULNERABILITY.match(rule):
        return Product.SUPPLY_CHAIN
    if tool.lower().startswith(_DEPENDENCY_SCANNERS):
        return Product.SUPPLY_CHAIN
    if rule.startswith("CKV_SECRET_"):
        return Product.SECRETS
    if tool.lower().startswith(_SECRET_SCANNERS) or not {"secret", "secrets"}.isdisjoint(tags):
        return Product.SECRETS
    return Product.CODE
