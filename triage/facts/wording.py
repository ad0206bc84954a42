"""Reading matched code as words: identifiers without comments and texts, text literals, the names around a match."""

from __future__ import annotations

import re

from tree_sitter import Node

from findings.context import FindingContext
from lib import syntax

TEXT_LITERAL = re.compile(
    r"\"\"\".*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`", re.S
)
COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'\w])//[^\n]*|(?<![\w\"'&$])#(?![{!])[^\n]*", re.S)
IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
FUNCTION_NODE = re.compile(r"function|method|constructor|lambda|arrow|func_literal|closure")
STATEMENT_NODE = re.compile(r"statement$|declaration$|^assignment$|^field_declaration$|_definition$|^pair$|^return")
LONGEST_STATEMENT = 3000


def without_texts(code: str) -> str:
    """Return code without comments, each text literal replaced by an empty one."""
    kept = TEXT_LITERAL.sub(lambda found: found.group(0)[0] * 2, code)
    return COMMENT.sub(" ", kept)


def without_comments(code: str) -> str:
    """Return code without comments, text literals kept."""
    pieces: list[str] = []
    position = 0
    for found in TEXT_LITERAL.finditer(code):
        pieces.append(COMMENT.sub(" ", code[position : found.start()]))
        pieces.append(found.group(0))
        position = found.end()
    return "".join([*pieces, COMMENT.sub(" ", code[position:])])


def text_literals(code: str) -> list[str]:
    """Return the texts written out in a piece of code."""
    found = []
    for literal in TEXT_LITERAL.findall(without_comments(code)):
        width = 3 if literal[:3] in {'"""', "'''"} else 1
        found.append(literal[width:-width])
    return found


def identifiers(code: str) -> list[str]:
    """Return the names in a piece of code."""
    return IDENTIFIER.findall(without_texts(code))


def words_of(name: str) -> tuple[str, ...]:
    """Return the words that a name is made of, in lower case: `resetTokenURL` is reset, token, url."""
    return tuple(word.lower() for word in WORD.findall(name))


def matched_code(context: FindingContext) -> str:
    """Return exactly the matched code, without the rest of its lines."""
    lines = context.lines[context.span.start_line - 1 : context.span.end_line]
    if not lines:
        return ""
    lines[-1] = lines[-1][: max(context.span.end_column - 1, 0)]
    lines[0] = lines[0][max(context.span.start_column - 1, 0) :]
    return "\n".join(lines)


class Surroundings:
    """The statement and the function around a match, by the file's syntax tree where it has one."""

    def __init__(self, context: FindingContext) -> None:
        self.context = context
        self.source = (context.source or "").encode("utf-8", errors="replace")
        tree = syntax.parse(context.source, context.language) if context.source is not None else None
        self.node = self._node(tree.root_node) if tree is not None else None

    def _node(self, root: Node) -> Node | None:
        span, lines = self.context.span, self.context.lines
        if span.end_line > len(lines):
            return None
        start = (span.start_line - 1, _bytes_before(lines[span.start_line - 1], span.start_column))
        end = (span.end_line - 1, _bytes_before(lines[span.end_line - 1], span.end_column))
        return root.descendant_for_point_range(start, end)

    @property
    def statement(self) -> str:
        """The whole statement that the match is part of, or the matched lines where that is not known."""
        node = self.node
        while node is not None and not STATEMENT_NODE.search(node.type):
            node = node.parent
        if node is None or node.end_byte - node.start_byte > LONGEST_STATEMENT or FUNCTION_NODE.search(node.type):
            return self.context.matched_text
        if node.parent is not None and node.parent.type == "expression_statement":
            node = node.parent
        return self.source[node.start_byte : node.end_byte].decode("utf-8", errors="replace")

    @property
    def function_node(self) -> Node | None:
        """The innermost function around the match."""
        node = self.node
        while node is not None and not (
            FUNCTION_NODE.search(node.type) and node.child_by_field_name("body") is not None
        ):
            node = node.parent
        return node

    @property
    def function_name(self) -> str:
        """The name of the innermost function around the match."""
        node = self.function_node
        name = node.child_by_field_name("name") if node is not None else None
        return name.text.decode("utf-8", errors="replace") if name is not None and name.text is not None else ""

    @property
    def conditions(self) -> list[tuple[int, str]]:
        """The conditions under which the match stands, innermost first, each with its line."""
        found: list[tuple[int, str]] = []
        node = self.node
        while node is not None and node.parent is not None:
            parent = node.parent
            if parent.type in {"if_statement", "elif_clause", "if", "if_expression"}:
                condition = parent.child_by_field_name("condition")
                consequence = parent.child_by_field_name("consequence") or parent.child_by_field_name("body")
                if condition is not None and consequence is not None and consequence.id == node.id:
                    text = self.source[condition.start_byte : condition.end_byte].decode("utf-8", errors="replace")
                    found.append((condition.start_point[0] + 1, text))
            node = parent
        return found

    def code_before(self) -> tuple[int, list[str]]:
        """Return the first line's number of the function, or of the file, and the lines from there to the match."""
        node = self.function_node
        first = node.start_point[0] + 1 if node is not None else 1
        return first, self.context.lines[first - 1 : self.context.span.start_line - 1]


def _bytes_before(line: str, column: int) -> int:
    return len(line[: max(column - 1, 0)].encode("utf-8", errors="replace"))
