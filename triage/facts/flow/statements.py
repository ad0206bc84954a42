"""The walk through statements: branches that cannot be taken are left out, ways that meet are brought together."""

from __future__ import annotations

import re
from dataclasses import replace

from triage.facts.flow.calls import Calls
from triage.facts.flow.context import Frame, OutOfBudget, names_set_by_closures
from triage.facts.flow.parameters import value_of_parameter
from triage.facts.flow.program import (
    Attempt,
    Block,
    Branch,
    Call,
    Constant,
    Define,
    Evaluate,
    Expression,
    Function,
    Leave,
    Leaving,
    Loop,
    Member,
    Name,
    Return,
    Setting,
    Statement,
    Switch,
    parts_of,
)
from triage.facts.flow.values import (
    UNKNOWN,
    Box,
    Exact,
    Note,
    NoteKind,
    State,
    Value,
    constant,
    either,
    merged,
    one_of,
)

TESTS = {NoteKind.TESTED, NoteKind.TESTED_AGAINST}
MAY_END = re.compile(
    r"^(?:abort|die|exit|fail|halt|quit|panic|reject|throw\w*|raise\w*|deny|forbid\w*|redirect)$", re.I
)
Statements = tuple[Statement, ...]
MOST_ROUNDS = 8
ROUNDS_BEFORE_WIDENING = 2


