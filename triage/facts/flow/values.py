"""What is known about a value at a point of a program, and how two such pieces of knowledge are brought together.

A value is safe only where everything it may be made of is known; not knowing is never taken for safety.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from triage.facts.families import Family
from triage.facts.flow.program import Literal

MOST_CONSTANTS = 16
MOST_FRAGMENTS = 12


@dataclass(frozen=True, slots=True)
class Taint:
    """Data from outside inside a value: where it came in, what it was, and which families it was made harmless for."""

    line: int
    origin: str
    is_request: bool = True
    harmless_for: frozenset[Family] = frozenset()


class NoteKind(StrEnum):
    """Why a value is safer than what it was made from."""

    NUMBER = "number"
    ENCODED = "encoded"
    PARTLY_ENCODED = "partly_encoded"
    ALLOWED = "allowed"
    CHECKED = "checked"
    REPLACED = "replaced"
    TESTED = "tested"
    TESTED_AGAINST = "tested_against"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Note:
    """One such reason, with its line."""

    kind: NoteKind
    line: int
    what: str


class Role(StrEnum):
    """Objects that are known by what they do."""

    REQUEST = "request"
    SELF = "self"
    PLAIN_OBJECT = "plain_object"
    MODULE = "module"


# A constant remembers its type, for 1 and True and 1.0 are one key to a set.
Exact = tuple[str, Literal]


def exact(value: Literal) -> Exact:
    """Return a literal with its type."""
    return type(value).__name__, value


@dataclass(frozen=True, slots=True)
class Value:
    """`constants` lists all it can be, None where not known; `is_unknown` where a part of it is not known at all."""

    constants: frozenset[Exact] | None = None
    taints: frozenset[Taint] = frozenset()
    is_unknown: bool = False
    notes: frozenset[Note] = frozenset()
    fragments: frozenset[str] = frozenset()
    prefix: str = ""
    boxes: frozenset[int] = frozenset()
    roles: frozenset[Role] = frozenset()
    made_of: Value | None = None

    @property
    def single(self) -> Exact | None:
        """The one constant that it is."""
        return next(iter(self.constants)) if self.constants is not None and len(self.constants) == 1 else None

    @property
    def is_fixed(self) -> bool:
        """Whether nothing from outside and nothing unknown is in it."""
        return not self.is_unknown and not self.taints and not self.roles

    def dangers(self, family: Family) -> frozenset[Taint]:
        """Return the data from outside that is not harmless for a family."""
        return frozenset(taint for taint in self.taints if family not in taint.harmless_for)

    def is_safe_for(self, family: Family) -> bool:
        """Say whether all of it is known and harmless."""
        return not self.is_unknown and not self.roles and not self.dangers(family)

    def with_note(self, note: Note) -> Value:
        """Return the same value with one more reason."""
        return replace(self, notes=self.notes | {note})

    def set_at(self, note: Note) -> Value:
        """Return the value with the line that set it, in place of an earlier one."""
        return replace(self, notes=frozenset(old for old in self.notes if old.kind is not NoteKind.SET) | {note})

    def made_harmless_for(self, families: frozenset[Family], note: Note) -> Value:
        """Return the value after an encoder."""
        taints = frozenset(replace(taint, harmless_for=taint.harmless_for | families) for taint in self.taints)
        return replace(self, constants=None, taints=taints, notes=self.notes | {note}, prefix="")


FIXED = Value()
UNKNOWN = Value(is_unknown=True)


def constant(value: Literal) -> Value:
    """Return a value that is one literal."""
    return Value(constants=frozenset({exact(value)}), prefix=value if isinstance(value, str) else "")


def one_of(values: Iterable[Exact]) -> Value:
    """Return a value that is one of some literals."""
    found = frozenset(values)
    return Value(constants=found) if len(found) <= MOST_CONSTANTS else FIXED


def either(values: Iterable[Value]) -> Value:
    """Return what is known of a value that is one of several."""
    found = list(dict.fromkeys(values))
    if not found:
        return FIXED
    if len(found) == 1:
        return found[0]
    constants: frozenset[Exact] | None = frozenset()
    for value in found:
        if constants is None or value.constants is None:
            constants = None
        else:
            constants |= value.constants
    if constants is not None and len(constants) > MOST_CONSTANTS:
        constants = None
    made = [value.made_of for value in found if value.made_of is not None]
    prefixes = {value.prefix for value in found}
    return _united(found, constants, prefixes.pop() if len(prefixes) == 1 else "", either(made) if made else None)


def mixed(values: Iterable[Value]) -> Value:
    """Return what is known of a value that several others went into."""
    found = list(values)
    prefix = found[0].prefix if found else ""
    made = [value.made_of for value in found if value.made_of is not None]
    return _united(found, None, prefix, mixed(made) if made else None)


def _united(found: list[Value], constants: frozenset[Exact] | None, prefix: str, made_of: Value | None) -> Value:
    fragments = frozenset[str]().union(*(value.fragments for value in found))
    if len(fragments) > MOST_FRAGMENTS:
        fragments = frozenset(sorted(fragments)[:MOST_FRAGMENTS])
    return Value(
        constants=constants,
        taints=frozenset[Taint]().union(*(value.taints for value in found)),
        is_unknown=any(value.is_unknown for value in found),
        notes=frozenset[Note]().union(*(value.notes for value in found)),
        fragments=fragments,
        prefix=prefix,
        boxes=frozenset[int]().union(*(value.boxes for value in found)),
        roles=frozenset[Role]().union(*(value.roles for value in found)),
        made_of=made_of,
    )


class BoxKind(StrEnum):
    """What kind of thing with contents."""

    LIST = "list"
    MAP = "map"
    TEXT = "text"
    HOLDER = "holder"


@dataclass(frozen=True, slots=True)
class Box:
    """A thing whose contents change: `items` (or `cells`) where each is known, else `rest` for whatever is in it."""

    kind: BoxKind
    items: tuple[Value, ...] | None = None
    cells: tuple[tuple[Exact, Value], ...] | None = None
    rest: Value | None = None

    @property
    def content(self) -> Value:
        """Everything that may be in it."""
        inside = [*(self.items or ()), *(value for _, value in self.cells or ())]
        return either([*inside, *([self.rest] if self.rest else [])]) if inside or self.rest else FIXED

    def cell(self, key: Exact) -> Value | None:
        """Return what is kept under a key, None where nothing certainly is."""
        return dict(self.cells or ()).get(key)

    def blurred(self, added: Value) -> Box:
        """Return the box after something went in at a place that is not known."""
        return Box(self.kind, rest=either([self.content, added]) if self.items or self.cells or self.rest else added)


def merged_boxes(one: Box, other: Box) -> Box:
    """Return what is known of a thing after two ways to the same place."""
    if one == other:
        return one
    if (
        one.kind is other.kind
        and one.items is not None
        and other.items is not None
        and len(one.items) == len(other.items)
    ):
        return Box(one.kind, items=tuple(either(pair) for pair in zip(one.items, other.items, strict=True)))
    if one.kind is other.kind and one.cells is not None and other.cells is not None:
        ours, theirs = dict(one.cells), dict(other.cells)
        if ours.keys() == theirs.keys():
            cells = tuple((key, either([value, theirs[key]])) for key, value in ours.items())
            rests = [rest for rest in (one.rest, other.rest) if rest is not None]
            return Box(one.kind, cells=cells, rest=either(rests) if rests else None)
    return Box(one.kind, rest=either([one.content, other.content]))


@dataclass(slots=True)
class State:
    """What every name, thing and checked expression is worth at one point."""

    names: dict[str, Value] = field(default_factory=dict)
    boxes: dict[int, Box] = field(default_factory=dict)
    checked: dict[str, Value] = field(default_factory=dict)

    def copy(self) -> State:
        """Return a state that may change without changing this one."""
        return State(dict(self.names), dict(self.boxes), dict(self.checked))


def merged(states: Iterable[State | None]) -> State | None:
    """Return what holds whichever way was taken; None where no way leads here."""
    living = [state for state in states if state is not None]
    if not living:
        return None
    result = living[0]
    for state in living[1:]:
        result = _merged_pair(result, state)
    return result


def _merged_pair(one: State, other: State) -> State:
    names: dict[str, Value] = {}
    for name in {**one.names, **other.names}:
        ours, theirs = one.names.get(name), other.names.get(name)
        # A name that only one way has set: the other way would fail or read something outer.
        names[name] = either([ours or UNKNOWN, theirs or UNKNOWN]) if ours != theirs else ours or UNKNOWN
    boxes = dict(one.boxes)
    for identity, box in other.boxes.items():
        boxes[identity] = merged_boxes(boxes[identity], box) if identity in boxes else box
    checked = {
        text: either([value, other.checked[text]]) for text, value in one.checked.items() if text in other.checked
    }
    return State(names, boxes, checked)
