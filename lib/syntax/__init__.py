"""Syntax of source files: their lines, their trees by tree-sitter, and what a line stands in."""

from __future__ import annotations

from lib.syntax.lines import lines_of
from lib.syntax.scopes import Scope, ScopeKind, definition_of, dotted_name, enclosing_scope, enclosing_scopes, scopes_at
from lib.syntax.trees import error_count, parse

__all__ = [
    "Scope",
    "ScopeKind",
    "definition_of",
    "dotted_name",
    "enclosing_scope",
    "enclosing_scopes",
    "error_count",
    "lines_of",
    "parse",
    "scopes_at",
]
