"""What a change takes away and what it brings, word by word: the ground on which every check of this folder stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from findings.context import FindingContext
from lib import syntax
from lib.syntax.scopes import FUNCTIONS
from remediation.gates.patching import FileChange
from remediation.gates.tokens import Call, Kind, Source, Token, calls_in, closing, read

# Calls that say something instead of doing it: never a replacement for what did it.
ONLY_TALK = frozenset(
    {"print", "println", "printf", "puts", "echo", "log", "debug", "info", "warn", "warning", "error", "trace", "fatal"}
    | {"exception", "critical", "dump", "var_dump", "print_r", "pprint", "notice", "writeline", "console"}
)
GIVE_UP = frozenset({"raise", "throw", "panic", "abort", "die", "exit"})
BLOCKS = frozenset({"block", "statement_list", "body_statement", "statements", "function_body", "compound_statement"})

Words = Counter[tuple[Kind, str]]


@dataclass(frozen=True)
class Function:
    """A named function and its statements as written; lines count from 1."""

    name: str
    start_line: int
    end_line: int
    statements: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """One changed file of a fix, seen against the finding."""

    context: FindingContext
    change: FileChange

    @property
    def language(self) -> str:
        """Semgrep's id of the file's language."""
        return self.change.language

    @cached_property
    def before(self) -> Source:
        """The file before, as words."""
        return read(self.change.before, self.language)

    @cached_property
    def after(self) -> Source:
        """The file after, as words."""
        return read(self.change.after, self.language)

    @cached_property
    def gone(self) -> Words:
        """The words that the file has fewer of than before."""
        return _counted(self.before.tokens) - _counted(self.after.tokens)

    @cached_property
    def new(self) -> Words:
        """The words that the file has more of than before."""
        return _counted(self.after.tokens) - _counted(self.before.tokens)

    @cached_property
    def removed_tokens(self) -> tuple[Token, ...]:
        """The words on lines that stand only in the file before."""
        return tuple(token for token in self.before.tokens if token.line in self.change.removed)

    @cached_property
    def added_tokens(self) -> tuple[Token, ...]:
        """The words on lines that stand only in the file after."""
        return tuple(token for token in self.after.tokens if token.line in self.change.added)

    @cached_property
    def calls_before(self) -> tuple[Call, ...]:
        """Every call of the file before."""
        return calls_in(self.before.tokens)

    @cached_property
    def calls_after(self) -> tuple[Call, ...]:
        """Every call of the file after."""
        return calls_in(self.after.tokens)

    @cached_property
    def calls_gone(self) -> tuple[Call, ...]:
        """The calls on removed lines of which the file has fewer than before."""
        fewer = Counter(call.callee for call in self.calls_before)
        fewer.subtract(call.callee for call in self.calls_after)
        return tuple(call for call in self.calls_before if fewer[call.callee] > 0 and call.line in self.change.removed)

    @cached_property
    def callees_new(self) -> Counter[str]:
        """The callees that the file calls more often than before."""
        return Counter(call.callee for call in self.calls_after) - Counter(call.callee for call in self.calls_before)

    @cached_property
    def matched_lines(self) -> range:
        """The lines the rule matched; empty in other files."""
        span = self.context.span
        is_own = self.change.path == self.context.path
        return range(span.start_line, span.end_line + 1) if is_own else range(0)

    @cached_property
    def sinks(self) -> tuple[Call, ...]:
        """The calls that the finding is about: those on the matched lines, else those on the removed ones."""
        matched = tuple(call for call in self.calls_before if call.line in self.matched_lines)
        return matched or tuple(call for call in self.calls_before if call.line in self.change.removed)

    @cached_property
    def doing_tokens(self) -> tuple[Token, ...]:
        """The added words, less those that only talk or give up: log calls, exceptions."""
        tokens = self.after.tokens
        silent: set[int] = set()
        for call in self.calls_after:
            if call.name.lower() in ONLY_TALK or call.callee.split(".")[0].lower() in ONLY_TALK:
                silent.update(range(call.start, call.end + 1))
        for index, token in enumerate(tokens):
            if token.text in GIVE_UP:
                silent.update(_rest_of_statement(tokens, index))
        return tuple(
            token for index, token in enumerate(tokens) if token.line in self.change.added and index not in silent
        )

    @cached_property
    def functions_before(self) -> tuple[Function, ...]:
        """The named functions of the file before."""
        return tuple(_functions(self.change.before, self.language))

    @cached_property
    def functions_after(self) -> tuple[Function, ...]:
        """The named functions of the file after."""
        return tuple(_functions(self.change.after, self.language))

    def arguments_of(self, call: Call) -> tuple[Token, ...]:
        """Return the words between the brackets of a call of the file before."""
        tokens = self.before.tokens[call.start : call.end]
        opening = next((index for index, token in enumerate(tokens) if token.text == "("), len(tokens))
        return tokens[opening + 1 :]


def _counted(tokens: Sequence[Token]) -> Words:
    return Counter(token.key for token in tokens)


def _rest_of_statement(tokens: Sequence[Token], start: int) -> range:
    """From a word to the end of its line, or of the brackets it opens there."""
    end = start
    while end + 1 < len(tokens) and tokens[end + 1].line == tokens[start].line:
        end += 1
        if tokens[end].text == "(":
            end = closing(tokens, end)
    return range(start, end + 1)


def _functions(text: str, language: str) -> Iterator[Function]:
    tree = syntax.parse(text, language)
    pending = [tree.root_node] if tree else []
    while pending:
        node = pending.pop()
        pending.extend(reversed(node.named_children))
        name = node.child_by_field_name("name")
        if node.type in FUNCTIONS.get(language, ()) and name is not None:
            body = node.child_by_field_name("body")
            yield Function(
                name=_text(name),
                start_line=node.start_point.row + 1,
                end_line=node.end_point.row + 1,
                statements=tuple(_statements(body)) if body else (),
            )


def _statements(body: Node) -> Iterator[str]:
    for child in body.named_children:
        if child.type in BLOCKS:
            yield from _statements(child)
        elif "comment" not in child.type:
            yield _text(child)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", errors="replace")
