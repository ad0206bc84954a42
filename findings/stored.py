"""How the parts of a finding that are lists stand in its JSON columns."""

from __future__ import annotations

from typing import Any

from findings.context import Span, TraceRole, TraceStep


def step_as_json(step: TraceStep) -> dict[str, Any]:
    """Return a dataflow step as it is stored."""
    return {
        "role": step.role.value,
        "path": step.path,
        "start_line": step.span.start_line,
        "start_column": step.span.start_column,
        "end_line": step.span.end_line,
        "end_column": step.span.end_column,
        "text": step.text,
    }


def step_from_json(stored: dict[str, Any]) -> TraceStep:
    """Return a stored dataflow step."""
    return TraceStep(
        role=TraceRole(stored["role"]),
        path=stored["path"],
        span=Span(stored["start_line"], stored["start_column"], stored["end_line"], stored["end_column"]),
        text=stored["text"],
    )
