"""SARIF 2.1.0, from Semgrep and from other scanners."""

from __future__ import annotations

from findings.ingest.sarif.report import SarifReport

__all__ = ["SarifReport"]