class Walk(Calls):
    """The whole walk."""

    def walk_function(self, function: Function) -> None:
        """Walk a function as if anyone had called it."""
        names = {}
        for index, parameter in enumerate(function.parameters):
            names[parameter.name] = value_of_parameter(function, index, language=self.language, library=self.library)
        frame = Frame(function, unsteady=self.set_by_closures(function))
        self.frames.append(frame)
        self.entered.add(function.place.start)
        self.run_body(function, State(names))
        self.frames.pop()

    def walk_file(self) -> None:
        """Walk the statements outside functions, and the functions among them that hold the finding."""
        self.frames.append(Frame(None, unsteady=names_set_by_closures(self.program.statements)))
        self.run(self.program.statements, State())
        self.frames.pop()

    def run_body(self, function: Function, state: State) -> State | None:
        """Walk the statements of a function."""
        return self.run(function.body(), state)

    def run(self, statements: Statements, state: State | None) -> State | None:
        """Walk statements in order; None where no way leads past them."""
        for statement in statements:
            if state is None:
                return None
            state = self.statement(statement, state)
            if self.frame.raising and state is not None:
                self._may_raise(state)
        return state

    def _may_raise(self, state: State) -> None:
        raising = self.frame.raising
        raising[-1] = merged([raising[-1], state.copy()])

    def statement(self, statement: Statement, state: State) -> State | None:
        """Walk one statement."""
        self.step()
        match statement:
            case Evaluate(expression=expression):
                self.evaluate(expression, state)
                return self._after(expression, state)
            case Branch(test=test, positive=positive, negative=negative):
                taken, left = self.decide(test, state)
                return merged([self.run(positive, taken), self.run(negative, left)])
            case Block(body=body, own_names=own_names):
                return self._block(body, own_names, state)
            case Loop():
                return self._loop(statement, state)
            case Switch():
                return self._switch(statement, state)
            case Attempt():
                return self._attempt(statement, state)
            case Return(value=value):
                returned = self.evaluate(value, state) if value is not None else constant(None)
                self.frame.returns.append((returned, state))
                return None
            case _:
                return self._other(statement, state)

    def _after(self, expression: Expression, state: State) -> State | None:
        """Return the state after an expression: none after what ends the function, a doubtful one after what may."""
        if not isinstance(expression, Call):
            return state
        if self.path_of(expression.callee, state) in self.library.endings:
            if self.frame.raising:
                self._may_raise(state)
            return None
        if isinstance(expression.callee, Member | Name) and MAY_END.match(expression.callee.name):
            # If it ends the function, the test before it was a guard: keep that open, and say nothing of it here.
            for name, value in state.names.items():
                state.names[name] = replace(
                    value, notes=frozenset(note for note in value.notes if note.kind not in TESTS)
                )
        return state

    def _other(self, statement: Statement, state: State) -> State | None:
        match statement:
            case Define(function=function):
                if not function.owner:
                    self.frame.closures[function.name] = function
                if self.holds_target(function):
                    self.enter_closure(function, state, [])
                return state
            case Leave(how=how, value=value):
                if value is not None:
                    self.evaluate(value, state)
                if how is Leaving.RAISE:
                    if self.frame.raising:
                        self._may_raise(state)
                elif how is Leaving.BREAK and self.frame.breaks:
                    self.frame.breaks[-1].append(state)
                elif how is Leaving.CONTINUE and self.frame.continues:
                    self.frame.continues[-1].append(state)
                return None
            case _:
                raise OutOfBudget

    def _block(self, body: Statements, own_names: frozenset[str], state: State) -> State | None:
        outer = {name: state.names[name] for name in own_names if name in state.names}
        end = self.run(body, state)
        if end is not None:
            for name in own_names:
                end.names.pop(name, None)
            end.names.update(outer)
        return end

    # Loops

    def _loop(self, loop: Loop, state: State) -> State | None:
        self.frame.breaks.append([])
        self.frame.continues.append([])
        head: State | None = state
        ends: list[State | None] = []
        if loop.body_comes_first:
            head = self._round(loop, state)
        for count in range(MOST_ROUNDS):
            if head is None:
                break
            entering, leaving = self._test(loop, head)
            ends = [leaving]
            after = self._round(loop, entering) if entering is not None else None
            new_head = merged([head.copy(), after])
            if new_head is None or new_head == head:
                break
            head = _widened(head, new_head) if count >= ROUNDS_BEFORE_WIDENING else new_head
        else:
            raise OutOfBudget
        self.frame.continues.pop()
        ended = self.run(loop.otherwise, merged(ends))
        return merged([ended, *self.frame.breaks.pop()])

    def _test(self, loop: Loop, head: State) -> tuple[State | None, State | None]:
        if loop.each is not None:
            entering = head.copy()
            target, iterable = loop.each
            source = self.evaluate(iterable, entering)
            if self._is_surely_empty(source, entering):
                return None, head
            self.assign(target, self.content_of(source, entering), entering)
            return entering, head
        if loop.test is None or (isinstance(loop.test, Constant) and loop.test.value is True):
            return head.copy(), None
        return self.decide(loop.test, head)

    def _is_surely_empty(self, source: Value, state: State) -> bool:
        boxes = [self.box(identity, state) for identity in source.boxes]
        return (
            len(boxes) == 1
            and not source.is_unknown
            and not source.taints
            and boxes[0] is not None
            and (boxes[0].items == () or boxes[0].cells == ())
            and boxes[0].rest is None
        )

    def _round(self, loop: Loop, entering: State) -> State | None:
        end = merged([self.run(loop.body, entering), *self.frame.continues[-1]])
        self.frame.continues[-1].clear()
        return self.run(loop.step, end)

    # Cases

    def _switch(self, switch: Switch, state: State) -> State | None:
        subject = self.evaluate(switch.subject, state)
        self.frame.breaks.append([])
        ends: list[State | None] = []
        falling: State | None = None
        remaining: State | None = state
        entries = self._entries(switch, subject, state)
        has_default = any(case.labels is None for case in switch.cases)
        for case, entry in zip(switch.cases, entries, strict=True):
            end = self.run(case.body, merged([falling, entry]))
            falling = end if switch.falls_through else None
            if not switch.falls_through:
                ends.append(end)
        if has_default or _covers(switch, subject, self, state):
            remaining = None
        return merged([*ends, falling, remaining, *self.frame.breaks.pop()])

    def _entries(self, switch: Switch, subject: Value, state: State) -> list[State | None]:
        """Return the state in which each case begins, None for one that cannot be chosen."""
        left = subject.constants
        entries: list[State | None] = []
        for case in switch.cases:
            if case.labels is None:
                entries.append(None)
                continue
            labels = [self.evaluate(label, state).constants if case.is_exact else None for label in case.labels]
            known = (
                None
                if any(label is None for label in labels)
                else frozenset[Exact]().union(*(label or frozenset() for label in labels))
            )
            entry: State | None = state.copy()
            if known is not None and left is not None:
                chosen, left = left & known, left - known
                entry = self._chosen(switch, chosen, subject, state) if chosen else None
            elif known is not None:
                entry = self._chosen(switch, known, subject, state)
            else:
                for label in case.labels:
                    for part in parts_of(label):
                        if entry is not None and isinstance(part, Name):
                            entry.names[part.name] = either([subject, UNKNOWN])
            entries.append(entry)
        is_default_open = left is None or bool(left)
        return [
            (state.copy() if is_default_open else None) if case.labels is None else entry
            for case, entry in zip(switch.cases, entries, strict=True)
        ]

    def _chosen(self, switch: Switch, chosen: frozenset[Exact], subject: Value, state: State) -> State:
        entry = state.copy()
        key = self.key_of(switch.subject)
        if key is not None:
            note = Note(NoteKind.ALLOWED, switch.place.line, f"the cases of {self.text(switch.subject)}")
            value = one_of(chosen) if subject.constants is not None else one_of(chosen).with_note(note)
            if isinstance(switch.subject, Name):
                entry.names[switch.subject.name] = value
            else:
                entry.checked[key] = value
        return entry

    # Exceptions

    def _attempt(self, attempt: Attempt, state: State) -> State | None:
        self.frame.raising.append(state.copy())
        end = self.run(attempt.body, state)
        raised = self.frame.raising.pop()
        end = self.run(attempt.otherwise, end)
        ends = [end]
        if attempt.finally_body:
            self.frame.raising.append(merged([raised, end]))
        for name, body in attempt.handlers:
            caught = raised.copy() if raised is not None else None
            if caught is not None and name is not None:
                caught.names[name] = UNKNOWN
            ends.append(self.run(body, caught))
        if not attempt.finally_body:
            if self.frame.raising and raised is not None:  # what no handler took goes further out
                self._may_raise(raised)
            return merged(ends)
        escaping = self.frame.raising.pop()
        normal = merged(ends)
        # Walked once for every way there is, so that the finding is seen in all of them, once for the normal way out.
        self.run(attempt.finally_body, merged([escaping, normal, raised]))
        return self.run(attempt.finally_body, normal.copy()) if normal is not None else None

    def settings_after(self, outer: Function, inner: Function) -> set[tuple[str, bool]]:
        """Return the names that a function sets again after a closure was made."""
        return {
            (part.target.name, True)
            for statement in outer.body()
            for part in parts_of(statement)
            if isinstance(part, Setting)
            and not part.declares
            and isinstance(part.target, Name)
            and part.place.start > inner.place.end
        }


def _covers(switch: Switch, subject: Value, walk: Walk, state: State) -> bool:
    """Say whether the cases take everything that the subject can be."""
    if subject.constants is None:
        return False
    taken: frozenset[Exact] = frozenset()
    for case in switch.cases:
        for label in case.labels or ():
            taken |= walk.evaluate(label, state).constants or frozenset() if case.is_exact else frozenset()
    return subject.constants <= taken


def _widened(before: State, after: State) -> State:
    """Give up on what still changes from round to round, so that the rounds end."""
    names = {
        name: value if before.names.get(name) == value else _without_details(value)
        for name, value in after.names.items()
    }
    boxes = {
        identity: box if before.boxes.get(identity) == box else Box(box.kind, rest=_without_details(box.content))
        for identity, box in after.boxes.items()
    }
    return State(names, boxes, after.checked)


def _without_details(value: Value) -> Value:
    return replace(value, constants=None, fragments=frozenset(), prefix="", made_of=None)
