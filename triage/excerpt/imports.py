"""What a file imports, and which of it a piece of code uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tree_sitter import Tree

from triage.excerpt.words import words_of

# Node types of the pinned grammars.
IMPORTS = {
    "future_import_statement",
    "import",
    "import_declaration",
    "import_from_statement",
    "import_header",
    "import_list",
    "import_statement",
    "namespace_use_declaration",
    "preproc_include",
    "use_declaration",
    "using_directive",
}

# For imports inside a `try` or `#ifdef`, and for files without a tree.
IMPORT_LINE = re.compile(
    r"""\s*( (from\s+[\w.]+\s+)?import\s+[\w.*{("'<] | using\s+[\w.]+; | use\s+[\w\\:]+ | \#\s*include\b )""",
    re.VERBOSE,
)

# For languages whose imports are ordinary calls.
IMPORT_CALL = {
    "bash": re.compile(r"\s*(source|\.)\s+\S"),
    "javascript": re.compile(r"\s*(const|let|var)\s[^=]{1,200}=\s*(await\s+)?(require|import)\("),
    "php": re.compile(r"\s*(require|include)(_once)?\b\s*[('\"$\w]"),
    "ruby": re.compile(r"\s*(require|require_relative|load|autoload)[\s(]+[:'\"]"),
    "typescript": re.compile(r"\s*(const|let|var)\s[^=]{1,200}=\s*(await\s+)?(require|import)\("),
}

LONGEST_IMPORT_LINE = 300
LAST_LINE_SEARCHED = 2000

# Unused imports still tell the framework, but a few do.
MOST_LINES_WITH_UNUSED = 6

GRAMMAR_WORDS = {
    "as",
    "const",
    "from",
    "import",
    "include",
    "let",
    "package",
    "require",
    "static",
    "use",
    "using",
    "var",
}


def imports_of(tree: Tree | None, language: str, lines: Sequence[str]) -> list[range]:
    """Return the line numbers of each import of a file, in order."""
    found = list(_by_tree(tree)) if tree else []
    covered = {number for statement in found for number in statement}
    found.extend(range(number, number + 1) for number in _by_pattern(language, lines) if number not in covered)
    return sorted((statement for statement in found if statement[-1] <= len(lines)), key=lambda statement: statement[0])


def most_useful(imports: Iterable[range], lines: Sequence[str], *, code: str, max_lines: int) -> list[int]:
    """Return the line numbers of as many imports as fit, in order, choosing first those whose words the code uses."""
    words = words_of(code)

    def is_unused(statement: range) -> bool:
        imported = words_of("\n".join(lines[number - 1] for number in statement)) - GRAMMAR_WORDS
        return not imported & words

    chosen: list[int] = []
    for statement in sorted(imports, key=is_unused):
        room = min(max_lines, MOST_LINES_WITH_UNUSED) if is_unused(statement) else max_lines
        if len(chosen) + len(statement) <= room:
            chosen.extend(statement)
    return sorted(chosen)


def _by_pattern(language: str, lines: Sequence[str]) -> Iterator[int]:
    call = IMPORT_CALL.get(language, IMPORT_LINE)
    for number, line in enumerate(lines[:LAST_LINE_SEARCHED], 1):
        if len(line) <= LONGEST_IMPORT_LINE and (IMPORT_LINE.match(line) or call.match(line)):
            yield number


def _by_tree(tree: Tree) -> Iterator[range]:
    for node in tree.root_node.named_children:
        if node.type in IMPORTS:
            end = node.end_point
            last_row = end.row - 1 if end.column == 0 and end.row > node.start_point.row else end.row
            yield range(node.start_point.row + 1, last_row + 2)
