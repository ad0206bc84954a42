"""What calls give: functions of the same file are entered, libraries are looked up, the rest is not known."""

from __future__ import annotations

from dataclasses import replace

from triage.facts.flow.context import DEEPEST_CALL, Frame, Observation
from triage.facts.flow.folding import concatenated
from triage.facts.flow.library import INERT_METHODS, Encoder
from triage.facts.flow.methods import Given, Handed, Methods, as_if_raw
from triage.facts.flow.parameters import value_of_parameter
from triage.facts.flow.program import Call, Expression, Function, Member, Name
from triage.facts.flow.values import (
    FIXED,
    UNKNOWN,
    Box,
    BoxKind,
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

CALLBACK_METHODS = {"forEach", "map", "filter", "some", "every", "find", "reduce", "flatMap", "sort", "then"}


class Calls(Methods):
    """The part of the walk that follows calls."""

    def run_body(self, function: Function, state: State) -> State | None:
        """Walk the statements of a function; `statements` provides it."""
        raise NotImplementedError

    def call(self, call: Call, state: State) -> Value:
        """Return what a call gives."""
        receiver = self._receiver(call, state)
        given = [self.evaluate(argument, state) for argument in call.arguments]
        keywords = [(name, self.evaluate(argument, state)) for name, argument in call.keywords]
        if id(call) in self.watched:
            self.observations.append(
                Observation(
                    call,
                    FIXED,
                    self._seen_through(receiver, state),
                    tuple(self.flat(value, state) for value in given),
                    tuple((name, self.flat(value, state)) for name, value in keywords),
                )
            )
        return self._answer(call, receiver, Handed(given, keywords), state)

    def _seen_through(self, receiver: Value | None, state: State) -> Value | None:
        if receiver is None:
            return None
        made_of = self.flat(receiver.made_of, state) if receiver.made_of is not None else None
        if self._is_holder(receiver, state):
            made_of = self.flat(replace(receiver, is_unknown=False), state)
        return replace(self.flat(replace(receiver, made_of=None), state), made_of=made_of)

    def _receiver(self, call: Call, state: State) -> Value | None:
        if not isinstance(call.callee, Member):
            return None
        return self.evaluate(call.callee.base, state)

    def _answer(self, call: Call, receiver: Value | None, handed: Handed, state: State) -> Value:
        path = self.path_of(call.callee, state)
        function = self._function_of_file(call, state)
        if function is not None:
            return self._enter(function, call, handed, state)
        handed = replace(handed, callbacks=self._run_callbacks(call, receiver, state))
        if path is not None:
            known = self._library_call(call, path, handed, state)
            if known is not None:
                return known
        if isinstance(call.callee, Member) and receiver is not None:
            known = self.method(call, receiver, handed, state)
            if known is not None:
                return known
        return self._unknown_call(call, receiver, handed.every, state)

    def _unknown_call(self, call: Call, receiver: Value | None, handed: Given, state: State) -> Value:
        name = call.callee.name if isinstance(call.callee, Member) else ""
        parts = [*handed, *([receiver.made_of] if receiver is not None and receiver.made_of is not None else [])]
        made_of = mixed([replace(value, made_of=None) for value in parts]) if parts else None
        self._forget_members(state)
        if isinstance(call.callee, Member) and receiver is not None and name not in INERT_METHODS:
            self._keep_handed(call.callee.base, name, receiver, handed, state)
        if receiver is not None:
            self.blur(receiver, state)
        for value in handed:
            self.blur(value, state)
        self._spoil_handed(call, state)
        is_plain = call.makes_object and all(value.is_fixed for value in handed)
        roles = frozenset({Role.PLAIN_OBJECT}) if is_plain else frozenset[Role]()
        return Value(is_unknown=True, made_of=made_of, roles=roles)

    def _keep_handed(self, base: Expression, name: str, receiver: Value, handed: Given, state: State) -> None:
        """Keep what was handed to an object by its methods, for a later `start()` or `execute()` without arguments."""
        if not isinstance(base, Name) or base.name not in state.names:
            return
        parts = [replace(value, made_of=None) for value in handed]
        if receiver.made_of is not None:
            # What is bound to a prepared statement is not part of what it runs.
            if parts and not name.startswith(("set", "bind")):
                state.names[base.name] = replace(receiver, made_of=mixed([receiver.made_of, *parts]))
        elif not receiver.boxes and not receiver.roles and receiver.constants is None and not receiver.is_unknown:
            own = replace(receiver, made_of=None)
            state.names[base.name] = replace(receiver, is_unknown=True, made_of=mixed([own, *parts]))

    def _spoil_handed(self, call: Call, state: State) -> None:
        """Forget what objects were made of that someone else was handed."""
        for argument in call.arguments:
            if isinstance(argument, Name) and argument.name in state.names:
                value = state.names[argument.name]
                if value.made_of is not None:
                    state.names[argument.name] = replace(value, made_of=mixed([value.made_of, UNKNOWN]))

    def _forget_members(self, state: State) -> None:
        """Forget what members of objects were set to: any call may reach the same object."""
        for key in [key for key in state.names if "." in key]:
            del state.names[key]

    # Functions of the same file

    def _function_of_file(self, call: Call, state: State) -> Function | None:
        found: Function | None = None
        if len(self.frames) > DEEPEST_CALL:
            return None
        match call.callee:
            case Name(name=name) if call.makes_object:
                return None
            case Name(name=name):
                if name in self.frame.closures:
                    found = self.frame.closures[name]
                elif name in state.names and name not in self.functions_by_name:
                    return None
                else:
                    found = self._only_function(name, call, None)
            case Member(base=Name(name="this" | "self" | "cls"), name=name):
                owner = self._owner()
                found = self._only_function(name, call, owner) if owner is not None else None
            case Member(base=Name(name=base), name=name) if (
                base in self.program.class_parents and base not in state.names
            ):
                found = self._only_function(name, call, base)
            case Member(base=Call(callee=Name(name=base), makes_object=True), name=name) if (
                base in self.program.class_parents
            ):
                found = self._only_function(name, call, base)
            case _:
                return None
        if found is None or any(
            frame.function is not None and frame.function.place == found.place for frame in self.frames
        ):
            return None
        return found

    def _owner(self) -> str | None:
        for frame in reversed(self.frames):
            if frame.function is not None and frame.function.owner:
                return frame.function.owner
        return None

    def _only_function(self, name: str, call: Call, owner: str | None) -> Function | None:
        candidates = self.functions_by_name.get(name, [])
        if owner is not None:
            candidates = [function for function in candidates if function.owner == owner]
        elif self.language != "java":
            candidates = [function for function in candidates if not function.owner]
        elif len(candidates) > 1:
            candidates = [function for function in candidates if function.owner == self._owner()]
        if self.language == "java":
            candidates = [each for each in candidates if len(each.parameters) == len(call.arguments)]
        if any(self._is_overridden(function) for function in candidates):
            return None
        # A class that others extend may be overridden, and a name set again may mean another function.
        if len(candidates) != 1 or (owner is None and self.language != "java" and self._is_set_again(name)):
            return None
        return candidates[0]

    def _is_overridden(self, function: Function) -> bool:
        """Say whether a class of this file that extends the function's own has one of the same name."""
        heirs = {name for name, parents in self.program.class_parents.items() if function.owner in parents}
        return bool(function.owner) and any(
            each.owner in heirs for each in self.functions_by_name.get(function.name, [])
        )

    def _is_set_again(self, name: str) -> bool:
        value = self.file_expressions.get(name)
        return value is not None and not isinstance(value, Function)

    def _enter(self, function: Function, call: Call, handed_over: Handed, state: State) -> Value:
        is_bound = isinstance(call.callee, Member) and bool(function.owner) and self.language == "python"
        self._spoil_handed(call, state)
        values = (
            [Value(roles=frozenset({Role.SELF})), *handed_over.given]
            if is_bound and "staticmethod" not in function.annotations
            else handed_over.given
        )
        names = dict(state.names) if function.is_closure and function.name in self.frame.closures else {}
        for index, parameter in enumerate(function.parameters):
            if parameter.gathers:
                rest = either([self.flat(value, state) for value in values[index:]])
                names[parameter.name] = rest if values[index:] else FIXED
                continue
            handed = values[index] if index < len(values) else dict(handed_over.keywords).get(parameter.name)
            if handed is None:
                handed = self.evaluate(parameter.default, State()) if parameter.default is not None else UNKNOWN
            names[parameter.name] = handed
        return self._walk(function, State(names, state.boxes, {}), state)

    def _walk(self, function: Function, inside: State, outside: State) -> Value:
        closures = dict(self.frame.closures) if self.frames else {}
        frame = Frame(function, closures=closures, unsteady=self.set_by_closures(function))
        self.frames.append(frame)
        self.entered.add(function.place.start)
        try:
            end = self.run_body(function, inside)
        finally:
            self.frames.pop()
        ends = [state for _, state in frame.returns] + ([end] if end is not None else [])
        if ends:
            united = State()
            self.absorb(united, [State({}, state.boxes, {}) for state in ends])
            outside.boxes = united.boxes
        values = [value for value, _ in frame.returns] + ([constant(None)] if end is not None else [])
        return either(values)

    # Closures

    def enter_closure(self, function: Function, state: State, given: Given) -> Value:
        """Walk a closure that is called now or later, and return what it gives."""
        if len(self.frames) > DEEPEST_CALL + 4 or any(
            frame.function is not None and frame.function.place == function.place for frame in self.frames
        ):
            return UNKNOWN
        names = {
            name: either([value, UNKNOWN]) if self._may_change_later(name, function) else value
            for name, value in state.names.items()
        }
        for index, parameter in enumerate(function.parameters):
            handed = (
                given[index]
                if index < len(given)
                else value_of_parameter(function, index, language=self.language, library=self.library)
            )
            names[parameter.name] = handed
        before = state.copy()
        answer = self._walk(function, State(names, dict(state.boxes), {}), state)
        self.absorb(state, [before, State(dict(state.names), state.boxes, dict(state.checked))])
        return answer

    def _may_change_later(self, name: str, function: Function) -> bool:
        if "." in name or name in self.frame.unsteady:
            return True
        outer = self.frame.function
        if outer is None or self.is_changed_somewhere(name):
            return self.is_changed_somewhere(name)
        return (name, True) in self.settings_after(outer, function)

    def settings_after(self, outer: Function, inner: Function) -> set[tuple[str, bool]]:
        """Return the names that a function sets again after a closure was made; `statements` provides it."""
        raise NotImplementedError

    def _run_callbacks(self, call: Call, receiver: Value | None, state: State) -> Given:
        answers: Given = []
        name = call.callee.name if isinstance(call.callee, Member) else ""
        for argument in call.arguments:
            if isinstance(argument, Function) and not self.holds_target(argument):
                content = (
                    [self.content_of(receiver, state)] if receiver is not None and name in CALLBACK_METHODS else []
                )
                answers.append(self.enter_closure(argument, state, content))
            elif isinstance(argument, Function) and receiver is not None and name in CALLBACK_METHODS:
                answers.append(self.enter_closure(argument, state, [self.content_of(receiver, state)]))
        return answers

    # Libraries

    def _library_call(self, call: Call, path: str, handed_over: Handed, state: State) -> Value | None:
        library = self.library
        handed = [self.flat(value, state) for value in handed_over.every]
        if path in library.numbers:
            return self._as_number(call, handed)
        if path in library.encoders:
            return self.encoded(call, library.encoders[path], handed)
        made = self._made(call, path, handed_over, state)
        if made is not None:
            return made
        if path in library.passing:
            return self._passed(path, handed)
        if path in library.fixed and all(value.is_fixed for value in handed):
            return FIXED
        if path in library.local_sources:
            return self._library_value(path, call)
        return None

    def _made(self, call: Call, path: str, handed_over: Handed, state: State) -> Value | None:
        """Return the new thing that a call makes, None where it makes none that is followed."""
        library, given = self.library, handed_over.given
        if path == "require":
            return Value(is_unknown=True, roles=frozenset({Role.MODULE}))
        if path == "Object.assign" and given and given[0].boxes:
            self.blur(given[0], state, either([self.content_of(value, state) for value in given[1:]]))
            return given[0]
        if path in library.displays | library.wrappers and len(given) == 1 and len(given[0].boxes) == 1:
            box = self.box(next(iter(given[0].boxes)), state)
            return self.new_box(call, box, state) if box is not None and given[0].is_fixed else UNKNOWN
        if path in library.displays:
            return self.new_box(call, Box(BoxKind.LIST, items=tuple(given)), state)
        if path in library.holders:
            value = self.new_box(call, Box(BoxKind.HOLDER, rest=mixed(given) if given else FIXED), state)
            return replace(value, is_unknown=True)
        if path in library.streams:
            taints = frozenset[Taint]().union(*(self.flat(value, state).taints for value in given))
            return Value(is_unknown=True, taints=taints, made_of=mixed(given) if given else FIXED)
        is_made = call.makes_object or self.language == "python"
        return self._made_collection(call, path, given, state) if is_made else None

    def _made_collection(self, call: Call, path: str, given: Given, state: State) -> Value | None:
        simple = path if self.language == "python" else path.rsplit(".", 1)[-1]
        contents = [self.content_of(value, state) for value in given]
        has_contents = any(value.boxes or not value.is_fixed for value in given)
        if simple in self.library.texts:
            texts = [
                value for value in given if value.constants is None or isinstance((value.single or ("", ""))[1], str)
            ]
            return self.new_box(call, Box(BoxKind.TEXT, rest=concatenated([constant(""), *texts])), state)
        if simple in self.library.maps:
            box = (
                Box(BoxKind.MAP, rest=either(contents)) if has_contents or call.keywords else Box(BoxKind.MAP, cells=())
            )
            return self.new_box(call, box if not call.keywords else Box(BoxKind.MAP, rest=UNKNOWN), state)
        if simple in self.library.lists:
            if len(given) == 1 and given[0].boxes:
                boxes = [self.box(identity, state) for identity in given[0].boxes]
                if len(boxes) == 1 and boxes[0] is not None and boxes[0].items is not None:
                    return self.new_box(call, boxes[0], state)
            box = Box(BoxKind.LIST, rest=either(contents)) if has_contents else Box(BoxKind.LIST, items=())
            return self.new_box(call, box, state)
        return None

    def _as_number(self, call: Call, handed: Given) -> Value:
        single = handed[0].single if len(handed) == 1 else None
        if single is not None and isinstance(single[1], int) and not isinstance(single[1], bool):
            return handed[0]
        notes = mixed(handed).notes if handed else frozenset[Note]()
        result = Value(notes=notes)
        if any(value.taints or value.is_unknown for value in handed):
            return result.with_note(Note(NoteKind.NUMBER, call.place.line, self.text(call)))
        return result

    def encoded(self, call: Call, encoder: Encoder, handed: Given) -> Value:
        """Return what an encoder makes of what it was handed."""
        value = mixed(handed)
        kind = NoteKind.ENCODED if encoder.is_certain else NoteKind.PARTLY_ENCODED
        note = Note(kind, call.place.line, self.text(call))
        if not encoder.is_certain:
            return replace(value, constants=None).with_note(note)
        if value.is_unknown and not value.taints:
            return value.with_note(note)
        return value.made_harmless_for(encoder.families, note)

    def _passed(self, path: str, handed: Given) -> Value:
        if len(handed) == 1 and path in {"str", "String", "String.valueOf", "Integer.toString"}:
            return handed[0]
        if path in {"String.format", "util.format"} and handed and handed[0].single is not None:
            return self.formatted(handed)
        value = mixed(handed) if handed else FIXED
        # What decodes undoes what an encoder did.
        if any(word in path.lower() for word in ("unquote", "decode", "unescape", "loads", "parse", "re.sub")):
            value = as_if_raw(value)
        return replace(value, prefix="") if "join" not in path else value
