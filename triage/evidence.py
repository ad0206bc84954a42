"""Does each quoted line stand where the answer says, and what becomes of an answer whose quotes do not?"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import PurePosixPath

from tree_sitter import Node, Tree

from findings.context import FindingContext
from lib.languages import language_of
from lib.syntax import lines_of, parse
from lib.text import printable
from triage.answers import Confidence, EvidenceRole, Quote, Verdict, VerdictAnswer

# Roles that can show why a match does no harm. A sink alone only shows that the match is there.
BLOCKING_ROLES = {EvidenceRole.SANITIZER, EvidenceRole.GUARD, EvidenceRole.CONTEXT, EvidenceRole.SOURCE}

# Fewer letters and digits than this stand in any file.
SHORTEST_QUOTE = 3

LONGEST_EXPLANATION = 1200

# How an excerpt numbers its lines (see `triage.excerpt`); a model may copy the number with the line.
LINE_NUMBER = re.compile(r"^>?\s*\d+ \|[ \t]?")

# What is taken for a comment in a file without a syntax tree.
COMMENT = re.compile(r"(?:^|\s)(?:#|//|/\*|<!--|--\s).*")
COMMENT_NODES = {"comment", "line_comment", "block_comment", "multiline_comment", "html_comment", "doc_comment"}

# Named lines may be this much more than the quote needs before it matters which of several places was meant.
MOST_LINES_AROUND_QUOTE = 10


@dataclass(frozen=True)
class CheckedQuote:
    """A quote after it was looked up; its lines are those where it stands, `moved` if the answer named others.

    `problem` says why it does not hold, and is empty where it does. A quote that is only a comment holds, but a
    comment is a claim and proves nothing.
    """

    quote: Quote
    holds: bool
    problem: str = ""
    moved: bool = False
    is_comment: bool = False

    @property
    def can_block(self) -> bool:
        """Whether it can show that a match does no harm."""
        return self.holds and not self.is_comment and self.quote.role in BLOCKING_ROLES


def check(quotes: Sequence[Quote], context: FindingContext) -> tuple[CheckedQuote, ...]:
    """Look each quote up in the real text, whitespace aside; one that stands once, but elsewhere, gets its lines."""
    texts: dict[str, _Text | None] = {}
    return tuple(_check(quote, context, texts) for quote in quotes)


def settle(answer: VerdictAnswer, checked: Sequence[CheckedQuote]) -> VerdictAnswer:
    """Return the answer as far as its evidence carries it, with the quotes that hold.

    A false positive stands only if every quote holds and one shows what blocks the harm; else it becomes unsure.
    Any other verdict keeps its value, and has low confidence where a quote does not hold.
    """
    held = [entry.quote for entry in checked if entry.holds]
    broken = len(checked) - len(held)
    problem = _problem(answer.verdict, checked, broken)
    if not problem:
        return answer.model_copy(update={"evidence": held})
    if answer.verdict is Verdict.FALSE_POSITIVE:
        return unsettled(answer.model_copy(update={"evidence": held}), problem)
    explanation = extended(answer.explanation, problem)
    return answer.model_copy(update={"evidence": held, "confidence": Confidence.LOW, "explanation": explanation})


def unsettled(answer: VerdictAnswer, reason: str) -> VerdictAnswer:
    """Return the answer as unsure with low confidence, its explanation ending with the reason."""
    explanation = extended(answer.explanation, reason)
    change = {"verdict": Verdict.UNSURE, "confidence": Confidence.LOW, "explanation": explanation}
    return answer.model_copy(update=change)


def extended(explanation: str, sentence: str) -> str:
    """Return an explanation with a sentence added, shortened before it where both would not fit."""
    room = LONGEST_EXPLANATION - len(sentence) - 1
    kept = explanation if len(explanation) <= room else explanation[: room - 1].rstrip() + "…"
    return f"{kept} {sentence}"


def _problem(verdict: Verdict, checked: Sequence[CheckedQuote], broken: int) -> str:
    if broken:
        counted = "One quoted passage was" if broken == 1 else f"{broken} quoted passages were"
        ending = ", so the finding is not called a false positive." if verdict is Verdict.FALSE_POSITIVE else "."
        return f"{counted} not found in the code{ending}"
    if verdict is Verdict.FALSE_POSITIVE and not any(entry.can_block for entry in checked):
        return "No quoted code shows what prevents harm, so the finding is not called a false positive."
    return ""


def _check(quote: Quote, context: FindingContext, texts: dict[str, _Text | None]) -> CheckedQuote:
    path = quote.path.removeprefix("./")
    words = _words(_without_line_numbers(quote.quote))
    if sum(character.isalnum() for character in words) < SHORTEST_QUOTE:
        return CheckedQuote(quote, holds=False, problem="the quote is too short to mean anything")
    if not _is_inside(path):
        return CheckedQuote(quote, holds=False, problem="the path leads outside the repository")
    if path not in texts:
        source = context.text_of(path)
        texts[path] = _Text(source, language_of(path)) if source is not None else None
    text = texts[path]
    if text is None:
        return CheckedQuote(quote, holds=False, problem="there is no such file")
    place, problem = _place(quote, words, text)
    if place is None:
        return CheckedQuote(quote, holds=False, problem=problem)
    named = range(quote.start_line, quote.end_line + 1)
    found = quote.model_copy(update={"path": path, "start_line": place[0], "end_line": place[-1]})
    moved = place[0] not in named or place[-1] not in named
    return CheckedQuote(found, holds=True, moved=moved, is_comment=words in text.comments_in(place))


def _place(quote: Quote, words: str, text: _Text) -> tuple[range | None, str]:
    """Return the lines where a quote stands, or None and why."""
    if quote.end_line < quote.start_line:
        return None, "its lines end before they start"
    everywhere = list(text.places_of(words))
    named = range(quote.start_line, quote.end_line + 1)
    inside = [place for place in everywhere if place[0] in named and place[-1] in named]
    if len(inside) == 1:
        return inside[0], ""
    if inside and len(named) <= len(inside[0]) + MOST_LINES_AROUND_QUOTE:
        return named[: len(text.lines)], ""
    if inside:
        return None, f"it stands in {len(inside)} places of the lines {named[0]} to {named[-1]}"
    if len(everywhere) == 1:
        return everywhere[0], ""
    if everywhere:
        return None, f"it stands in {len(everywhere)} places, none of them lines {named[0]} to {named[-1]}"
    if quote.end_line > len(text.lines):
        return None, f"the file has only {len(text.lines)} lines"
    return None, "the file has no such text"


class _Text:
    """A file made ready for looking quotes up: all its words in one line, and where each of its lines begins there."""

    def __init__(self, source: str, language: str) -> None:
        self.source = source
        self.language = language
        self.lines = lines_of(source)
        words = [_words(line) for line in self.lines]
        self._joined = " ".join(line for line in words if line)
        self._numbers = [number for number, line in enumerate(words, 1) if line]
        lengths = [len(line) + 1 for line in words if line]
        self._starts = [0, *accumulate(lengths)][: len(lengths)]

    def places_of(self, words: str) -> Iterator[range]:
        """Yield the lines of each place where the words stand, whole words only."""
        before = r"(?<!\w)" if words[0].isalnum() else ""
        after = r"(?!\w)" if words[-1].isalnum() else ""
        for place in re.finditer(before + re.escape(words) + after, self._joined):
            yield range(self._line_at(place.start()), self._line_at(place.end() - 1) + 1)

    def comments_in(self, place: range) -> str:
        """Return the words of the comments, and of strings that only document, that these lines have a part in."""
        if self._tree is None:
            found = (COMMENT.search(self.lines[number - 1]) for number in place)
            return _words("\n".join(comment[0] for comment in found if comment))
        comments: list[Node] = []
        pending = [self._tree.root_node]
        while pending:
            node = pending.pop()
            if node.end_point.row < place[0] - 1 or node.start_point.row > place[-1] - 1:
                continue
            if node.type in COMMENT_NODES or _is_documentation(node):
                comments.append(node)
            else:
                pending.extend(node.named_children)
        comments.sort(key=lambda node: node.start_byte)
        return _words("\n".join((node.text or b"").decode("utf-8", errors="replace") for node in comments))

    def _line_at(self, offset: int) -> int:
        return self._numbers[bisect_right(self._starts, offset) - 1]

    @cached_property
    def _tree(self) -> Tree | None:
        return parse(self.source, self.language)


def _is_documentation(node: Node) -> bool:
    return node.type == "expression_statement" and [child.type for child in node.named_children] == ["string"]


def _is_inside(path: str) -> bool:
    """Tell whether a path stays in the repository; a model's word must not read files of the machine."""
    pure = PurePosixPath(path)
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts and "\\" not in path and "\0" not in path


def _without_line_numbers(quote: str) -> str:
    lines = [line for line in quote.split("\n") if line.strip()]
    numbered = bool(lines) and all(LINE_NUMBER.match(line) for line in lines)
    return "\n".join(LINE_NUMBER.sub("", line) for line in lines) if numbered else quote


def _words(text: str) -> str:
    """Return a text with single spaces, without the characters that an excerpt replaces because they do not show."""
    return " ".join(printable(" ".join(text.split())).replace("\N{REPLACEMENT CHARACTER}", "").split())
