"""Setting names, members and items to values."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

from triage.facts.flow.guards import Guards
from triage.facts.flow.program import (
    Constant,
    Expression,
    Item,
    Listing,
    Mapping,
    Member,
    Name,
    Setting,
    Unclear,
)
from triage.facts.flow.values import (
    UNKNOWN,
    Exact,
    Note,
    NoteKind,
    State,
    Value,
    constant,
    either,
    mixed,
)

YES_OR_NO = {
    "==", "===", "!=", "!==", "<", "<=", ">", ">=", "in", "not in", "is", "is not", "instanceof", "not", "!",
    "typeof", "void", "delete", "number",
}  # fmt: skip


class Assignment(Guards):
    """The part of the walk that changes the state."""

    @abstractmethod
    def content_of(self, value: Value, state: State) -> Value:
        """Return what going through a value gives; `evaluation` provides it, and the four below."""

    @abstractmethod
    def combined(self, symbol: str, values: list[Value]) -> Value:
        """Return what an operator makes of values."""

    @abstractmethod
    def flat(self, value: Value, state: State, depth: int = 3) -> Value:
        """Return a value with the contents of the things in it."""

    @abstractmethod
    def cell_of(self, base: Value, key: Value, state: State) -> Value:
        """Return what a thing holds under a key."""

    @abstractmethod
    def member_of(self, base: Value, expression: Member, state: State) -> Value:
        """Return what a member of a value is worth."""

    def setting(self, expression: Setting, state: State) -> Value:
        """Carry an assignment out, and return the value that was set."""
        value = self.evaluate(expression.value, state)
        if expression.operator in {"||", "&&", "??"}:
            value = either([self.evaluate(expression.target, state), value])
        elif expression.operator:
            before = self.evaluate(expression.target, state)
            if before.boxes:
                self.blur(before, state, self.content_of(value, state))
                value = before
            else:
                value = self.combined(expression.operator, [before, self.flat(value, state)])
        if value.is_fixed and not isinstance(expression.value, Name):
            value = value.set_at(Note(NoteKind.SET, expression.place.line, self.text(expression)))
        self.assign(expression.target, value, state)
        return value

    def assign(self, target: Expression, value: Value, state: State) -> None:
        """Set a name, a member or an item to a value."""
        match target:
            case Name(name=name):
                state.names[name] = value
                self.forget_checks(name, state)
                for key in [key for key in state.names if key.startswith(f"{name}.")]:
                    del state.names[key]
            case Member():
                self._assign_member(target, value, state)
            case Item(base=base, key=key):
                self._assign_item(base, self.evaluate(key, state) if key else UNKNOWN, value, state)
            case Listing(items=items):
                content = self.content_of(value, state)
                for index, item in enumerate(items):
                    self.assign(item, self.cell_of(value, constant(index), state) if value.boxes else content, state)
            case Mapping(pairs=pairs):
                for picked, inner in pairs:
                    self.assign(inner, self._picked(value, picked, state), state)
            case Setting(target=inner, value=default):  # a default inside a pattern
                self.assign(inner, either([value, self.evaluate(default, state)]), state)
            case Unclear(parts=parts):
                for part in parts:
                    self.assign(part, either([self.content_of(value, state), UNKNOWN]), state)

    def _picked(self, value: Value, key: Expression | None, state: State) -> Value:
        if not isinstance(key, Constant) or not isinstance(key.value, str):
            return either([self.content_of(value, state), UNKNOWN])
        return self.member_of(value, Member(key.place, key, key.value), state)

    def _assign_item(self, base: Expression, key: Value, value: Value, state: State) -> None:
        thing = self.evaluate(base, state)
        self.put(thing, key, value, state)
        if not thing.boxes:
            self.blur(value, state)  # whoever holds the object may change what was put into it
            self._spoil(base, value, state)

    def _assign_member(self, target: Member, value: Value, state: State) -> None:
        key = self.key_of(target)
        base = self.evaluate(target.base, state)
        if base.boxes:
            self.put(base, constant(target.name), value, state)
        else:
            self.blur(value, state)  # whoever holds the object may change what was put into it
            if key is not None:
                state.names[key] = value
        root: Expression = target
        while isinstance(root, Member):
            root = root.base
        if isinstance(root, Name):
            self.forget_checks(root.name, state)
        if not base.boxes:
            self._spoil(target.base, value, state)

    def _spoil(self, base: Expression, value: Value, state: State) -> None:
        """Remember that something went into a thing whose contents are not followed."""
        if isinstance(base, Name) and base.name in state.names and not state.names[base.name].boxes:
            old = state.names[base.name]
            if not old.roles:
                state.names[base.name] = replace(mixed([old, value]), is_unknown=True)

    def put(self, base: Value, key: Value, value: Value, state: State) -> None:
        """Put a value into a thing under a key."""
        single = key.single
        for identity in base.boxes:
            box = self.box(identity, state)
            if box is None:
                continue
            is_certain = len(base.boxes) == 1 and not base.is_unknown and single is not None
            if is_certain and single is not None and box.cells is not None:
                cells = {**dict(box.cells), single: value}
                state.boxes[identity] = replace(box, cells=tuple(cells.items()))
            elif is_certain and single is not None and box.items is not None and _is_index(single, box.items):
                items = list(box.items)
                items[int(str(single[1]))] = value
                state.boxes[identity] = replace(box, items=tuple(items))
            else:
                state.boxes[identity] = box.blurred(value)


def _is_index(key: Exact, items: tuple[Value, ...]) -> bool:
    return key[0] == "int" and isinstance(key[1], int) and -len(items) <= key[1] < len(items)
