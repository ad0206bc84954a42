"""What expressions are worth. Calls are in `calls`, conditions in `guards`."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

from triage.facts.flow.assignment import Assignment
from triage.facts.flow.context import Observation
from triage.facts.flow.folding import concatenated, folded
from triage.facts.flow.guards import AND, OR
from triage.facts.flow.program import (
    Call,
    Choice,
    Comprehension,
    Concatenation,
    Constant,
    Expression,
    Function,
    Item,
    Listing,
    Mapping,
    Member,
    Name,
    Operation,
    Setting,
    Unclear,
)
from triage.facts.flow.values import (
    FIXED,
    UNKNOWN,
    Box,
    BoxKind,
    Exact,
    Note,
    NoteKind,
    Role,
    State,
    Taint,
    Value,
    constant,
    either,
    mixed,
)

YES_OR_NO = {
    "==", "===", "!=", "!==", "<", "<=", ">", ">=", "in", "not in", "is", "is not", "instanceof", "not", "!",
    "typeof", "void", "delete", "number",
}  # fmt: skip


class Evaluation(Assignment):
    """The part of the walk that evaluates."""

    @abstractmethod
    def call(self, call: Call, state: State) -> Value:
        """Return what a call gives; `calls` provides it."""

    @abstractmethod
    def enter_closure(self, function: Function, state: State, given: list[Value]) -> Value:
        """Walk a closure that may be called later; `calls` provides it."""

    def evaluate(self, expression: Expression, state: State) -> Value:
        """Return what an expression is worth, doing to the state what it does."""
        self.step()
        value = self._value(expression, state)
        if state.checked and isinstance(expression, Member | Item | Call):
            key = self.key_of(expression)
            value = state.checked.get(key, value) if key else value
        if id(expression) in self.watched and not isinstance(expression, Call):
            self.observations.append(Observation(expression, value))
        return value

    def _value(self, expression: Expression, state: State) -> Value:  # noqa: PLR0911  one line a case
        match expression:
            case Constant(value=literal):
                return constant(literal)
            case Name():
                return self._name(expression, state)
            case Member():
                return self._member(expression, state)
            case Item():
                return self._item(expression, state)
            case Call():
                return self.call(expression, state)
            case Concatenation(parts=parts):
                return concatenated([self.flat(self.evaluate(part, state), state) for part in parts])
            case Operation():
                return self._operation(expression, state)
            case Choice():
                return self._choice(expression, state)
            case _:
                return self._composite(expression, state)

    def _composite(self, expression: Expression, state: State) -> Value:
        match expression:
            case Listing(items=items):
                return self._listing(expression, [self.evaluate(item, state) for item in items], state)
            case Mapping():
                return self._mapping(expression, state)
            case Comprehension():
                return self._comprehension(expression, state)
            case Setting():
                return self.setting(expression, state)
            case Function():
                if self.holds_target(expression):
                    self.enter_closure(expression, state, [])
                return UNKNOWN
            case Unclear(parts=parts):
                values = [self.evaluate(part, state) for part in parts]
                return replace(mixed(values), is_unknown=True, roles=frozenset()) if values else UNKNOWN
            case _:
                return UNKNOWN

    # Names and what hangs on them

    def _name(self, expression: Name, state: State) -> Value:
        name = expression.name
        if name in state.names:
            value = state.names[name]
            return either([value, UNKNOWN]) if name in self.frame.unsteady else value
        path = self.path_of(expression, state)
        if path is not None and name not in self.file_expressions:
            return self._library_value(path, expression)
        return self.file_value(name)

    def file_value(self, name: str) -> Value:
        """Return what a name of the whole file is worth, where the file sets it once and never changes it."""
        is_imported_too = self.language == "python" and name in self.program.imports
        if name not in self.file_expressions or self.is_changed_somewhere(name) or is_imported_too:
            return UNKNOWN
        if name not in self.file_values:
            self.file_values[name] = UNKNOWN  # what refers to itself is not known
            if isinstance(self.file_expressions[name], Function):
                return UNKNOWN
            outside = State()
            watched, self.watched = self.watched, set()
            self.file_values[name] = self.evaluate(self.file_expressions[name], outside)
            self.watched = watched
            self.file_boxes.update(outside.boxes)
        return self.file_values[name]

    def _library_value(self, path: str, expression: Expression) -> Value:
        library = self.library
        if path in library.request_paths:
            return Value(roles=frozenset({Role.REQUEST}))
        if path in library.fixed:
            return FIXED
        if path in library.local_sources:
            return Value(taints=frozenset({Taint(expression.place.line, self.text(expression), is_request=False)}))
        last = path.rsplit(".", 1)[-1]
        # By the convention of all three languages, NAMES_LIKE_THIS of another file are set by its author.
        if "." in path and last.isupper() and len(last) > 2:  # noqa: PLR2004  a length, said by its place
            return FIXED
        return UNKNOWN

    def _member(self, expression: Member, state: State) -> Value:
        path = self.path_of(expression, state)
        if path is not None:
            value = self._library_value(path, expression)
            if value is not UNKNOWN:
                return value
        key = self.key_of(expression)
        if key is not None and key in state.names:
            return state.names[key]
        if isinstance(expression.base, Name) and expression.base.name in {"this", "self", "cls"}:
            return self._own_member(expression, state)
        if isinstance(expression.base, Name) and expression.base.name in self.program.class_parents:
            return self.file_value(expression.name)
        base = self.evaluate(expression.base, state)
        return self.member_of(base, expression, state)

    def _own_member(self, expression: Member, state: State) -> Value:
        if expression.name in {"request", "req"}:
            return Value(roles=frozenset({Role.REQUEST}))
        if self.language == "java":
            if expression.name in state.names and expression.name not in self.file_expressions:
                return UNKNOWN
            return self.file_value(expression.name)
        return UNKNOWN

    def member_of(self, base: Value, expression: Member, state: State) -> Value:
        """Return what a member of a value is worth."""
        name = expression.name
        if Role.REQUEST in base.roles:
            if name in self.library.request_members:
                return self.tainted(expression)
            if name in {"request", "req"}:  # a framework's request around another one
                return Value(roles=frozenset({Role.REQUEST}))
            return UNKNOWN
        if Role.MODULE in base.roles:
            return base
        if name in {"length", "size"}:
            return FIXED
        if base.boxes:
            if not self._is_method_reference(base, state):
                return self.cell_of(base, constant(name), state)
            self.blur(base, state)  # a method handed on may be called with anything
        if base.taints:
            return replace(base, constants=None, prefix="")
        return UNKNOWN

    def _is_method_reference(self, base: Value, state: State) -> bool:
        """Say whether a member of a thing can only be a method of it: lists have no others, nor Python's tables."""
        boxes = [self.box(identity, state) for identity in base.boxes]
        return self.language == "python" or any(box is not None and box.kind is not BoxKind.MAP for box in boxes)

    def tainted(self, expression: Expression) -> Value:
        """Return data that a request brings in here."""
        return Value(taints=frozenset({Taint(expression.place.line, self.text(expression))}))

    def _item(self, expression: Item, state: State) -> Value:
        base = self.evaluate(expression.base, state)
        key = self.evaluate(expression.key, state) if expression.key is not None else UNKNOWN
        if base.boxes:
            value = self.cell_of(base, key, state)
            if key.taints and value.is_fixed:
                return value.with_note(Note(NoteKind.ALLOWED, expression.place.line, self.text(expression)))
            return value
        single, index = base.single, key.single
        if single is not None and index is not None and isinstance(single[1], str) and isinstance(index[1], int):
            return constant(single[1][index[1]]) if -len(single[1]) <= index[1] < len(single[1]) else UNKNOWN
        if Role.REQUEST in base.roles:
            return UNKNOWN
        return replace(base, constants=None, prefix="", fragments=frozenset())

    def cell_of(self, base: Value, key: Value, state: State) -> Value:
        """Return what a thing holds under a key, as far as that is known."""
        found: list[Value] = []
        for identity in base.boxes:
            box = self.box(identity, state)
            if box is None:
                return UNKNOWN
            single = key.single
            inside: Value | None = None
            if single is not None and box.items is not None and isinstance(single[1], int):
                index = single[1]
                inside = box.items[index] if -len(box.items) <= index < len(box.items) else UNKNOWN
            elif single is not None and box.cells is not None:
                inside = box.cell(single)
            found.append(inside if inside is not None else box.content)
        if base.is_unknown or base.taints:
            found.append(replace(base, boxes=frozenset(), constants=None))
        return either(found)

    # Things with contents

    def new_box(self, expression: Expression, box: Box, state: State) -> Value:
        """Return a new thing; one made here before (in a loop) may still be about, so the two are one."""
        identity = id(expression)
        old = state.boxes.get(identity)
        state.boxes[identity] = box if old is None else old.blurred(box.content)
        return Value(boxes=frozenset({identity}))

    def _listing(self, expression: Expression, items: list[Value], state: State) -> Value:
        return self.new_box(expression, Box(BoxKind.LIST, items=tuple(items)), state)

    def _mapping(self, expression: Mapping, state: State) -> Value:
        cells: dict[Exact, Value] = {}
        loose: list[Value] = []
        for key, expression_of_value in expression.pairs:
            value = self.evaluate(expression_of_value, state)
            name = self.evaluate(key, state).single if key is not None else None
            if name is None:
                loose.append(value if key is not None else either([value, UNKNOWN]))
            else:
                cells[name] = value
        if loose:
            return self.new_box(expression, Box(BoxKind.MAP, rest=either([*loose, *cells.values()])), state)
        return self.new_box(expression, Box(BoxKind.MAP, cells=tuple(cells.items())), state)

    def _comprehension(self, expression: Comprehension, state: State) -> Value:
        inner: State | None = state.copy()
        for target, iterable in expression.clauses:
            self.assign(target, self.content_of(self.evaluate(iterable, inner or state), state), inner or state)
        for test in expression.tests:
            inner = self.assume(test, inner, outcome=True) if inner is not None else None
        if inner is None:
            return self._listing(expression, [], state)
        element = self.evaluate(expression.element, inner)
        state.boxes.update(inner.boxes)
        return self.new_box(expression, Box(BoxKind.LIST, rest=element), state)

    def content_of(self, value: Value, state: State) -> Value:
        """Return what going through a value gives, one after the other."""
        found = [box.content for identity in value.boxes if (box := self.box(identity, state)) is not None]
        if not value.boxes or value.taints or value.is_unknown:
            found.append(
                replace(
                    value,
                    constants=None,
                    boxes=frozenset(),
                    prefix="",
                    roles=frozenset(),
                    is_unknown=value.is_unknown or bool(value.roles),
                )
            )
        return either(found)

    # Operators

    def _operation(self, expression: Operation, state: State) -> Value:
        symbol = expression.operator
        if symbol in AND | OR | {"??"}:
            return self._logic(expression, state)
        values = [self.evaluate(operand, state) for operand in expression.operands]
        if symbol == "number":
            return self._number(expression, values[0])
        if symbol == "+" and all(value.boxes for value in values):
            return self.new_box(
                expression, Box(BoxKind.LIST, rest=either([self.content_of(v, state) for v in values])), state
            )
        return self.combined(symbol, [self.flat(value, state) for value in values])

    def _number(self, expression: Operation, value: Value) -> Value:
        if value.constants is not None:
            return value
        if not value.taints:
            return FIXED
        return FIXED.with_note(Note(NoteKind.NUMBER, expression.place.line, self.text(expression)))

    def combined(self, symbol: str, values: list[Value]) -> Value:
        """Return what an operator makes of values."""
        answer = folded(symbol, values, self.language)
        if answer is not None:
            return answer
        if symbol in YES_OR_NO:
            return FIXED
        if symbol == "+" and len(values) == 2:  # noqa: PLR2004  a length, said by its place
            return concatenated(values)
        if symbol == "%" and values[0].prefix and values[0].constants is not None:
            return self.formatted(values)
        return mixed(values)

    def formatted(self, values: list[Value]) -> Value:
        """Return a text made from a template, the first value, and what is put into it."""
        template = values[0]
        single = template.single
        text = single[1] if single is not None and isinstance(single[1], str) else ""
        prefix = text.split("%")[0].split("{")[0]
        united = mixed(values)
        return replace(united, prefix=prefix, fragments=united.fragments | ({text[:300]} if text else frozenset()))

    def _logic(self, expression: Operation, state: State) -> Value:
        left, right = expression.operands
        first = self.evaluate(left, state)
        if expression.operator == "??":
            return either([first, self.evaluate(right, state)])
        positive, negative = self.decide(left, state)
        goes_on, stops = (positive, negative) if expression.operator in AND else (negative, positive)
        if goes_on is None:
            return first
        second = self.evaluate(right, goes_on)
        self.absorb(state, [goes_on, stops])
        return second if stops is None else either([first, second])

    def _choice(self, expression: Choice, state: State) -> Value:
        values: list[Value] = []
        ends = self.decide(expression.test, state)
        for branch, inner in zip((expression.positive, expression.negative), ends, strict=True):
            if inner is not None:
                values.append(self.evaluate(branch, inner))
        self.absorb(state, list(ends))
        return either(values)

    def flat(self, value: Value, state: State, depth: int = 3) -> Value:
        """Return a value with the contents of the things in it, as when it is turned into text or handed to a sink."""
        if not value.boxes:
            return value
        inside = [box.content for identity in value.boxes if (box := self.box(identity, state)) is not None]
        if depth == 0:
            return replace(value, boxes=frozenset(), is_unknown=True)
        return mixed([replace(value, boxes=frozenset()), *(self.flat(content, state, depth - 1) for content in inside)])
