"""Which lines of a file are shown for a finding."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tree_sitter import Tree

from findings.context import FindingContext
from lib.syntax import Scope, ScopeKind, definition_of, dotted_name, lines_of, parse, scopes_at
from lib.text import printable
from triage.excerpt.imports import imports_of, most_useful
from triage.excerpt.shape import Excerpt, Reason, Segment, shortened
from triage.excerpt.words import LONGEST_LINE_READ, called_names, lines_leading_to

MOST_IMPORT_LINES = 12
LINES_KEPT_FOR_IMPORTS = 6
MOST_STEPS = 20
MOST_LEADING_LINES = 10
MOST_CALLEES = 3
LONGEST_CALLEE = 40
LINES_AROUND_A_STEP_ELSEWHERE = 2
SIGNATURE_LINES = 3
MOST_MATCH_LINES = 30

# A block that surrounds less than this says too little (an HTML tag, one key): the lines around the match say more.
SMALLEST_BLOCK = 15

# Languages that run code at the top of a file.
SCRIPTING = {"bash", "javascript", "php", "python", "ruby", "tsx", "typescript"}

DOCKERFILE_STAGE = re.compile(r"FROM\s", re.IGNORECASE)


@dataclass(frozen=True)
class _File:
    """The finding's file, read once."""

    path: str
    language: str
    lines: Sequence[str]
    tree: Tree | None
    match: range
    match_column: int

    def segments(self, numbers: Iterable[int], why: Reason) -> Iterator[Segment]:
        """Yield a segment for each run of neighbouring lines."""
        for _, run in groupby(enumerate(sorted(numbers)), key=lambda place: place[1] - place[0]):
            shown = [number for _, number in run]
            yield Segment(self.path, shown[0], tuple(self._shown(number) for number in shown), why)

    def text(self, numbers: Iterable[int]) -> str:
        """Return some of the lines as they are."""
        return "\n".join(self.lines[number - 1][:LONGEST_LINE_READ] for number in sorted(numbers))

    def _shown(self, number: int) -> str:
        column = self.match_column if self.match and number == self.match[0] else 1
        return printable(shortened(self.lines[number - 1], around_column=column))


def around(context: FindingContext, *, max_lines: int = 60) -> Excerpt:
    """Return what to show of the code around a finding: at most `max_lines`, and as many again for what it calls.

    That is the enclosing function, or block of configuration, or window of lines; the imports it uses; the steps of
    the dataflow; definitions in the same file of functions called on the way. Without segments where the file could
    not be read or no longer has the line.
    """
    lines = lines_of(context.source or "")
    first = max(context.span.start_line, 1)
    if first > len(lines):
        return Excerpt(context.path, context.span, trace=context.trace)
    match = range(first, min(max(context.span.end_line, first), len(lines)) + 1)
    tree = parse(context.source or "", context.language)
    file = _File(context.path, context.language, lines, tree, match, context.span.start_column)
    scopes = scopes_at(tree, file.language, lines, match[0], match[-1]) if tree else ()

    imports = imports_of(tree, file.language, lines)
    steps = set(_steps_here(context, len(lines)))
    body, why = _body(file, scopes, steps, max_lines=max_lines - min(LINES_KEPT_FOR_IMPORTS, len(imports)))
    room = min(MOST_IMPORT_LINES, max_lines - len(body))
    outside = [statement for statement in imports if not body.intersection(statement)]
    imported = most_useful(outside, lines, code=file.text(body), max_lines=room)

    segments = [
        *file.segments(imported, Reason.IMPORTS),
        *file.segments(body, why),
        *file.segments(steps - body - set(imported), Reason.TRACE),
        *_steps_elsewhere(context),
        *_called(file, body, steps, max_lines=max_lines),
    ]
    return Excerpt(context.path, context.span, tuple(segments), context.trace, dotted_name(scopes))


def _steps_here(context: FindingContext, line_count: int) -> list[int]:
    own = [step.span.start_line for step in context.trace if step.path == context.path]
    return [number for number in own if 1 <= number <= line_count][:MOST_STEPS]


def _body(file: _File, scopes: Sequence[Scope], steps: set[int], *, max_lines: int) -> tuple[set[int], Reason]:
    """Return the lines to show of the code that the match stands in, and what that code is."""
    functions = [scope for scope in scopes if scope.kind is ScopeKind.FUNCTION]
    if functions:
        fitting = [scope for scope in functions if scope.line_count <= max_lines]
        function = fitting[0] if fitting else functions[-1]
        return _as_much_as_fits(file, function, steps, max_lines=max_lines), Reason.FUNCTION
    whole = range(1, len(file.lines) + 1)
    if len(whole) <= max_lines:
        return set(whole), Reason.WINDOW
    blocks = [*scopes, *_dockerfile_stage(file)]
    fitting = [block for block in blocks if SMALLEST_BLOCK <= block.line_count <= max_lines]
    if fitting:
        return _lines_of_scope(fitting[0]), Reason.BLOCK
    return _chosen_first(
        file, whole, [_ends_of(file.match), *_what_a_script_needs(file, steps)], max_lines
    ), Reason.WINDOW


