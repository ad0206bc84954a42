"""A finding with all that was found out about it, free of the database: what every export is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from findings.context import Span, TraceStep


@dataclass(frozen=True)
class ExportedRule:
    """The rule behind findings; `severity` is low, medium, high or critical."""

    identifier: str
    message: str
    severity: str
    cwe: tuple[str, ...] = ()
    owasp: tuple[str, ...] = ()
    category: str = ""
    help_uri: str = ""

    @property
    def name(self) -> str:
        """The last part of the identifier, which is what people call the rule."""
        return self.identifier.rsplit(".", 1)[-1]


@dataclass(frozen=True)
class ExportedTriage:
    """What people, or a suppression in code or report, decided; `ignore_reason` in words."""

    state: str = "open"
    source: str = ""
    ignore_reason: str = ""
    comment: str = ""

    @property
    def is_ignored(self) -> bool:
        """Whether nobody has to deal with the finding."""
        return self.state == "ignored"


@dataclass(frozen=True)
class ExportedVerdict:
    """The Assistant's view; evidence and facts as they are stored. `model` is empty for Built-in."""

    value: str
    recommendation: str
    confidence: str
    explanation: str
    evidence: tuple[dict[str, Any], ...] = ()
    facts: tuple[dict[str, Any], ...] = ()
    lowered_because: str = ""
    source: str = "built_in"
    model: str = ""


@dataclass(frozen=True)
class ExportedGuidance:
    """How to fix it, step by step; each step has `text` and `code`, which may be empty."""

    summary: str
    steps: tuple[dict[str, str], ...] = ()
    source: str = "built_in"
    model: str = ""


@dataclass(frozen=True)
class ExportedFix:
    """A fix that people may see, with the checklist of its gates; `diff` is what `git apply` takes."""

    diff: str
    confidence: str
    explanation: str
    is_verified: bool
    gates: tuple[dict[str, str], ...] = ()
    source: str = "built_in"
    model: str = ""


@dataclass(frozen=True)
class ExportedFinding:
    """One finding. `not_analysed` is why there is no verdict (a key, and words); `no_fix` why there is no fix."""

    fingerprint: str
    rule: ExportedRule
    path: str
    span: Span
    severity: str
    message: str
    matched_lines: str = ""
    is_present: bool = True
    is_removed: bool = False
    triage: ExportedTriage = field(default_factory=ExportedTriage)
    verdict: ExportedVerdict | None = None
    not_analysed: str = ""
    not_analysed_reason: str = ""
    component_tag: str = ""
    component_risk: str = ""
    guidance: ExportedGuidance | None = None
    fix: ExportedFix | None = None
    no_fix: str = ""
    rule_fix: str = ""
    scanner_fingerprint: str = ""
    trace: tuple[TraceStep, ...] = ()

    @property
    def place(self) -> str:
        """Where it stands, as editors and terminals link it."""
        return f"{self.path}:{self.span.start_line}"
