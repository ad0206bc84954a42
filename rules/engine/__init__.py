"""The real Semgrep engine, bounded in time, memory, files and output, without a network."""

from __future__ import annotations

from rules.engine.errors import (
    EngineError,
    EngineFailed,
    EngineMissing,
    EngineRefused,
    EngineTimeout,
    RuleError,
    RuleInvalid,
)
from rules.engine.report import EngineResult, Match
from rules.engine.rule_text import rule_yaml_for
from rules.engine.scanning import parses, scan, scan_folder, scan_versions, validate, version

__all__ = [
    "EngineError",
    "EngineFailed",
    "EngineMissing",
    "EngineRefused",
    "EngineResult",
    "EngineTimeout",
    "Match",
    "RuleError",
    "RuleInvalid",
    "parses",
    "rule_yaml_for",
    "scan",
    "scan_folder",
    "scan_versions",
    "validate",
    "version",
]