def _as_much_as_fits(file: _File, function: Scope, steps: set[int], *, max_lines: int) -> set[int]:
    """Return a function's lines, or of a long one its signature, the match, the dataflow and what leads to them."""
    every = range(function.start_line, function.end_line + 1)
    if len(every) <= max_lines:
        return set(every)
    signature = range(function.start_line, function.start_line + SIGNATURE_LINES)
    leading = lines_leading_to(_ends_of(file.match), file.lines, first_line=function.start_line)
    wanted = [_ends_of(file.match), signature, sorted(steps.intersection(every)), sorted(leading, reverse=True)]
    return _chosen_first(file, every, wanted, max_lines=max_lines)


def _what_a_script_needs(file: _File, steps: set[int]) -> list[list[int]]:
    """Return the lines of a script without functions that lead to the match; configuration has no such lines."""
    if file.language not in SCRIPTING:
        return []
    leading = lines_leading_to(_ends_of(file.match), file.lines, first_line=1)
    return [sorted(steps)[:MOST_LEADING_LINES], sorted(leading, reverse=True)[:MOST_LEADING_LINES]]


def _chosen_first(file: _File, allowed: range, wanted: Sequence[Sequence[int]], max_lines: int) -> set[int]:
    """Return the wanted lines, the most important first, as far as they fit, then what surrounds the match."""
    chosen: set[int] = set()
    for numbers in wanted:
        chosen.update([number for number in numbers if number not in chosen][: max(max_lines - len(chosen), 0)])
    return _grown(chosen, allowed, file.match, max_lines=max_lines)


def _lines_of_scope(scope: Scope) -> set[int]:
    return set(range(scope.start_line, scope.end_line + 1))


def _ends_of(match: range) -> list[int]:
    """Return the lines of a match, of a very long one its beginning and its end."""
    half = MOST_MATCH_LINES // 2
    return list(match) if len(match) <= MOST_MATCH_LINES else [*match[:half], *match[-half:]]


def _grown(chosen: Collection[int], allowed: range, match: range, *, max_lines: int) -> set[int]:
    """Return the chosen lines and their neighbours, nearest to the match first, until there are enough."""
    around_match = [*range(match[0] - max_lines, match[0]), *range(match[-1] + 1, match[-1] + 1 + max_lines)]
    free = [number for number in around_match if number in allowed and number not in chosen]
    free.sort(key=lambda number: min(abs(number - match[0]), abs(number - match[-1])))
    return {*chosen, *free[: max(max_lines - len(chosen), 0)]}


def _dockerfile_stage(file: _File) -> Iterator[Scope]:
    """Yield the build stage that the match stands in."""
    if file.language != "dockerfile":
        return
    starts = [number for number, line in enumerate(file.lines, 1) if DOCKERFILE_STAGE.match(line)]
    before = [number for number in starts if number <= file.match[0]]
    after = [number for number in starts if number > file.match[-1]]
    if before:
        yield Scope(ScopeKind.BLOCK, "", before[-1], after[0] - 1 if after else len(file.lines))


def _steps_elsewhere(context: FindingContext) -> Iterator[Segment]:
    """Yield the lines around each step of the dataflow that stands in another file."""
    for path in dict.fromkeys(step.path for step in context.trace if step.path != context.path):
        lines = lines_of(context.text_of(path) or "")
        numbers: set[int] = set()
        for step in context.trace:
            if step.path == path and step.span.start_line <= len(lines):
                start = step.span.start_line - LINES_AROUND_A_STEP_ELSEWHERE
                end = step.span.end_line + LINES_AROUND_A_STEP_ELSEWHERE
                numbers.update(range(max(start, 1), min(end, len(lines), start + LONGEST_CALLEE) + 1))
        other = _File(path, "", lines, None, range(0), 1)
        yield from other.segments(numbers, Reason.TRACE)


def _called(file: _File, body: set[int], steps: set[int], *, max_lines: int) -> Iterator[Segment]:
    """Yield the definitions in this file of functions called by the match, the dataflow, or what leads to them."""
    if file.tree is None:
        return
    match = _ends_of(file.match)
    on_the_way = set(match) | steps | lines_leading_to(match, file.lines, first_line=min(body))
    definitions: list[Scope] = []
    shown = set(body)
    for name in called_names(file.text(on_the_way)):
        definition = definition_of(file.tree, file.language, name)
        if definition and definition.line_count <= LONGEST_CALLEE and not shown & _lines_of_scope(definition):
            definitions.append(definition)
            shown |= _lines_of_scope(definition)
    for definition in definitions[:MOST_CALLEES]:
        if definition.line_count <= max_lines:
            max_lines -= definition.line_count
            yield from file.segments(_lines_of_scope(definition), Reason.CALLED)
