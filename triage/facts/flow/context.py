"""What an evaluation shares: the file, the state of its walk, the places it was asked to watch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from triage.facts.flow.library import Library
from triage.facts.flow.program import (
    Call,
    Constant,
    Expression,
    Function,
    Item,
    Member,
    Name,
    Place,
    Program,
    Setting,
    Statement,
    parts_of,
)
from triage.facts.flow.values import UNKNOWN, Box, Role, State, Value, merged

# Enough for every function people write; machine-written ones are given up on.
MOST_STEPS = 25_000
DEEPEST_CALL = 4
MUTATORS = (
    "append|add|addAll|push|unshift|update|insert|extend|remove|removeAll|pop|put|putAll|set|clear|setdefault|discard"
    "|splice|delete|shift|sort|reverse|concat_|fill|popitem|appendleft"
)


class OutOfBudget(Exception):
    """The function is too long or too twisted to follow."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What went through a watched expression, once."""

    expression: Expression
    value: Value
    receiver: Value | None = None
    arguments: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()


@dataclass(slots=True)
class Frame:
    """One function being walked."""

    function: Function | None
    returns: list[tuple[Value, State]] = field(default_factory=list)
    breaks: list[list[State]] = field(default_factory=list)
    continues: list[list[State]] = field(default_factory=list)
    raising: list[State | None] = field(default_factory=list)
    closures: dict[str, Function] = field(default_factory=dict)
    unsteady: frozenset[str] = frozenset()


