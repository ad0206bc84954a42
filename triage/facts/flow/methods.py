"""What methods give: of texts, of lists and tables, of requests."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace

from triage.facts.flow.evaluation import Evaluation
from triage.facts.flow.folding import concatenated, method_folded
from triage.facts.flow.library import (
    HARMLESS_METHODS,
    INERT_METHODS,
    LOADING_METHODS,
    PASSING_METHODS,
    TEXT_METHODS,
    Encoder,
)
from triage.facts.flow.program import Call, Member, Name
from triage.facts.flow.values import (
    FIXED,
    UNKNOWN,
    Box,
    BoxKind,
    Note,
    NoteKind,
    Role,
    State,
    Value,
    constant,
    either,
    mixed,
)

Given = list[Value]


@dataclass(frozen=True, slots=True)
class Handed:
    """What a call hands over, and what the callbacks among it give."""

    given: Given
    keywords: list[tuple[str, Value]]
    callbacks: Given = field(default_factory=list)

    @property
    def every(self) -> Given:
        """All values, wherever they stand."""
        return [*self.given, *(value for _, value in self.keywords)]


ADDING = {"append", "add", "push", "addLast", "offer", "appendleft", "addFirst", "addElement", "unshift"}
ADDING_ALL = {"extend", "addAll", "update", "putAll", "assign"}
REMOVING = {"pop", "remove", "shift", "poll", "removeFirst", "removeLast", "popitem", "discard", "popleft"}
TEXT_CHANGES = {"append", "insert", "replace", "delete", "deleteCharAt", "reverse", "setLength", "setCharAt"}


class Methods(Evaluation):
    """The part of the walk that knows methods."""

    @abstractmethod
    def encoded(self, call: Call, encoder: Encoder, handed: Given) -> Value:
        """Return what an encoder gives; `calls` provides it."""

    def method(self, call: Call, receiver: Value, handed: Handed, state: State) -> Value | None:
        """Return what a method of a value gives, None where that is not known."""
        name = call.callee.name if isinstance(call.callee, Member) else ""
        if Role.REQUEST in receiver.roles:
            if name in self.library.request_methods:
                return self.tainted(call)
            return None
        if self._is_holder(receiver, state):
            return self._load(name, receiver, handed, state)
        if receiver.boxes and not receiver.is_unknown and not receiver.taints:
            known = self._box_method(name, receiver, handed.given, state)
            if known is not None:
                return known
        if name in self.library.method_encoders:
            encoder = self.library.method_encoders[name]
            return self.encoded(call, encoder, [self.flat(value, state) for value in handed.given[-1:]])
        return None if receiver.boxes else self._plain_method(call, name, receiver, handed, state)

    def _is_holder(self, value: Value, state: State) -> bool:
        boxes = [self.box(identity, state) for identity in value.boxes]
        return any(box is not None and box.kind is BoxKind.HOLDER for box in boxes)

    def _load(self, name: str, receiver: Value, handed: Handed, state: State) -> Value | None:
        """Follow what a builder is handed that it will run; whatever else it is asked is not known."""
        if name in LOADING_METHODS:
            for identity in receiver.boxes:
                box = self.box(identity, state)
                if box is not None:
                    state.boxes[identity] = replace(box, rest=mixed([box.content, *handed.given]))
            return receiver
        return receiver if name in INERT_METHODS else None

    def _plain_method(self, call: Call, name: str, receiver: Value, handed: Handed, state: State) -> Value | None:
        values = [self.flat(value, state) for value in handed.every]
        folded_answer = method_folded(name, receiver, values)
        if folded_answer is not None:
            return folded_answer
        if receiver.taints and dict(call.keywords).get("type") is not None:
            return self._converted(call, receiver)
        if name in HARMLESS_METHODS or name in self.library.harmless:
            return FIXED if not receiver.is_unknown or receiver.made_of is None else None
        # `get` of a fixed thing whose contents are not followed (REGISTRY.get) may give anything.
        if name in {"map", "flatMap"} and receiver.taints:
            return self._mapped(call, receiver, handed, state)
        passes = name in TEXT_METHODS if receiver.is_fixed else name in PASSING_METHODS and bool(receiver.taints)
        if passes:
            return self._passed_method(call, name, receiver, [*values, *handed.callbacks])
        return replace(mixed([receiver, *values]), roles=frozenset()) if receiver.taints else None

    def _mapped(self, call: Call, receiver: Value, handed: Handed, state: State) -> Value:
        """Return what a function makes of every item."""
        if handed.callbacks:
            return replace(mixed(handed.callbacks), prefix="")
        paths = [self.path_of(argument, state) for argument in call.arguments]
        if len(paths) == 1 and paths[0] in self.library.numbers:
            return FIXED.with_note(Note(NoteKind.NUMBER, call.place.line, self.text(call)))
        return replace(receiver, is_unknown=True) if paths[0:1] == ["String"] else UNKNOWN

    def _converted(self, call: Call, receiver: Value) -> Value:
        """Return what `request.args.get("id", type=int)` gives."""
        kind = dict(call.keywords)["type"]
        if isinstance(kind, Name) and kind.name in {"int", "float", "bool"}:
            return FIXED.with_note(Note(NoteKind.NUMBER, call.place.line, self.text(call)))
        return replace(receiver, is_unknown=True)

    def _passed_method(self, call: Call, name: str, receiver: Value, handed: Given) -> Value:
        if name in {"format", "formatted"}:
            return self.formatted([receiver, *handed])
        if name == "join":
            return mixed([replace(receiver, prefix=""), *handed])
        value = mixed([receiver, *handed])
        if name == "concat":
            value = concatenated([receiver, *handed])
        if name in {"replace", "replaceAll"} and receiver.taints:
            # It may put back what an encoder took out.
            value = as_if_raw(value).with_note(Note(NoteKind.REPLACED, call.place.line, self.text(call)))
        if name in {"decode", "unescape"}:
            value = as_if_raw(value)
        if name in {"trim", "strip", "lower", "toLowerCase", "toString", "encode", "concat"}:
            return value
        return replace(value, prefix="")

    def _box_method(self, name: str, receiver: Value, given: Given, state: State) -> Value | None:
        boxes = [(identity, box) for identity in receiver.boxes if (box := self.box(identity, state)) is not None]
        if not boxes:
            return None
        if boxes[0][1].kind is BoxKind.TEXT:
            return self._text_method(name, receiver, given, boxes, state)
        if name in ADDING and given:
            self._add(boxes, given, at_start=name in {"appendleft", "addFirst", "unshift"}, state=state)
            return receiver if name == "add" and self.language != "java" else FIXED
        if name in ADDING_ALL and given:
            for value in given:
                self.blur(receiver, state, self.content_of(value, state))
            return FIXED
        if name in {"put", "set", "setdefault", "setProperty", "insert", "putIfAbsent"} and given:
            return self._put(name, receiver, given, boxes, state)
        if name in REMOVING:
            return self._remove(name, boxes, given, state)
        if name == "clear":
            for identity, box in boxes:
                state.boxes[identity] = Box(box.kind, items=()) if box.kind is BoxKind.LIST else Box(box.kind, cells=())
            return FIXED
        return self._read(name, receiver, given, state)

    def _read(self, name: str, receiver: Value, given: Given, state: State) -> Value | None:
        if name in {"get", "getProperty", "elementAt", "getOrDefault"} and given:
            return self._get(receiver, given, state)
        if name in {"items", "entries", "entrySet"}:
            return replace(self.flat(receiver, state), constants=None)
        if name in {"keys", "keySet"}:
            keys = [self.box(identity, state) for identity in receiver.boxes]
            if all(box is not None and box.cells is not None for box in keys):
                return FIXED
            return self.flat(receiver, state)
        if name in {"add_section", "has_section", "hasNext", "read_"} or name in HARMLESS_METHODS:
            return FIXED
        if name in PASSING_METHODS | {"getFirst", "getLast", "peek", "firstElement", "lastElement", "toArray"}:
            return mixed([replace(self.flat(value, state), prefix="") for value in [receiver, *given]])
        return None

    def _get(self, receiver: Value, given: Given, state: State) -> Value:
        if len(given) == 2 and self._is_sectioned(receiver, given[0], state):  # noqa: PLR2004  a length, said by its place
            return self.cell_of(receiver, _joined_key(given), state)
        found = self.cell_of(receiver, given[0], state)
        values = [found, *given[1:]] if len(given) > 1 else [found]
        result = either(values)
        is_looked_up = bool(given[0].taints) and result.is_fixed and not found.is_unknown
        return result.with_note(_looked_up(given[0])) if is_looked_up else result

    def _is_sectioned(self, receiver: Value, section: Value, state: State) -> bool:
        boxes = [self.box(identity, state) for identity in receiver.boxes]
        return (
            self.language == "python"
            and all(
                box is not None and box.cells is not None and any(key[0] == "section" for key, _ in box.cells)
                for box in boxes
            )
            and section.single is not None
        )

    def _put(self, name: str, receiver: Value, given: Given, boxes: list[tuple[int, Box]], state: State) -> Value:
        if name == "set" and len(given) == 3 and self.language == "python":  # noqa: PLR2004  a length, said by its place
            self.put(receiver, _joined_key(given[:2]), given[2], state)
            return FIXED
        if len(given) == 2 and boxes[0][1].kind is BoxKind.LIST and name != "set":  # noqa: PLR2004  a length, said by its place
            self.blur(receiver, state, given[1])
            return FIXED
        before = self.cell_of(receiver, given[0], state)
        if name in {"setdefault", "putIfAbsent"}:
            self.blur(receiver, state, either(given[1:]))
            return either([before, *given[1:]])
        if len(given) > 1:
            self.put(receiver, given[0], given[1], state)
        return before if name == "put" else FIXED

    def _add(self, boxes: list[tuple[int, Box]], given: Given, *, at_start: bool, state: State) -> None:
        for identity, box in boxes:
            if len(boxes) == 1 and box.items is not None and len(given) == 1 and len(box.items) < 200:  # noqa: PLR2004  a length, said by its place
                items = (*given, *box.items) if at_start else (*box.items, *given)
                state.boxes[identity] = replace(box, items=items)
            elif len(given) == 2 and len(boxes) == 1 and self.language == "java":  # noqa: PLR2004  a length, said by its place
                state.boxes[identity] = box.blurred(given[1])
            else:
                state.boxes[identity] = box.blurred(either([self.flat(value, state) for value in given]))

    def _remove(self, name: str, boxes: list[tuple[int, Box]], given: Given, state: State) -> Value:
        results: Given = []
        for identity, box in boxes:
            index = _removed_index(name, box, given)
            if len(boxes) == 1 and box.items is not None and index is not None:
                results.append(box.items[index])
                kept = [item for place, item in enumerate(box.items) if place != index]
                state.boxes[identity] = replace(box, items=tuple(kept))
            else:
                results.append(box.content)
                state.boxes[identity] = Box(box.kind, rest=box.content)
        return either([*results, *given[1:]])

    def _text_method(
        self, name: str, receiver: Value, given: Given, boxes: list[tuple[int, Box]], state: State
    ) -> Value | None:
        if name in TEXT_CHANGES:
            for identity, box in boxes:
                old = box.rest or constant("")
                values = [self.flat(value, state) for value in given]
                new = (
                    concatenated([old, *values])
                    if name == "append" and len(values) == 1
                    else replace(mixed([old, *values]), prefix="")
                )
                state.boxes[identity] = Box(BoxKind.TEXT, rest=new if len(boxes) == 1 else either([old, new]))
            return receiver
        whole = self.flat(receiver, state)
        content = either([box.rest or constant("") for _, box in boxes]) if len(boxes) == len(receiver.boxes) else whole
        if name == "toString":
            return content
        if name in HARMLESS_METHODS:
            return FIXED
        return replace(mixed([content, *given]), prefix="") if name in PASSING_METHODS else None


def as_if_raw(value: Value) -> Value:
    """Return a value without what encoders did for it."""
    return replace(value, taints=frozenset(replace(taint, harmless_for=frozenset()) for taint in value.taints))


def _joined_key(parts: Given) -> Value:
    """Return the key under which a ConfigParser keeps an option of a section."""
    singles = [part.single for part in parts]
    if any(single is None for single in singles):
        return UNKNOWN
    text = "\0".join(str(single[1]) for single in singles if single is not None)
    return Value(constants=frozenset({("section", text)}))


def _looked_up(key: Value) -> Note:
    line = min(taint.line for taint in key.taints)
    return Note(NoteKind.ALLOWED, line, "a table of fixed values")


def _removed_index(name: str, box: Box, given: Given) -> int | None:
    if box.items is None or not box.items:
        return None
    if name in {"shift", "poll", "removeFirst", "popleft"}:
        return 0
    if name in {"pop", "removeLast"} and not given:
        return len(box.items) - 1
    single = given[0].single if given else None
    if name in {"pop", "remove"} and single is not None and isinstance(single[1], int):
        return single[1] if 0 <= single[1] < len(box.items) else None
    return None
