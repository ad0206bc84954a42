"""The small program that every language is translated into: just enough to follow values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of code stands: bytes from 0 in the file, lines from 1."""

    start: int
    end: int
    line: int

    def within(self, other: Place) -> bool:
        """Say whether this piece lies inside another one, or is it."""
        return other.start <= self.start and self.end <= other.end


Literal = str | int | float | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """Something with a value."""

    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Expression):
    """A literal."""

    value: Literal


@dataclass(frozen=True, slots=True, eq=False)
class Pattern(Expression):
    """A regular expression literal, as JavaScript writes it."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Name(Expression):
    """A variable, an import, a class: whatever a bare word means."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Member(Expression):
    """`base.name`."""

    base: Expression
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Item(Expression):
    """`base[key]`; `key` is None where several or none are given."""

    base: Expression
    key: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class Call(Expression):
    """A call, or the making of an object where `makes_object`."""

    callee: Expression
    arguments: tuple[Expression, ...]
    keywords: tuple[tuple[str, Expression], ...] = ()
    makes_object: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Concatenation(Expression):
    """Text put together from parts: an f-string, a template literal, a `+` whose sides are texts."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Operation(Expression):
    """An operator over its operands; comparison and logic included."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Choice(Expression):
    """`test ? positive : negative`."""

    test: Expression
    positive: Expression
    negative: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Listing(Expression):
    """A list, tuple, set or array written out."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Mapping(Expression):
    """A dictionary or object written out; a key is None where it is spread from elsewhere."""

    pairs: tuple[tuple[Expression | None, Expression], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Comprehension(Expression):
    """A list made by a loop: each clause is target and iterable, then tests."""

    element: Expression
    clauses: tuple[tuple[Expression, Expression], ...]
    tests: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Setting(Expression):
    """An assignment that has a value itself: `(x := 1)`, `x = 1` in JavaScript and Java, `x += 1`."""

    target: Expression
    value: Expression
    operator: str = ""
    declares: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Unclear(Expression):
    """Anything not modelled; its parts are looked at, its value is unknown."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; `annotations` are decorator-like marks and the type as written."""

    name: str
    type: str = ""
    annotations: tuple[str, ...] = ()
    default: Expression | None = None
    gathers: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Function(Expression):
    """A function, method or closure; its body is translated when it is first needed."""

    name: str
    owner: str
    parameters: tuple[Parameter, ...]
    body: Callable[[], tuple[Statement, ...]]
    annotations: tuple[str, ...] = ()
    is_closure: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """Something that is done."""

    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Evaluate(Statement):
    """An expression for its effect."""

    expression: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Define(Statement):
    """A function given a name where it stands."""

    function: Function


@dataclass(frozen=True, slots=True, eq=False)
class Block(Statement):
    """Statements with names of their own, which end with them."""

    body: tuple[Statement, ...]
    own_names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Branch(Statement):
    """if / else."""

    test: Expression
    positive: tuple[Statement, ...]
    negative: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Loop(Statement):
    """Every loop; `each` is target and iterable of a for-each, `test` is None where it may end at any time."""

    test: Expression | None
    each: tuple[Expression, Expression] | None
    body: tuple[Statement, ...]
    step: tuple[Statement, ...] = ()
    otherwise: tuple[Statement, ...] = ()
    body_comes_first: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Case(Statement):
    """One case; `labels` is None for the default, and `is_exact` False where a pattern is more than a literal."""

    labels: tuple[Expression, ...] | None
    body: tuple[Statement, ...]
    is_exact: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Switch(Statement):
    """switch / match."""

    subject: Expression
    cases: tuple[Case, ...]
    falls_through: bool


@dataclass(frozen=True, slots=True, eq=False)
class Attempt(Statement):
    """try; each handler is the name of what was caught, and its body."""

    body: tuple[Statement, ...]
    handlers: tuple[tuple[str | None, tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...]
    finally_body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Return(Statement):
    """Leave the function."""

    value: Expression | None


class Leaving(StrEnum):
    """How else a statement leaves its place."""

    RAISE = "raise"
    BREAK = "break"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True, eq=False)
class Leave(Statement):
    """raise, throw, break, continue."""

    how: Leaving
    value: Expression | None = None


@dataclass(slots=True)
class Program:
    """A file: its functions, its top-level statements, what its imports mean."""

    functions: list[Function] = field(default_factory=list)
    statements: tuple[Statement, ...] = ()
    imports: dict[str, str] = field(default_factory=dict)
    class_constants: tuple[tuple[str, Expression], ...] = ()
    class_parents: dict[str, tuple[str, ...]] = field(default_factory=dict)


Part = Expression | Statement | Case


def parts_of(part: Part, *, into_functions: bool = True) -> Iterator[Part]:
    """Yield a piece of program and all that it is made of, outermost first."""
    pending = [part]
    while pending:
        current = pending.pop()
        yield current
        if into_functions or not isinstance(current, Function):
            pending.extend(children_of(current))


def children_of(part: Part) -> list[Part]:
    """Return what a piece of program is directly made of; a function is made of its statements."""
    if isinstance(part, Function):
        return list(part.body())
    return [inner for entry in fields(part) for inner in _parts_in(getattr(part, entry.name))]


def _parts_in(value: object) -> Iterator[Part]:
    if isinstance(value, Expression | Statement | Case):
        yield value
    elif isinstance(value, tuple):
        for inner in value:
            yield from _parts_in(inner)
