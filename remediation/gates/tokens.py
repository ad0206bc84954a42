"""Source code as words, for comparing what a change takes away with what it brings: any language, no tree needed.

Text in quotes with values in it comes apart into its pieces joined by `+`, so that a concatenation, a template and a
formatted string of the same pieces look alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

HASH_COMMENTS = frozenset(
    {"python", "ruby", "php", "bash", "yaml", "terraform", "dockerfile", "r", "elixir", "powershell", "julia"}
)
SLASH_COMMENTS = frozenset(
    {"javascript", "typescript", "vue", "java", "go", "php", "csharp", "kotlin", "c", "cpp", "rust", "scala", "swift"}
    | {"terraform", "solidity", "dart", "apex", "proto", "hack", "jsonnet", "generic"}
)
DASH_COMMENTS = frozenset({"lua"})
MARKUP_COMMENTS = frozenset({"html", "xml", "vue", "generic"})
BACKTICK_IS_TEXT = frozenset({"javascript", "typescript", "vue", "go", "generic", "html"})
# Here a text may run over several lines in ordinary quotes.
LINES_IN_QUOTES = frozenset({"php", "ruby", "bash", "powershell"})
PHP_PART = re.compile(r"<\?(?:php|=)?.*?(?:\?>|\Z)", re.DOTALL)
# The quote that lets values in, and how they are written: language -> patterns of one value.
BRACED, DOLLAR_BRACED, HASH_BRACED = r"\{([^{}]*)\}", r"\$\{([^{}]*)\}", r"#\{([^{}]*)\}"
INTERPOLATION = {
    "javascript": ("`", DOLLAR_BRACED),
    "typescript": ("`", DOLLAR_BRACED),
    "vue": ("`", DOLLAR_BRACED),
    "ruby": ('"', HASH_BRACED),
    "kotlin": ('"', rf"{DOLLAR_BRACED}|\$(\w+)"),
    "php": ('"', r"\{(\$[^{}]*)\}|(\$\w+(?:->\w+|\[\w+\])?)"),
    "bash": ('"', r"\$\{([^{}]*)\}|\$(\w+)"),
    "terraform": ('"', DOLLAR_BRACED),
    "scala": ('"', r"\$\{([^{}]*)\}|\$(\w+)"),
}
REGEX_LITERAL = re.compile(r"/(?![/*\s])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
BEFORE_A_REGEX = frozenset("(,=:[!&|?{};+") | {"return", "typeof", "case"}
WORD = re.compile(r"[A-Za-z_$@][\w$]*|[^\W\d]\w*")
NUMBER = re.compile(r"\d[\w.]*")
TEXT = re.compile(
    r"(?P<prefix>(?:[rbfuRBFU]{1,2}|\$@?|@\$?|s)?)"
    r"(?P<quote>\"\"\"|'''|\"|'|`)"
)
TWO_SIGNS = re.compile(r"=>|->|::|\?\.|==|!=|<=|>=|&&|\|\||\+=|\.\.\.|:=")
LONGEST_SOURCE = 400_000


class Kind(StrEnum):
    """What a word of source code is."""

    NAME = "name"
    TEXT = "text"
    NUMBER = "number"
    SIGN = "sign"


@dataclass(frozen=True)
class Token:
    """One word of source code; a text is without its quotes, `line` counts from 1."""

    kind: Kind
    text: str
    line: int

    @property
    def key(self) -> tuple[Kind, str]:
        """What is compared."""
        return self.kind, self.text


@dataclass(frozen=True)
class Comment:
    """A comment as written, with its first line from 1."""

    text: str
    line: int


@dataclass(frozen=True)
class Source:
    """The words and the comments of a source file."""

    tokens: tuple[Token, ...]
    comments: tuple[Comment, ...]


def read(text: str, language: str) -> Source:
    """Return the words and comments of a text; of one over LONGEST_SOURCE characters only the beginning."""
    tokens: list[Token] = []
    comments: list[Comment] = []
    text = text[:LONGEST_SOURCE]
    if language == "php" and "<?" in text:
        text = _only_php(text)
    for piece in _pieces(text, language):
        if isinstance(piece, Comment):
            comments.append(piece)
        else:
            tokens.append(piece)
    return Source(tuple(tokens), tuple(comments))


def _pieces(text: str, language: str) -> Iterator[Token | Comment]:
    comment = _comment_pattern(language)
    position, line = 0, 1
    last = ""
    while position < len(text):
        character = text[position]
        if character.isspace():
            line += character == "\n"
            position += 1
            continue
        if found := comment.match(text, position):
            yield Comment(found[0], line)
        elif found := _text_at(text, position, language):
            yield from _text_tokens(found, line, language)
            last = "text"
        elif (
            character == "/" and (last in BEFORE_A_REGEX or not last) and (found := REGEX_LITERAL.match(text, position))
        ):
            yield Token(Kind.TEXT, found[0], line)
            last = "text"
        else:
            found = WORD.match(text, position) or NUMBER.match(text, position) or TWO_SIGNS.match(text, position)
            word = found[0] if found else character
            yield Token(_kind_of(word), word, line)
            last = word
        end = found.end() if found else position + 1
        line += text.count("\n", position, end)
        position = end


def _only_php(text: str) -> str:
    """Blank out the page around the code, keeping its lines: an apostrophe there opens no text."""
    kept, position = [], 0
    for part in PHP_PART.finditer(text):
        kept.append("\n" * text.count("\n", position, part.start()))
        # The marks end statements, and mean nothing else.
        kept.append(re.sub(r"^<\?(?:php|=)?|\?>$", ";", part[0]))
        position = part.end()
    return "".join(kept)


def _kind_of(word: str) -> Kind:
    if word[0].isdigit():
        return Kind.NUMBER
    return Kind.NAME if word[0].isalpha() or (word[0] in "_$@" and len(word) > 1) else Kind.SIGN


def _comment_pattern(language: str) -> re.Pattern[str]:
    kinds = []
    if language in HASH_COMMENTS:
        kinds.append(r"#[^\n]*")
    if language in SLASH_COMMENTS or not kinds:
        kinds.append(r"//[^\n]*|/\*.*?(?:\*/|\Z)")
    if language in DASH_COMMENTS:
        kinds.append(r"--[^\n]*")
    if language in MARKUP_COMMENTS:
        kinds.append(r"<!--.*?(?:-->|\Z)")
    return re.compile("|".join(kinds), re.DOTALL)


def _text_at(text: str, position: int, language: str) -> re.Match[str] | None:
    opened = TEXT.match(text, position)
    if not opened or (opened["quote"] == "`" and language not in BACKTICK_IS_TEXT):
        return None
    if language == "rust" and opened["quote"] == "'":
        return None  # a lifetime, or one character
    quote, prefix = opened["quote"], opened["prefix"].lower()
    is_long = quote in {'"""', "'''", "`"} or language in LINES_IN_QUOTES
    escapes = "" if "r" in prefix or "@" in prefix else r"\\.|"
    body = rf"(?:{escapes}(?!{quote}).)*" if is_long else rf"(?:{escapes}[^{quote}\\\n]|\\(?!\n))*"
    whole = re.compile(
        rf"(?P<prefix>{re.escape(opened['prefix'])}){quote}(?P<body>{body})(?:{quote}|\Z|(?=\n))", re.DOTALL
    )
    return whole.match(text, position)


def _text_tokens(found: re.Match[str], line: int, language: str) -> Iterator[Token]:
    body, prefix = found["body"], found["prefix"].lower()
    quote = found[0][len(found["prefix"]) : len(found["prefix"]) + 1]
    values = _values_in(prefix, quote, language)
    if values is None:
        yield Token(Kind.TEXT, body, line)
        return
    position = 0
    for value in re.finditer(values, body):
        here = line + body.count("\n", 0, value.start())
        if value.start() > position:
            yield Token(Kind.TEXT, body[position : value.start()], here)
            yield Token(Kind.SIGN, "+", here)
        inner = next((group for group in value.groups() if group is not None), "")
        # What follows a colon says how the value is written, not what it is.
        yield from (Token(token.kind, token.text, here) for token in read(inner.split(":")[0], language).tokens)
        position = value.end()
        if position < len(body):
            yield Token(Kind.SIGN, "+", here)
    if position < len(body) or not body:
        yield Token(Kind.TEXT, body[position:], line + body.count("\n", 0, position))


def _values_in(prefix: str, quote: str, language: str) -> str | None:
    if language == "python":
        return BRACED if "f" in prefix else None
    if language == "csharp":
        return BRACED if "$" in prefix else None
    quotes, values = INTERPOLATION.get(language, ("", None))
    return values if quote in quotes else None


@dataclass(frozen=True)
class Call:
    """A call by the path it is written with (`os.path.join`); `start` and `end` say which tokens it spans."""

    callee: str
    line: int
    start: int
    end: int

    @property
    def name(self) -> str:
        """The last part of the callee."""
        return self.callee.rsplit(".", 1)[-1]


JOINTS = frozenset({".", "->", "::", "?."})
NOT_CALLED = frozenset(
    {"if", "for", "while", "switch", "catch", "return", "elif", "and", "or", "not", "in", "foreach", "match", "when"}
    | {"function", "func", "fun", "fn", "with", "except", "await", "yield", "print_if", "unless", "lambda", "assert"}
)
DEFINE = frozenset({"def", "function", "func", "fun", "fn", "class"})


def calls_in(tokens: Sequence[Token]) -> tuple[Call, ...]:
    """Return the calls among some tokens, without definitions and control structures."""
    found = []
    for index, token in enumerate(tokens[:-1]):
        if token.kind is not Kind.NAME or token.text in NOT_CALLED or tokens[index + 1].text != "(":
            continue
        start = index
        while start > 1 and tokens[start - 1].text in JOINTS and tokens[start - 2].kind is Kind.NAME:
            start -= 2
        if start and tokens[start - 1].text in DEFINE:
            continue
        callee = ".".join(part.text for part in tokens[start : index + 1] if part.kind is Kind.NAME)
        found.append(Call(callee, token.line, start, closing(tokens, index + 1)))
    return tuple(found)


def closing(tokens: Sequence[Token], opening: int) -> int:
    """Return the index of the bracket that closes the one at `opening`, or the last index."""
    depth = 0
    for index in range(opening, len(tokens)):
        if tokens[index].kind is Kind.SIGN:
            depth += tokens[index].text in "([{"
            depth -= tokens[index].text in ")]}"
            if depth == 0:
                return index
    return len(tokens) - 1
