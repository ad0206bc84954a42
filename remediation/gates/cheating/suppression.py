"""Fixes that silence the scanner instead of fixing the code."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath

from remediation.gates.cheating.comparison import Comparison

MARKERS = re.compile(
    r"\bnosem(?:grep)?\b|\bnoqa\b|\bnosec\b|\bnosonar\b|\bnolint\w*|\blgtm\b\s*\[|\bcodeql\s*\["
    r"|\beslint-disable\b[\w-]*|\b(?:jshint|tslint|jscs|stylelint|biome)[:-](?:ignore|disable)\b|\bstandard-disable\b"
    r"|@SuppressWarnings\b|@SuppressFBWarnings\b|@SuppressLint\b|@Suppress\s*\(|\bSuppressMessage\b"
    r"|#\s*pragma\s+(?:warning|clang|gcc)\b|\bpragma:\s*(?:allowlist|whitelist)\b"
    r"|\b(?:pylint|rubocop|flake8|ruff|mypy|bandit):\s*(?:disable|skip|ignore)|\bphpcs:(?:ignore|disable)"
    r"|@(?:phpstan|psalm)-(?:ignore|suppress)\b[\w-]*|\bphan-suppress\b"
    r"|\b(?:checkov|tfsec|trivy|terrascan|kics(?:-scan)?|bearer|snyk|devskim|skipcq|gitleaks|trufflehog|detekt)"
    r"\s*[:=]\s*(?:skip|ignore|disable|allow)|\bgitleaks:allow\b|\bfalse.?positive:\s*ignore|#\[allow\(",
    re.IGNORECASE,
)
SETTINGS_OF_SCANNERS = re.compile(
    r"(?:^|/)(?:\.semgrep(?:ignore|\.ya?ml)?|\.bandit|\.snyk|\.trivyignore|\.gitleaks(?:ignore|\.toml)"
    r"|\.eslint(?:ignore|rc[.\w]*)|eslint\.config\.\w+|\.checkov\.ya?ml|\.tfsec(?:/.*)?|\.rubocop\.yml|\.golangci\.ya?ml"
    r"|phpstan\.neon|psalm\.xml|sonar-project\.properties|\.flake8|\.pylintrc|codeql[\w-]*\.ya?ml|spotbugs[\w-]*\.xml"
    r"|\.semgrep/.*)$"
)


def adds_suppression(comparison: Comparison) -> str:
    """Tell of a mark, in a comment or an annotation, that makes a scanner look away."""
    before = Counter(mark.lower() for mark in MARKERS.findall(comparison.change.before))
    after = Counter(mark.lower() for mark in MARKERS.findall(comparison.change.after))
    added = after - before
    return f"it adds “{next(iter(added))}”, which silences the scanner" if added else ""


def configures_scanner(comparison: Comparison) -> str:
    """Tell of a change to a scanner's own settings."""
    path = PurePosixPath(comparison.change.path)
    return f"it changes the scanner's settings in {path.name}" if SETTINGS_OF_SCANNERS.search(str(path)) else ""