class Context:
    """The file and the walk through it."""

    def __init__(self, *, program: Program, library: Library, language: str, source: bytes, target: Place) -> None:
        self.program = program
        self.library = library
        self.language = language
        self.source = source
        self.target = target
        self.watched: set[int] = set()
        self.observations: list[Observation] = []
        self.entered: set[int] = set()
        self.settled: list[Expression] = []
        self.frames: list[Frame] = []
        self.steps = 0
        self.functions_by_name: dict[str, list[Function]] = {}
        for function in program.functions:
            self.functions_by_name.setdefault(function.name, []).append(function)
        self.file_values: dict[str, Value] = {}
        self.file_boxes: dict[int, Box] = {}
        self.file_expressions = _set_once(program)
        self._changed: dict[str, bool] = {}
        self._set_by_closures: dict[int, frozenset[str]] = {}

    @property
    def frame(self) -> Frame:
        """The function being walked."""
        return self.frames[-1]

    def step(self) -> None:
        """Count a step, and stop when there were too many."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise OutOfBudget

    def text(self, expression: Expression) -> str:
        """Return the source text of an expression on one line, shortened."""
        raw = self.source[expression.place.start : expression.place.end].decode("utf-8", errors="replace")
        flat = re.sub(r"\s+", " ", raw)
        return flat if len(flat) <= 80 else flat[:77] + "..."  # noqa: PLR2004  a length, said by its place

    def holds_target(self, function: Function) -> bool:
        """Say whether the finding stands inside a function."""
        return self.target.within(function.place)

    def set_by_closures(self, function: Function) -> frozenset[str]:
        """Return the names of a function that functions inside it set as well."""
        if self.language == "java":  # its closures cannot set what they captured
            return frozenset()
        start = function.place.start
        if start not in self._set_by_closures:
            self._set_by_closures[start] = names_set_by_closures(function.body())
        return self._set_by_closures[start]

    def box(self, identity: int, state: State) -> Box | None:
        """Return a thing with contents."""
        return state.boxes.get(identity) or self.file_boxes.get(identity)

    def is_changed_somewhere(self, name: str) -> bool:
        """Say whether the file changes what a name of the whole file holds, by the look of its text."""
        if name not in self._changed:
            word = re.escape(name).encode()
            changing = (
                rb"(?<![\w.])(?:this\.|self\.|cls\.)?%b\s*(?:\.(?:%b)\s*\(|(?:\.\w+)+\s*=(?![=>])|\[[^\]\n]*\]\s*(?:=(?!=)|\+=)|[-+|&*]=)"
                % (
                    word,
                    MUTATORS.encode(),
                )
            )
            declared_elsewhere = rb"\b(?:global|nonlocal|del)\b[^\n]*\b%b\b" % word
            found = re.search(changing, self.source) or re.search(declared_elsewhere, self.source)
            self._changed[name] = found is not None
        return self._changed[name]

    def path_of(self, expression: Expression, state: State) -> str | None:
        """Return the canonical dotted name of a library thing, None for anything local."""
        match expression:
            case Name(name=name):
                if name in state.names and Role.MODULE in state.names[name].roles and name in self.program.imports:
                    return self.program.imports[name]
                if name in state.names or name in self.functions_by_name or name in self.program.class_parents:
                    return None
                if any(name in frame.closures for frame in self.frames):
                    return None
                return self._from_class(self.program.imports.get(name, name))
            case Member(base=base, name=name):
                path = self.path_of(base, state)
                return None if path is None else self._from_class(f"{path}.{name}")
            case Call(callee=callee, arguments=()) if self.language == "java":
                path = self.path_of(callee, state)
                return None if path is None else f"{path}()"
            case Call(callee=Name(name="require"), arguments=(Constant(value=str(module)),)):
                return module.removeprefix("node:")
            case _:
                return None

    def _from_class(self, path: str) -> str:
        if self.language != "java":
            return path
        parts = path.split(".")
        start = next((index for index, part in enumerate(parts) if part[:1].isupper()), 0)
        return ".".join(parts[start:])

    def key_of(self, expression: Expression) -> str | None:
        """Return the text under which a check is remembered, None for what may not give the same twice."""
        match expression:
            case Name(name=name):
                return name
            case Member(base=base, name=name):
                key = self.key_of(base)
                return None if key is None else f"{key}.{name}"
            case Item(base=base, key=Constant(value=value)):
                key = self.key_of(base)
                return None if key is None else f"{key}[{value!r}]"
            case Call(
                callee=Member(name="get" | "getParameter" | "header" | "getHeader" | "lower" | "toLowerCase") as callee
            ):
                if not all(isinstance(argument, Constant) for argument in expression.arguments) or expression.keywords:
                    return None
                key = self.key_of(callee)
                values = ",".join(
                    repr(argument.value) for argument in expression.arguments if isinstance(argument, Constant)
                )
                return None if key is None else f"{key}({values})"
            case _:
                return None

    def forget_checks(self, name: str, state: State) -> None:
        """Drop what was checked about anything that begins with a name."""
        for key in [key for key in state.checked if re.match(rf"{re.escape(name)}(?!\w)", key)]:
            del state.checked[key]

    def absorb(self, state: State, states: list[State | None]) -> None:
        """Make a state in place what several ways lead to."""
        united = merged(states)
        if united is not None:
            state.names, state.boxes, state.checked = united.names, united.boxes, united.checked

    def blur(self, value: Value, state: State, added: Value = UNKNOWN, seen: frozenset[int] = frozenset()) -> None:
        """Forget the contents of the things that a value refers to, for someone else may change them."""
        for identity in value.boxes - seen:
            box = self.box(identity, state)
            if box is None:
                continue
            content = box.content
            state.boxes[identity] = box.blurred(added)
            self.blur(content, state, added, seen | value.boxes)


def _set_once(program: Program) -> dict[str, Expression]:
    """Return the names that the file sets exactly once, outside functions, with their expressions."""
    found: dict[str, list[Expression]] = {}
    for name, expression in program.class_constants:
        found.setdefault(name, []).append(expression)
    for statement in program.statements:
        for part in parts_of(statement, into_functions=False):
            if isinstance(part, Setting) and isinstance(part.target, Name):
                found.setdefault(part.target.name, []).append(part.value if not part.operator else part)
    return {name: expressions[0] for name, expressions in found.items() if len(expressions) == 1}


def names_set_by_closures(statements: tuple[Statement, ...]) -> frozenset[str]:
    """Return the names that functions inside some statements set without declaring them."""
    found: set[str] = set()
    for statement in statements:
        for part in parts_of(statement, into_functions=False):
            if isinstance(part, Function):
                inner = [each for each in parts_of(part) if isinstance(each, Setting)]
                own = {each.target.name for each in inner if each.declares and isinstance(each.target, Name)}
                own |= {parameter.name for parameter in part.parameters}
                found |= {
                    each.target.name for each in inner if isinstance(each.target, Name) and each.target.name not in own
                }
    return frozenset(found)
