"""Syntax of source files by tree-sitter: their trees, their errors, and what a line stands in. Knows nothing of findings."""

from __future__ import annotations

from lib.syntax.lines import lines_of
from lib.syntax.scopes import Scope, ScopeKind, definition_of, enclosing_scope, enclosing_scopes, scopes_at
from lib.syntax.trees import error_count, parse

__all__ = [
    "Scope",
    "ScopeKind",
    "definition_of",
    "enclosing_scope",
    "enclosing_scopes",
    "error_count",
    "lines_of",
    "parse",
    "scopes_at",
]
