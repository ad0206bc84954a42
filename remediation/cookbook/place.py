"""Say where a finding stands in words that fit into a sentence: line, matched expression, surrounding function."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from findings.context import FindingContext, RuleContext, TraceStep

LONGEST_QUOTE = 60
LONGEST_LINE = 400  # of a line read for a function's name; a longer one is minified
TELLS_NOTHING = {"True", "False", "true", "false", "resource", "data", "provider"}
SECRET_WORDS = re.compile(r"secret|passw|credential|token|api[-_.]?key|private[-_.]?key|hard-?coded")

NOT_FUNCTIONS = {
    "if",
    "for",
    "foreach",
    "while",
    "switch",
    "catch",
    "return",
    "new",
    "else",
    "using",
    "lock",
    "synchronized",
    "in",
    "and",
    "or",
    "not",
    "with",
    "elif",
    "except",
    "unless",
    "until",
    "when",
    "match",
    "assert",
    "try",
}
FUNCTIONS = [
    re.compile(r"^\s*(?:async\s+)?def\s+(?:self\.)?(?P<name>\w+[?!]?)"),  # Python, Ruby
    re.compile(r"\bfunc\s+(?:\([^)]*\)\s*)?(?P<name>\w+)\s*[\[(]"),  # Go
    re.compile(
        r"\b(?:function|fun|fn)\b\s*(?:\*\s*)?(?:&\s*)?(?:<[^>]*>\s*)?(?:\w+\.)?(?P<name>\w+)\s*[(<]"
    ),  # JavaScript, PHP, Kotlin, Rust
    re.compile(
        r"\b(?:const|let|var)\s+(?P<name>\w+)\s*(?::[^=]+)?=\s*(?:async\b\s*)?(?:function\b|\([^)]*\)[^=]*=>|\w+\s*=>)"
    ),
    re.compile(r"^\s*(?:module\.)?(?:exports\.)?(?P<name>\w+)\s*[:=]\s*(?:async\b\s*)?(?:function\b|\([^)]*\)\s*=>)"),
    re.compile(r'^\s*(?:resource|data)\s+"(?P<kind>\w+)"\s+"(?P<name>\w+)"'),  # Terraform
    re.compile(
        r"^\s*(?:[\w<>\[\],.?*&:@]+\s+)*(?P<name>\w+)\s*\([^;{}=]*\)?[^;{}=]*[\w){>]\s*$"
    ),  # Java, C#, C, methods in a class
]


@dataclass(frozen=True)
class Place:
    """A line with what stands there and around it; its text is the subject of a sentence."""

    line: int
    is_long: bool = False
    path: str = ""
    expression: str = ""
    function: str = ""

    @classmethod
    def of_step(cls, step: TraceStep, *, home: str) -> Self:
        """Return the place of a trace's step, its path only where that is another file than `home`."""
        return cls(line=step.span.start_line, path="" if step.path == home else step.path)

    def __str__(self) -> str:
        start = f"line {self.line}" + (f" of `{_tail(self.path)}`" if self.path else "")
        if self.expression and self.function:
            start += f" (`{self.expression}` in `{self.function}`)"
        elif self.expression:
            start += f" (`{self.expression}`)"
        elif self.function:
            start += f" (in `{self.function}`)"
        return f"the code from {start}" if self.is_long else start


def place_of(context: FindingContext, *, quote: bool) -> Place:
    """Return where a finding stands; with `quote`, the matched expression where it is short enough for a sentence."""
    span = context.span
    if context.source is None or span.start_line > len(context.lines):
        return Place(line=span.start_line, path=context.path)
    return Place(
        line=span.start_line,
        is_long=span.end_line > span.start_line,
        expression=shorten(_matched_expression(context)) if quote else "",
        function=enclosing_function(context.lines, span.start_line),
    )


def names_a_secret(rule: RuleContext) -> bool:
    """Whether what the rule matches may itself be a secret, which no comment should repeat."""
    return "secrets" in rule.technology or bool(SECRET_WORDS.search(rule.identifier.lower()))


def shorten(code: str) -> str:
    """Return code as a short quotation, a long call by its name only, empty where neither says anything."""
    code = code.strip().rstrip(";")
    if not code or "`" in code or code in TELLS_NOTHING or code.endswith(("{", "[", "(")):
        return ""
    if len(code) <= LONGEST_QUOTE and code.count("(") == code.count(")"):
        return code
    call = re.match(r"[\w.$:\->\\]{1,50}\(", code)
    return f"{call[0]}…)" if call else ""


def enclosing_function(lines: list[str], line: int) -> str:
    """Return the name of the function around a line by indentation, empty at the top level."""
    limit = _indent(lines[line - 1])
    if name := _function_named_in(lines[line - 1], calls_count=False):
        return name
    for text in reversed(lines[: line - 1]):
        if not text.strip() or text.strip()[0] in ")]}{#*/" or _indent(text) >= limit:
            continue
        if name := _function_named_in(text, calls_count=True):
            return name
        limit = _indent(text)
    return ""


def _function_named_in(text: str, *, calls_count: bool) -> str:
    """Return the function a line begins; the last pattern fits calls too, so it counts for enclosing lines only."""
    for pattern in FUNCTIONS if calls_count else FUNCTIONS[:-1]:
        found = pattern.search(text[:LONGEST_LINE])
        if found and found["name"] not in NOT_FUNCTIONS and not found["name"].isdigit():
            groups = found.groupdict()
            name = f"{groups['kind']}.{found['name']}" if "kind" in groups else found["name"]
            return name if len(name) <= LONGEST_QUOTE else ""
    return ""


def _matched_expression(context: FindingContext) -> str:
    span = context.span
    first = context.lines[span.start_line - 1]
    return first[span.start_column - 1 : span.end_column - 1 if span.start_line == span.end_line else None]


def _indent(text: str) -> int:
    return len(text.expandtabs(4)) - len(text.expandtabs(4).lstrip())


def _tail(path: str) -> str:
    return path if len(path) <= LONGEST_QUOTE else "…" + path[-LONGEST_QUOTE:]
