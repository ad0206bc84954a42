"""Syntax trees of source files, by tree-sitter: parse, count errors. What a tree means for a finding is said elsewhere.

Each grammar is its own package, loaded on first use and kept; a language without one has no tree.
"""

from __future__ import annotations

import importlib
from functools import cache, lru_cache
from time import thread_time

from tree_sitter import Language, Node, Parser, Point, Tree

# Language id (see `lib.languages`) -> the grammars to try in turn, as (package, function that gives the grammar).
# Two, where one id covers two dialects: a `.ts` file may hold JSX, a `.h` file C++.
GRAMMARS = {
    "bash": [("tree_sitter_bash", "language")],
    "c": [("tree_sitter_c", "language"), ("tree_sitter_cpp", "language")],
    "cpp": [("tree_sitter_cpp", "language")],
    "csharp": [("tree_sitter_c_sharp", "language")],
    "go": [("tree_sitter_go", "language")],
    "html": [("tree_sitter_html", "language")],
    "java": [("tree_sitter_java", "language")],
    "javascript": [("tree_sitter_javascript", "language")],
    "json": [("tree_sitter_json", "language")],
    "kotlin": [("tree_sitter_kotlin", "language")],
    "php": [("tree_sitter_php", "language_php")],
    "python": [("tree_sitter_python", "language")],
    "ruby": [("tree_sitter_ruby", "language")],
    "rust": [("tree_sitter_rust", "language")],
    "scala": [("tree_sitter_scala", "language")],
    "swift": [("tree_sitter_swift", "language")],
    "terraform": [("tree_sitter_hcl", "language")],
    "tsx": [("tree_sitter_typescript", "language_tsx")],
    "typescript": [("tree_sitter_typescript", "language_typescript"), ("tree_sitter_typescript", "language_tsx")],
    "yaml": [("tree_sitter_yaml", "language")],
}

# A megabyte of one source file is generated or minified; parsing it tells nothing and takes seconds.
LONGEST_TEXT = 1_000_000

# Code is nested a few dozen levels deep. tree-sitter 0.26 walks up by recursion, and at some 10,000 levels that ends
# the process (measured: `Node.parent` of an empty node); nobody may end ours with a file.
DEEPEST_NESTING = 500

# Of the processor, not of the clock. Ordinary files take milliseconds; some grammars take time by the square of what
# they cannot read (measured: 200 kB of another language, 35 s in the one of bash).
LONGEST_PARSE_SECONDS = 2.0

CHUNK_BYTES = 4096

# The findings of a file are judged one soon after the other, and each asks for its tree more than once.
TREES_REMEMBERED = 32
LONGEST_TEXT_REMEMBERED = 50_000


@cache
def _grammar(package: str, function: str) -> Language:
    return Language(getattr(importlib.import_module(package), function)())


def parse(text: str, language: str) -> Tree | None:
    """Return the syntax tree of a text; None without a grammar, and for a text that is too long, too deep or too slow.

    Rows count from 0 and break at line feeds only; columns count bytes of UTF-8. Safe to call from many threads.
    """
    if len(text) > LONGEST_TEXT:
        return None
    if len(text) > LONGEST_TEXT_REMEMBERED:
        return _parse(text, language)
    tree = _remembered(text, language)
    return None if tree is None else tree.copy()  # one for each thread, as tree-sitter asks; only counts a reference


@lru_cache(maxsize=TREES_REMEMBERED)
def _remembered(text: str, language: str) -> Tree | None:
    return _parse(text, language)


def _parse(text: str, language: str) -> Tree | None:
    source = text.encode("utf-8", errors="replace")
    fewest_errors: tuple[int, Tree] | None = None
    for package, function in GRAMMARS.get(language, []):
        tree = _parsed(source, _grammar(package, function))
        if tree is None or _is_nested_absurdly(tree.root_node):
            return None
        if not tree.root_node.has_error:
            return tree
        errors = _errors(tree.root_node)
        if fewest_errors is None or errors < fewest_errors[0]:
            fewest_errors = errors, tree
    return fewest_errors[1] if fewest_errors else None


def error_count(text: str, language: str) -> int | None:
    """Count the places where a text breaks its grammar; None where it cannot be parsed (see `parse`)."""
    tree = parse(text, language)
    return None if tree is None else _errors(tree.root_node)


def _parsed(source: bytes, grammar: Language) -> Tree | None:
    started = thread_time()

    def chunk_at(offset: int, point: Point) -> bytes:
        return source[offset : offset + CHUNK_BYTES]

    def has_taken_too_long(offset: int, has_error: bool) -> bool:
        return thread_time() - started > LONGEST_PARSE_SECONDS

    try:
        # A parser is cheap, and not for two threads.
        return Parser(grammar).parse(chunk_at, progress_callback=has_taken_too_long)
    except ValueError:  # what tree-sitter raises when it was stopped
        return None


def _errors(node: Node) -> int:
    pending, count = [node], 0
    while pending:
        current = pending.pop()
        count += current.is_error or current.is_missing
        pending.extend(child for child in current.children if child.has_error)
    return max(count, int(node.has_error))  # what is missing may be a part that the grammar hides


def _is_nested_absurdly(root: Node) -> bool:
    """Tell whether a tree is deep, looking only at nodes with so many descendants that one of them could be."""
    level, depth = [root], 0
    while level and depth <= DEEPEST_NESTING:
        level = [child for node in level for child in node.children if child.descendant_count > DEEPEST_NESTING]
        depth += 1
    return bool(level)
